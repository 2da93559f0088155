"""Rules of the trade, one by one: what ends a clock, who may not judge their own work, when somebody else decides."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from yiwang.contracts import Actor, MediaRef, tag_of
from yiwang.dispatch.acts import BODIES, Act
from yiwang.dispatch.case import Case
from yiwang.dispatch.domain import Step, step
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.testing import BY_HAND, MONDAY, STALLS, some_case, some_rules

PHOTO = MediaRef(media_id="m", sha256="a" * 64, size=1, mime="image/jpeg", stage="after", home_node="440300")
RULES = some_rules(auto=BY_HAND)
DUE = MONDAY + dt.timedelta(hours=6)
"""Four working hours from 09:00, the noon break between"""


def do(case: Case, role: str, action: str, *, at: dt.datetime = MONDAY, rules: Rules = RULES, **body: Any) -> Step:
    who = {"person_ref": body.pop("person_ref", f"p-{role}"), "unit_id": body.pop("unit_id", "")}
    act = Act(
        action=action, role=role, at=at, body=msgspec.convert(body, BODIES[action]), by=Actor(role=role, **who), number="1"
    )  # fmt: skip
    return step(case, act, rules)


def handled(rules: Rules = RULES) -> Case:
    """A case whose result waits for the department's confirmation."""
    case = do(some_case(), "acceptor", "accept", rules=rules).case
    case = do(case, "shift_leader", "file", rules=rules).case
    case = do(case, "dispatcher", "dispatch", rules=rules).case
    case = do(case, "dept_operator", "assign_handler", handler_ref="h", rules=rules).case
    photo = msgspec.to_builtins(PHOTO)
    return do(case, "handler", "submit_result", resolution_mode="service", media=[photo], rules=rules).case


def checking(rules: Rules = RULES) -> Case:
    return do(do(handled(rules), "dept_operator", "dept_confirm", rules=rules).case, "dispatcher", "pass", rules=rules).case


@pytest.mark.parametrize(
    ("late", "expected"),
    [(dt.timedelta(0), "on_time"), (dt.timedelta(microseconds=1), "overdue"), (dt.timedelta(hours=-1), "on_time")],
)
def test_an_end_at_the_very_deadline_is_on_time(late: dt.timedelta, expected: str) -> None:
    """The department's confirmation ends the disposal clock, not the handler's result."""
    [event] = do(handled(), "dept_operator", "dept_confirm", at=DUE + late).events

    assert event.timeliness == expected


def test_nobody_checks_the_work_of_their_own_unit() -> None:
    """An inspector who belongs to the handling unit is refused; another one isn't."""
    with pytest.raises(Refused, match="同一单位"):
        do(checking(), "collector", "check_result", result="not_pass", opinion="未清理", unit_id="sanitation")

    assert do(checking(), "collector", "check_result", result="not_pass", opinion="未清理").case.state == "dispatched"


def test_who_asks_for_a_forced_closing_cannot_approve_it() -> None:
    """Approver ≠ requester; the case is archived as special and flagged."""
    photo = msgspec.to_builtins(PHOTO)
    case = do(checking(), "collector", "check_result", result="pass", media=[photo]).case
    with pytest.raises(Refused, match="还没有人申请"):
        do(case, "leader", "force_close", opinion="同意")
    case = do(case, "acceptor", "request_force_close", opinion="条件无法满足", person_ref="a").case
    with pytest.raises(Refused, match="不能是申请人"):
        do(case, "shift_leader", "force_close", opinion="同意", person_ref="a")

    [closed] = do(case, "shift_leader", "force_close", opinion="同意", person_ref="b").events

    assert closed.archive_type == 4
    assert closed.case.flags.force_closed


def test_a_check_that_cannot_tell_is_repeated_and_then_the_shift_leader_decides() -> None:
    """`unable` gives a new task until the profile's number of looks is reached."""
    again = do(checking(), "collector", "check_result", result="unable", opinion="围挡遮蔽")
    assert [tag_of(type(e)) for e in again.events] == ["case.checked.v1", "case.check_requested.v1"]
    with pytest.raises(Refused, match="尚未反馈"):
        do(again.case, "shift_leader", "decide_check", result="pass", opinion="视频可见")

    enough = do(again.case, "collector", "check_result", result="unable", opinion="仍遮蔽").case

    assert enough.task is None
    assert do(enough, "shift_leader", "decide_check", result="pass", opinion="视频可见").case.state == "closing"


