"""What dispatching, handling, feedback and checking do to a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    Assignment,
    CaseChecked,
    CaseCheckRequested,
    CaseDispatched,
    CaseHandled,
    CaseHandlingConfirmed,
    CaseHandlingStarted,
    CaseReferredToEnforcement,
    CaseReturned,
    CaseReworked,
    Clock,
    MediaRef,
    Person,
    SubTask,
    UnitRef,
)

from . import arrival, bundle, clocks, steps
from .acts import (
    AssignBody,
    Body,
    DecisionBody,
    DispatchBody,
    DownBody,
    HandledBody,
    ReferBody,
    ResultBody,
    ReturnBody,
    ReworkBody,
    TaskBody,
)
from .case import CHECK, DISPATCH, DISPOSAL, Referral, Task
from .draft import Draft
from .effects_shared import co_clock
from .grid_people import department
from .resolution import tried
from .rules import Chosen
from .states import IMPORT

TO_ROLE: Final = {
    "return_to_city": ("to_city", "dispatcher"),
    "return_to_acceptor": ("to_acceptor", "acceptor"),
    "dept_return": ("dept", "dispatcher"),
    "handler_return": ("handler", "dept_operator"),
    "dept_send_back": ("to_handler", "handler"),
}
"""Returning action → the kind that `case.returned` tells, and the role that gets the case."""


def dispatch_down(d: Draft, body: DownBody) -> None:
    """The city's command sends to the district's (act 6 → 5 of the practice); the dispatch clock starts anew there."""
    case = d.case
    county = getattr(body, "county", "") or case.county
    unit = d.rules.command_of(county)
    d.clock = clocks.stop(case, DISPATCH, d.at, d.rules)
    clock = d.rules.start_stage(case, DISPATCH, d.at, unit.unit_id)
    case.command, d.receiver = "district", unit.unit_id
    bundle.sent_down(case, d.at)
    _flag(d, returned=False)
    assignment = _assignment(d, unit, 0, clock, "lead")
    d.emit(CaseDispatched, assignments=(assignment,), dispatch_level="city", matrix_version=d.rules.matrix_version)


def dispatch(d: Draft, body: DispatchBody) -> None:
    """The disposal clock starts; a unit other than the matrix's was given with a reason (guard unit_known)."""
    case, rules = d.case, d.rules
    choice: Chosen = d.found
    d.clock = clocks.stop(case, DISPATCH, d.at, rules)
    clock = clocks.start(case, DISPOSAL, case.unit_kind, case.limit, d.at, rules, choice.units[0].unit_id)
    clock = bundle.bundled(case, clock, rules)
    case.assignments = tuple(
        [_assignment(d, u, n, co_clock(d, u.unit_id, n) if n else clock, "co" if n else "lead", level)
         for n, (u, level) in enumerate(choice.pairs)]
    )  # fmt: skip
    case.subtasks = tuple([SubTask(assignment=one) for one in case.assignments[1:]])
    arrival.expect(case, d.at, rules, choice.units[0].unit_id)
    steps.begin(case, d.at, rules, choice.units[0].unit_id)
    case.units = (*case.units, choice.units[0])
    case.handler_ref, case.confirmed, case.timeliness = "", False, None
    case.times = case.times | {"dispatched": d.at}
    case.unable = 0
    _flag(d, returned=False, overdue=False)
    d.receiver = choice.units[0].unit_id
    d.emit(
        CaseDispatched,
        assignments=case.assignments,
        dispatch_level="district" if rules.two_commands else "city",
        rule_id=choice.rule_id,
        matrix_version=rules.matrix_version,
        overridden_reason=getattr(body, "overridden_reason", ""),
    )


def _assignment(d: Draft, unit: UnitRef, n: int, clock: Clock, role: str, level: int = 1) -> Assignment:
    key = f"{d.case.case_id}/a{d.case.version + 1}" + (f".{n}" if n else "")
    return Assignment(
        assignment_id=key, unit_id=unit.unit_id, unit_name=unit.unit_name, unit_level=level, role=role, clock=clock
    )


