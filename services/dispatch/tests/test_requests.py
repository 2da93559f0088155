"""延期, 挂账 and 积存: who decides, how much, how often, and until when (domain notes, case management 1.5)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from yiwang.contracts import Actor, tag_of
from yiwang.dispatch import policies
from yiwang.dispatch.acts import BODIES, Act
from yiwang.dispatch.alarms import ring
from yiwang.dispatch.authority import may_do
from yiwang.dispatch.case import Case
from yiwang.dispatch.clocks import next_alarm
from yiwang.dispatch.domain import Step, step
from yiwang.dispatch.policies import Extension, Hang, Policies
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.replay import follow
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.snapshot import body_of, case_of
from yiwang.dispatch.testing import BY_HAND, MONDAY, some_case, some_rules
from yiwang.kit import Caller, Post

RULES = some_rules(auto=BY_HAND)
DUE = MONDAY + dt.timedelta(hours=6)
"""Four working hours from Monday 09:00, the noon break between."""
LATER = DUE + dt.timedelta(hours=18)
"""Four working hours more: Tuesday 09:00."""
AUGUST = MONDAY + dt.timedelta(days=250)


def do(case: Case, role: str, action: str, *, at: dt.datetime = MONDAY, rules: Rules = RULES, who: str = "", **body: Any) -> Step:
    by = Actor(role=role, person_ref=who or f"p-{role}", unit_id="sanitation" if role in ("handler", "dept_operator") else "")
    return step(case, Act(action=action, role=role, at=at, body=msgspec.convert(body, BODIES[action]), by=by, number="1"), rules)


def at_work(rules: Rules = RULES, **change: Any) -> Case:
    """A case in handling; the work may last until `DUE`."""
    case = some_case(**change)
    for role, action, body in [
        ("acceptor", "accept", {}), ("acceptor", "file", {}), ("dispatcher", "dispatch", {}),
        ("dept_operator", "assign_handler", {"handler_ref": "p-handler"}),
    ]:  # fmt: skip
        case = do(case, role, action, rules=rules, **body).case
    return case


def extended(case: Case, *deciders: str, asker: str = "dept_operator", at: dt.datetime = MONDAY, **body: Any) -> Case:
    case = do(case, asker, "postpone_apply", at=at, opinion="需要开挖路面", **body).case
    for role in deciders:
        case = do(case, role, "postpone_approve", at=at, result="approved").case
    return case


def due(case: Case) -> dt.datetime:
    clock = case.clock("disposal")
    assert clock is not None
    return clock.clock.due_at


def test_the_shift_leader_alone_decides_the_first_request() -> None:
    """A department's own request skips the department's step; one original limit is added to the deadline."""
    asked = do(at_work(), "dept_operator", "postpone_apply", opinion="需要开挖路面")
    [requested] = asked.events
    assert (requested.waits_for, requested.n, requested.old_due_at, requested.new_due_at) == ("shift_leader", 1, DUE, LATER)
    assert due(asked.case) == DUE, "asking alone gives no time"
    with pytest.raises(Refused, match="现由值班长审批"):
        do(asked.case, "dispatcher", "postpone_approve", result="approved")

    granted = do(asked.case, "shift_leader", "postpone_approve", result="approved")

    [event] = granted.events
    assert (event.decision, event.final, event.new_due_at) == ("approved", True, LATER)
    assert due(granted.case) == LATER
    assert (granted.case.postpone_count, granted.case.requests) == (1, ())


def test_a_handlers_request_goes_to_the_department_first() -> None:
    """处置人员 → 部门 → 值班长; the handler may not decide, nor may the wrong level."""
    case = do(at_work(), "handler", "postpone_apply", opinion="缺材料").case
    with pytest.raises(Refused, match="现由专业部门审批"):
        do(case, "shift_leader", "postpone_approve", result="approved")

    passed_on = do(case, "dept_operator", "postpone_approve", result="approved")

    [event] = passed_on.events
    assert (event.final, event.waits_for, event.new_due_at) == (False, "shift_leader", None)
    assert due(passed_on.case) == DUE
    assert due(do(passed_on.case, "shift_leader", "postpone_approve", result="approved").case) == LATER


@pytest.mark.parametrize("how", ["second", "engineering", "class"])
def test_a_second_or_an_engineering_request_goes_to_the_leader(how: str) -> None:
    """The dispatch section reviews, a leader of the centre approves."""
    rules = some_rules(auto=BY_HAND, policies=Policies(extension=Extension(engineering=("event/01/*",))))
    case = extended(at_work(), "shift_leader") if how == "second" else at_work()
    use = rules if how == "class" else RULES

    case = do(case, "dept_operator", "postpone_apply", opinion="工程类", rules=use, engineering=how == "engineering").case
    assert case.requests[0].path == ("dispatcher", "leader")
    with pytest.raises(Refused, match="现由派遣员审批"):
        do(case, "leader", "postpone_approve", result="approved")
    case = do(case, "dispatcher", "postpone_approve", result="approved").case
    before = case.postpone_count
    assert do(case, "leader", "postpone_approve", result="approved").case.postpone_count == before + 1


def test_two_are_granted_and_refused_ones_do_not_count() -> None:
    """At most two approvals; a refusal leaves the deadline and the count as they were."""
    case = at_work()
    for _ in range(3):
        case = do(case, "dept_operator", "postpone_apply", opinion="人手不足").case
        case = do(case, "shift_leader", "postpone_approve", result="rejected", opinion="理由不充分").case
    assert (case.postpone_count, due(case)) == (0, DUE)
    case = extended(extended(case, "shift_leader"), "dispatcher", "leader")
    assert case.postpone_count == 2

    with pytest.raises(Refused, match="已延期 2 次"):
        do(case, "dept_operator", "postpone_apply", opinion="再延")


def test_more_time_is_given_only_before_the_deadline() -> None:
    """At the very deadline it may be asked for; later neither asked for nor granted, but refused it may be."""
    late = DUE + dt.timedelta(seconds=1)
    assert extended(at_work(), at=DUE).requests
    with pytest.raises(Refused, match="时限已过"):
        extended(at_work(), at=late)
    asked = extended(at_work(), at=DUE)
    with pytest.raises(Refused, match="时限已过"):
        do(asked, "shift_leader", "postpone_approve", at=late, result="approved")

    assert not do(asked, "shift_leader", "postpone_approve", at=late, result="rejected", opinion="已超时").case.requests


def test_only_one_request_of_a_kind_is_open_and_nobody_decides_their_own() -> None:
    """A rest and more time may both be asked for; a person who holds both roles is still one person."""
    case = extended(at_work())
    with pytest.raises(Refused, match="等待审批"):
        extended(case)
    assert do(case, "dept_operator", "hang_apply", opinion="等雨季", resume_on=AUGUST.isoformat()).case.requests[1].kind == "hang"
    with pytest.raises(Refused, match="不能是申请人"):
        do(case, "shift_leader", "postpone_approve", who="p-dept_operator", result="approved")


@pytest.mark.parametrize(("role", "action", "body"), [
    ("handler", "submit_result", {"resolution_mode": "service", "media": [
        {"media_id": "m", "sha256": "a" * 64, "size": 1, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}]}),
    ("dispatcher", "suspend", {"resume_on": AUGUST.isoformat(), "opinion": "等雨季"}),
])  # fmt: skip
def test_a_request_ends_with_the_work_that_it_is_about(role: str, action: str, body: dict[str, Any]) -> None:
    """When the case leaves the unit's hands nobody needs to decide any more."""
    done = do(extended(at_work()), role, action, **body)

    assert done.case.requests == ()
    assert follow(extended(at_work()), done.events[0], two_commands=False).requests == ()


