"""A ledger that a city keeps in a spreadsheet, brought in as xlsx or CSV: checked whole, with a report; nothing or all. Pure.

Columns as people head them (or in English): see `COLUMNS`. A line's own number makes its id, so that the same ledger
brought in again adds only what is new.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from yiwang.contracts import Category, Point
from yiwang.kit.tables import lines_of

from .calendar import SHANGHAI
from .campaign import within
from .ground import Ground
from .ledger import LONGEST, Entry
from .places import place_of_code
from .refusals import Refused
from .rules import Rules

COLUMNS: Final = {
    "编号": "no", "等级": "grade", "区划": "area", "描述": "summary", "地址": "address", "类别": "category", "经度": "lon",
    "纬度": "lat", "发现日期": "found_on", "责任单位": "unit", "整改措施": "measure", "整改期限": "due_on",
}  # fmt: skip
"""Head → field; the heads may also be the fields' own words"""
NEEDED: Final = ("no", "area", "summary")
OLDEST_YEAR: Final = 2000
MOST: Final = 1000
"""Lines in one import"""
UNPACKED: Final = 20 * 2**20
"""Bytes of a workbook when unpacked: a thousand lines have a hundredth of it"""
MIDNIGHT: Final = " 00:00:00"
"""So ends a day in a workbook"""
SPACE: Final = uuid.UUID("5b8f6f0e-9d0b-5d2c-8d7e-6a1f0a6f3c11")
"""Ids of imported entries are derived in this name space"""

Table = Sequence[tuple[int, list[str]]]
"""Line number and cells"""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line that is in order: the entry, and to whom it is given with measure and day, if the ledger says so."""

    entry: Entry
    unit_id: str = ""
    unit_name: str = ""
    measure: str = ""
    due_at: dt.datetime | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What would become, or became, of the file."""

    lines: int
    new: int
    known: int
    """Already in the ledger: left as they are"""
    assigned: int
    """Of the new ones, given to a unit at once"""
    mistakes: tuple[str, ...]
    """Each with its line and what to do; with any of them nothing is brought in"""
    written: bool = False


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Into which ledger."""

    jurisdiction: str
    kind: str
    campaign_id: str
    purpose: str
    now: dt.datetime


def table_of(data: bytes, name: str) -> Table:
    """The file's rows, as many as may come and one more. Raises TableError."""
    return list(islice(lines_of(data, name, largest=UNPACKED), MOST + 2))


