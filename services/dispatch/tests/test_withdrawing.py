"""撤回申请: who asked may take it back before the last word; nothing else of the case changes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from yiwang.contracts import Actor
from yiwang.contracts.branch import Appeal
from yiwang.dispatch.acts import BODIES, Act
from yiwang.dispatch.case import Case, ForceRequest
from yiwang.dispatch.domain import Step, step
from yiwang.dispatch.guards import open_now
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.replay import follow, told
from yiwang.dispatch.states import TABLE
from yiwang.dispatch.testing import BY_HAND, MONDAY, some_case, some_rules

RULES = some_rules(auto=BY_HAND)
DUE = MONDAY + dt.timedelta(hours=6)
"""Four working hours from Monday 09:00, the noon break between."""
LATER = DUE + dt.timedelta(hours=18)
AUGUST = MONDAY + dt.timedelta(days=250)


def do(case: Case, role: str, action: str, *, who: str = "", **body: Any) -> Step:
    unit = "sanitation" if role in ("handler", "dept_operator") else ""
    by = Actor(role=role, person_ref=who or f"p-{role}", unit_id=unit)
    act = Act(action=action, role=role, at=MONDAY, body=msgspec.convert(body, BODIES[action]), by=by, number="1")
    return step(case, act, RULES)


def at_work() -> Case:
    """A case in handling; the work may last until `DUE`."""
    case = some_case()
    for role, action, body in [
        ("acceptor", "accept", {}), ("acceptor", "file", {}), ("dispatcher", "dispatch", {}),
        ("dept_operator", "assign_handler", {"handler_ref": "p-handler"}),
    ]:  # fmt: skip
        case = do(case, role, action, **body).case
    return case


def due(case: Case) -> dt.datetime:
    clock = case.clock("disposal")
    assert clock is not None
    return clock.clock.due_at


def asked(kind: str, role: str = "dept_operator") -> Case:
    """A case in which somebody in *role* asks for *kind* and nobody has decided."""
    if kind == "appeal":
        one = Appeal(path=("dispatcher", "acceptor"), unit_id="sanitation", person_ref=f"p-{role}", appealed_at=MONDAY)
        return msgspec.structs.replace(at_work(), state="closed", timeliness="overdue", appeal=one)
    if kind == "force":
        one = ForceRequest(person_ref=f"p-{role}", opinion="当事人已迁走", at=MONDAY)
        return msgspec.structs.replace(at_work(), state="closing", force=one)
    more: dict[str, Any] = {"resume_on": AUGUST} if kind == "hang" else {}
    return do(at_work(), role, f"{kind}_apply", opinion="需要开挖路面", **more).case


@pytest.mark.parametrize("kind", ["postpone", "hang"])
def test_a_withdrawn_request_leaves_no_trace_but_in_the_history(kind: str) -> None:
    """The deadline stands, it counts as none of the two extensions, and the same may be asked for again."""
    before = asked(kind)
    back = do(before, "dept_operator", f"{kind}_withdraw", opinion="已调到材料")

    [event] = back.events
    assert (event.decision, event.opinion) == ("withdrawn", "已调到材料")
    assert (back.case.requests, back.case.postpone_count, back.case.hang_count, due(back.case)) == ((), 0, 0, DUE)
    assert back.record.receiver == before.requests[0].path[0], "who would have decided is told"
    assert follow(before, event, two_commands=False).requests == ()
    assert told(before, follow(before, event, two_commands=False), event).action == f"{kind}_withdraw"
    more: dict[str, Any] = {"resume_on": AUGUST} if kind == "hang" else {}
    assert do(back.case, "dept_operator", f"{kind}_apply", opinion="又缺材料", **more).case.requests[0].n == 1


def test_what_is_withdrawn_can_not_be_decided_and_what_is_decided_not_withdrawn() -> None:
    gone = do(asked("postpone"), "dept_operator", "postpone_withdraw").case
    with pytest.raises(Refused, match="没有等待审批的申请"):
        do(gone, "shift_leader", "postpone_approve", result="approved")
    granted = do(asked("postpone"), "shift_leader", "postpone_approve", result="approved").case
    assert due(granted) == LATER
    with pytest.raises(Refused, match="没有等待审批的申请"):
        do(granted, "dept_operator", "postpone_withdraw")


def test_only_who_asked_withdraws() -> None:
    """A handler's own request is nobody else's to withdraw; a department's is any of its people's on duty."""
    theirs = asked("postpone", "handler")
    with pytest.raises(Refused, match="只有申请人能撤回"):
        do(theirs, "dept_operator", "postpone_withdraw")
    with pytest.raises(Refused, match="只有申请人能撤回"):
        do(theirs, "handler", "postpone_withdraw", who="p-other")
    assert do(theirs, "handler", "postpone_withdraw").case.requests == ()
    assert do(asked("hang"), "dept_operator", "hang_withdraw", who="p-next-shift").case.requests == ()
    with pytest.raises(Refused, match="只有申请人能撤回"):
        do(asked("force", "acceptor"), "acceptor", "force_withdraw", who="p-other")


def test_a_withdrawn_appeal_may_be_made_again_and_the_mark_stays() -> None:
    """As if nobody had appealed: the flag goes, overdue stays overdue."""
    before = asked("appeal")
    back = do(before, "dept_operator", "appeal_withdraw")

    [event] = back.events
    assert (event.decision, event.exempt, event.final) == ("withdrawn", False, True)
    assert (back.case.appeal, back.case.flags.appeal, back.case.timeliness) == (None, False, "overdue")
    assert follow(before, event, two_commands=False).appeal is None
    assert do(back.case, "dept_operator", "appeal", opinion="暴雨停工").case.appeal is not None


def test_a_withdrawn_wish_to_close_by_force_can_not_be_granted() -> None:
    """No event: it changed nothing and stands in the history."""
    back = do(asked("force", "acceptor"), "acceptor", "force_withdraw")
    assert back.events == ()
    assert back.record.action == "force_withdraw"
    with pytest.raises(Refused):
        do(back.case, "leader", "force_close", opinion="同意")


def test_the_page_offers_withdrawal_to_who_asked_alone() -> None:
    """`open_now` looks at who acts where it is told."""
    case = asked("postpone")
    [row] = [r for r in TABLE if (r.state, r.action) == ("handling", "postpone_withdraw")]
    mine = Actor(role="dept_operator", person_ref="p-dept_operator", unit_id="sanitation")
    other = Actor(role="dept_operator", person_ref="p-x", unit_id="bureau")
    assert open_now(row, "dept_operator", case, RULES, mine)
    assert not open_now(row, "dept_operator", case, RULES, other)
    assert not open_now(row, "dept_operator", at_work(), RULES, mine)
