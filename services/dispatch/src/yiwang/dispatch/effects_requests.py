"""What requests for more time or a rest do to a case, and what their approval does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from yiwang.contracts import (
    Approval,
    CaseExtensionDecided,
    CaseExtensionRequested,
    CaseResumed,
    CaseSuspended,
    CaseSuspensionDecided,
    CaseSuspensionRequested,
    OpenRequest,
)

from . import clocks
from .acts import Body, DecisionBody, ExtensionBody, SuspendBody
from .case import DISPOSAL
from .draft import Draft
from .requests import EXTENSION, HANG, agreed, approval, open_request, path_of, with_one, without
from .states import SYSTEM


def postpone_apply(d: Draft, body: ExtensionBody) -> None:
    """Asked for now, decided by others; the clock runs on meanwhile."""
    case = d.case
    d.clock = running = case.clock(DISPOSAL)
    assert running is not None  # the guard extension_in_time holds
    path = path_of(case, EXTENSION, d.act.role, d.rules, engineering=body.engineering)
    made = OpenRequest(
        request_id=f"{case.case_id}/x{case.version + 1}", kind=EXTENSION, n=case.postpone_count + 1, path=path,
        person_ref=d.act.by.person_ref, unit_id=d.act.by.unit_id, engineering=body.engineering, opinion=body.opinion,
        requested_at=d.at,
    )  # fmt: skip
    case.requests = with_one(case, made)
    d.receiver = path[0]
    d.emit(
        CaseExtensionRequested,
        request_id=made.request_id,
        level=len(path),
        n=made.n,
        old_due_at=running.judged_by,
        new_due_at=clocks.extended(running, d.rules).judged_by,
        opinion=body.opinion,
        unit_id=made.unit_id,
        engineering=body.engineering,
        path=path,
        waits_for=path[0],
    )


def postpone_approve(d: Draft, body: DecisionBody) -> None:
    """One level's word. The last one's grants: current deadline plus the original limit (domain notes 1.5)."""
    case, made = d.case, _asked(d, EXTENSION)
    d.clock = running = case.clock(DISPOSAL)
    assert running is not None  # a unit that has the case has its clock
    old, word, new = running.judged_by, _word(d, made, body), None
    final = body.result != "approved" or made.level + 1 == len(made.path)
    if final:
        case.requests = without(case, EXTENSION)
        if body.result == "approved":
            new = clocks.extend(case, running, d.rules).judged_by
            case.postpone_count += 1
    else:
        case.requests = with_one(case, agreed(made, word))
    d.receiver = made.unit_id if final else made.path[made.level + 1]
    d.emit(
        CaseExtensionDecided,
        request_id=made.request_id,
        level=word.level,
        n=made.n,
        decision=body.result,
        old_due_at=old,
        new_due_at=new,
        opinion=body.opinion,
        final=final,
        waits_for="" if final else d.receiver,
    )


def hang_apply(d: Draft, body: SuspendBody) -> None:
    case = d.case
    path = path_of(case, HANG, d.act.role, d.rules)
    made = OpenRequest(
        request_id=f"{case.case_id}/h{case.version + 1}", kind=HANG, path=path, person_ref=d.act.by.person_ref,
        unit_id=d.act.by.unit_id, resume_on=body.resume_on, opinion=body.opinion, requested_at=d.at,
    )  # fmt: skip
    case.requests = with_one(case, made)
    d.receiver, d.clock = path[0], case.clock(DISPOSAL)
    d.emit(
        CaseSuspensionRequested,
        request_id=made.request_id,
        resume_on=body.resume_on,
        unit_id=made.unit_id,
        path=path,
        waits_for=path[0],
        opinion=body.opinion,
    )


def hang_approve(d: Draft, body: DecisionBody) -> None:
    """The last level's agreement hangs the case; before it the clock runs on."""
    made = _asked(d, HANG)
    word = _word(d, made, body)
    if d.row.to == "suspended":
        assert made.resume_on is not None  # a hang was asked for to a date
        _hang(d, made.request_id, made.resume_on, (*made.approvals, word), body.opinion)
        return
    going_on = body.result == "approved"
    d.case.requests = with_one(d.case, agreed(made, word)) if going_on else without(d.case, HANG)
    d.clock, d.receiver = d.case.clock(DISPOSAL), made.path[made.level + 1] if going_on else made.unit_id
    d.emit(
        CaseSuspensionDecided,
        request_id=made.request_id,
        level=word.level,
        decision=body.result,
        waits_for=d.receiver if going_on else "",
        opinion=body.opinion,
    )


def suspend(d: Draft, body: SuspendBody) -> None:
    """Hung by one who may, without a request."""
    word = approval(1, d.act.role, d.act.by.person_ref, "approved", body.opinion, d.at)
    _hang(d, f"{d.case.case_id}/h{d.case.version + 1}", body.resume_on, (word,), body.opinion)


def _hang(
    d: Draft, request_id: str, resume_on: dt.datetime, approvals: tuple[Approval, ...], opinion: str
) -> None:
    case, policy = d.case, d.rules.policies.hang
    d.clock = case.clock(DISPOSAL)
    stopped = clocks.pause(case, DISPOSAL, d.at)
    case.came_from, case.hang_count, case.resume_on = case.state, case.hang_count + 1, resume_on
    consents = [one.at for one in approvals if one.role == policy.consent and one.decision == "approved"]
    if consents and policy.stock_days:
        case.stock_on = consents[-1] + dt.timedelta(days=policy.stock_days)
    d.emit(
        CaseSuspended,
        kind=HANG,
        request_id=request_id,
        approvals=approvals,
        resume_on=resume_on,
        stock_on=case.stock_on,
        stopped_clocks=(stopped,) if stopped else (),
        opinion=opinion,
    )


def to_stock(d: Draft, _: Body) -> None:
    """Still hung so many days after the commander's consent: it is stock (积存) now; its date stays."""
    case = d.case
    assert case.resume_on is not None  # a suspended case has its date
    case.stock, case.stock_on = True, None
    d.emit(CaseSuspended, kind="stock", request_id=f"{case.case_id}/s{case.version + 1}", resume_on=case.resume_on)


def resume(d: Draft, _: Body) -> None:
    case = d.case
    due = clocks.resume(case, DISPOSAL, d.at, d.rules)
    case.came_from, case.resume_on, case.stock_on = "", None, None
    d.emit(CaseResumed, cause="timer" if d.act.role == SYSTEM else "manual", new_due_at=due)


def _asked(d: Draft, kind: str) -> OpenRequest:
    made = open_request(d.case, kind)
    assert made is not None  # the guard request_open holds
    return made


def _word(d: Draft, made: OpenRequest, body: DecisionBody) -> Approval:
    return approval(made.level + 1, d.act.role, d.act.by.person_ref, body.result, body.opinion, d.at)


REQUESTS: Final[dict[str, Callable[[Draft, Any], None]]] = {
    "postpone_apply": postpone_apply,
    "postpone_approve": postpone_approve,
    "hang_apply": hang_apply,
    "hang_approve": hang_approve,
    "suspend": suspend,
    "to_stock": to_stock,
    "resume": resume,
}
"""Action → its effect."""