def read(table: Table, where: Where, rules: Rules) -> tuple[list[Line], list[str]]:
    """The lines that are in order, and what is wrong with the others."""
    if not table:
        return [], ["文件是空的：第一行写列名"]
    heads = [COLUMNS.get(head.strip(), head.strip()) for head in table[0][1]]
    lacking = [name for name, field in COLUMNS.items() if field in NEEDED and field not in heads]
    if lacking:
        return [], [f"第 1 行缺少列：{'、'.join(lacking)}"]
    if len(table) > MOST + 1:
        return [], [f"超过 {MOST} 行：请分成几个文件导入"]
    lines, mistakes, seen = list[Line](), list[str](), set[str]()
    for number, cells in table[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        row = {head: cell.strip() for head, cell in zip(heads, cells, strict=False)}
        try:
            lines.append(_line(row, where, rules, seen))
        except ValueError as wrong:
            mistakes.append(f"第 {number} 行：{wrong}")
    return lines, mistakes


def _line(row: dict[str, str], where: Where, rules: Rules, seen: set[str]) -> Line:
    """One line. Raises ValueError with a sentence."""
    get = row.get
    no, area = get("no", ""), get("area", "")
    if not no or not get("summary"):
        raise ValueError("编号和描述不能为空，请填写")
    if no in seen:
        raise ValueError(f"编号 {no} 在文件中出现两次，请保留一行")
    seen.add(no)
    if not within(where.jurisdiction, area):
        raise ValueError(f"区划“{area}”不是本辖区内的区划代码，请改正")
    grade = _grade(get("grade", ""), rules.practice.ground)
    found = _day(get("found_on", ""), "发现日期")
    if found and found > where.now.astimezone(SHANGHAI).date():
        raise ValueError("发现日期在今后，请改正")
    if found and found.year < OLDEST_YEAR:
        raise ValueError(f"发现日期早于 {OLDEST_YEAR} 年，请改正")
    place = msgspec.structs.replace(place_of_code(area, None, get("address", "")), point=_point(row))
    entry = Entry(
        entry_id=entry_id(where, no), kind=where.kind, grade=grade, area=area, summary_masked=get("summary", ""),
        found_at=_moment(found) if found else where.now, found_by="import", source_no=no,
        category=_category(get("category", ""), rules), place=place, campaign_id=where.campaign_id, purpose=where.purpose,
    )  # fmt: skip
    return _given(entry, row, where, rules)


def _given(entry: Entry, row: dict[str, str], where: Where, rules: Rules) -> Line:
    unit, measure, due = row.get("unit", ""), row.get("measure", ""), _day(row.get("due_on", ""), "整改期限")
    if not unit:
        if measure or due:
            raise ValueError("有整改措施或期限而没有责任单位，请填写责任单位")
        return Line(entry=entry)
    if not measure or due is None:
        raise ValueError("有责任单位而没有整改措施或期限，请填写，或将责任单位留空待交办")
    if due < where.now.astimezone(SHANGHAI).date():
        raise ValueError("整改期限已过，请填写今后的日期，或将责任单位留空待交办")
    if _moment(due) - where.now > LONGEST - dt.timedelta(days=1):
        raise ValueError("整改期限在十年之后，请改正")
    try:
        known = rules.unit(unit)
    except Refused:
        raise ValueError(f"单位库中没有“{unit}”，或有几个单位同名，请改用单位编号") from None
    return Line(
        entry=entry, unit_id=known.unit_id, unit_name=known.name, measure=measure,
        due_at=_moment(due, dt.time(23, 59, 59)),
    )  # fmt: skip


def entry_id(where: Where, no: str) -> str:
    """The same line of the same ledger is the same entry."""
    return f"entry-{uuid.uuid5(SPACE, f'{where.jurisdiction}/{where.campaign_id}/{where.kind}/{no}')}"


def report_of(lines: Sequence[Line], mistakes: Sequence[str], known: Collection[str], *, written: bool = False) -> Report:
    """The check report; *known* are the ids that the ledger has."""
    new = [line for line in lines if line.entry.entry_id not in known]
    return Report(
        lines=len(lines) + len(mistakes), new=len(new), known=len(lines) - len(new),
        assigned=sum(line.due_at is not None for line in new), mistakes=tuple(mistakes), written=written,
    )  # fmt: skip


def _grade(text: str, ground: Ground) -> str:
    if not text:
        return ground.grades[0].code
    found = next((g.code for g in ground.grades if text in (g.code, g.name, f"{g.name}隐患", f"{g.name}问题")), None)
    if found is None:
        raise ValueError(f"没有“{text}”这一等级，请填：{'、'.join(g.name for g in ground.grades)}")
    return found


def _category(text: str, rules: Rules) -> Category | None:
    parts = text.split("/")
    found = rules.codes.category(rules.code_set, *parts) if len(parts) == 3 else None
    if text and found is None:
        raise ValueError(f"现行分类标准中没有类别“{text}”，请写作 event/01/10，或留空")
    return found


def _point(row: dict[str, Any]) -> Point | None:
    lon, lat = row.get("lon", ""), row.get("lat", "")
    if not lon and not lat:
        return None
    try:
        x, y = float(lon), float(lat)
    except ValueError:
        raise ValueError("经度、纬度须同时填写，为十进制度数") from None
    if not (-180 <= x <= 180 and -90 <= y <= 90):
        raise ValueError("经度、纬度超出范围，请核对是否填反")
    return Point(lon=x, lat=y, crs="cgcs2000", source="import")


def _day(text: str, name: str) -> dt.date | None:
    text = text.removesuffix(MIDNIGHT)
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y.%m.%d"):
        try:
            return dt.datetime.strptime(text, form).date()  # noqa: DTZ007  a day, no moment
        except ValueError:
            continue
    if text:
        raise ValueError(f"{name}“{text}”无法识别，请写作 2026-01-31")
    return None


def _moment(day: dt.date, time: dt.time = dt.time()) -> dt.datetime:
    return dt.datetime.combine(day, time, SHANGHAI)
