"""Facts of what several units share in a case, and of who must be at the place. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from .facts import Facts, Share
from .heard import Seen


def begin(f: Facts, seen: Seen) -> None:
    """A case is dispatched: the parts of co-units and the wait for somebody at the place begin anew."""
    f.shares = {a.assignment_id: Share(unit=a.unit_id) for a in seen.assignments if a.role == "co"}
    f.arrive_due = next((c.due_at for c in seen.case.open_clocks if c.stage == "arrive"), None)
    f.arrival = ""


def again(f: Facts) -> None:
    """A new round of the case is one of every part too, but of those that were given back; reworks stay counted."""
    f.shares = {
        key: share if share.state == "returned" else Share(unit=share.unit, reworks=share.reworks)
        for key, share in f.shares.items()
    }


def passed(f: Facts, seen: Seen) -> None:
    """A limit other than the disposal's has passed."""
    if seen.stage == "arrive":
        f.arrival = f.arrival or "overdue"
    elif seen.stage == "co":
        late = {n: s for n, s in f.shares.items() if s.unit == seen.unit_id and s.state not in ("confirmed", "returned")}
        f.shares = f.shares | {n: msgspec.structs.replace(s, overdue=True) for n, s in late.items()}


def _arrived(f: Facts, seen: Seen) -> None:
    f.arrival = seen.timeliness or f.arrival


def _assigned(f: Facts, seen: Seen) -> None:
    _put(f, seen, Share(unit=seen.unit_id))


def _put(f: Facts, seen: Seen, share: Share) -> None:
    f.shares = f.shares | {seen.assignment_id: share}


def _known(f: Facts, seen: Seen) -> Share:
    return f.shares.get(seen.assignment_id) or Share(unit=seen.unit_id)


def _goes_on(f: Facts, seen: Seen) -> None:
    state = _STATE[seen.type]
    told = seen.timeliness or ""
    _put(f, seen, msgspec.structs.replace(_known(f, seen), state=state, timeliness=told))


def _returned(f: Facts, seen: Seen) -> None:
    old = _known(f, seen)
    if seen.kind == "rework":
        _put(f, seen, Share(unit=old.unit, state="handling", reworks=max(seen.rework_no, old.reworks + 1)))
    else:
        _put(f, seen, msgspec.structs.replace(old, state="returned"))


_STATE: Final = {
    "case.subtask_started.v1": "handling",
    "case.subtask_handled.v1": "handled",
    "case.subtask_confirmed.v1": "confirmed",
    "case.subtask_excused.v1": "excused",
}
FOLDS: Final[dict[str, Callable[[Facts, Seen], None]]] = {
    "case.arrived.v1": _arrived,
    "case.subtask_assigned.v1": _assigned,
    "case.subtask_returned.v1": _returned,
    **dict.fromkeys(_STATE, _goes_on),
}
"""Type → what it changes beside the head's facts."""
