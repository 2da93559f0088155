"""更正: class or place put right in every open state, and what follows for limit, clock and unit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from yiwang.contracts import Actor
from yiwang.dispatch.acts import BODIES, Act
from yiwang.dispatch.case import Case
from yiwang.dispatch.domain import Step, step
from yiwang.dispatch.policies import Correction, Policies
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.states import FINAL, STATES, TABLE
from yiwang.dispatch.testing import BY_HAND, MONDAY, some_case, some_rules

RULES = some_rules(auto=BY_HAND)
STALLS = {"kind": "event", "major": "02", "minor": "01"}
NOON = MONDAY + dt.timedelta(hours=3)


def city(**policy: str) -> Rules:
    return some_rules(auto=BY_HAND, policies=Policies(correction=Correction(**policy)))


def do(case: Case, role: str, action: str, *, at: dt.datetime = MONDAY, rules: Rules = RULES, **body: Any) -> Step:
    act = Act(action=action, role=role, at=at, body=msgspec.convert(body, BODIES[action]), by=Actor(role=role), number="1")
    return step(case, act, rules)


def dispatched(rules: Rules = RULES) -> Case:
    """Litter, four working hours, at the sanitation unit."""
    case = do(some_case(), "acceptor", "accept", rules=rules).case
    return do(do(case, "acceptor", "file", rules=rules).case, "dispatcher", "dispatch", rules=rules).case


@pytest.mark.parametrize("state", sorted(set(STATES) - FINAL))
def test_somebody_may_correct_in_every_open_state(state: str) -> None:
    """Before filing the acceptor, at work the dispatcher, afterwards the acceptor again; the shift leader always."""
    rows = [row for row in TABLE if row.state == state and row.action == "correct"]

    assert rows
    assert all("shift_leader" in row.roles for row in rows)


def test_a_new_class_asks_for_a_new_filing_condition() -> None:
    """Stalls have two conditions: one must be named, and it must be one of theirs."""
    case = dispatched()
    with pytest.raises(Refused, match="有 2 个立案条件"):
        do(case, "dispatcher", "correct", category=STALLS)
    with pytest.raises(Refused, match="没有立案条件“c1”"):
        do(case, "dispatcher", "correct", category=STALLS, condition_id="c1")

    after = do(case, "dispatcher", "correct", category=STALLS, condition_id="c2", rules=city(unit="keep")).case

    assert (after.condition_id, after.limit, after.unit_kind) == ("c2", 2, "urgent_hour")
    assert after.closing_conditions == ("c2-done",)


@pytest.mark.parametrize(("policy", "hours"), [("new", 2), ("keep", 6)])
def test_the_new_limit_counts_from_the_old_start_where_the_city_says_so(policy: str, hours: int) -> None:
    """Two hours from Monday 09:00 instead of four working hours with the noon break; or the limit fixed at filing."""
    rules = city(unit="keep", limit=policy)
    done = do(dispatched(rules), "dispatcher", "correct", category=STALLS, condition_id="c2", rules=rules)

    assert done.case.clock("disposal").clock.due_at == MONDAY + dt.timedelta(hours=hours)
    fields = {change.field for change in done.events[0].changed}
    assert ("limit" in fields) == (policy == "new")
    assert {"category", "condition"} <= fields


def test_an_extension_stays_one_limit_of_the_new_kind() -> None:
    """What was granted isn't lost by a better class."""
    rules = city(unit="keep")
    case = dispatched(rules)
    case = do(case, "dept_operator", "postpone_apply", opinion="缺材料", rules=rules).case
    case = do(case, "shift_leader", "postpone_approve", result="approved", rules=rules).case

    clock = do(case, "dispatcher", "correct", category=STALLS, condition_id="c3", rules=rules).case.clock("disposal").clock

    assert (clock.limit, clock.unit_kind, clock.extended_s) == (1, "work_day", 8 * 3600)
    assert clock.due_at == MONDAY + dt.timedelta(days=2), "sixteen working hours from Monday 09:00 end on Wednesday 09:00"


def test_another_units_matter_goes_back_to_the_dispatcher() -> None:
    """The matrix sends stalls to the patrol: the unit's clock ends, the dispatcher's begins; or the unit keeps it."""
    for role, action, body in (("dept_operator", "postpone_apply", {"opinion": "缺材料"}),):
        case = do(dispatched(), role, action, **body).case
    done = do(case, "dispatcher", "correct", at=NOON, category=STALLS, condition_id="c2")

    assert (done.case.state, done.case.assignments, done.case.requests) == ("filed", (), ())
    assert [c.clock.stage for c in done.case.clocks if not c.stopped_at] == ["dispatch"]
    again = do(done.case, "dispatcher", "dispatch", at=NOON).case
    assert (again.lead.unit_id, again.limit) == ("patrol", 2)
    kept = city(unit="keep")
    stays = do(dispatched(kept), "dispatcher", "correct", category=STALLS, condition_id="c2", rules=kept).case
    assert (stays.state, stays.lead.unit_id) == ("dispatched", "sanitation")


def test_what_was_judged_stays_judged() -> None:
    """After the unit's confirmation a new class changes neither limit nor timeliness."""
    photo = {"media_id": "m", "sha256": "a" * 64, "size": 1, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}
    case = do(dispatched(), "dept_operator", "assign_handler", handler_ref="h").case
    case = do(case, "handler", "submit_result", resolution_mode="service", media=[photo]).case
    case = do(do(case, "dept_operator", "dept_confirm", at=NOON).case, "dispatcher", "pass", at=NOON).case

    after = do(case, "acceptor", "correct", at=NOON, category=STALLS, condition_id="c2").case

    assert (after.timeliness, after.limit, after.state) == ("on_time", 4, "checking")
    assert (after.category.major, after.condition_id, after.closing_conditions) == ("02", "c2", ("c2-done",))


def test_a_place_in_another_district_goes_to_the_citys_command_again() -> None:
    """Two commands: the district that had to dispatch isn't the right one any more."""
    rules = some_rules(auto=BY_HAND, two_commands=True)
    case = do(do(some_case(), "acceptor", "accept", rules=rules).case, "acceptor", "file", rules=rules).case
    case = do(case, "dispatcher", "dispatch_down", rules=rules).case
    assert case.command == "district"

    done = do(case, "dispatcher", "correct", area="440304", rules=rules)

    assert (done.case.command, done.case.county) == ("city", "440304")
    assert done.events[0].reason_code == "relocate"