def test_a_rest_on_request_is_decided_level_by_level_and_stops_the_clock() -> None:
    """Before the last word the clock runs on; with it the case hangs to the date that was asked for."""
    rules = some_rules(auto=BY_HAND, policies=Policies(hang=Hang(direct=False, path=("dispatcher", "leader"))))
    case = at_work(rules)
    with pytest.raises(Refused, match="先提出申请"):
        do(case, "dispatcher", "suspend", opinion="等雨季", resume_on=AUGUST.isoformat(), rules=rules)
    case = do(case, "dept_operator", "hang_apply", opinion="等雨季", resume_on=AUGUST.isoformat(), rules=rules).case
    half = do(case, "dispatcher", "hang_approve", result="approved", rules=rules)
    assert [tag_of(type(e)) for e in half.events] == ["case.suspension_decided.v1"]
    assert half.case.clock("disposal").running

    hung = do(half.case, "leader", "hang_approve", result="approved", rules=rules)

    [event] = hung.events
    assert (event.resume_on, [a.role for a in event.approvals]) == (AUGUST, ["dispatcher", "leader"])
    assert not hung.case.clock("disposal").running
    with pytest.raises(Refused, match="恢复日期已过"):
        do(half.case, "leader", "hang_approve", at=AUGUST, result="approved", rules=rules)


