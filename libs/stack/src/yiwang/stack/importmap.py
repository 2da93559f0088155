"""From a row of somebody's table to a report: the map is a TOML file, a mistake in a row is a sentence.

A field of the map is a column's name, or a table with one of: ``value`` (the same for all rows), ``column`` with
``values`` (text → text), ``time`` (strptime format, local time of `timezone`), ``first`` (keep the first n characters),
or ``template`` (``"{sub_type}，{street}"``).
"""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where one value comes from."""

    column: str = ""
    value: str = ""
    template: str = ""
    values: dict[str, str] = {}
    time: str = ""
    first: int = 0
    required: bool = False


Source = Annotated[str, msgspec.Meta(min_length=1)] | Field


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`then` where every column of `when` has the given text."""

    when: dict[str, str]
    then: str


class ImportMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the rows of one kind of table become reports.

    Keys of `report` are paths in intake's report: ``source.record_id``, ``place.street9``, ``imported.unit.unit_id`` …
    """

    name: str
    columns: list[str]
    """Columns that the file must have"""
    report: dict[str, Source]
    timezone: str = "Asia/Shanghai"
    timeliness: list[Rule] = []
    """First match wins; none: the source doesn't say"""
    batch: int = 500


class MapError(ValueError):
    """The map or a row doesn't fit; the sentence says what to change."""


def load_map(path: Path) -> ImportMap:
    """Read a map. Raises MapError with a sentence."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), ImportMap)
        ZoneInfo(found.timezone)
    except FileNotFoundError:
        raise MapError(f"没有映射文件 {path}：请核对路径") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, ZoneInfoNotFoundError) as error:
        raise MapError(f"映射文件 {path.name} 有误：{error}") from None
    used = {c for f in found.report.values() for c in _columns(f)} | {c for r in found.timeliness for c in r.when}
    if missing := sorted(used - set(found.columns)):
        raise MapError(f"映射文件 {path.name} 用到了未在 columns 中列出的列：{'、'.join(missing)}")
    return found


def _columns(source: Source) -> set[str]:
    if isinstance(source, str):
        return {source}
    import string

    named = {name for _, name, _, _ in string.Formatter().parse(source.template) if name}
    return named | ({source.column} if source.column else set())


def check_header(mapping: ImportMap, row: dict[str, str]) -> None:
    """Raises MapError when the table lacks columns of the map."""
    if missing := [c for c in mapping.columns if c not in row]:
        raise MapError(f"表里缺少列 {'、'.join(missing)}：请核对表与映射“{mapping.name}”是否配套")


def report_of(mapping: ImportMap, row: dict[str, str]) -> dict[str, Any]:
    """Intake's report for *row*; absent values are left out. Raises MapError naming the column."""
    report: dict[str, Any] = {}
    for path, source in mapping.report.items():
        value = _value(mapping, source, row, path)
        if value == "":
            continue
        at = report
        *parents, last = path.split(".")
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = value
    timely = next((r.then for r in mapping.timeliness if all(row.get(c) == v for c, v in r.when.items())), None)
    if "imported" in report and timely is not None:
        report["imported"]["timeliness"] = timely
    return report


def _value(mapping: ImportMap, source: Source, row: dict[str, str], path: str) -> str:
    field = Field(column=source) if isinstance(source, str) else source
    text = field.template.format(**row) if field.template else row[field.column] if field.column else field.value
    text = field.values.get(text, text)
    if field.required and not text:
        raise MapError(f"列 {field.column} 为空，无法填写 {path}：请补上")
    if field.first:
        text = text[: field.first]
    if field.time and text:
        try:
            moment = dt.datetime.strptime(text, field.time).replace(tzinfo=ZoneInfo(mapping.timezone))
        except ValueError:
            raise MapError(f"列 {field.column} 的时间“{text}”不是 {field.time} 的格式：请改正") from None
        return moment.isoformat()
    return text
