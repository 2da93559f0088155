"""What the early warning looks at: by hour, cases reported and disposals that became overdue. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from .attribution import area_chain
from .facts import Facts

GRID = "grid:"
"""Before the id of a duty grid, where areas have their code"""
Hour = tuple[str, str, dt.datetime]
"""area, major class or "", the hour's beginning"""
Hours = dict[Hour, tuple[int, int]]
"""→ reported, overdue"""


def hour_of(at: dt.datetime) -> dt.datetime:
    """The hour in which *at* lies, in UTC (Shanghai's hours begin at the same moments)."""
    return at.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)


def add_hours(found: Hours, facts: Facts | None, sign: int, root: str) -> None:
    """Add what *facts* say to *found*; only live cases, and none that inspectors mended themselves."""
    if facts is None or facts.purpose != "live" or facts.self_disposed or facts.whistle:
        return
    for spot in _spots(facts, facts.reported_at, root):
        reported, overdue = found.get(spot, (0, 0))
        found[spot] = (reported + sign, overdue)
    if facts.late_at is not None:
        for spot in _spots(facts, facts.late_at, root):
            reported, overdue = found.get(spot, (0, 0))
            found[spot] = (reported, overdue + sign)


def _spots(facts: Facts, at: dt.datetime, root: str) -> Iterator[Hour]:
    hour, major = hour_of(at), facts.cls.rpartition("/")[0]
    if facts.duty_grid:
        yield GRID + facts.duty_grid, "", hour
    for code in area_chain(facts.place or facts.taken_by, root):
        if len(code) > 9:
            continue
        yield code, "", hour
        if major and len(code) == 6:
            yield code, major, hour


def changed_hours(old: Mapping[str, Facts | None], new: Mapping[str, Facts], root: str) -> Hours:
    """What a batch changes."""
    found: Hours = {}
    for case_id, facts in new.items():
        before = old.get(case_id)
        if before is not None and _same(before, facts):
            continue
        add_hours(found, before, -1, root)
        add_hours(found, facts, 1, root)
    return {spot: change for spot, change in found.items() if change != (0, 0)}


def _same(a: Facts, b: Facts) -> bool:
    return (a.reported_at, a.late_at, a.place, a.duty_grid, a.cls, a.purpose, a.self_disposed) == (
        b.reported_at, b.late_at, b.place, b.duty_grid, b.cls, b.purpose, b.self_disposed,
    )  # fmt: skip
