"""Facts of a whistle from its events. Pure: in whatever order they come, and however often, the facts are the same.

A whistle is counted beside the cases: it lies where it was blown, and each unit that was called answers for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from yiwang.contracts import WhistleEvent, registry

from .applying import Told
from .facts import Call, Facts
from .heard import EventSeen, Wire

PREFIX: Final = "whistle/"
"""Before the whistle's id, where cases have theirs"""


class CallSeen(Wire, frozen=True, kw_only=True):
    unit_id: str
    unit_name: str = ""
    role: str = "co"


class WhistleSeen(EventSeen, frozen=True, kw_only=True):
    """Any event of a whistle."""

    whistle_id: str
    area: str
    units: tuple[CallSeen, ...] = ()
    unit_id: str = ""
    timeliness: str = ""
    what: str = ""
    satisfied: bool = False
    dissatisfied_with: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The order key: the whistle."""
        return self.whistle_id


def heard() -> list[type[WhistleEvent]]:
    """Every kind of event that can befall a whistle."""
    return [kind for kind in registry().values() if issubclass(kind, WhistleEvent)]


def tell(known: dict[str, Facts], events: list[WhistleSeen]) -> Told:
    """What *events* change in the *known* whistles."""
    told, current = Told(), dict(known)
    for event in events:
        case_id = PREFIX + event.whistle_id
        current[case_id] = fold(current.get(case_id), event)
    for case_id, facts in current.items():
        before = known.get(case_id)
        if facts != before:
            told.old[case_id], told.new[case_id] = before, facts
    return told


def fold(facts: Facts | None, seen: WhistleSeen) -> Facts:
    """The facts after *seen*."""
    if facts is None:
        new = Facts(case_id=PREFIX + seen.whistle_id, whistle=True, reported_at=seen.time, purpose=seen.purpose,
                    taken_by=seen.jurisdiction, custody=seen.jurisdiction, state="called", place=seen.area)  # fmt: skip
    else:
        new = msgspec.structs.replace(facts)
    change = FOLDS.get(seen.type)
    if change is not None:
        change(new, seen)
    return new


def _blown(f: Facts, seen: WhistleSeen) -> None:
    f.reported_at = seen.time
    for one in seen.units:
        _call(f, one.unit_id, lead=one.role == "lead")


def _call(f: Facts, unit: str, **said: str | bool) -> None:
    f.calls = f.calls | {unit: msgspec.structs.replace(f.calls.get(unit) or Call(), **said)}


def _responded(f: Facts, seen: WhistleSeen) -> None:
    _call(f, seen.unit_id, responded=seen.timeliness)


def _arrived(f: Facts, seen: WhistleSeen) -> None:
    _call(f, seen.unit_id, arrived=seen.timeliness)


def _overdue(f: Facts, seen: WhistleSeen) -> None:
    if seen.what == "arrive":
        _call(f, seen.unit_id, late=True)


def _resolved(f: Facts, seen: WhistleSeen) -> None:
    f.timeliness, f.closed_at = seen.timeliness, seen.time
    if f.state == "called":
        f.state = "resolved"


def _scored(f: Facts, seen: WhistleSeen) -> None:
    f.state, f.satisfied, f.blamed = "scored", seen.satisfied, seen.dissatisfied_with


def _withdrawn(f: Facts, seen: WhistleSeen) -> None:
    f.withdrawn = True


FOLDS: Final[dict[str, Callable[[Facts, WhistleSeen], None]]] = {
    "whistle.blown.v1": _blown,
    "whistle.responded.v1": _responded,
    "whistle.arrived.v1": _arrived,
    "whistle.overdue.v1": _overdue,
    "whistle.resolved.v1": _resolved,
    "whistle.scored.v1": _scored,
    "whistle.withdrawn.v1": _withdrawn,
}
"""Type → what it changes."""
