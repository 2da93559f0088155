"""Counting all cases again from scratch, and comparing with what stands: the two must be equal, to the last number.

It reads only, but all of it: for an administrator's doubt and for tests, never for a figure. Memory stays small however
many years there are: facts are read by the page and compared with the parts that are stored of them, parts by the day
and compared with that day's sums, and what an hour has is added up by the database. All of it sees one moment, so that
counting may go on beside it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
from yiwang.kit import App

from .attribution import Key, Spot, keys_of, parts_of
from .counting import Counters
from .facts import decode
from .hours import Hours, add_hours
from .profile import Book
from .rules import Rules
from .store import part_columns, sql
from .vocabulary import NAMES, NUMBER

PAGE: Final = 5000
SHOWN: Final = 50
"""Differences of each sort that are told"""
LONGEST_S: Final = 900.0
KINDS: Final = ["area", "grid", "unit", "person"]
"""Kinds of parts; a post is told with its person"""
_PART: Final = "case_id, purpose, kind, object, alt, day, cls, segments, hits, amounts"


class Recount(msgspec.Struct, kw_only=True):
    """What was found."""

    cases: int = 0
    parts: int = 0
    mistakes: list[str] = msgspec.field(default_factory=list)
    """Every difference between what stands and the recount, as a sentence; none in a sound database"""


async def recount(app: App) -> Recount:
    """Count every case anew and compare."""
    made, rules, root = Recount(), app.get(Book).rules, app.node.jurisdiction
    async with app.pool.acquire() as db, db.transaction(isolation="repeatable_read"):
        await db.execute("set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0")
        await db.execute("create temp table told_hours (object text, cls text, hour timestamptz, reported int, overdue int)"
                         " on commit drop")  # fmt: skip
        lost = await _facts(db, made, rules, root)
        made.mistakes += [f"案件 {case_id} 的归属记录与其事实不符" for case_id in lost[:SHOWN]]
        made.mistakes += (await _sums(db, rules, root))[:SHOWN]
        made.mistakes += await _hours(db)
    return made


async def _facts(db: Any, made: Recount, rules: Rules, root: str) -> list[str]:
    """Cases whose stored parts aren't those that follow from their facts; what their hours have goes to a table."""
    lost: list[str] = []
    after = ""
    while rows := await db.fetch(sql["all_facts"], after, PAGE):
        wanted: list[tuple[str, Spot, Counters]] = []
        hours: Hours = {}
        for row in rows:
            facts = decode(row["facts"])
            add_hours(hours, facts, 1, root)
            wanted += [(facts.case_id, spot, hits) for spot, hits in parts_of(facts, rules).items()]
        last = rows[-1]["case_id"]
        stored = await db.fetch(f"select {_PART} from parts where case_id > $1 and case_id <= $2", after, last)
        lost += _other_parts(stored, wanted)
        await db.copy_records_to_table("told_hours", records=[(*spot, *counts) for spot, counts in hours.items()])
        made.cases, made.parts, after = made.cases + len(rows), made.parts + len(wanted), last
    rest = await db.fetch("select distinct case_id from parts where case_id > $1 limit $2", after, SHOWN)
    return lost + [row["case_id"] for row in rest]


def _other_parts(stored: list[Any], wanted: list[tuple[str, Spot, Counters]]) -> list[str]:
    there = {(*list(row)[:8], frozenset(zip(row["hits"], row["amounts"], strict=True))) for row in stored}
    columns = part_columns(wanted) if wanted else [[]] * 8
    rows = zip(*columns[:8], [frozenset((NUMBER[n], a) for n, a in hits.items()) for _, _, hits in wanted], strict=True)
    return sorted({row[0] for row in there ^ set(rows)})


async def _sums(db: Any, rules: Rules, root: str) -> list[str]:
    """Sums that aren't those of their day's parts."""
    found: list[str] = []
    days = [row["day"] for row in await db.fetch("select day from parts union select day from sums order by day",
                                                 timeout=LONGEST_S)]  # fmt: skip
    told: dict[Key, Counters] = {}
    today: dt.date | None = None
    async for row in db.cursor("select * from sums order by day", prefetch=PAGE, timeout=LONGEST_S):
        while today is None or today < row["day"]:
            found += _missing(told)
            today = days.pop(0)
            told = await _day(db, today, rules, root)
        key = (row["purpose"], row["kind"], row["object"], row["cls"], today)
        stands = {name: row[name] for name in NAMES if row[name]}
        again = {name: total for name, total in told.pop(key, {}).items() if total}
        if stands != again:
            found.append(f"{_said(key)}：现有 {stands}，重新计算 {again}")
        if len(found) >= SHOWN:
            return found
    for day in days:
        found += _missing(told)
        told = await _day(db, day, rules, root)
    return found + _missing(told)


async def _day(db: Any, day: dt.date, rules: Rules, root: str) -> dict[Key, Counters]:
    """The sums of one day as its parts say."""
    told: dict[Key, Counters] = {}
    for row in await db.fetch(f"select {_PART} from parts where kind = any($1) and day = $2", KINDS, day):
        segments = tuple(row["segments"].split())
        spot = Spot(row["purpose"], row["kind"], row["object"], row["alt"], day, row["cls"], segments)
        hits = [(NAMES[n], amount) for n, amount in zip(row["hits"], row["amounts"], strict=True)]
        for key in keys_of(spot, rules, root):
            total = told.setdefault(key, {})
            for name, amount in hits:
                total[name] = total.get(name, 0) + amount
    return told


def _missing(told: dict[Key, Counters]) -> list[str]:
    return [f"{_said(key)}：没有合计，重新计算 {sums}" for key, sums in told.items() if any(sums.values())]


def _said(key: Key) -> str:
    return " ".join(str(word) for word in key if word)


async def _hours(db: Any) -> list[str]:
    rows = await db.fetch(
        "select object, cls, hour from (select object, cls, hour, sum(reported) r, sum(overdue) o from told_hours"
        " group by object, cls, hour) n full join hours h using (object, cls, hour)"
        " where coalesce(n.r, 0) <> coalesce(h.reported, 0) or coalesce(n.o, 0) <> coalesce(h.overdue, 0)"
        " order by object, cls, hour limit $1", SHOWN, timeout=LONGEST_S,
    )  # fmt: skip
    return [f"{row['object']} {row['cls']} {row['hour']}：小时数与重新计算不符" for row in rows]


async def mistakes(app: App) -> list[str]:
    """Every difference between what stands and a recount, as sentences."""
    return (await recount(app)).mistakes
