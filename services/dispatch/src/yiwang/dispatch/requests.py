"""Requests for more time (延期) and for a rest (挂账), and appeals: who decides next, and what one more word makes of it. Pure.

A handler's request goes to its own department first (待部门审批); a department's own request skips that step. A request
ends with the work it is about: when the case leaves the unit's hands, nobody needs to decide it any more.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec
from yiwang.contracts import Approval, OpenRequest

from .case import Case
from .policies import Extension
from .rules import Rules

EXTENSION, HANG = "extension", "hang"
AT_WORK: Final = frozenset({"dispatched", "handling"})
"""States in which a unit has the case and may ask."""
KIND_OF: Final = {
    "postpone_apply": EXTENSION, "postpone_approve": EXTENSION, "hang_apply": HANG, "hang_approve": HANG,
}  # fmt: skip


def open_request(case: Case, kind: str) -> OpenRequest | None:
    """The request of *kind* that isn't decided yet."""
    return next((one for one in case.requests if one.kind == kind), None)


def path_of(case: Case, kind: str, role: str, rules: Rules, *, engineering: bool = False) -> tuple[str, ...]:
    """Who decides a request that somebody in *role* makes now, one after the other."""
    policies = rules.policies
    if kind == HANG:
        decide = policies.hang.path
    else:
        strict = engineering or case.postpone_count > 0 or is_engineering(case, policies.extension)
        decide = policies.extension.strict if strict else policies.extension.ordinary
    return decide if role == "dept_operator" else ("dept_operator", *decide)


def is_engineering(case: Case, policy: Extension) -> bool:
    """Whether the class is one whose work always needs building."""
    key = "" if case.category is None else f"{case.category.kind}/{case.category.major}/{case.category.minor}"
    return any(key == one or (one.endswith("*") and key.startswith(one[:-1])) for one in policy.engineering)


def turn(case: Case, action: str) -> str:
    """The role whose word *action* waits for; empty where it waits for nobody in particular."""
    if action == "decide_appeal":
        one = case.appeal
        return one.path[one.level] if one is not None and not one.decision else ""
    found = open_request(case, KIND_OF.get(action, ""))
    return found.path[found.level] if found is not None else ""


def approval(level: int, role: str, person_ref: str, decision: str, opinion: str, at: dt.datetime) -> Approval:
    return Approval(level=level, role=role, person_ref=person_ref, decision=decision, opinion=opinion, at=at)


def agreed(one: OpenRequest, word: Approval) -> OpenRequest:
    """*one* after a level that isn't the last has agreed."""
    return msgspec.structs.replace(one, level=one.level + 1, approvals=(*one.approvals, word))


def without(case: Case, kind: str) -> tuple[OpenRequest, ...]:
    return tuple([one for one in case.requests if one.kind != kind])


def with_one(case: Case, made: OpenRequest) -> tuple[OpenRequest, ...]:
    return (*without(case, made.kind), made)


def lapse(case: Case) -> None:
    """End what is asked for where the unit no longer has the case."""
    if case.requests and case.state not in AT_WORK:
        case.requests = ()
