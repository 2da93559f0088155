"""After closing: appeals against an overdue mark, return visits, and the new round that a dissatisfied one begins."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from yiwang.contracts import Actor, CaseClosed, tag_of
from yiwang.dispatch import asking
from yiwang.dispatch.acts import BODIES, Act
from yiwang.dispatch.auto import Work
from yiwang.dispatch.case import Case
from yiwang.dispatch.domain import Step, step
from yiwang.dispatch.policies import Appeals, Policies, Reopening, Visits
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.replay import follow
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.snapshot import body_of, case_of
from yiwang.dispatch.testing import BY_HAND, MONDAY, some_case, some_rules

RULES = some_rules(auto=BY_HAND)
PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 1, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}
LATE, IN_TIME = MONDAY + dt.timedelta(days=2), MONDAY + dt.timedelta(hours=1)


def do(case: Case, role: str, action: str, *, at: dt.datetime, rules: Rules = RULES, who: str = "", **body: Any) -> Step:
    by = Actor(role=role, person_ref=who or f"p-{role}", unit_id="sanitation" if role == "dept_operator" else "")
    return step(case, Act(action=action, role=role, at=at, body=msgspec.convert(body, BODIES[action]), by=by, number="1"), rules)


def closed(confirmed_at: dt.datetime = LATE, rules: Rules = RULES, **change: Any) -> Case:
    """A case closed after its unit confirmed at that moment; the limit is four working hours from Monday 09:00."""
    case = some_case(**change)
    for role, action, body in [
        ("acceptor", "accept", {}), ("acceptor", "file", {}), ("dispatcher", "dispatch", {}),
        ("dept_operator", "assign_handler", {"handler_ref": "p-handler"}),
        ("handler", "submit_result", {"resolution_mode": "service", "media": [PHOTO]}),
    ]:  # fmt: skip
        case = do(case, role, action, at=MONDAY, rules=rules, **body).case
    for role, action, body in [
        ("dept_operator", "dept_confirm", {}), ("dispatcher", "pass", {}),
        ("collector", "check_result", {"result": "pass", "media": [PHOTO]}),
        ("acceptor", "close", {"closing_condition_ids": ["c1-done"]}),
    ]:  # fmt: skip
        case = do(case, role, action, at=confirmed_at, rules=rules, **body).case
    return case


def test_an_appeal_passes_two_reviews_and_leaves_the_facts_as_they_are() -> None:
    """Dispatcher, then acceptor; only the second agreement exempts the case from statistics."""
    case = closed()
    assert case.timeliness == "overdue"
    asked = do(case, "dept_operator", "appeal", at=LATE, opinion="当日全市停电")
    assert (asked.events[0].waits_for, asked.case.flags.appeal, asked.case.state) == ("dispatcher", True, "closed")
    with pytest.raises(Refused, match="现由派遣员审批"):
        do(asked.case, "acceptor", "decide_appeal", at=LATE, result="approved")

    first = do(asked.case, "dispatcher", "decide_appeal", at=LATE, result="approved")
    second = do(first.case, "acceptor", "decide_appeal", at=LATE, result="approved")

    assert [(e.final, e.exempt) for e in (*first.events, *second.events)] == [(False, False), (True, True)]
    assert (second.case.timeliness, second.case.flags.overdue) == ("overdue", True)
    assert [a.role for a in second.case.appeal.approvals] == ["dispatcher", "acceptor"]
    told = follow(follow(asked.case, first.events[0], two_commands=False), second.events[0], two_commands=False)
    assert told.appeal == second.case.appeal
    assert case_of(body_of(second.case, [])).appeal == second.case.appeal


def test_a_refused_appeal_is_the_only_one() -> None:
    """One per case; refused by either review it ends at once."""
    asked = do(closed(), "dept_operator", "appeal", at=LATE, opinion="停电").case
    refused = do(asked, "dispatcher", "decide_appeal", at=LATE, result="rejected", opinion="当日未停电")

    assert (refused.events[0].final, refused.events[0].exempt, refused.case.flags.appeal) == (True, False, False)
    with pytest.raises(Refused, match="已经申诉过一次"):
        do(refused.case, "dept_operator", "appeal", at=LATE, opinion="再申诉")
    with pytest.raises(Refused, match="没有等待审核"):
        do(refused.case, "dispatcher", "decide_appeal", at=LATE, result="approved")


def test_only_what_is_overdue_can_be_appealed_and_only_in_time() -> None:
    """On time there is nothing to appeal; a city may set an end to appeals."""
    with pytest.raises(Refused, match="没有被判定超时"):
        do(closed(IN_TIME), "dept_operator", "appeal", at=LATE, opinion="停电")
    rules = some_rules(auto=BY_HAND, policies=Policies(appeal=Appeals(days=30)))
    with pytest.raises(Refused, match="超过 30 天"):
        do(closed(rules=rules), "dept_operator", "appeal", at=LATE + dt.timedelta(days=31), opinion="停电", rules=rules)


@pytest.mark.parametrize(("policy", "hours"), [("restart", 4), ("resume", 3)])
def test_a_reopened_case_goes_to_its_unit_in_a_new_round(policy: str, hours: int) -> None:
    """After one of four working hours: the whole limit again, or what was left; what was judged is judged anew."""
    rules = some_rules(auto=BY_HAND, policies=Policies(reopening=Reopening(clock=policy)))
    tuesday = MONDAY + dt.timedelta(days=1)
    case = closed(IN_TIME, rules)

    again = do(case, "acceptor", "reopen", at=tuesday, opinion="市民再次投诉", cause="complaint", rules=rules)

    [event] = again.events
    assert (event.cause, event.case.round, event.case.state_after) == ("complaint", 2, "dispatched")
    clock = again.case.clock("disposal")
    assert clock.clock.due_at - tuesday == dt.timedelta(hours=hours + (2 if hours == 4 else 0)), "the noon break lies between"
    assert (again.case.timeliness, again.case.confirmed, again.case.assignments) == (None, False, case.assignments)
    assert "closed" not in again.case.times
    assert body_of(again.case, []).summary is None


def test_what_no_unit_handled_here_is_not_reopened() -> None:
    """Mended on the spot, or finished by another system: a new report is the way."""
    self_disposed = do(some_case(self_disposed=True), "acceptor", "audit_self_disposed", at=MONDAY, result="ok").case
    with pytest.raises(Refused, match="没有经责任单位处置"):
        do(self_disposed, "acceptor", "reopen", at=LATE, opinion="仍有垃圾")


@pytest.mark.parametrize("score", range(6))
def test_a_dissatisfied_visit_sends_the_case_back(score: int) -> None:
    """4 and 5 reopen; every answer has its points (0, 100, 80, 50, 0, −100)."""
    work = Work(closed(IN_TIME), RULES, LATE)

    asking.note(work, score, Actor(role="acceptor", person_ref="p-1"), "仍有垃圾")

    visited = work.events[0]
    assert (visited.points, visited.satisfied) == ([0, 100, 80, 50, 0, -100][score], score in (1, 2, 3))
    expected = ["case.visited.v1", "case.reopened.v1"] if score > 3 else ["case.visited.v1"]
    assert [tag_of(type(e)) for e in work.events] == expected
    assert work.case.state == ("dispatched" if score > 3 else "closed")
    assert [e.case.case_version for e in work.events] == list(range(visited.case.case_version, work.case.version + 1))


def test_where_the_city_wants_it_a_person_decides_after_the_visit() -> None:
    """And which answers count as what is the city's table."""
    rules = some_rules(auto=BY_HAND, policies=Policies(reopening=Reopening(by_visit=False), visits=Visits(satisfied=(1,))))
    work = Work(closed(IN_TIME, rules), rules, LATE)

    asking.note(work, 5, Actor(role="acceptor"), "不满意")
    assert work.case.state == "closed"
    asking.note(work, 2, Actor(role="acceptor"), "")
    assert not work.events[-1].satisfied


def test_a_late_answer_about_a_case_at_work_is_only_noted() -> None:
    """It was reopened by the acceptor already."""
    work = Work(do(closed(), "acceptor", "reopen", at=LATE, opinion="再次投诉").case, RULES, LATE)
    asking.note(work, 5, Actor(role="acceptor"), "不满意")

    assert (work.case.state, work.case.round) == ("dispatched", 2)


@pytest.mark.parametrize(("kind", "wants", "asked"), [("citizen", False, True), ("collector", False, False), ("collector", True, True)])
def test_a_reporter_who_wants_a_reply_is_asked(kind: str, wants: bool, asked: bool) -> None:
    """Citizens always, others where the report says so."""
    work = Work(closed(reporter_kind=kind, wants_reply=wants), RULES, LATE)
    work.events = [CaseClosed(case=body_of(work.case, []).head, archive_type=1, summary=body_of(work.case, []).summary)]

    assert asking.due(work) == asked
