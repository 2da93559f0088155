"""Directives on a child's case: who may give one, and every reason for which the custodian refuses it."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import msgspec
import pytest
from yiwang.contracts import Actor, CaseDirected, tag_of
from yiwang.dispatch import custody, directives
from yiwang.dispatch.auto import Work
from yiwang.dispatch.case import Case
from yiwang.dispatch.directives import MAY_DIRECT, code_and_sentence, judge
from yiwang.dispatch.refusals import REFUSALS, Refused
from yiwang.dispatch.replay import follow
from yiwang.dispatch.states import FINAL, ROLE_NAMES, STATES
from yiwang.dispatch.testing import MONDAY
from yiwang.dispatch.testing_tiers import CITY, LEADER, LUOHU, NANSHAN, PROVINCE, a_case_at, rules_at

ROLES = sorted({*ROLE_NAMES, "evaluator", "admin", "auditor"})


def in_luohu(state: str = "handling") -> Case:
    return a_case_at(state, LUOHU)


def told(action: str = "supervise", role: str = "leader", **change: Any) -> CaseDirected:
    """What the city says about Luohu's case."""
    case = in_luohu()
    fields: dict[str, Any] = {
        "case_id": case.case_id, "directive_id": "d1", "based_on": case.version, "epoch": case.custody.epoch,
        "action": action, "kind": "leader", "level": "city", "opinion": "请尽快办理", "jurisdiction": CITY,
        "addressee": LUOHU, "expires_at": MONDAY + dt.timedelta(hours=1), "actor": Actor(role=role, kind="human"),
    }  # fmt: skip
    return CaseDirected(**(fields | change))


@pytest.mark.parametrize(("action", "role"), itertools.product([*MAY_DIRECT, "close"], ROLES))
def test_only_the_right_role_may_direct_and_only_what_is_known(action: str, role: str) -> None:
    """Checked again by the custodian: whoever sits above may be wrong, or lie."""
    refused = judge(told(action, role), in_luohu(), rules_at(LUOHU), MONDAY)
    if action not in MAY_DIRECT:
        assert refused is not None
        assert refused.key == "directive_unknown"
    elif role in MAY_DIRECT[action]:
        assert refused is None
    else:
        assert refused is not None
        assert refused.key == "directive_role"


@pytest.mark.parametrize("state", sorted(set(STATES)))
def test_a_finished_case_is_not_directed(state: str) -> None:
    """In every open state it may be; closed and voided are over."""
    refused = judge(told(), in_luohu(state), rules_at(LUOHU), MONDAY)
    assert (refused.key if refused else "") == ("directive_finished" if state in FINAL else "")


@pytest.mark.parametrize(
    ("issuer", "ok"), [(CITY, True), (PROVINCE, True), (NANSHAN, False), (LUOHU, False), ("440100", False)]
)
def test_a_sibling_a_child_or_a_stranger_cannot_direct(issuer: str, ok: bool) -> None:
    """Only a node above, however far."""
    refused = judge(told(jurisdiction=issuer), in_luohu(), rules_at(LUOHU), MONDAY)
    assert (refused is None) == ok
    if refused is not None:
        assert code_and_sentence(refused)[0] == "not_above"


def test_what_is_late_stale_or_elsewhere_is_refused_with_a_sentence() -> None:
    """Expired, based on another version or another custody, handed over, unknown: each says what to do."""
    case, rules = in_luohu(), rules_at(LUOHU)
    later = MONDAY + dt.timedelta(hours=2)
    found = {
        code_and_sentence(refused)[0]: code_and_sentence(refused)[1]
        for refused in (
            judge(told(), case, rules, later),
            judge(told(based_on=case.version - 1), case, rules, MONDAY),
            judge(told(epoch=7), case, rules, MONDAY),
            judge(told(), msgspec.structs.replace(case, away=CITY), rules, MONDAY),
            judge(told(), None, rules, MONDAY),
        )
        if refused is not None
    }
    assert set(found) == {"expired", "stale", "moved_away", "unknown_case"}
    assert "现为第 2 版" in found["stale"]
    assert all("；" in sentence and "{" not in sentence for sentence in found.values())
    assert judge(told(), case, rules, MONDAY + dt.timedelta(hours=1)) is None, "at the very end it still holds"


def test_a_supervision_is_a_version_and_waits_for_its_reply() -> None:
    """It stands on the case's face; a late reply is told once; the reply ends it; the events alone tell the same."""
    due = MONDAY + dt.timedelta(hours=4)
    start = in_luohu()
    work = Work(start, rules_at(LUOHU), MONDAY)
    directives.apply(work, told(reply_required=True, reply_due=due), [])
    assert work.case.flags.supervised
    directives.ring(work, "d1")
    assert len(work.events) == 1
    work.now = due
    directives.ring(work, "d1")
    directives.ring(work, "d1")
    assert [tag_of(type(e)) for e in work.events] == ["case.supervised.v1", "case.overdue.v1"]
    by = Actor(role="dispatcher")
    with pytest.raises(Refused, match="意见"):
        directives.reply(work, "d1", by, " ")
    directives.reply(work, "d1", by, "已安排")
    with pytest.raises(Refused, match="没有等待回复"):
        directives.reply(work, "d1", by, "再说一次")
    again = start
    for event in work.events:
        again = follow(again, msgspec.structs.replace(event, jurisdiction=CITY), two_commands=True)
    assert again.supervisions == work.case.supervisions
    assert (again.version, again.flags) == (work.case.version, work.case.flags)


@pytest.mark.parametrize(("action", "target", "to"), [("recall", "", CITY), ("assign", "440305001", NANSHAN)])
def test_recalling_and_assigning_offer_the_case(action: str, target: str, to: str) -> None:
    """What was on offer elsewhere is taken back first; the new node takes it as any other offer."""
    work = Work(in_luohu(), rules_at(LUOHU), MONDAY)
    custody.offer(work, PROVINCE, "assignment", LEADER, [])
    directives.apply(work, told(action, target=target), [])
    assert [tag_of(type(e)) for e in work.events[1:]] == ["case.handover_withdrawn.v1", "case.handover_offered.v1"]
    assert work.case.offer is not None
    assert work.case.offer.to == to
    nowhere = Work(in_luohu(), rules_at(LUOHU), MONDAY)
    with pytest.raises(Refused, match="没有可以接收"):
        directives.apply(nowhere, told("assign", target="440303002"), [])
    assert nowhere.events == []


def test_every_reason_code_is_a_refusal() -> None:
    """The codes of answers and the sentences are one list."""
    assert set(directives.CODES) <= set(REFUSALS)
