"""Bringing code tables into a profile, checked: `yiwang codes check|import FILE --profile DIR`.

FILE is a CSV or the first sheet of an .xlsx workbook with the columns of one of the profile's tables, or the name of a
set that ships (`cjt214-2007`, `gbt30428.2-2013`, `cjt214-2007.crosswalk`; their column `source` says whether a code was
seen in use, in a second source, or is unverified). Its rows join those of the profile: equal ones stay, new ones are
added, changed ones are told. The whole profile is then checked as at every start. Local extensions are counted down
from 99 inside a major (case-management 3.1). Only `import` writes, and only what has no mistake.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path
from typing import Final

import msgspec
from yiwang.kit.tables import TableError, lines_of

from .profile import load_profile
from .profile_files import BadProfile, Files
from .profile_overlay import Overlay

COLUMNS: Final = {
    "categories": ("code_set", "kind", "major", "minor", "major_name", "minor_name", "extension"),
    "conditions": (
        "condition_id", "code_set", "kind", "major", "minor", "text", "limit", "unit_kind", "urgency", "closings", "season",
        "steps",
    ),
    "crosswalk": ("from_set", "kind", "major", "minor", "to_set", "to_kind", "to_major", "to_minor"),
}  # fmt: skip
"""Table → its columns; a table is known by them"""
KEYS: Final = {
    "categories": ("code_set", "kind", "major", "minor"),
    "conditions": ("condition_id",),
    "crosswalk": ("from_set", "kind", "major", "minor", "to_set"),
}
TWO_DIGITS: Final = ("major", "minor", "to_major", "to_minor")
OPTIONAL: Final = frozenset({"extension", "season", "steps", "urgency"})
Line = dict[str, str]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of the profile: counts, each change in words, and the mistakes that forbid it."""

    table: str
    added: int
    changed: tuple[str, ...]
    unchanged: int
    mistakes: tuple[str, ...]
    text: str
    """The table as it would be"""


def read(file: str) -> list[Line]:
    """The rows of a CSV, of the first sheet of a workbook, or of a set that ships. Raises BadProfile with a sentence."""
    shipped = files(__package__).joinpath("data", "codes", f"{file}.csv")
    if not Path(file).is_file() and shipped.is_file():
        return _lines(shipped.read_bytes(), f"{file}.csv")
    if not Path(file).is_file():
        raise BadProfile([f"没有文件 {file}，也没有这个名称的随附代码集：请核对路径"])
    return _lines(Path(file).read_bytes(), Path(file).name)


def _lines(data: bytes, name: str) -> list[Line]:
    try:
        rows = [[cell.strip() for cell in cells] for _, cells in lines_of(data, name)]
    except TableError as error:
        raise BadProfile([str(error)]) from None
    head = rows[0] if rows else []
    return [dict(zip_longest(head, row[: len(head)], fillvalue="")) for row in rows[1:] if any(row)]


def table_of(rows: Sequence[Mapping[str, str]]) -> str:
    """Which of the tables *rows* are, by their columns. Raises BadProfile."""
    have = set(rows[0]) if rows else set()
    for table, columns in COLUMNS.items():
        if set(columns) - OPTIONAL <= have:
            return table
    wanted = "；".join(f"{table}：{'、'.join(columns)}" for table, columns in COLUMNS.items())
    raise BadProfile([f"表头（{'、'.join(sorted(have)) or '空'}）不是任何一种代码表：请按下列之一补齐列。{wanted}"])


