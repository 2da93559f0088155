"""What co-units do to a case: each has its own assignment, handler, result and clock, and is judged for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace
from yiwang.contracts import (
    Assignment,
    CaseSubtaskAssigned,
    CaseSubtaskConfirmed,
    CaseSubtaskExcused,
    CaseSubtaskHandled,
    CaseSubtaskReturned,
    CaseSubtaskStarted,
    Clock,
    SubTask,
)

from . import clocks, steps
from .acts_shared import AddUnitBody, PartBody, PartHandlerBody, PartResultBody, PartReturnBody
from .arrival import arrive
from .case import CO, CaseClock
from .draft import Draft
from .shared import ANEW, clock_of, with_part
from .units import Unit


def co_clock(d: Draft, unit_id: str, nth: int) -> Clock:
    """A co-unit's own limit: as long as the case's, from now on."""
    case = d.case
    return clocks.start(case, CO, case.unit_kind, case.limit, d.at, d.rules, unit_id, nth=nth)


def add_co(d: Draft, body: AddUnitBody) -> None:
    case, unit = d.case, d.found
    assert isinstance(unit, Unit)  # the guard co_unit_known found it
    nth = len(case.assignments)
    made = Assignment(
        assignment_id=f"{case.case_id}/a{case.version + 1}.{nth}",
        unit_id=unit.unit_id,
        unit_name=unit.name,
        unit_level=unit.level,
        role="co",
        clock=co_clock(d, unit.unit_id, nth),
    )
    case.assignments = (*case.assignments, made)
    case.subtasks = (*case.subtasks, SubTask(assignment=made))
    d.receiver = unit.unit_id
    d.emit(CaseSubtaskAssigned, **_which(made), assignment=made, opinion=body.opinion)


def assign_co_handler(d: Draft, body: PartHandlerBody) -> None:
    part = _changed(d, state="handling", handler_ref=body.handler_ref)
    d.receiver = body.handler_ref
    d.emit(CaseSubtaskStarted, **_which(part.assignment), handler_ref=body.handler_ref)


def submit_co_result(d: Draft, body: PartResultBody) -> None:
    result: dict[str, Any] = {"result_code": body.result_code, "resolution_mode": body.resolution_mode, "media": body.media}
    part = _changed(d, state="handled", **result)
    d.media = body.media
    d.emit(CaseSubtaskHandled, **_which(part.assignment), **result, opinion=body.opinion)


def confirm_co(d: Draft, body: PartBody) -> None:
    """Ends the co-unit's clock and decides: an end not later than its own deadline is on time."""
    stopped = _stop(d, d.found)
    timeliness = "on_time" if d.at <= stopped.judged_by else "overdue"
    part = _changed(d, state="confirmed", timeliness=timeliness)
    d.emit(
        CaseSubtaskConfirmed,
        **_which(part.assignment),
        used_s=stopped.clock.used_s,
        limit_s=clocks.limit_s(stopped.clock),
        timeliness=timeliness,
    )


def return_co(d: Draft, body: PartReturnBody) -> None:
    """The unit says that it isn't its matter."""
    _stop(d, d.found)
    part = _changed(d, state="returned", reason=body.opinion)
    d.receiver = "dispatcher"
    which = _which(part.assignment)
    d.emit(CaseSubtaskReturned, **which, kind="unit", reason_code=body.reason_code, opinion=body.opinion)


def rework_co(d: Draft, body: PartReturnBody) -> None:
    """This part once more, with a new clock; the other parts and the lead's work stay as they are."""
    part: SubTask = d.found
    running = clock_of(d.case, part)
    if running is not None:
        clocks.stop_one(d.case, running, d.at, d.rules)
    ids = [a.assignment_id for a in d.case.assignments]
    nth = ids.index(part.assignment.assignment_id)
    given = replace(part.assignment, clock=co_clock(d, part.assignment.unit_id, nth))
    again = {"state": "waiting", "handler_ref": "", "timeliness": None, "rework_count": part.rework_count + 1}
    part = _changed(d, assignment=given, **again)
    d.receiver = given.unit_id
    d.emit(
        CaseSubtaskReturned, **_which(given), kind="rework", reason_code=body.reason_code,
        rework_no=part.rework_count, opinion=body.opinion,
    )  # fmt: skip


def excuse_co(d: Draft, body: PartBody) -> None:
    """The lead goes on without this part."""
    _stop(d, d.found)
    part = _changed(d, state="excused", reason=body.opinion)
    d.receiver = part.assignment.unit_id
    d.emit(CaseSubtaskExcused, **_which(part.assignment), opinion=body.opinion)


def parts_anew(d: Draft) -> None:
    """A new round of the case (重新办理) is one of every co-unit's part, too, with its whole limit; what a unit gave back stays so."""
    kept = []
    ids = [a.assignment_id for a in d.case.assignments]
    for part in d.case.subtasks:
        if part.state != "returned":
            running, given = clock_of(d.case, part), part.assignment
            if running is not None:  # closed by force while the co-unit was at work
                clocks.stop_one(d.case, running, d.at, d.rules)
            clock = co_clock(d, given.unit_id, ids.index(given.assignment_id))
            part = replace(part, assignment=replace(given, clock=clock), **ANEW)
        kept.append(part)
    d.case.subtasks = tuple(kept)


def _stop(d: Draft, part: SubTask) -> CaseClock:
    running = clock_of(d.case, part)
    assert running is not None  # an open part has its clock
    d.clock = clocks.stop_one(d.case, running, d.at, d.rules)
    return d.clock


def _changed(d: Draft, **changes: Any) -> SubTask:
    part: SubTask = d.found
    d.case.subtasks = with_part(d.case, part.assignment.assignment_id, **changes)
    d.clock = d.clock or clock_of(d.case, part)
    return replace(part, **changes)


def _which(assignment: Assignment) -> dict[str, Any]:
    return {"assignment_id": assignment.assignment_id, "unit_id": assignment.unit_id}


SHARED: Final[dict[str, Callable[[Draft, Any], None]]] = {
    "add_co": add_co,
    "assign_co_handler": assign_co_handler,
    "submit_co_result": submit_co_result,
    "confirm_co": confirm_co,
    "return_co": return_co,
    "rework_co": rework_co,
    "excuse_co": excuse_co,
    "arrive": arrive,
    "step_done": steps.done,
}
"""Action → its effect."""
