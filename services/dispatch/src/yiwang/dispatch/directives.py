"""Acting on a case whose custodian is below: what an upper tier may ask for, and when it is refused. Pure.

Only the custodian writes a case. So an upper tier sends a directive, based on the version that it saw and good until a
moment; the custodian applies it or refuses it with a sentence. Nobody can direct a node that isn't below it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec
from yiwang.contracts import (
    Actor,
    CaseDirected,
    CaseOverdue,
    CaseSupervised,
    CaseSupervisionReplied,
    Moment,
    Supervision,
)

from . import custody
from .auto import Work
from .case import Case
from .custody import SYSTEM_ACTOR, named, tell
from .draft import Record
from .refusals import REFUSALS, Refused
from .rules import Rules
from .states import FINAL, SYSTEM
from .tiers import Tiers

ACTIONS: Final = {"supervise": "督办", "recall": "收回", "assign": "指定办理"}
MAY_DIRECT: Final = {"supervise": ("supervisor", "leader"), "recall": ("leader",), "assign": ("leader",)}
"""Action → the roles that may direct it; checked where it is issued and again where it is applied."""
KINDS: Final = {"timeout": "超时督办", "leader": "领导督办", "important": "重要事项督办"}
STATES: Final = {"issued": "已下达", "applied": "已执行", "refused": "被拒绝", "expired": "逾期未回"}
LASTS: Final = dt.timedelta(hours=24)
"""How long a directive is good where its issuer says nothing."""
SUPERVISION: Final = "supervision"


class Directive(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A directive as its issuer or its custodian keeps it."""

    said: CaseDirected
    issuer: str
    side: str
    """issued (by this node) or taken (by this node)"""
    state: str = "issued"
    reason_code: str = ""
    reason: str = ""
    answered_at: Moment | None = None
    version: int = 0
    """The case's version after it was applied"""


def by_rule(event: CaseDirected) -> bool:
    """Whether a rule of the issuer's profile gave it, for a limit that has passed: nobody's role is needed."""
    return (event.action, event.kind, event.actor.kind) == ("supervise", "timeout", SYSTEM)


def judge(event: CaseDirected, case: Case | None, rules: Rules, now: dt.datetime) -> Refused | None:
    """Why the custodian must not apply *event* to *case*; None where it may."""
    tiers = rules.tiers
    if tiers is None or not tiers.above(event.jurisdiction, event.addressee):
        return Refused("directive_not_above", issuer=named(rules, event.jurisdiction))
    if event.action not in MAY_DIRECT:
        return Refused("directive_unknown", action=event.action)
    if event.actor.role not in MAY_DIRECT[event.action] and not by_rule(event):
        return Refused("directive_role", action=ACTIONS[event.action])
    if now > event.expires_at:
        return Refused("directive_expired", at=event.expires_at.isoformat(timespec="minutes"))
    if case is None:
        return Refused("directive_no_case", node=named(rules, event.addressee))
    if case.away:
        return Refused("directive_moved", node=named(rules, case.away))
    if case.state in FINAL:
        return Refused("directive_finished")
    if (event.based_on, event.epoch) != (case.version, case.custody.epoch):
        return Refused("directive_stale", now=case.version, seen=event.based_on)
    return None


CODES: Final = {
    "directive_not_above": "not_above",
    "directive_unknown": "unknown_action",
    "directive_role": "wrong_role",
    "directive_expired": "expired",
    "directive_no_case": "unknown_case",
    "directive_moved": "moved_away",
    "directive_finished": "finished",
    "directive_stale": "stale",
}
"""Refusal → the reason code that the answer carries; any other one means impossible."""


def code_and_sentence(refused: Refused) -> tuple[str, str]:
    """The reason as the answer carries it: a code, and a sentence with what to do."""
    do = REFUSALS[refused.key].do.format(**refused.facts)
    return CODES.get(refused.key, "impossible"), f"{refused}；{do}"


def apply(work: Work, event: CaseDirected, flow: Sequence[Record]) -> None:
    """Do what *event* says to the case. Raises Refused where it is impossible."""
    if event.action == "supervise":
        supervise(work, event)
        return
    tiers = work.rules.tiers
    assert tiers is not None  # judge held it
    to, cause = (event.jurisdiction, "recall") if event.action == "recall" else (_target(event, tiers), "assignment")
    if work.case.offer is not None:
        custody.withdraw(work, event.actor, "went_on")
    custody.offer(work, to, cause, event.actor, flow, event.opinion)


def _target(event: CaseDirected, tiers: Tiers) -> str:
    to = tiers.node_for(event.target)
    if to in ("", event.addressee):
        raise Refused("handover_nowhere", area=event.target)
    return to


def supervise(work: Work, event: CaseDirected) -> None:
    """Somebody presses the case: it stands in its history and on its face until it is closed."""
    case = work.case
    one = Supervision(
        directive_id=event.directive_id, issuer=event.jurisdiction or case.custody.jurisdiction, kind=event.kind,
        level=event.level, opinion=event.opinion, reply_required=event.reply_required, reply_due=event.reply_due,
        supervised_at=work.now,
    )  # fmt: skip
    tell(
        work, CaseSupervised, "supervise", event.actor, opinion=event.opinion, result=event.kind,
        change={
            "supervisions": (*case.supervisions, one),
            "flags": msgspec.structs.replace(case.flags, supervised=True),
        },
        directive_id=event.directive_id, kind=event.kind, level=event.level, reply_due=event.reply_due,
        issuer=one.issuer, reply_required=event.reply_required,
    )  # fmt: skip


def reply(work: Work, directive_id: str, by: Actor, opinion: str) -> None:
    """Answer a supervision. Raises Refused where there is none of that id, or it has its answer."""
    case = work.case
    found = next((one for one in case.supervisions if one.directive_id == directive_id), None)
    if found is None or found.replied_at is not None:
        raise Refused("supervision_missing")
    if not opinion.strip():
        raise Refused("opinion_missing", action="督办回复")
    answered = tuple(
        msgspec.structs.replace(one, replied_at=work.now) if one is found else one for one in case.supervisions
    )
    tell(
        work, CaseSupervisionReplied, "reply_supervision", by, opinion=opinion, receiver=found.issuer,
        change={"supervisions": answered}, directive_id=directive_id, addressee="",
    )  # fmt: skip


def ring(work: Work, directive_id: str) -> None:
    """A reply that was due hasn't come: say it once."""
    case = work.case
    found = next((one for one in case.supervisions if one.directive_id == directive_id), None)
    if found is None or found.replied_at or found.overdue or found.reply_due is None or work.now < found.reply_due:
        return
    late = tuple(msgspec.structs.replace(one, overdue=True) if one is found else one for one in case.supervisions)
    tell(
        work, CaseOverdue, "supervision_overdue", SYSTEM_ACTOR, receiver=found.issuer,
        change={"supervisions": late, "since": case.since}, clock_id=directive_id, stage=SUPERVISION,
        due_at=found.reply_due, unit_id=case.lead.unit_id if case.lead else "",
    )  # fmt: skip
