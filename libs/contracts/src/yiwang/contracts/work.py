"""Work shared by several units (主办、协办), and limits that were computed anew."""

from __future__ import annotations

import msgspec

from ._event import CaseEvent
from ._types import MediaRef, Moment, Seconds, Value
from .case import Assignment

__all__ = [
    "CaseDeadlineRecomputed", "CaseSubtaskAssigned", "CaseSubtaskConfirmed", "CaseSubtaskExcused", "CaseSubtaskHandled",
    "CaseSubtaskReturned", "CaseSubtaskStarted", "DeadlineChange", "SubTask", "SubtaskEvent",
]  # fmt: skip


class SubTask(Value, frozen=True, kw_only=True):
    """What one co-unit (协办单位) has to do for a case, and how far it is."""

    assignment: Assignment
    """Unit, role co and the limit as it was given"""
    state: str = "waiting"
    """waiting, handling, handled, confirmed, excused (the lead goes on without it) or returned (not its matter)"""
    handler_ref: str = ""
    result_code: str = ""
    """How it ended, a word of the city's list"""
    resolution_mode: str = ""
    timeliness: str | None = None
    """on_time or overdue, against this unit's own limit"""
    rework_count: int = 0
    reason: str = ""
    """Why it was excused or returned"""
    media: tuple[MediaRef, ...] = ()
    """Photos of its result"""


class SubtaskEvent(CaseEvent, frozen=True, kw_only=True):
    """Something about the part of one co-unit; the case itself stays where it is."""

    assignment_id: str
    unit_id: str
    """The co-unit"""


class CaseSubtaskAssigned(SubtaskEvent, frozen=True, kw_only=True, tag="case.subtask_assigned.v1"):
    """One more unit was asked to help (增派协办)."""

    assignment: Assignment
    """Unit, role co and its own limit"""
    opinion: str = ""


class CaseSubtaskStarted(SubtaskEvent, frozen=True, kw_only=True, tag="case.subtask_started.v1"):
    """The co-unit named who handles its part (协办开始)."""

    handler_ref: str = ""


class CaseSubtaskHandled(SubtaskEvent, frozen=True, kw_only=True, tag="case.subtask_handled.v1"):
    """The co-unit's handler reported the part done (协办反馈); its clock still runs."""

    result_code: str
    """How it ended, a word of the city's list"""
    resolution_mode: str = ""
    media: tuple[MediaRef, ...] = ()
    opinion: str = ""


class CaseSubtaskConfirmed(SubtaskEvent, frozen=True, kw_only=True, tag="case.subtask_confirmed.v1"):
    """The co-unit confirmed its part (协办确认): this ends its own clock, not the case's."""

    used_s: Seconds
    limit_s: Seconds
    timeliness: str
    """on_time or overdue, against the co-unit's own limit"""


class CaseSubtaskReturned(SubtaskEvent, frozen=True, kw_only=True, tag="case.subtask_returned.v1"):
    """One part went back: refused by the co-unit (协办退回), or given back to it for rework (协办返工)."""

    kind: str
    """unit (not its matter) or rework (not good enough)"""
    reason_code: str = ""
    rework_no: int = 0
    opinion: str


class CaseSubtaskExcused(SubtaskEvent, frozen=True, kw_only=True, tag="case.subtask_excused.v1"):
    """The lead unit goes on without one part and says why (协办缺席说明)."""

    opinion: str


class DeadlineChange(Value, frozen=True, kw_only=True):
    """One limit before and after."""

    clock_id: str
    stage: str
    old_due_at: Moment
    new_due_at: Moment
    provisional: bool = False
    """True where the new one still crosses a year without a published holiday table"""
    unit_id: str = ""
    """The unit that must keep it"""


class CaseDeadlineRecomputed(CaseEvent, frozen=True, kw_only=True, tag="case.deadline_recomputed.v1"):
    """Provisional limits were computed anew when a year's holiday table arrived (暂定期限重算)."""

    cause: str
    """calendar"""
    calendar_version: str
    """The calendar by which the open limits are counted from now on"""
    changes: tuple[DeadlineChange, ...] = msgspec.field(default_factory=tuple)
