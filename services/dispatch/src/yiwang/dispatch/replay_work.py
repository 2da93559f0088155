"""What recomputed limits, shared work and arrivals change on a case told by its events. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from yiwang.contracts import (
    CaseArrived,
    CaseDeadlineRecomputed,
    CaseEvent,
    CaseStepDone,
    CaseSubtaskAssigned,
    CaseSubtaskConfirmed,
    CaseSubtaskExcused,
    CaseSubtaskHandled,
    CaseSubtaskReturned,
    CaseSubtaskStarted,
    SubTask,
    SubtaskEvent,
)

from .case import CO, Case
from .recompute import ACTION, settle
from .shared import ANEW, part_by_id, with_part

Changes = dict[str, Any]


def _recomputed(case: Case, e: CaseDeadlineRecomputed) -> Changes:
    after = msgspec.structs.replace(case)
    settle(after, e.changes, {clock.clock_id: clock for clock in e.case.open_clocks}, e.occurred_at)
    return {"since": case.since, "clocks": after.clocks}


def _assigned(case: Case, e: CaseSubtaskAssigned) -> Changes:
    return {
        "assignments": (*case.assignments, e.assignment),
        "subtasks": (*case.subtasks, SubTask(assignment=e.assignment)),
    }


def _part(case: Case, e: SubtaskEvent, **changes: Any) -> Changes:
    return {"subtasks": with_part(case, e.assignment_id, **changes)}


def _handled(case: Case, e: CaseSubtaskHandled) -> Changes:
    result = {"result_code": e.result_code, "resolution_mode": e.resolution_mode, "media": e.media}
    return _part(case, e, state="handled", **result)


def _returned(case: Case, e: CaseSubtaskReturned) -> Changes:
    if e.kind == "unit":
        return _part(case, e, state="returned", reason=e.opinion)
    part = part_by_id(case, e.assignment_id)
    new = [c for c in e.case.open_clocks if c.stage == CO and c.owner_unit == e.unit_id]
    if part is None or not new:
        return {}
    given = msgspec.structs.replace(part.assignment, clock=max(new, key=lambda c: c.started_at))
    again = {"state": "waiting", "handler_ref": "", "timeliness": None, "rework_count": e.rework_no}
    return _part(case, e, assignment=given, **again)


def parts_reopened(case: Case, e: CaseEvent) -> tuple[SubTask, ...]:
    """The parts in a new round: each with the new clock that its unit has, as `effects_shared.parts_anew` gave it."""
    new = {c.owner_unit: c for c in e.case.open_clocks if c.stage == CO}
    return tuple(
        part if part.state == "returned" or part.assignment.unit_id not in new
        else replace(part, assignment=replace(part.assignment, clock=new[part.assignment.unit_id]), **ANEW)
        for part in case.subtasks
    )  # fmt: skip


def _arrived(case: Case, e: CaseArrived) -> Changes:
    return {"times": case.times | {"arrived": e.arrived_at}, "arrival_timeliness": e.timeliness}


WORK: Final[dict[type[CaseEvent], Callable[[Case, Any], Changes]]] = {
    CaseDeadlineRecomputed: _recomputed,
    CaseSubtaskAssigned: _assigned,
    CaseSubtaskStarted: lambda case, e: _part(case, e, state="handling", handler_ref=e.handler_ref),
    CaseSubtaskHandled: _handled,
    CaseSubtaskConfirmed: lambda case, e: _part(case, e, state="confirmed", timeliness=e.timeliness),
    CaseSubtaskReturned: _returned,
    CaseSubtaskExcused: lambda case, e: _part(case, e, state="excused", reason=e.opinion),
    CaseArrived: _arrived,
    CaseStepDone: lambda case, e: {},
}
"""Event → what it changes beyond what its head says."""

WORK_ACTIONS: Final[dict[type[CaseEvent], str]] = {
    CaseDeadlineRecomputed: ACTION,
    CaseSubtaskAssigned: "add_co",
    CaseSubtaskStarted: "assign_co_handler",
    CaseSubtaskHandled: "submit_co_result",
    CaseSubtaskConfirmed: "confirm_co",
    CaseSubtaskReturned: "return_co",
    CaseSubtaskExcused: "excuse_co",
    CaseArrived: "arrive",
    CaseStepDone: "step_done",
}
"""The action that an event most likely came from."""