def give_back(d: Draft, body: ReturnBody) -> None:
    """The five returns (回退): the receiving stage's clock starts anew; the work's ends when the unit gives up."""
    case = d.case
    kind, role = TO_ROLE[d.act.action]
    lead = case.lead
    if d.act.action in ("dept_return", "return_to_acceptor", "return_to_city"):
        d.clock = clocks.stop(case, DISPOSAL if case.state == "dispatched" else DISPATCH, d.at, d.rules)
    if d.act.action in ("dept_return", "return_to_city"):
        d.rules.start_stage(case, DISPATCH, d.at)
    if d.act.action == "dept_return":
        case.assignments = case.subtasks = ()
    elif d.act.action == "return_to_city":
        case.command = "city"
    elif d.act.action == "handler_return":
        case.handler_ref = ""
    d.clock = d.clock or case.clock(DISPOSAL)
    case.return_count += 1
    _flag(d, returned=True)
    d.receiver = role
    d.emit(
        CaseReturned,
        from_unit=d.act.by.unit_id or (lead.unit_id if lead else ""),
        to_role=role,
        reason_code=body.reason_code,
        opinion=body.opinion,
        assignment_id=lead.assignment_id if lead else "",
        kind=kind,
    )


def assign_handler(d: Draft, body: AssignBody) -> None:
    d.case.handler_ref = d.receiver = body.handler_ref
    d.case.times = d.case.times | {"handling_started": d.at}
    d.clock = d.case.clock(DISPOSAL)
    _flag(d, returned=False)
    d.emit(CaseHandlingStarted, assignment_id=_lead(d), handler_ref=body.handler_ref)


def submit_result(d: Draft, body: HandledBody) -> None:
    case = d.case
    d.media, d.clock, case.resolution_mode = body.media, case.clock(DISPOSAL), body.resolution_mode
    before, case.modes = case.modes[-1:], tried(case.modes, body.resolution_mode)
    case.times = case.times | {"handled": d.at}
    d.emit(
        CaseHandled,
        assignment_id=_lead(d),
        result_code=body.result_code,
        resolution_mode=body.resolution_mode,
        media=body.media,
        cost=body.cost,
        opinion=body.opinion,
        mode_before=before[0] if before else "",
        mode_reason=body.mode_reason,
    )


def dept_confirm(d: Draft, body: Body) -> None:
    """Ends the disposal clock and decides: an end not later than the deadline is on time."""
    case = d.case
    d.clock = stopped = clocks.stop(case, DISPOSAL, d.at, d.rules)
    assert stopped is not None  # a dispatched case has a disposal clock until it is confirmed
    case.confirmed = True
    case.times = case.times | {"confirmed": d.at}
    if d.act.role == IMPORT:
        case.timeliness = case.imported.timeliness if case.imported else None
        case.timeliness_source = "imported"
    else:
        case.timeliness = "on_time" if d.at <= stopped.judged_by else "overdue"
    _flag(d, overdue=case.timeliness == "overdue")
    d.emit(
        CaseHandlingConfirmed,
        assignment_id=_lead(d),
        used_s=stopped.clock.used_s,
        limit_s=clocks.limit_s(stopped.clock),
        timeliness=case.timeliness,
        judged_against="bundle" if stopped.clock.policy == "bundle" else "own",
        timeliness_source=case.timeliness_source,
    )


def rework(d: Draft, by: str, reason: str) -> None:
    """The same unit again, with all material kept; the profile says whether its clock starts anew or goes on."""
    case, lead = d.case, d.case.lead
    assert lead is not None  # only a dispatched case can be reworked
    policy = d.rules.rework_clock
    clocks.again(case, policy, lead.clock, d.at, d.rules, lead.unit_id)
    case.confirmed, case.timeliness, case.handler_ref = False, None, ""
    case.rework_count += 1
    _flag(d, overdue=False)
    d.receiver = lead.unit_id
    d.emit(
        CaseReworked, by=by, assignment_id=lead.assignment_id, rework_no=case.rework_count, reason=reason,
        clock_policy=policy if policy == "resume" else "restart",
    )  # fmt: skip


