"""Copies of cases whose custodian is another node: kept by version, in order, with gaps held and mended. Pure.

A copy takes an event only when it is the next version. What comes early waits; a snapshot (told on request, or carried
by an offer) mends the gap. What comes late or twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

import msgspec
from yiwang.contracts import CaseEvent, CaseHandoverOffered, CaseReported, CaseSnapshot, CaseSnapshotBody, Moment

from .case import Case, from_report
from .draft import Record
from .replay import follow, told
from .snapshot import case_of, records_of

MOMENTS: Final = ("accepted", "filed", "dispatched", "handled", "confirmed", "checked", "closed")


class Copy(msgspec.Struct, kw_only=True):
    """One copied case, as of the moment at which its custodian recorded its last event."""

    case: Case
    as_of: Moment


class Told(msgspec.Struct, kw_only=True):
    """What a batch of events does to the copies."""

    copies: dict[str, Copy]
    """Those known before and made now"""
    changed: dict[str, None] = msgspec.field(default_factory=dict)
    renewed: dict[str, None] = msgspec.field(default_factory=dict)
    """Whose flow a snapshot told anew"""
    lines: dict[str, list[Record]] = msgspec.field(default_factory=dict)
    """New lines of each case's flow"""
    early: list[CaseEvent] = msgspec.field(default_factory=list)
    """Events that must wait"""
    waited: dict[str, int] = msgspec.field(default_factory=dict)
    """Case → version up to which nothing waits any more"""


def tell(copies: dict[str, Copy], waiting: dict[str, dict[int, CaseEvent]], events: Iterable[CaseEvent]) -> Told:
    """Apply *events* to *copies*; *waiting* are earlier events that came too early, case → version → event."""
    told_now = Told(copies=copies)
    for event in events:
        case_id, version = event.case.case_id, event.case.case_version
        queue = waiting.setdefault(case_id, {})
        if not _apply(told_now, event):
            if version not in queue:
                queue[version] = event
                told_now.early.append(event)
            continue
        copy = copies[case_id]
        while (following := queue.get(copy.case.version + 1)) is not None and _apply(told_now, following):
            copy = copies[case_id]
        done = [v for v in queue if v <= copy.case.version]
        for v in done:
            del queue[v]
        if done:
            told_now.waited[case_id] = copy.case.version
    told_now.early = [e for e in told_now.early if e.case.case_version in waiting.get(e.case.case_id, {})]
    return told_now


def _apply(now: Told, event: CaseEvent) -> bool:
    """Whether *event* is in the copy afterwards; False when something before it is missing."""
    head = event.case
    copy = now.copies.get(head.case_id)
    known = copy.case.version if copy else 0
    if head.case_version <= known:
        return True
    if isinstance(event, CaseSnapshot):
        _renew(now, event.body, event.recorded_at)
        return True
    if isinstance(event, CaseHandoverOffered) and event.snapshot.progress is not None:
        _renew(now, event.snapshot, event.recorded_at)
        return True
    if copy is None and isinstance(event, CaseReported):
        _put(now, from_report(event), event.recorded_at)
        now.lines[head.case_id] = [first_line(event)]
        return True
    if copy is None or head.case_version != known + 1:
        return False
    before = copy.case
    after = follow(before, event, two_commands=True)
    now.lines.setdefault(head.case_id, []).append(told(before, after, event))
    _put(now, after, event.recorded_at)
    return True


def _renew(now: Told, body: CaseSnapshotBody, as_of: dt.datetime) -> None:
    case = case_of(body)
    _put(now, case, as_of)
    now.renewed[case.case_id] = None
    now.lines[case.case_id] = records_of(body)


def _put(now: Told, case: Case, as_of: dt.datetime) -> None:
    now.copies[case.case_id] = Copy(case=case, as_of=as_of)
    now.changed[case.case_id] = None


def first_line(event: CaseReported) -> Record:
    """The line with which the flow of a reported case begins."""
    return Record(
        case_id=event.case.case_id,
        seq=1,
        version=event.case.case_version,
        action="report",
        state_before="",
        state_after="reported",
        role=event.actor.role,
        unit_id=event.actor.unit_id,
        person_ref=event.actor.person_ref,
        started_at=event.occurred_at,
        ended_at=event.occurred_at,
        media=event.media,
    )
