"""Supervision by rule (超时督办): a case that stays overdue is pressed by the tiers that the profile names. Pure.

The kinds of supervision and that a reply may be asked for: case management notes 1.5, row 25; after which time and by whom
is every city's own rule, so it is data: ``[[dispatch.custody.press]]``.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, Final

import msgspec
from yiwang.contracts import Actor, CaseDirected, CaseOverdue

from .case import Case
from .directives import LASTS
from .rules import Rules
from .states import FINAL, SYSTEM
from .tiers import Press

PRESS: Final = "press"
"""Timer of an overdue case: some tier presses it now, where it is still overdue."""
ACTOR: Final = Actor(role=SYSTEM, kind=SYSTEM, via="dispatch")


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A rule whose moment will come for one clock of one case."""

    case_id: str
    clock_id: str
    n: int
    """Which of the profile's rules"""
    at: dt.datetime

    @property
    def key(self) -> str:
        return f"{PRESS}/{self.n}/{self.case_id}/{self.clock_id}"

    @property
    def timer(self) -> tuple[str, dt.datetime, dict[str, Any]]:
        return self.key, self.at, {"case_id": self.case_id, "clock_id": self.clock_id, "n": self.n}


def dues(event: CaseOverdue, rules: Rules, me: str) -> list[Due]:
    """The rules that *event* sets going at the node *me*: those of its own tier, and of the custodian's where it acts for it."""
    clock = next((one for one in event.case.open_clocks if one.clock_id == event.clock_id), None)
    levels = {_tier(rules, me)}
    if rules.tiers is None or event.case.custody.jurisdiction in rules.tiers.mine:
        levels.add(_tier(rules, event.case.custody.jurisdiction))
    found = []
    for n, rule in enumerate(rules.governance.press):
        if clock is None or rule.level not in levels or event.stage != rule.stage:
            continue
        at = event.due_at + dt.timedelta(hours=rule.after_hours)
        if rule.after_multiple:
            more = math.ceil(clock.limit * rule.after_multiple)
            at = max(at, rules.due(event.due_at, more, clock.unit_kind).due_at)
        found.append(Due(case_id=event.case.case_id, clock_id=event.clock_id, n=n, at=at))
    return found


def _tier(rules: Rules, code: str) -> str:
    if rules.tiers is not None:
        return rules.tiers.tier(code)
    return "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"


def still(case: Case, due: Due) -> bool:
    """Whether *case* is to be pressed: its clock goes on beyond the limit, and this rule hasn't pressed it yet."""
    late = any(one.clock.clock_id == due.clock_id and one.overdue and one.stopped_at is None for one in case.clocks)
    done = any(one.directive_id.startswith(due.key + "@") for one in case.supervisions)
    return late and not done and case.state not in FINAL and not case.away


def said(case: Case, due: Due, rule: Press, me: str, now: dt.datetime) -> CaseDirected:
    """The supervision as a directive: applied at once where the case is here, else it travels."""
    return CaseDirected(
        case_id=case.case_id, case_no=case.case_no, directive_id=f"{due.key}@{case.version}", based_on=case.version,
        epoch=case.custody.epoch, action="supervise", kind="timeout", level=rule.level, opinion=rule.opinion,
        expires_at=now + LASTS, reply_required=rule.reply_hours > 0,
        reply_due=now + dt.timedelta(hours=rule.reply_hours) if rule.reply_hours else None,
        addressee=case.custody.jurisdiction, actor=ACTOR, jurisdiction=me, purpose=case.purpose,
    )  # fmt: skip


def again(directive: CaseDirected, now: dt.datetime, after: dt.timedelta) -> Due | None:
    """The rule's directive was based on a version that has passed: it is given anew a little later."""
    key, _, _ = directive.directive_id.rpartition("@")
    kind, n, rest = (*key.split("/", 2), "", "")[:3]
    if kind != PRESS or not n.isdigit() or not rest.startswith(directive.case_id + "/"):
        return None
    clock_id = rest.removeprefix(directive.case_id + "/")
    return Due(case_id=directive.case_id, clock_id=clock_id, n=int(n), at=now + after)


