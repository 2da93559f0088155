"""Rows of ledgers (台账)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.kit import Sql

from .ledger import Entry
from .store import below

sql: Final = Sql("yiwang.dispatch", "ledgers.sql")
_decode: Final = msgspec.json.Decoder(Entry).decode


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `ledger_entries`; written as JSON that PostgreSQL takes apart."""

    entry_id: str
    kind: str
    state: str
    grade: str
    area: str
    unit_id: str
    campaign_id: str
    station_id: str
    case_id: str
    found_at: dt.datetime
    due_at: dt.datetime | None
    doc: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a list asks for; empty means any. `areas` and `units` are what the caller may see."""

    kind: str = ""
    states: tuple[str, ...] = ()
    campaign_id: str = ""
    area: str = ""
    unit_id: str = ""
    station_id: str = ""
    late: bool = False
    areas: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """So many entries stand there."""

    kind: str
    state: str
    n: int
    late: int


def _rows(entries: Sequence[Entry]) -> str:
    rows = [
        Row(
            entry_id=e.entry_id, kind=e.kind, state=e.state, grade=e.grade, area=e.area, unit_id=e.unit_id,
            campaign_id=e.campaign_id, station_id=e.station_id, case_id=e.case_id, found_at=e.found_at, due_at=e.due_at,
            doc=msgspec.json.encode(e).decode(),
        )
        for e in entries
    ]  # fmt: skip
    return msgspec.json.encode(rows).decode()


async def add(tx: Any, entries: Sequence[Entry]) -> set[str]:
    """Keep new entries; the ids of those that weren't known."""
    return {row["entry_id"] for row in await tx.fetch(sql["add_entries"], _rows(entries))}


async def save(tx: Any, entries: Sequence[Entry]) -> None:
    await sql.run(tx, "save_entries", _rows(entries))


async def lock(tx: Any, entry_id: str) -> Entry | None:
    doc = await sql.value(tx, "lock_entry", entry_id)
    return None if doc is None else _decode(doc)


async def find(db: Any, entry_id: str) -> Entry | None:
    doc = await sql.value(db, "entry_doc", entry_id)
    return None if doc is None else _decode(doc)


async def known(db: Any, ids: Sequence[str]) -> set[str]:
    return {row["entry_id"] for row in await db.fetch(sql["known_entries"], list(ids))}


async def of_cases(tx: Any, case_ids: Sequence[str]) -> list[Entry]:
    """The entries to which cases are linked, locked."""
    return [_decode(row["doc"]) for row in await tx.fetch(sql["entries_of_cases"], list(case_ids))]


async def page(db: Any, asked: Asked, now: dt.datetime, after: tuple[dt.datetime, str], limit: int) -> list[Entry]:
    """At most *limit* entries older than *after*, newest first."""
    rows = await db.fetch(
        sql["page_of_entries"], *after, asked.kind, list(asked.states), asked.campaign_id, below(asked.area), asked.unit_id,
        asked.station_id, asked.late, now, [below(a) for a in asked.areas], list(asked.units), limit,
    )  # fmt: skip
    return [_decode(row["doc"]) for row in rows]


async def counts(
    db: Any, areas: Sequence[str], units: Sequence[str], now: dt.datetime, campaign_id: str = ""
) -> list[Count]:
    return await sql.rows(db, "count_entries", Count, [below(a) for a in areas], list(units), now, campaign_id)
