"""Counting all cases again from scratch, and comparing with what stands: the two must be equal, to the last number.

It reads only, but all of it: for an administrator's doubt and for tests, never for a figure.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from yiwang.kit import App

from .attribution import Key, Spot, keys_of, parts_of
from .facts import decode
from .hours import Hours, add_hours
from .profile import Book
from .rules import Rules
from .store import part_columns, sql
from .vocabulary import NAMES, NUMBER

PAGE = 5000


class Recount(msgspec.Struct, kw_only=True):
    """Everything that follows from the facts of the cases."""

    cases: int = 0
    parts: int = 0
    sums: dict[tuple[Key, str], int] = msgspec.field(default_factory=dict)
    hours: Hours = msgspec.field(default_factory=dict)
    lost_parts: list[str] = msgspec.field(default_factory=list)


async def recount(db: Any, rules: Rules, root: str) -> Recount:
    """Count every case anew, a page at a time."""
    made = Recount()
    sums: Counter[tuple[Key, str]] = Counter()
    after = ""
    while rows := await db.fetch(sql["all_facts"], after, PAGE):
        after = rows[-1]["case_id"]
        wanted: list[tuple[str, Spot, dict[str, int]]] = []
        for row in rows:
            facts = decode(row["facts"])
            add_hours(made.hours, facts, 1, root)
            wanted += [(facts.case_id, spot, hits) for spot, hits in parts_of(facts, rules).items()]
        for _, spot, hits in wanted:
            for key in keys_of(spot, rules, root):
                for name, value in hits.items():
                    sums[key, name] += value
        made.cases, made.parts = made.cases + len(rows), made.parts + len(wanted)
        made.lost_parts += await _other_parts(db, rows[0]["case_id"], after, wanted)
    made.sums = {key: value for key, value in sums.items() if value}
    made.hours = {spot: counts for spot, counts in made.hours.items() if counts != (0, 0)}
    return made


async def _other_parts(db: Any, first: str, last: str, wanted: list[tuple[str, Spot, dict[str, int]]]) -> list[str]:
    """Cases whose stored parts aren't those that follow from their facts."""
    stored = await db.fetch(
        "select case_id, purpose, kind, object, alt, day, cls, segments, hits, amounts from parts"
        " where case_id between $1 and $2",
        first, last,
    )  # fmt: skip
    there = {(*list(row)[:8], frozenset(zip(row["hits"], row["amounts"], strict=True))) for row in stored}
    columns = part_columns(wanted) if wanted else [[]] * 8
    rows = zip(*columns[:8], [frozenset((NUMBER[n], a) for n, a in hits.items()) for _, _, hits in wanted], strict=True)
    return sorted({row[0] for row in there ^ set(rows)})


async def mistakes(db: Any, app: App) -> list[str]:
    """Every difference between what stands and a recount, as sentences; none in a sound database."""
    made = await recount(db, app.get(Book).rules, app.node.jurisdiction)
    found = [f"案件 {case_id} 的归属记录与其事实不符" for case_id in made.lost_parts[:50]]
    stored: dict[tuple[Key, str], int] = {}
    for row in await db.fetch("select * from sums"):
        key = (row["purpose"], row["kind"], row["object"], row["cls"], row["day"])
        stored |= {(key, name): row[name] for name in NAMES if row[name]}
    wrong = sorted({spot for spot, _ in stored.items() ^ made.sums.items()}, key=repr)
    found += [f"{spot}：现有 {stored.get(spot, 0)}，重新计算 {made.sums.get(spot, 0)}" for spot in wrong[:50]]
    hours = {
        (row["object"], row["cls"], row["hour"]): (row["reported"], row["overdue"])
        for row in await db.fetch("select * from hours where reported <> 0 or overdue <> 0")
    }
    found += [f"{spot}：小时数与重新计算不符" for spot in sorted(dict(hours.items() ^ made.hours.items()))[:50]]
    return found
