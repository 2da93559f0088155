"""What may still happen to a closed case: an appeal against its overdue mark (申诉), and a new round (重新办理)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import msgspec
from yiwang.contracts import Appeal, Approval, CaseAppealDecided, CaseAppealed, CaseReopened

from . import clocks
from .acts import Body, DecisionBody, ReopenBody
from .case import Case
from .draft import Draft
from .effects_shared import parts_anew
from .requests import approval

KEPT: Final = ("located", "verified", "accepted", "filed")
"""Moments that a new round doesn't change."""


def appeal(d: Draft, body: Body) -> None:
    """Once per case, by the unit that was judged; the facts of the case stay as they are."""
    case, path = d.case, d.rules.policies.appeal.path
    case.appeal = Appeal(
        unit_id=d.act.by.unit_id, person_ref=d.act.by.person_ref, opinion=body.opinion, round=case.round, path=path,
        appealed_at=d.at,
    )  # fmt: skip
    case.flags = msgspec.structs.replace(case.flags, appeal=True)
    d.receiver = path[0]
    d.emit(
        CaseAppealed, cause="overdue", unit_id=d.act.by.unit_id, opinion=body.opinion, path=path, waits_for=path[0],
    )  # fmt: skip


def decided(one: Appeal, word: Approval) -> Appeal:
    """*one* after the next review's word."""
    words = (*one.approvals, word)
    if word.decision == "approved" and word.level < len(one.path):
        return msgspec.structs.replace(one, level=word.level, approvals=words)
    return msgspec.structs.replace(one, decision=word.decision, approvals=words)


def decide_appeal(d: Draft, body: DecisionBody) -> None:
    """Two reviews; only the last one's agreement exempts the case from statistics (timeout_exempt)."""
    case, made = d.case, d.case.appeal
    assert made is not None  # the guard appeal_open holds
    word = approval(made.level + 1, d.act.role, d.act.by.person_ref, body.result, body.opinion, d.at)
    case.appeal = after = decided(made, word)
    final = bool(after.decision)
    if after.decision == "rejected":
        case.flags = msgspec.structs.replace(case.flags, appeal=False)
    d.receiver = made.unit_id if final else after.path[after.level]
    d.emit(
        CaseAppealDecided,
        cause="overdue",
        decision=body.result,
        exempt=after.decision == "approved",
        opinion=body.opinion,
        level=word.level,
        final=final,
        waits_for="" if final else d.receiver,
    )


def reopened(case: Case, at: dt.datetime) -> dict[str, Any]:
    """What a new round forgets of the one before: who handled it, its result, how it was judged."""
    times = {name: moment for name, moment in case.times.items() if name in KEPT}
    return {
        "confirmed": False, "timeliness": None, "timeliness_source": "measured", "handler_ref": "", "force": None,
        "task": None, "unable": 0, "times": times | {"dispatched": at},
    }  # fmt: skip


def reopen(d: Draft, body: ReopenBody) -> None:
    """The unit that had it handles it again: a new round, under the clock that the city's policy says."""
    case, policy = d.case, d.rules.policies.reopening.clock
    lead = case.lead
    assert lead is not None  # the guard was_handled holds
    for name, value in reopened(case, d.at).items():
        setattr(case, name, value)
    case.round += 1
    flags = case.flags
    case.flags = msgspec.structs.replace(flags, overdue=False, returned=False, force_closed=False, appeal=False)
    clocks.again(case, policy, lead.clock, d.at, d.rules, lead.unit_id)
    parts_anew(d)
    d.receiver = lead.unit_id
    d.emit(
        CaseReopened, cause=body.cause, opinion=body.opinion, assignment_id=lead.assignment_id, clock_policy=policy
    )


AFTER: Final[dict[str, Callable[[Draft, Any], None]]] = {
    "appeal": appeal,
    "decide_appeal": decide_appeal,
    "reopen": reopen,
}
"""Action → its effect."""
