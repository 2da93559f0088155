"""Whose a counter is: the parts of a case, each with one object, one day and the counters that it gets there. Pure.

A part is what is stored of a case beside its facts: the figures are sums over parts, and the cases behind a number are
those with a part that says so. The area to which a group is attributed is looked at as finely as the place allows, so
a case of a street stands below its county; a case handed over to another county stands below that one, and once only
at their common parent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec
from yiwang.contracts.areas import city_of, contains, county_of, province_of

from . import vocabulary as v
from .counting import Counters, counters
from .facts import Facts
from .rules import CUSTODIAN, PLACE, Rules, within
from .sharing import of_units

SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))


class Spot(msgspec.Struct, frozen=True, order=True):
    """Where a part counts."""

    purpose: str
    kind: str
    """area, grid, unit or person"""
    object: str
    alt: str
    """The post of a person"""
    day: dt.date
    cls: str
    segments: tuple[str, ...]


Parts = dict[Spot, Counters]


def day_of(at: dt.datetime) -> dt.date:
    """The day in Shanghai."""
    return at.astimezone(SHANGHAI).date()


def parts_of(facts: Facts | None, rules: Rules, when: Callable[[dt.datetime], dt.date] = day_of) -> Parts:
    """All parts of the case, by day or by what *when* makes of a moment; none for a case that isn't known."""
    if facts is None:
        return {}
    found: Parts = {}
    segments = segments_of(facts, rules)
    moments = _Moments(facts, rules, when)
    targets = {group: _area(facts, rules, base) for group, base in rules.attribution.items()}
    unit = rules.unit_id(facts.unit)
    steps: dict[tuple[str, str], Counters] = {}
    for name, value in counters(facts, rules).items():
        steps.setdefault(_STEP_OF[name], {})[name] = value
    for (group, step), hits in steps.items():
        day, who = moments.day(step), facts.who.get(step, _NOBODY)
        put = [("area", targets[group], ""), ("grid", facts.duty_grid, ""), ("person", *who)]
        if group != v.REPORTED and step != v.SHARE:
            put.append(("unit", unit, ""))
        for kind, code, alt in put:
            if code or alt:
                spot = Spot(facts.purpose, kind, code, alt, day, facts.cls, segments)
                found.setdefault(spot, {}).update(hits)
    if not facts.self_disposed:
        for code, step, own in of_units(facts):
            spot = Spot(facts.purpose, "unit", rules.unit_id(code), "", moments.day(step), facts.cls, segments)
            held = found.setdefault(spot, {})
            for name, value in own.items():
                held[name] = held.get(name, 0) + value
    return {spot: hits for spot, hits in found.items() if hits}


_STEP_OF: Final = {one.name: (one.group, one.step) for one in v.COUNTERS}
_NOBODY: Final = ("", "")


def segments_of(f: Facts, rules: Rules) -> tuple[str, ...]:
    """The cuts in which the case lies (`vocabulary.SEGMENTS`)."""
    if f.whistle:
        return ()
    patrol = rules.is_patrol(f.channel)
    lies = {
        "@patrol": patrol,
        "@video": rules.is_video(f.channel),
        "@public": not patrol and not rules.is_video(f.channel),
        "@urgent": f.urgency == "urgent",
        "@leader": f.leader or f.reporter_kind == "leader" or f.channel in rules.leader_channels,
    }
    return tuple(name for name, inside in lies.items() if inside)


def _area(f: Facts, rules: Rules, base: str) -> str:
    place = f.place or f.taken_by
    if base == PLACE:
        return place
    area = f.custody if base == CUSTODIAN else rules.unit_area(f.unit) or f.custody
    return within(area, place)


class _Moments:
    """On which day (Shanghai) each step's counters fall."""

    def __init__(self, f: Facts, rules: Rules, when: Callable[[dt.datetime], dt.date]) -> None:
        self._when = when
        self._reported = when(f.reported_at)
        self._own: dict[str, dt.datetime | None] = {}
        if rules.period == "happened":
            disposed = f.disposed_at or (f.due if f.overdue else None) or f.dispatched_at
            self._own = {
                v.VERIFY: f.verified_at,
                v.ACCEPT: f.accepted_at or f.ended_at,
                v.FILE: f.filed_at or f.ended_at,
                v.DISPATCH: f.dispatched_at,
                v.DISPOSE: disposed,
                v.SHARE: disposed,
                v.CHECK: f.checked_at or disposed,
                v.CLOSE: f.closed_at or disposed,
                v.VISIT: f.visited_at or f.closed_at,
            }

    def day(self, step: str) -> dt.date:
        own = self._own.get(step)
        return self._when(own) if own else self._reported


def area_chain(code: str, root: str = "") -> list[str]:
    """*code* and the areas above it, not above *root*.

    >>> area_chain("440310001003001", "440300")
    ['440300', '440310', '440310001', '440310001003', '440310001003001']
    >>> area_chain("441900003001", "440000")
    ['440000', '441900', '441900003', '441900003001']
    """
    if len(code) < 6:
        return [code] if code else []
    chain = dict.fromkeys([province_of(code), city_of(code), county_of(code)])
    if not (len(code) == 9 and code[6].isalpha()):
        chain |= dict.fromkeys(code[:n] for n in (9, 12, 15) if len(code) >= n)
    return [one for one in chain if not root or one == root or not contains(one, root)]


Key = tuple[str, str, str, str, dt.date]
"""purpose, kind, object, class or segment or "", day"""


def keys_of(spot: Spot, rules: Rules, root: str) -> Iterator[Key]:
    """The sums to which a part is added: its object's chain, each in all cases and by class, as finely as is kept."""
    for kind, code, classes in _objects(spot, rules, root):
        yield (spot.purpose, kind, code, "", spot.day)
        for cls in classes:
            yield (spot.purpose, kind, code, cls, spot.day)


def _objects(spot: Spot, rules: Rules, root: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    major = spot.cls.rpartition("/")[0]
    coarse = (*((major,) if major else ()), *spot.segments)
    fine = (*coarse, spot.cls) if spot.cls else coarse
    if spot.kind == "area":
        for code in area_chain(spot.object, root):
            if len(code) <= 12:
                yield "area", code, fine if len(code) == 6 else coarse if len(code) == 9 else ()
    elif spot.kind == "unit":
        for code in rules.unit_chain(spot.object):
            yield "unit", code, coarse
    elif spot.kind == "person":
        if spot.object:
            yield "person", spot.object, ()
        if spot.alt:
            yield "post", spot.alt, ()
    else:
        yield spot.kind, spot.object, ()


def is_summed(kind: str, code: str, cls: str) -> bool:
    """Whether the sums hold (*kind*, *code*) in *cls*; what they don't is added up from the parts."""
    fine = cls.count("/") == 2
    if kind == "area":
        return len(code) == 6 or (len(code) == 9 and not fine) or (len(code) == 12 and not cls)
    return not cls or (kind == "unit" and not fine)


def difference(old: Mapping[Spot, Counters], new: Mapping[Spot, Counters]) -> dict[Spot, Counters]:
    """What must be added to each spot so that it has *new* instead of *old*."""
    found: dict[Spot, Counters] = {}
    for spot in old.keys() | new.keys():
        before, after = old.get(spot, {}), new.get(spot, {})
        if before != after:
            found[spot] = {
                name: after.get(name, 0) - before.get(name, 0)
                for name in before.keys() | after.keys()
                if after.get(name, 0) != before.get(name, 0)
            }
    return found
