"""Queues as rows: a page by remaining time, and how many cases wait, which is kept rather than counted."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from yiwang.kit import App

from . import inspectors, similar
from .case import Case
from .claims import sql
from .experience_store import MONTHS, month_of
from .experience_store import sql as experience
from .queues import APPROVE, SIDE
from .rules import Rules
from .store import QueueCount, below
from .store import queue_counts as counted
from .turns import Right

_case: Final = msgspec.json.Decoder(Case)
STREET: Final = 9
"""Digits of a street's code: the kept counts know no smaller area"""
COUNTY: Final = 6
"""Digits of a county's code; one that ends in 00 is a city's or a province's"""
EVERY_S: Final = 3600
STEP: Final = 5000


class Waiting(msgspec.Struct, frozen=True):
    """A case in a queue, and who has it in hand."""

    case: Case
    queue: str
    due_at: dt.datetime | None
    claimed_by: str
    claimed_until: dt.datetime | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a page of a queue is asked for. `areas` and `units` are what the caller may see; the rest narrows it."""

    queue: str
    areas: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    area: str = ""
    unit_id: str = ""
    mine: str = ""
    """Only what this person has in hand"""
    free: bool = False
    """Only what nobody has in hand"""
    rights: tuple[Right, ...] = ()
    """Of the queue of approvals: over which cases the caller's word counts, in which role"""
    person_ref: str = ""
    """Of the queue of approvals: whose own requests it leaves out"""


class Approvals(msgspec.Struct, frozen=True):
    role: str
    waiting: int
    late: int


class Mine(msgspec.Struct, frozen=True):
    queue: str
    n: int


async def page(db: Any, asked: Asked, now: dt.datetime, after: tuple[str, str], limit: int) -> list[Waiting]:
    """At most *limit* cases of a queue beyond (deadline as text, case id). *db* is inside a transaction."""
    await db.execute("set local plan_cache_mode = force_custom_plan")
    if asked.queue == APPROVE:
        found = await db.fetch(
            sql["approve_page"], APPROVE, *after, _rights(asked.rights), asked.person_ref, below(asked.area), now,
            asked.unit_id, asked.mine, asked.free, limit,
        )  # fmt: skip
    else:
        found = await _of_queue(db, asked, now, after, limit)
    return [
        Waiting(_case.decode(r["doc"]), asked.queue, r["due_at"], r["person_ref"] or "", r["until"] if r["person_ref"] else None)
        for r in found
    ]


async def _of_queue(db: Any, asked: Asked, now: dt.datetime, after: tuple[str, str], limit: int) -> Any:
    args = (
        asked.queue, *after, [below(a) for a in asked.areas], list(asked.units), below(asked.area), asked.unit_id,
        asked.mine, asked.free, now, limit,
    )  # fmt: skip
    if asked.queue in SIDE:
        return await db.fetch(sql["side_page"], *args)
    seen = (asked.area,) if asked.area else asked.areas
    if seen and not asked.units:
        streets, counties = sorted({area[:STREET] for area in seen}), sorted({area[:COUNTY] for area in seen})
        if all(len(street) == STREET for street in streets):
            return await db.fetch(sql["street_page"], *args, streets)
        if len(counties) == 1 and len(counties[0]) == COUNTY and not counties[0].endswith("00"):
            await db.execute("set local enable_sort = off")  # its index has the queue's order
            return await db.fetch(sql["county_page"], *args, counties[0])
    if asked.areas:  # many of the queue's cases are the caller's: walk it in its order until the page is full
        await db.execute("set local enable_sort = off; set local enable_bitmapscan = off")
    return await db.fetch(sql["queue_page"], *args)


def _rights(rights: Sequence[Right]) -> str:
    """As the queries take them: an area as the pattern of its codes."""
    rows = [
        {"role": r.role, "unit_id": r.unit_id, "whole": r.whole, "area": "%" if r.whole else below(r.area) or None}
        for r in rights
    ]
    return msgspec.json.encode(rows).decode()


async def approvals(db: Any, rights: Sequence[Right], person_ref: str, now: dt.datetime) -> dict[str, Approvals]:
    """How many cases wait for the word of *person_ref*, by role, and how many of them are late."""
    found = await sql.rows(db, "approve_counts", Approvals, _rights(rights), person_ref, now)
    return {one.role: one for one in found}


async def counts(db: Any, areas: Sequence[str], units: Sequence[str], now: dt.datetime) -> dict[str, QueueCount]:
    """How many cases wait in each queue, of those areas and units, and how many of them are late."""
    if any(len(area) > STREET for area in areas):
        found = await counted(db, areas, units, now)
    else:
        args = ([below(a) for a in areas], list(units))
        found = await sql.rows(db, "waiting_counts", QueueCount, *args)
        found += await sql.rows(db, "just_late", QueueCount, *args, now)
    found += await sql.rows(db, "side_counts", QueueCount, [below(a) for a in areas], list(units), now)
    return _added(found)


def _added(found: Iterable[QueueCount]) -> dict[str, QueueCount]:
    whole: dict[str, QueueCount] = {}
    for one in found:
        old = whole.get(one.queue, QueueCount(one.queue, 0, 0, 0, 0))
        whole[one.queue] = QueueCount(
            one.queue, old.in_area + one.in_area, old.in_unit + one.in_unit, old.late_in_area + one.late_in_area,
            old.late_in_unit + one.late_in_unit,
        )  # fmt: skip
    return whole


async def mine(db: Any, person_ref: str, now: dt.datetime) -> dict[str, int]:
    """How many cases of each queue *person_ref* has in hand."""
    return {one.queue: one.n for one in await sql.rows(db, "mine_counts", Mine, person_ref, now)}


async def tidy(db: Any, now: dt.datetime) -> None:
    """Pack the kept counts, forget claims of yesterday and experience that no suggestion looks at."""
    await sql.run(db, "pack_waiting")
    await sql.run(db, "drop_empty")
    await sql.run(db, "forget_claims", now - dt.timedelta(days=1), STEP)
    await experience.run(db, "forget", month_of(now, MONTHS), STEP)


async def keep_tidy(app: App) -> None:
    """Once an hour, in one replica."""
    while True:
        await tidy(app.pool, app.clock.now())
        await inspectors.forget(app, STEP)
        await similar.forget(app.pool, app.get(Rules), app.clock.now())
        await asyncio.sleep(EVERY_S)
