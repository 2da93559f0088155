"""A batch of events over the cases that are known: by version, gaps held, what is repeated changes nothing. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec

from .facts import Facts, elapse
from .fold import fold
from .heard import Seen


class Told(msgspec.Struct, kw_only=True):
    """What a batch does."""

    old: dict[str, Facts | None] = msgspec.field(default_factory=dict)
    """Cases that change, as they were"""
    new: dict[str, Facts] = msgspec.field(default_factory=dict)
    """The same as they are"""
    early: list[Seen] = msgspec.field(default_factory=list)
    """Events that must wait for the version before them"""
    waited: dict[str, int] = msgspec.field(default_factory=dict)
    """Case → version up to which nothing waits any more"""


def tell(
    known: dict[str, Facts], waiting: dict[str, dict[int, Seen]], events: Sequence[Seen], now: dt.datetime | None = None
) -> Told:
    """Apply *events* to the *known* cases; *waiting*: case → version → event that came too early.

    With *now* a disposal whose limit has passed by then is overdue at once.
    """
    told = Told()
    current: dict[str, Facts] = dict(known)
    for event in events:
        case_id, version = event.case.case_id, event.case.case_version
        queue = waiting.setdefault(case_id, {})
        if not _apply(current, event):
            if version not in queue:
                queue[version] = event
            continue
        while True:
            following = queue.get(current[case_id].version + 1)
            if following is None or not _apply(current, following):
                break
        told.waited[case_id] = current[case_id].version
    for case_id, facts in current.items():
        late = elapse(facts, now) if now else facts
        before = known.get(case_id)
        if late is not before:
            told.old[case_id], told.new[case_id] = before, late
    _sort_waiting(told, waiting, events)
    return told


def _sort_waiting(told: Told, waiting: dict[str, dict[int, Seen]], events: Sequence[Seen]) -> None:
    fresh = {id(event) for event in events}
    for case_id, queue in waiting.items():
        reached = told.waited.get(case_id, 0)
        told.early += [e for version, e in queue.items() if version > reached and id(e) in fresh]
        if not any(version <= reached for version in queue):
            told.waited.pop(case_id, None)


def _apply(current: dict[str, Facts], event: Seen) -> bool:
    """Whether *event* is in the facts afterwards; False when something before it is missing."""
    head = event.case
    facts = current.get(head.case_id)
    known = facts.version if facts else 0
    if head.case_version <= known:
        return True
    whole = event.body if event.type == "case.snapshot.v1" else event.snapshot
    mends = whole is not None and (event.body is not None or whole.progress is not None)
    if head.case_version != known + 1 and not mends:
        return False
    if facts is None and whole is None and event.type != "case.reported.v1":
        return False
    current[head.case_id] = _gapless(facts, event)
    return True


def _gapless(facts: Facts | None, event: Seen) -> Facts:
    """A snapshot carried by an offer mends a gap; where there is none the offer is an event like any other."""
    if event.snapshot is not None and facts is not None and event.case.case_version != facts.version + 1:
        renewed = msgspec.structs.replace(event, type="case.snapshot.v1", body=event.snapshot)
        return fold(facts, renewed)
    return fold(facts, event)