@pytest.mark.parametrize(("policy", "hours_left"), [("restart", 4), ("resume", 3)])
def test_rework_starts_the_clock_anew_or_lets_it_go_on(policy: str, hours_left: int) -> None:
    """After one of four working hours: the whole limit again, or what was left; the profile says."""
    rules = some_rules(auto=BY_HAND, rework_clock=policy)
    confirmed = do(handled(rules), "dept_operator", "dept_confirm", at=MONDAY + dt.timedelta(hours=1), rules=rules).case
    afternoon = MONDAY + dt.timedelta(hours=5)

    done = do(confirmed, "dispatcher", "dispatcher_reject", at=afternoon, opinion="照片不符", rules=rules)

    clock = done.case.clock("disposal")
    assert clock is not None
    assert clock.clock.due_at == afternoon + dt.timedelta(hours=hours_left)
    assert done.events[0].clock_policy == policy
    assert done.case.rework_count == 1


def test_a_case_hangs_once_and_to_a_date_within_a_year() -> None:
    """挂账: a date in the future, at most a year away, granted once."""
    case = do(do(do(some_case(), "acceptor", "accept").case, "acceptor", "file").case, "dispatcher", "dispatch").case
    for days in (-1, 0, 366):
        with pytest.raises(Refused, match="365 天"):
            do(case, "dispatcher", "suspend", resume_on=(MONDAY + dt.timedelta(days=days)).isoformat(), opinion="等雨季")
    hung = do(case, "dispatcher", "suspend", resume_on=(MONDAY + dt.timedelta(days=365)).isoformat(), opinion="等雨季").case
    back = do(hung, "dispatcher", "resume", at=MONDAY + dt.timedelta(days=1)).case

    assert (hung.state, back.state) == ("suspended", "dispatched")
    with pytest.raises(Refused, match="已经挂账过一次"):
        do(back, "dispatcher", "suspend", resume_on=(MONDAY + dt.timedelta(days=9)).isoformat(), opinion="再等")


def test_an_alarm_of_a_camera_is_confirmed_by_the_acceptor() -> None:
    """human_confirm: rules may not accept it, a person may without sending an inspector."""
    assert do(some_case(verify_policy="human_confirm"), "acceptor", "accept").case.state == "accepted"
    with pytest.raises(Refused, match="须先核实"):
        do(some_case(verify_policy="must"), "acceptor", "accept")


def test_what_was_mended_on_the_spot_is_audited_and_counted_apart() -> None:
    """自处置: closed by the acceptor with its flag, without a number."""
    [closed] = do(some_case(self_disposed=True), "acceptor", "audit_self_disposed", result="ok").events

    assert closed.summary.self_disposed
    assert closed.case.case_no == ""


def test_what_is_not_on_the_list_of_trivial_matters_is_not_closed_as_mended() -> None:
    """The audit can only say "not mended": then it goes the ordinary way."""
    stalls = some_case(self_disposed=True, category=STALLS)
    with pytest.raises(Refused, match="“游商”不在可自行处置的事项清单内"):
        do(stalls, "acceptor", "audit_self_disposed", result="ok")

    back = do(stalls, "acceptor", "audit_self_disposed", result="not_ok", opinion="不属于小事").case
    assert do(back, "acceptor", "accept").case.state == "accepted"


@pytest.mark.parametrize(("steps", "kind"), [(0, "not_accepted"), (1, "not_filed"), (2, "void")])
def test_a_void_is_called_by_the_state_it_leaves(steps: int, kind: str) -> None:
    """不予受理, 不予立案, and 作废 once a number was given."""
    case = some_case()
    for role, action in [("acceptor", "accept"), ("acceptor", "file")][:steps]:
        case = do(case, role, action).case

    [voided] = do(case, "shift_leader", "void", reason_code="duplicate", opinion="与已立案重复").events

    assert voided.void_kind == kind
    assert bool(voided.case.case_no) == (kind == "void")
