"""Ledgers: a hazard until it is accepted, a problem until the residents are satisfied; pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from yiwang.contracts import Actor, MediaRef, tag_of
from yiwang.dispatch.campaign import entry_item
from yiwang.dispatch.ground import Ground
from yiwang.dispatch.ledger import (
    ACTIONS,
    HAZARD,
    PROBLEM,
    STATES,
    Entry,
    Told,
    accept,
    assign,
    confirm,
    enter,
    link,
    open_to,
    rectify,
    recur,
    refuse,
    ring,
    unlinked,
    withdraw,
)
from yiwang.dispatch.ledger_notices import notices
from yiwang.dispatch.ledger_replay import trail
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.testing import MONDAY

PHOTO = MediaRef(media_id="m", sha256="a" * 64, size=9, mime="image/jpeg", stage="after", home_node="440300")
FINDER, GIVER, UNIT, JUDGE = (
    Actor(person_ref=f"p-{n}", role=role, unit_id=unit)
    for n, role, unit in [(1, "collector", "i"), (2, "dispatcher", ""), (3, "handler", "u"), (4, "supervisor", "s")]
)
DUE = MONDAY + dt.timedelta(days=5)
LATER = DUE + dt.timedelta(days=1)


def an_entry(kind: str = HAZARD, **change: Any) -> Entry:
    fields: dict[str, Any] = {
        "entry_id": "e1", "kind": kind, "grade": "general", "area": "440303001001", "summary_masked": "井盖松动",
        "found_at": MONDAY, "campaign_id": "k1",
    }  # fmt: skip
    return Entry(**(fields | change))


def given_to(entry: Entry) -> Entry:
    return assign(entry, GIVER, MONDAY, unit_id="u", unit_name="养护队", measure_masked="加固", due_at=DUE).entry


def fixed(entry: Entry, now: dt.datetime = MONDAY) -> Entry:
    return rectify(given_to(entry), UNIT, now, result_masked="已加固", media=(PHOTO,)).entry


def accepted(entry: Entry) -> Entry:
    return accept(fixed(entry), JUDGE, MONDAY, opinion="属实").entry


def asked(entry: Entry, all_of: int, happy: int, share: float = 1.0, opinion: str = "仍有异响") -> Told:
    return confirm(entry, JUDGE, LATER, asked=all_of, content=happy, share=share, least=1, opinion=opinion)


def refusal(fn: Callable[..., Any], *args: Any, **fields: Any) -> str:
    with pytest.raises(Refused) as refused:
        fn(*args, **fields)
    assert "{" not in str(refused.value)
    return refused.value.key


def audiences(told: Told) -> list[str]:
    return [n.audience for n in notices(told, Ground())]


def test_a_hazard_from_the_day_it_was_found_to_the_day_it_is_struck_off() -> None:
    """Found, given to a unit with measure and day, rectified with a photo, accepted by another one; all told."""
    told = enter(an_entry(), FINDER)
    assert (tag_of(type(told.events[0])), audiences(told)) == ("ledger.entered.v1", [])
    task = assign(told.entry, GIVER, MONDAY, unit_id="u", unit_name="养护队", measure_masked="加固", due_at=DUE)
    assert audiences(task) == ["unit:u"]
    done = rectify(task.entry, UNIT, DUE, result_masked="已加固", media=(PHOTO,))
    assert done.events[0].timeliness == "on_time", "on the last moment is in time"  # type: ignore[attr-defined]
    end = accept(done.entry, JUDGE, LATER, opinion="属实")
    assert (end.entry.state, open_to(end.entry), audiences(end)) == ("accepted", ["recur"], [])
    assert [line.what for line in end.entry.history] == ["登记入账", "交办", "整改反馈", "验收"]


def test_a_major_hazard_is_told_to_the_leader_at_once() -> None:
    """重大隐患: the grade is data, and so is who is told."""
    assert audiences(enter(an_entry(grade="major"), FINDER)) == ["leader@440303001001"]


def test_a_problem_becomes_one_of_satisfaction_only_by_the_residents_word() -> None:
    """问题清单 to 满意清单; accepted alone isn't enough, and who isn't satisfied says why."""
    one = accepted(an_entry(PROBLEM))
    assert (one.state, open_to(one)) == ("accepted", ["confirm", "recur"])
    good = asked(one, 5, 5, opinion="")
    assert (good.entry.state, good.events[0].satisfied) == ("satisfied", True)  # type: ignore[attr-defined]
    bad = asked(one, 5, 4)
    assert [tag_of(type(e)) for e in bad.events] == ["ledger.confirmed.v1", "ledger.reopened.v1"]
    assert (bad.entry.state, bad.entry.round, audiences(bad)) == ("reopened", 2, ["unit:u"])
    assert asked(one, 5, 4, share=0.8).entry.state == "satisfied"
    assert refusal(asked, one, 5, 4, opinion=" ") == "opinion_missing"
    assert refusal(asked, one, 3, 4) == "ledger_asked"
    assert refusal(asked, one, 0, 0) == "ledger_asked"
    assert refusal(asked, accepted(an_entry(HAZARD)), 1, 1) == "ledger_not_problem"


def test_lateness_is_said_once_a_round_and_stays_on_record() -> None:
    """整改超期 by the clock; a result that comes late is late; a new round has a new day."""
    one = given_to(an_entry())
    assert ring(one, DUE).events == ()
    late = ring(one, LATER)
    assert audiences(late) == ["unit:u", "supervisor@440303001001"]
    assert ring(late.entry, LATER).events == ()
    done = rectify(late.entry, UNIT, LATER, result_masked="已加固", media=(PHOTO,))
    assert done.events[0].timeliness == "overdue"  # type: ignore[attr-defined]
    again = refuse(done.entry, JUDGE, LATER, opinion="仍松动").entry
    assert (again.state, again.round, again.due_at, again.overdue) == ("reopened", 2, None, True)
    anew = assign(
        again, GIVER, LATER, unit_id="u", unit_name="", measure_masked="更换", due_at=LATER + dt.timedelta(days=3)
    ).entry
    assert ring(anew, LATER + dt.timedelta(days=4)).events != ()


def test_who_rectified_does_not_accept_and_everything_needed_is_asked_for() -> None:
    """Result with photo, measure, a day to come, words where it goes backwards."""
    one = given_to(an_entry())
    assert refusal(accept, fixed(an_entry()), UNIT, MONDAY, opinion="") == "ledger_own_work"
    assert refusal(rectify, one, UNIT, MONDAY, result_masked="已加固") == "ledger_result"
    assert refusal(rectify, one, UNIT, MONDAY, result_masked=" ", media=(PHOTO,)) == "ledger_result"
    task = {"unit_id": "u", "unit_name": "", "measure_masked": "加固", "due_at": DUE}
    assert refusal(assign, an_entry(), GIVER, DUE, **task) == "ledger_due"
    assert refusal(assign, an_entry(), GIVER, MONDAY, **(task | {"measure_masked": " "})) == "ledger_measure"
    assert refusal(enter, an_entry(summary_masked=" "), FINDER) == "ledger_summary"
    for backwards in (refuse, withdraw, recur):
        at = {refuse: fixed, withdraw: given_to, recur: accepted}[backwards](an_entry())
        assert refusal(backwards, at, JUDGE, MONDAY, opinion=" ") == "opinion_missing"


def test_an_entry_goes_with_the_case_that_does_its_work() -> None:
    """Its closing rectifies the entry, without a photo of its own; its reopening opens it again."""
    one = link(an_entry(), GIVER, MONDAY, case_id="c1", case_no="4403").entry
    assert refusal(link, one, GIVER, MONDAY, case_id="c2", case_no="") == "ledger_linked"
    done = rectify(one, Actor(), MONDAY, result_masked="关联案件已结案", case_id="c1")
    assert (done.entry.state, done.events[0].case_id) == ("rectified", "c1")  # type: ignore[attr-defined]
    assert refusal(rectify, done.entry, Actor(), MONDAY, result_masked="", case_id="c1") == "ledger_state"
    back = unlinked(accept(done.entry, JUDGE, MONDAY, opinion="").entry, Actor(), LATER)
    assert (back.entry.state, back.events[0].cause) == ("reopened", "case")  # type: ignore[attr-defined]
    assert unlinked(one, Actor(), LATER).events == ()


STEPS: dict[str, Callable[[Entry, dt.datetime], Told]] = {
    "assign": lambda e, t: assign(e, GIVER, t, unit_id="u", unit_name="", measure_masked="x", due_at=t + dt.timedelta(days=1)),
    "rectify": lambda e, t: rectify(e, UNIT, t, result_masked="x", media=(PHOTO,)),
    "accept": lambda e, t: accept(e, JUDGE, t, opinion=""),
    "refuse": lambda e, t: refuse(e, JUDGE, t, opinion="x"),
    "confirm": lambda e, t: confirm(e, JUDGE, t, asked=2, content=t.day % 3, share=0.5, least=1, opinion="x"),
    "recur": lambda e, t: recur(e, FINDER, t, opinion="x"),
    "link": lambda e, t: link(e, GIVER, t, case_id="c", case_no=""),
    "withdraw": lambda e, t: withdraw(e, GIVER, t, opinion="x"),
}


@pytest.mark.parametrize("kind", [HAZARD, PROBLEM])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_done_where_the_table_says_so_and_refused_with_a_sentence_elsewhere(
    kind: str, state: str, action: str
) -> None:
    """Every (kind, state, action)."""
    one = an_entry(kind, state=state, due_at=DUE)
    day = MONDAY.replace(day=23)
    if action in open_to(one):
        assert STEPS[action](one, day).events
    else:
        assert refusal(STEPS[action], one, day) in ("ledger_state", "ledger_not_problem")


@settings(deadline=None, max_examples=120)
@given(
    st.sampled_from([HAZARD, PROBLEM]),
    st.lists(st.tuples(st.sampled_from([*STEPS, "ring"]), st.integers(0, 60)), max_size=25),
    st.integers(0, 25),
)
def test_whatever_people_do_an_entry_counts_once_and_ends_as_its_kind_ends(
    kind: str, steps: list[tuple[str, int]], backup: int
) -> None:
    """Numbers are nought or one, accepted implies rectified, satisfied is for problems; a round begins with each reopening.

    From any backup its events tell it again, line by line, those that the backup knows left out.
    """
    told = enter(an_entry(kind), FINDER)
    one, events, now = told.entry, list(told.events), MONDAY
    shapes = [one]
    for action, hours in steps:
        now += dt.timedelta(hours=hours)
        try:
            told = ring(one, now) if action == "ring" else STEPS[action](one, now)
        except Refused:
            continue
        one, events = told.entry, [*events, *told.events]
        shapes.append(one)
        item = entry_item(one)
        assert {item.found, item.rectified, item.accepted, item.satisfied} <= {0, 1}
        assert item.found >= item.rectified >= item.accepted >= item.satisfied
        assert item.satisfied == 0 or kind == PROBLEM
    reopened = [e for e in events if tag_of(type(e)) == "ledger.reopened.v1"]
    assert one.round == 1 + len(reopened)
    assert len(one.history) == len(events)
    assert all(e.entry_id == "e1" and e.campaign_id == "k1" for e in events)
    late = [e.round for e in events if tag_of(type(e)) == "ledger.overdue.v1"]
    assert entry_item(replace(one, state="found")).overdue >= bool(late)
    assert trail(None, events)[-1][1] == one
    old = shapes[min(backup, len(shapes) - 1)]
    assert [old, *(shape for _, shape in trail(old, events))][-1] == one
    assert trail(None, events[1:]) == []
