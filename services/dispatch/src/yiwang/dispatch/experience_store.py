"""Experience kept in the database: learnt in the transaction that closes a case, read for one case at a time."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseClosed
from yiwang.kit import Sql

from .auto import UNKNOWN_UNIT, Work
from .calendar import SHANGHAI
from .case import Case
from .experience import Experience, Situation, Suggestion, situation
from .rules import Rules
from .units import Ambiguous

sql: Final = Sql("yiwang.dispatch", "experience.sql")
NAMES: Final = {"part": ("部件", "大类", "小类"), "event": ("事件", "大类", "小类")}
COUNTED: Final = frozenset({"live", "historical"})
"""Purposes from which something is learnt; tests, drills and demonstrations teach nothing"""
MONTHS: Final = 12
"""A suggestion looks at this month and so many before it (近一年)"""


class Known(msgspec.Struct, frozen=True, gc=False):
    key: str
    unit_id: str
    n: int


def facts(case: Case) -> Situation | None:
    """What *case* is counted under; None while it has no class."""
    at, place = case.category, case.place
    if at is None:
        return None
    area = place.area if place else None
    return situation(
        (f"{at.code_set}/{at.kind}", at.major, at.minor), NAMES.get(at.kind, ("类型", "大类", "小类")),
        street=area.street9 if area else "", community=area.community12 if area else "", channel=case.channel.code,
    )  # fmt: skip


def month_of(at: dt.datetime, back: int = 0) -> dt.date:
    """The first day of the month in which *at* lies in Shanghai, *back* months earlier."""
    here = at.astimezone(SHANGHAI)
    months = here.year * 12 + here.month - 1 - back
    return dt.date(months // 12, months % 12 + 1, 1)


def lessons(works: Sequence[Work], now: dt.datetime) -> Counter[tuple[str, dt.date, str]]:
    """How much each count grows by the cases among *works* that were just closed: (key, month, unit)."""
    found: Counter[tuple[str, dt.date, str]] = Counter()
    for work in works:
        case = work.case
        if case.state != "closed" or case.purpose not in COUNTED or case.flags.self_disposed or case.lead is None:
            continue
        if not any(isinstance(event, CaseClosed) for event in work.events):
            continue
        at, unit = facts(case), registered(work.rules, case.lead.unit_id, case.lead.unit_name)
        if at is not None and unit != UNKNOWN_UNIT.unit_id:
            month = month_of(case.created_at if case.imported else now)
            if month >= month_of(now, MONTHS):
                found.update((key, month, unit) for key in at.keys)
    return found


def registered(rules: Rules, unit_id: str, name: str) -> str:
    """The id under which the registry knows a unit that goes by several (别名); its own where it doesn't."""
    try:
        unit = rules.units.resolve(unit_id, name)
    except Ambiguous:
        return unit_id
    return unit.unit_id if unit else unit_id


async def learn(tx: Any, works: Sequence[Work], now: dt.datetime) -> None:
    """Raise the counts by the cases that were just closed; the last locks of their transaction."""
    found = lessons(works, now)
    if found:
        keys, months, units = zip(*found, strict=True)
        await sql.run(tx, "learn", list(keys), list(months), list(units), list(found.values()))


async def suggest(db: Any, case: Case, rules: Rules, now: dt.datetime, most: int = 3) -> list[Suggestion]:
    """The likeliest units for *case* by a year of finished ones; only such as the registry still has."""
    at = facts(case)
    if at is None:
        return []
    known = Experience()
    for row in await sql.rows(db, "known", Known, list(at.keys), month_of(now, MONTHS)):
        known.counts[row.key][row.unit_id] = row.n
    found = known.suggest(at, most=len(known.counts.get("*", ())))
    return [one for one in found if rules.units.get(one.unit_id) is not None][:most]
