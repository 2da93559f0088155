"""What each action does to a case, once the table and the guards have let it pass. One function per action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    CaseAccepted,
    CaseClosed,
    CaseCorrected,
    CaseFiled,
    CaseVerified,
    CaseVerifyRequested,
    CaseVoided,
    FieldChange,
    Person,
)

from . import clocks, triage
from .acts import AcceptBody, Body, DecisionBody, FileBody, ReasonBody, ResultBody, TaskBody
from .case import ACCEPT, DISPATCH, DISPOSAL, VERIFY, ForceRequest, Task, summary_of
from .codes import Condition
from .draft import Draft
from .effects_after import AFTER
from .effects_correct import correct
from .effects_handling import HANDLING
from .effects_joining import JOINING, merge_with
from .effects_requests import REQUESTS
from .effects_shared import SHARED
from .grid_people import department
from .tiers import first_command
from .withdrawing import WITHDRAWALS

VOID_KIND: Final = {"reported": "not_accepted", "verifying": "not_accepted", "accepted": "not_filed"}
"""What a void is called (不予受理, 不予立案), by the state it leaves; with a number it is a void (作废)."""


def flag(d: Draft, **values: bool) -> None:
    d.case.flags = msgspec.structs.replace(d.case.flags, **values)


def moment(d: Draft, name: str, at: dt.datetime | None = None) -> None:
    d.case.times = d.case.times | {name: at or d.at}


def assignee(d: Draft, body: TaskBody) -> Person:
    grid = body.duty_grid_id or (d.case.place.duty_grid_id if d.case.place else "")
    d.receiver = body.person_ref or grid
    unit = body.unit_id or ("" if body.person_ref else department(d, grid, VERIFY))
    return Person(person_ref=body.person_ref, duty_grid_id=grid, unit_id=unit)


def send_verify(d: Draft, body: TaskBody) -> None:
    """The accept clock stands while the task is out (domain notes 1.5)."""
    case = d.case
    d.clock = clocks.stop(case, VERIFY, d.at, d.rules)
    clocks.pause(case, ACCEPT, d.at)
    case.tasks += 1
    case.task = Task(task_id=f"{case.case_id}/t{case.tasks}", kind=VERIFY, assignee=assignee(d, body))
    clock = d.rules.start_stage(case, VERIFY, d.at)
    d.emit(CaseVerifyRequested, task_id=case.task.task_id, assignee=case.task.assignee, clock=clock)


def verify_result(d: Draft, body: ResultBody) -> None:
    case, task = d.case, d.case.task
    assert task is not None  # the guard task_open holds
    d.clock = clocks.stop(case, VERIFY, d.at, d.rules)
    clocks.resume(case, ACCEPT, d.at, d.rules)
    case.task, case.verified, d.media = None, body.result, body.media
    if body.category is not None:
        case.category = d.rules.category(body.category) or case.category
    more = len(d.row.emits) > 1
    if not more and body.result != "exist":
        flag(d, returned=True)
    d.emit(
        CaseVerified, last=not more, task_id=task.task_id, result=body.result, media=body.media, point=body.point,
        opinion=body.opinion,
    )  # fmt: skip
    if more and body.result == "exist":
        _accepted(d, body)
    elif more:
        void(d, ReasonBody(reason_code="not_exist", opinion=body.opinion))


def accept(d: Draft, body: AcceptBody) -> None:
    case = d.case
    if isinstance(body, AcceptBody) and body.category is not None:
        case.category = d.rules.category(body.category)
    d.clock = clocks.stop(case, ACCEPT, d.at, d.rules)
    _accepted(d, body)


def _accepted(d: Draft, body: Body) -> None:
    case = d.case
    clocks.stop(case, ACCEPT, d.at, d.rules)
    if case.flags.returned:
        flag(d, returned=False)
    moment(d, "accepted")
    assert case.category is not None  # the guard categorised holds
    sorted_as = triage.decide(d, body)
    d.emit(CaseAccepted, category=case.category, urgency=case.urgency, **sorted_as)


def void(d: Draft, body: ReasonBody) -> None:
    case = d.case
    kind = "void" if case.case_no else VOID_KIND.get(case.state, "void")
    for stage in (ACCEPT, VERIFY, DISPATCH, DISPOSAL):
        d.clock = clocks.stop(case, stage, d.at, d.rules) or d.clock
    moment(d, "closed")
    summary = summary_of(case, d.at)
    d.emit(CaseVoided, void_kind=kind, reason_code=body.reason_code, opinion=body.opinion, summary=summary)


def audit_self_disposed(d: Draft, body: DecisionBody) -> None:
    """A trivial matter that the inspector mended on the spot (自处置)."""
    if body.result == "ok":
        close(d, body)
        return
    flag(d, self_disposed=False)
    change = FieldChange(field="self_disposed", old="true", new="false")
    d.emit(CaseCorrected, changed=(change,), reason_code="reclassify", opinion=body.opinion)


def file(d: Draft, body: FileBody) -> None:
    """The condition with its limit is fixed, the versions are pinned, the number is given."""
    case, rules = d.case, d.rules
    condition: Condition = d.found
    case.urgency = "urgent" if condition.urgency == "urgent" else case.urgency
    case.condition_id, case.limit = condition.condition_id, condition.limit
    case.unit_kind = rules.unit_kind(case, condition.unit_kind)
    case.closing_conditions = tuple([c.closing_id for c in condition.closings])
    case.case_no = case.case_no or d.act.number
    case.pinned_versions = rules.pins(case)
    case.command = first_command(case, rules.tiers) if rules.two_commands else "district"
    case.assignments = ()
    flag(d, returned=False)
    moment(d, "filed")
    if case.imported is None:
        rules.start_stage(case, DISPATCH, d.at)
    assert case.category is not None  # only a categorised case was accepted
    d.emit(
        CaseFiled,
        category=case.category,
        urgency=case.urgency,
        condition_id=condition.condition_id,
        condition_version=condition.version,
        filing_basis=getattr(body, "filing_basis", ""),
        unit_kind=case.unit_kind,
        limit=condition.limit,
        closing_condition_ids=case.closing_conditions,
        pinned_versions=case.pinned_versions,
    )


def close(d: Draft, body: Body) -> None:
    """Archive types: 1 normal, 2 overdue, 4 special, closed by force (domain notes 1.4)."""
    case = d.case
    forced = d.act.action == "force_close"
    for stage in (ACCEPT, DISPOSAL):
        d.clock = clocks.stop(case, stage, d.at, d.rules) or d.clock
    if forced:
        flag(d, force_closed=True)
    moment(d, "closed")
    archive = 4 if forced else 2 if case.timeliness == "overdue" else 1
    d.emit(
        CaseClosed,
        archive_type=archive,
        closing_condition_id=",".join(getattr(body, "closing_condition_ids", ())),
        summary=summary_of(case, d.at),
        opinion=body.opinion,
    )


def request_force_close(d: Draft, body: Body) -> None:
    d.case.force = ForceRequest(person_ref=d.act.by.person_ref, opinion=body.opinion, at=d.at)


EFFECTS: Final[dict[str, Callable[[Draft, Any], None]]] = {
    **HANDLING,
    **REQUESTS,
    **AFTER,
    **WITHDRAWALS,
    **JOINING,
    "merge": merge_with(void),
    **SHARED,
    "correct": correct,
    "send_verify": send_verify,
    "verify_result": verify_result,
    "accept": accept,
    "audit_self_disposed": audit_self_disposed,
    "void": void,
    "file": file,
    "close": close,
    "request_force_close": request_force_close,
    "force_close": close,
}
"""Action → its effect."""
