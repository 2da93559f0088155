"""What the events of a case's side branches change: requests, appeals, reopening, relations. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from yiwang.contracts import (
    Appeal,
    Approval,
    CaseAppealDecided,
    CaseAppealed,
    CaseCorrected,
    CaseEvent,
    CaseExtensionDecided,
    CaseExtensionRequested,
    CaseLink,
    CaseLinked,
    CaseMerged,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    CaseSuspensionDecided,
    CaseSuspensionRequested,
    Clock,
    OpenRequest,
)

from .case import Case
from .effects_after import decided, reopened
from .replay_work import parts_reopened
from .requests import EXTENSION, HANG, agreed, approval, open_request, with_one, without
from .withdrawing import WITHDRAWN


def _extension_requested(case: Case, e: CaseExtensionRequested) -> dict[str, Any]:
    made = OpenRequest(
        request_id=e.request_id, kind=EXTENSION, n=e.n, path=e.path, person_ref=e.actor.person_ref, unit_id=e.unit_id,
        engineering=e.engineering, opinion=e.opinion, requested_at=e.occurred_at,
    )  # fmt: skip
    return {"requests": with_one(case, made)}


def _extension_decided(case: Case, e: CaseExtensionDecided) -> dict[str, Any]:
    if not e.final:
        return _agreed(case, EXTENSION, e)
    more = case.postpone_count + (e.decision == "approved")
    return {"requests": without(case, EXTENSION), "postpone_count": more}


def _suspension_requested(case: Case, e: CaseSuspensionRequested) -> dict[str, Any]:
    made = OpenRequest(
        request_id=e.request_id, kind=HANG, path=e.path, person_ref=e.actor.person_ref, unit_id=e.unit_id,
        resume_on=e.resume_on, opinion=e.opinion, requested_at=e.occurred_at,
    )  # fmt: skip
    return {"requests": with_one(case, made)}


def _suspension_decided(case: Case, e: CaseSuspensionDecided) -> dict[str, Any]:
    return _agreed(case, HANG, e) if e.decision == "approved" else {"requests": without(case, HANG)}


def _agreed(case: Case, kind: str, e: CaseExtensionDecided | CaseSuspensionDecided) -> dict[str, Any]:
    made = open_request(case, kind)
    return {} if made is None else {"requests": with_one(case, agreed(made, word_of(e, e.level, e.decision, e.opinion)))}


def word_of(event: CaseEvent, level: int, decision: str, opinion: str) -> Approval:
    by = event.actor
    return approval(level, by.role, by.person_ref, decision, opinion, event.occurred_at)


def _suspended(case: Case, e: CaseSuspended) -> dict[str, Any]:
    if e.kind == "stock":
        return {"stock": True, "stock_on": None}
    hung = {"came_from": case.state, "hang_count": case.hang_count + 1}
    return hung | {"resume_on": e.resume_on, "stock_on": e.stock_on}


def _appealed(_: Case, e: CaseAppealed) -> dict[str, Any]:
    made = Appeal(
        unit_id=e.unit_id, person_ref=e.actor.person_ref, opinion=e.opinion, round=e.case.round, path=e.path,
        appealed_at=e.occurred_at,
    )  # fmt: skip
    return {"appeal": made}


def _appeal_decided(case: Case, e: CaseAppealDecided) -> dict[str, Any]:
    word = word_of(e, e.level, e.decision, e.opinion)
    if case.appeal is None or e.decision == WITHDRAWN:
        return {"appeal": None}
    return {"appeal": decided(case.appeal, word)}


def given_anew(old: Clock, new: Clock) -> bool:
    """Whether the limit itself changed: more time, or another class."""
    return (old.extended_s, old.limit, old.unit_kind) != (new.extended_s, new.limit, new.unit_kind)


def corrected_by(case: Case, e: CaseCorrected) -> dict[str, Any]:
    """What a correction changes: place and time of it, limit and closing conditions, the unit that had the case."""
    change: dict[str, Any] = {}
    fields = {one.field: one.new for one in e.changed}
    if "place" in fields:
        change |= {"located": True, "times": case.times | {"located": e.occurred_at}}
    if "condition" in fields:
        change["closing_conditions"] = e.closing_condition_ids
    if e.unit_kind:
        change |= {"unit_kind": e.unit_kind, "limit": e.limit}
    if "command" in fields:
        change["command"] = fields["command"]
    if e.case.state_after == "filed" and case.state != "filed":
        change |= {"assignments": (), "subtasks": (), "handler_ref": ""}
    return change


def _merged(case: Case, e: CaseMerged) -> dict[str, Any]:
    if e.relation == "into":
        return {"merged_into": e.case.merged_into}
    return {
        "report_ids": e.case.report_ids, "links": (*case.links, *_links(e, "merged")), "wants_reply": e.wants_reply
    }  # fmt: skip


def _links(e: CaseMerged | CaseLinked, relation: str) -> list[CaseLink]:
    return [CaseLink(case_id=other, relation=relation, distance_m=e.distance_m) for other in e.other_case_ids]


BRANCHES: Final[dict[type[CaseEvent], Callable[[Case, Any], dict[str, Any]]]] = {
    CaseExtensionRequested: _extension_requested,
    CaseExtensionDecided: _extension_decided,
    CaseSuspensionRequested: _suspension_requested,
    CaseSuspensionDecided: _suspension_decided,
    CaseSuspended: _suspended,
    CaseMerged: _merged,
    CaseLinked: lambda case, e: {"links": (*case.links, *_links(e, e.relation))},
    CaseAppealed: _appealed,
    CaseAppealDecided: _appeal_decided,
    CaseReopened: lambda case, e: reopened(case, e.occurred_at) | {
        "round": e.case.round, "subtasks": parts_reopened(case, e),
    },
    CaseResumed: lambda _, __: {"came_from": "", "resume_on": None, "stock_on": None},
}
"""Event → what it changes beyond what its head says."""

BRANCH_ACTIONS: Final[dict[type[CaseEvent], str]] = {
    CaseExtensionRequested: "postpone_apply",
    CaseExtensionDecided: "postpone_approve",
    CaseSuspensionRequested: "hang_apply",
    CaseSuspensionDecided: "hang_approve",
    CaseSuspended: "suspend",
    CaseMerged: "merge",
    CaseLinked: "link",
    CaseAppealed: "appeal",
    CaseAppealDecided: "decide_appeal",
    CaseReopened: "reopen",
    CaseResumed: "resume",
}
"""The action that an event most likely came from."""