def check(directory: Path, rows: Sequence[Line]) -> Report:
    """What would become of the profile in *directory* with *rows*. Raises BadProfile for a profile or file past use."""
    table = table_of(rows)
    name = _file_of(directory, table)
    old = _lines((directory / name).read_bytes(), name) if name and (directory / name).is_file() else []
    columns = COLUMNS[table]
    mistakes: list[str] = []
    merged = {_key(table, row): {c: row.get(c, "") for c in columns} for row in old}
    new: set[tuple[str, ...]] = set()
    changed, seen = [], set[tuple[str, ...]]()
    for number, raw in enumerate(rows, 2):
        row = {c: _padded(c, raw.get(c, "")) for c in columns}
        key = _key(table, row)
        if key in seen:
            mistakes.append(f"第 {number} 行：{'/'.join(key)} 在文件中出现两次，请保留一个")
        seen.add(key)
        before = merged.get(key)
        if before is None:
            new.add(key)
        elif before != row:
            changed.append(f"{'/'.join(key)}：" + "，".join(f"{c} {before[c]!r} → {row[c]!r}" for c in columns if before[c] != row[c]))
        merged[key] = row
    if table == "categories":
        mistakes += _class_mistakes(list(merged.values()), new)
    text = _written(columns, merged.values())
    try:
        load_profile(directory, Overlay(files={table: text}))
    except BadProfile as bad:
        mistakes += bad.mistakes
    return Report(
        table=table, added=len(new), changed=tuple(changed), unchanged=len(seen) - len(new) - len(changed),
        mistakes=tuple(mistakes), text=text,
    )  # fmt: skip


def _file_of(directory: Path, table: str) -> str:
    asked = Files(directory).toml("profile.toml").get("dispatch", {}).get("files", {}).get(table, "")
    return str(asked) or ("" if table == "crosswalk" else f"dispatch/{table}.csv")


def _key(table: str, row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row.get(c, "") for c in KEYS[table])


def _padded(column: str, value: str) -> str:
    """Spreadsheets drop the zero of 01."""
    return value.zfill(2) if column in TWO_DIGITS and value.isdigit() else value


def _class_mistakes(rows: Sequence[Line], new: Collection[tuple[str, ...]]) -> list[str]:
    """New extensions that aren't counted down from 99, and majors with two names."""
    found, names, taken = [], dict[tuple[str, ...], str](), dict[tuple[str, ...], set[int]]()
    for row in rows:
        major = (row["code_set"], row["kind"], row["major"])
        if row["minor"].isdigit():
            taken.setdefault(major, set()).add(int(row["minor"]))
        if names.setdefault(major, row["major_name"]) != row["major_name"]:
            found.append(f"大类 {'/'.join(major)} 有两个名称“{names[major]}”和“{row['major_name']}”：请统一")
    for row in rows:
        major = (row["code_set"], row["kind"], row["major"])
        if row["extension"] == "yes" and row["minor"].isdigit() and _key("categories", row) in new:
            free = next((n for n in range(99, int(row["minor"]), -1) if n not in taken[major]), None)
            if free is not None:
                found.append(
                    f"本地扩展 {'/'.join(major)}/{row['minor']}（{row['minor_name']}）没有从 99 往下连续编号：请改用 {free:02}"
                )
    return found


def _written(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(dict(row) for row in rows)
    return out.getvalue()


def told(report: Report) -> str:
    """The report as an administrator reads it."""
    lines = [f"表 {report.table}：新增 {report.added} 行，变更 {len(report.changed)} 行，不变 {report.unchanged} 行"]
    lines += [f"  变更 {change}" for change in report.changed]
    lines += [f"  错误 {mistake}" for mistake in report.mistakes]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """0: in order (and written, for import); 1: mistakes, nothing written."""
    parser = argparse.ArgumentParser(prog="yiwang codes", description="检查或导入代码表")
    parser.add_argument("verb", choices=("check", "import"), help="check 只检查；import 检查无误后写入")
    parser.add_argument("file", help="CSV、xlsx，或随附代码集的名称")
    parser.add_argument("--profile", required=True, type=Path, help="城市配置目录")
    asked = parser.parse_args(words)
    try:
        report = check(asked.profile, read(asked.file))
        name = _file_of(asked.profile, report.table)
        if not name:
            raise BadProfile([f"profile.toml 的 [dispatch.files] 没有写 {report.table}：请先写明该表的文件名"])
    except BadProfile as bad:
        sys.stderr.write("\n".join(bad.mistakes) + "\n")
        return 1
    sys.stdout.write(told(report) + "\n")
    if report.mistakes:
        return 1
    if asked.verb == "import":
        (asked.profile / name).write_text(report.text, "utf-8")
        sys.stdout.write(f"已写入 {asked.profile / name}\n")
    return 0