def dispatcher_reject(d: Draft, body: ReworkBody) -> None:
    rework(d, "dispatcher", body.opinion)


def send_check(d: Draft, body: TaskBody) -> None:
    """A check task for an inspector; the earlier one, if any, ends."""
    d.clock = clocks.stop(d.case, CHECK, d.at, d.rules)
    grid = body.duty_grid_id or (d.case.place.duty_grid_id if d.case.place else "")
    unit = body.unit_id or ("" if body.person_ref else department(d, grid, CHECK))
    _new_check(d, Person(person_ref=body.person_ref, duty_grid_id=grid, unit_id=unit))


def _new_check(d: Draft, who: Person) -> None:
    case = d.case
    case.tasks += 1
    case.task = Task(task_id=f"{case.case_id}/t{case.tasks}", kind=CHECK, assignee=who)
    d.receiver = who.person_ref or who.duty_grid_id
    clock = d.rules.start_stage(case, CHECK, d.at)
    d.emit(CaseCheckRequested, task_id=case.task.task_id, assignee=who, clock=clock)


def check_result(d: Draft, body: ResultBody) -> None:
    case, task = d.case, d.case.task
    assert task is not None  # the guard task_open holds
    d.clock, d.media, case.task = clocks.stop(case, CHECK, d.at, d.rules), body.media, None
    case.unable = case.unable + 1 if body.result == "unable" else 0
    _checked(d, body.result, task.task_id, body.opinion, body.media, body.point)
    if body.result == "not_pass":
        rework(d, "check", body.opinion)
    elif len(d.row.emits) > 1:
        _new_check(d, task.assignee)


def decide_check(d: Draft, body: DecisionBody) -> None:
    d.case.unable = 0
    _checked(d, body.result, f"{d.case.case_id}/t{d.case.tasks}", body.opinion)
    if body.result == "not_pass":
        rework(d, "check", body.opinion)


def _checked(
    d: Draft, result: str, task_id: str, opinion: str, media: tuple[MediaRef, ...] = (), point: Any = None
) -> None:
    d.case.times = d.case.times | {"checked": d.at}
    last = len(d.row.emits) == 1
    d.emit(CaseChecked, last=last, task_id=task_id, result=result, media=media, point=point, opinion=opinion)


def refer(d: Draft, body: ReferBody) -> None:
    """A clue for the agency; the case stays in handling and its clock runs on."""
    case = d.case
    key = f"{case.case_id}/r{case.version + 1}"
    case.referral = Referral(referral_id=key, agency_id=body.agency_id)
    d.receiver, d.media, d.clock = body.agency_id, body.media, case.clock(DISPOSAL)
    d.emit(
        CaseReferredToEnforcement,
        referral_id=key,
        agency_id=body.agency_id,
        item_code=body.item_code,
        material=(*case.media, *body.media),
        opinion=body.opinion,
    )


def _lead(d: Draft) -> str:
    return d.case.assignments[0].assignment_id if d.case.assignments else ""


def _flag(d: Draft, **values: bool) -> None:
    if any(getattr(d.case.flags, name) != value for name, value in values.items()):
        d.case.flags = msgspec.structs.replace(d.case.flags, **values)


HANDLING: Final[dict[str, Callable[[Draft, Any], None]]] = {
    "dispatch_down": dispatch_down,
    "dispatch": dispatch,
    "return_to_city": give_back,
    "return_to_acceptor": give_back,
    "dept_return": give_back,
    "handler_return": give_back,
    "dept_send_back": give_back,
    "assign_handler": assign_handler,
    "submit_result": submit_result,
    "dept_confirm": dept_confirm,
    "dispatcher_reject": dispatcher_reject,
    "pass": send_check,
    "send_check": send_check,
    "check_result": check_result,
    "decide_check": decide_check,
    "refer": refer,
}
"""Action → its effect."""
