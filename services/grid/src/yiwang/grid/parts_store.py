"""Rows of the parts registry: imports as a whole, look-ups for whole batches of reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import astuple, replace
from yiwang.contracts import CaseReported, PartRef, Point
from yiwang.kit import Sql, Tx

from .domain import Located
from .findings import Report
from .parts import Part, meant, tile_of, tiles_around

sql: Final = Sql("yiwang.grid", "parts.sql")
COLUMNS: Final = (*Part.__struct_fields__, "tile")


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did to the registry."""

    number: int
    added: int
    changed: int
    ended: int
    unchanged: int


class Import(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    at: dt.datetime
    added: int
    changed: int
    ended: int
    unchanged: int
    report: str


async def bring_in(tx: Tx, parts: Sequence[Part], report: Report, *, whole: bool, at: dt.datetime, by: str) -> Counts:
    """Take *parts* over: new and changed ones count from *at*; with *whole*, absent ones of the same counties end."""
    await sql.run(tx, "lock_parts")
    await sql.run(tx, "incoming")
    records = [(*astuple(part), tile_of(part.lon, part.lat)) for part in parts]
    await tx.copy_records_to_table("part_in", records=records, columns=COLUMNS)
    unchanged = _count(await sql.run(tx, "drop_same"))
    changed = _count(await sql.run(tx, "end_changed", at))
    begun = _count(await sql.run(tx, "begin_new", at))
    ended = 0
    if whole:
        counties = sorted({part.code[:6] for part in parts})
        ended = _count(await sql.run(tx, "end_absent", at, counties, [part.code for part in parts]))
    found = msgspec.json.encode(report).decode()
    number = await sql.value(tx, "note_import", at, by, begun - changed, changed, ended, unchanged, found)
    return Counts(number=number, added=begun - changed, changed=changed, ended=ended, unchanged=unchanged)


def _count(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[1])


async def by_code(db: Any, codes: Sequence[str]) -> dict[str, Part]:
    return {part.code: part for part in await sql.rows(db, "parts_by_code", Part, list(codes))}


async def near(db: Any, code_set: str, major: str, minor: str, lon: float, lat: float) -> list[Part]:
    """Parts of a class around a point."""
    tiles = tiles_around(lon, lat)
    n = len(tiles)
    return await sql.rows(db, "parts_in_tiles", Part, [code_set] * n, [major] * n, [minor] * n, tiles)


async def attach(tx: Tx, found: Sequence[tuple[CaseReported, Located]], within_m: float) -> list[Located]:
    """The answers with the parts that their reports name, or most likely mean; two queries a batch at the most."""
    named = {event.part_id for event, _ in found if event.part_id}
    known = await by_code(tx, sorted(named)) if named else {}
    asked = [about for event, answer in found if (about := _about(event, answer, within_m)) is not None]
    classes = [(*at, tile) for at, point in asked for tile in tiles_around(point.lon, point.lat)]
    around = await sql.rows(tx, "parts_in_tiles", Part, *map(list, zip(*classes, strict=True))) if classes else []
    return [_with_part(event, answer, known, around, within_m) for event, answer in found]


def _with_part(
    event: CaseReported, answer: Located, known: dict[str, Part], around: Sequence[Part], within_m: float
) -> Located:
    part: PartRef | None = None
    if event.part_id in known:
        part = known[event.part_id].ref("named")
    elif around and (about := _about(event, answer, within_m)) is not None:
        at, point = about
        same = [one for one in around if (one.code_set, one.major, one.minor) == at]
        part = meant(same, point.lon, point.lat, within_m)
    return answer if part is None else replace(answer, place=replace(answer.place, part=part))


def _about(event: CaseReported, answer: Located, within_m: float) -> tuple[tuple[str, str, str], Point] | None:
    """The class (code set, major, minor) and the point of a report about a part that it doesn't name; else None."""
    at, point = event.case.category or event.claimed_category, answer.place.point
    if event.part_id or answer.outcome != "located" or at is None or at.kind != "part" or within_m <= 0:
        return None
    if point is None or point.source in ("representative", "address"):
        return None
    return (at.code_set, at.major, at.minor), point