def test_what_hangs_with_the_commanders_consent_becomes_stock_after_sixty_days() -> None:
    """Ningbo: 60 natural days after consent, said once; its date stays and the clock goes on standing."""
    hung = do(at_work(), "leader", "suspend", opinion="管线迁改", resume_on=AUGUST.isoformat()).case
    consent = MONDAY + dt.timedelta(days=60)
    assert next_alarm(hung, RULES) == consent

    rung = ring(hung, RULES, consent)

    [event] = rung.events
    assert (event.kind, event.resume_on, rung.case.state, rung.case.stock) == ("stock", AUGUST, "suspended", True)
    assert rung.case.hang_count == 1
    assert next_alarm(rung.case, RULES) == AUGUST
    assert not do(at_work(), "dispatcher", "suspend", opinion="等", resume_on=AUGUST.isoformat()).case.stock_on
    back = ring(hung, RULES, AUGUST)
    assert [getattr(e, "kind", "back") for e in back.events][:2] == ["stock", "back"]
    assert back.case.state == "handling"


def test_what_was_asked_for_goes_with_the_case_to_another_node() -> None:
    """A snapshot tells open requests, extensions and stock; the next custodian decides them."""
    case = extended(extended(at_work(), "shift_leader"))
    case = do(case, "dept_operator", "hang_apply", opinion="等", resume_on=AUGUST.isoformat()).case
    told = case_of(body_of(case, []))

    assert (told.requests, told.postpone_count) == (case.requests, 1)
    assert do(told, "dispatcher", "postpone_approve", result="approved").events[0].waits_for == "leader"


def test_a_person_with_several_posts_is_offered_the_decision_when_it_is_their_turn() -> None:
    """What one may do now names the role whose word is waited for."""
    case = extended(at_work(), "dispatcher", engineering=True)
    posts = tuple(Post(post_id=r, unit_id="u", role=r, areas=("440300",)) for r in ("dispatcher", "leader"))
    offered = {(row.action, role) for row, role in may_do(Caller(person_ref="p", posts=posts), case, RULES)}

    assert ("postpone_approve", "leader") in offered
    assert ("postpone_approve", "dispatcher") not in offered


def test_a_profile_with_an_impossible_policy_is_refused_in_words() -> None:
    """Unknown roles, unknown words, numbers out of range: each is one sentence."""
    wrong = Policies(extension=Extension(ordinary=("mayor",), most=99), hang=Hang(path=(), consent="nobody"))

    found = policies.mistakes(wrong)

    assert len(found) == 4
    assert policies.mistakes(Policies()) == []
