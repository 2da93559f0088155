"""Provisional limits counted anew when a year's holiday table arrives: by an event of their own, never in silence. Pure.

A limit that crosses a year without a published table is provisional (enforcement notes A1). Everything else that a filed
case pinned stays as it was pinned; of the pins only the calendar moves.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, NamedTuple

import msgspec
from yiwang.contracts import CaseDeadlineRecomputed, CaseEvent, Clock, DeadlineChange

from . import clocks
from .calendar import SHANGHAI
from .case import Case, CaseClock, head_of
from .draft import Record
from .explain import STAGES
from .rules import CALENDAR, Rules
from .states import SYSTEM

ACTION: Final = "recompute_deadline"


class Recomputed(NamedTuple):
    """The case afterwards, what was said, and the line of its history."""

    case: Case
    event: CaseEvent
    record: Record


def recomputed(case: Case, rules: Rules, now: dt.datetime) -> Recomputed | None:
    """*case* with its provisional limits by the calendar of *rules*; None where none of them becomes another."""
    moved = [(one, new) for one in case.clocks if (new := _anew(one, rules, now)) is not None]
    if not moved:
        return None
    after = msgspec.structs.replace(case)
    changes = tuple([_change(one, new) for one, new in moved])
    settle(after, changes, {new.clock_id: new for _, new in moved}, now)
    if CALENDAR in after.pinned_versions:
        after.pinned_versions = after.pinned_versions | {CALENDAR: rules.calendar.version}
    after.version += 1
    event = CaseDeadlineRecomputed(
        case=head_of(after, case.state),
        cause=CALENDAR,
        calendar_version=rules.calendar.version,
        changes=changes,
        occurred_at=now,
        purpose=case.purpose,
    )
    return Recomputed(after, event, _line(case, after, event, now))


def settle(case: Case, changes: tuple[DeadlineChange, ...], new: dict[str, Clock], now: dt.datetime) -> None:
    """Put the *new* clocks on *case*; what was said of a limit that isn't past any more counts no longer."""
    ends = {one.clock_id: one.new_due_at for one in changes}
    kept: list[CaseClock] = []
    for one in case.clocks:
        if one.clock.clock_id in ends:
            late = one.overdue and now > ends[one.clock.clock_id]
            clock = new.get(one.clock.clock_id, one.clock)
            one = msgspec.structs.replace(one, clock=clock, warned=late, overdue=late)
        kept.append(one)
    case.clocks = tuple(kept)
    disposal = case.clock("disposal")
    if disposal is not None and disposal.clock.clock_id in ends:
        case.flags = msgspec.structs.replace(case.flags, overdue=disposal.overdue)


def _anew(one: CaseClock, rules: Rules, now: dt.datetime) -> Clock | None:
    if not one.clock.provisional or one.stopped_at is not None:
        return None
    new = clocks.counted(one.clock, one.pauses, now, rules)
    same = (new.due_at, new.bundle_due_at, new.provisional) == (
        one.clock.due_at, one.clock.bundle_due_at, one.clock.provisional,
    )  # fmt: skip
    return None if same else new


def _change(one: CaseClock, new: Clock) -> DeadlineChange:
    return DeadlineChange(
        clock_id=new.clock_id,
        stage=new.stage,
        old_due_at=one.judged_by,
        new_due_at=msgspec.structs.replace(one, clock=new).judged_by,
        provisional=new.provisional,
        unit_id=new.owner_unit,
    )


def _line(before: Case, after: Case, event: CaseDeadlineRecomputed, now: dt.datetime) -> Record:
    after.seq += 1
    return Record(
        case_id=after.case_id,
        seq=after.seq,
        version=after.version,
        action=ACTION,
        state_before=before.state,
        state_after=after.state,
        role=SYSTEM,
        started_at=now,
        ended_at=now,
        due_at=event.changes[0].new_due_at,
        note=sentence(event),
    )


def sentence(event: CaseDeadlineRecomputed) -> str:
    """What happened, in words."""
    parts = []
    for one in event.changes:
        old, new = (t.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") for t in (one.old_due_at, one.new_due_at))
        name = STAGES.get(one.stage, one.stage)
        parts.append(f"{name}期限由 {old} 改为 {new}" if old != new else f"{name}期限 {new} 不变，不再是暂定期限")
    return f"放假安排已公布（日历 {event.calendar_version}），重算暂定期限：" + "；".join(parts)
