"""Rows of whistles (吹哨)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.kit import Sql

from .store import below
from .whistle import Whistle

sql: Final = Sql("yiwang.dispatch", "whistles.sql")
_decode: Final = msgspec.json.Decoder(Whistle).decode


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is asked for. `areas` and `units` are what the caller may see."""

    state: str = ""
    kind: str = ""
    case_id: str = ""
    areas: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


def _text(one: Whistle) -> str:
    return msgspec.json.encode(one).decode()


async def add(tx: Any, one: Whistle) -> None:
    units = [called.call.unit_id for called in one.units]
    await sql.run(
        tx, "add_whistle", one.whistle_id, one.area, one.kind, one.state, one.blown_at, one.case_id, units, _text(one)
    )


async def save(tx: Any, one: Whistle) -> None:
    await sql.run(tx, "save_whistle", one.whistle_id, one.state, _text(one))


async def lock(tx: Any, whistle_id: str) -> Whistle | None:
    doc = await sql.value(tx, "lock_whistle", whistle_id)
    return None if doc is None else _decode(doc)


async def find(db: Any, whistle_id: str) -> Whistle | None:
    doc = await sql.value(db, "whistle_doc", whistle_id)
    return None if doc is None else _decode(doc)


async def page(db: Any, asked: Asked, after: tuple[dt.datetime, str], limit: int) -> list[Whistle]:
    """At most *limit* whistles older than *after*, newest first."""
    rows: Sequence[Any] = await db.fetch(
        sql["page_of_whistles"], *after, asked.state, asked.kind, asked.case_id, [below(a) for a in asked.areas],
        list(asked.units), limit,
    )  # fmt: skip
    return [_decode(row["doc"]) for row in rows]
