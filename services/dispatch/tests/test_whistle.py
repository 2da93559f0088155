"""Whistles: a community calls, units come, the matter is settled and judged; pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yiwang.contracts import Actor, Place, Point, WhistleCall, tag_of
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.testing import MONDAY
from yiwang.dispatch.whistle import Called, Whistle, arrive, blow, next_alarm, resolve, respond, ring, score, withdraw
from yiwang.dispatch.whistle_notices import notices

BY = Actor(person_ref="p-1", role="community_worker")
HERE = Point(lon=114.1, lat=22.5, crs="cgcs2000")
MINUTE = dt.timedelta(minutes=1)
WEIGHTS = (40, 30, 30)


def a_whistle() -> Whistle:
    """Two units: say it in 10 minutes, be there in 30, settle it in two hours."""
    calls = [
        WhistleCall(
            unit_id=unit, unit_name=unit, role=role, respond_by=MONDAY + 10 * MINUTE, arrive_by=MONDAY + 30 * MINUTE
        )
        for unit, role in [("patrol", "lead"), ("fire", "co")]
    ]
    return Whistle(
        whistle_id="w1", area="440303001001", kind="emergency", blown_at=MONDAY, blown_by="p-1",
        units=tuple(Called(call=call) for call in calls), resolve_by=MONDAY + 120 * MINUTE, within_m=200,
        summary_masked="楼道堆放危险物品", place=Place(point=HERE),
    )  # fmt: skip


def come(one: Whistle, unit: str, minutes: int, **how: Any) -> Whistle:
    at = MONDAY + minutes * MINUTE
    return arrive(one, unit, BY, at, at=how.pop("at", at), point=how.pop("point", HERE), statement=how.pop("say", "")).whistle


def refusal(fn: Any, *args: Any, **fields: Any) -> str:
    with pytest.raises(Refused) as refused:
        fn(*args, **fields)
    assert "{" not in str(refused.value)
    return refused.value.key


def test_a_whistle_from_the_call_to_the_score() -> None:
    """All in time, settled, satisfied: a hundred points, and who is called is told once."""
    told = blow(a_whistle(), BY)
    assert [n.audience for n in notices(told)] == ["unit:patrol", "unit:fire"]
    one = respond(told.whistle, "patrol", BY, MONDAY + 5 * MINUTE).whistle
    assert refusal(respond, one, "patrol", BY, MONDAY) == "whistle_answered"
    one = come(come(one, "patrol", 20), "fire", 30)
    done = resolve(one, BY, MONDAY + 60 * MINUTE, result_masked="已清理", absent_reason="")
    [notice] = notices(done)
    assert notice.audience == "community_worker@440303001001"

    [event] = score(done.whistle, BY, MONDAY + 90 * MINUTE, satisfied=True, weights=WEIGHTS, opinion="").events

    assert (event.called, event.responded, event.score) == (2, 2, 100)  # type: ignore[attr-defined]
    assert next_alarm(done.whistle) is None


def test_who_comes_late_or_never_costs_points_and_is_said_aloud_once() -> None:
    """One of two in time, settled late, not satisfied."""
    one = come(a_whistle(), "patrol", 25)
    late = ring(one, MONDAY + 31 * MINUTE)
    assert [(e.unit_id, e.what) for e in late.events] == [("fire", "respond"), ("fire", "arrive")]  # type: ignore[attr-defined]
    assert ring(late.whistle, MONDAY + 32 * MINUTE).events == ()
    assert next_alarm(late.whistle) == MONDAY + 120 * MINUTE + dt.timedelta(seconds=1)
    after = MONDAY + 121 * MINUTE
    assert refusal(resolve, late.whistle, BY, after, result_masked="已清理", absent_reason="") == "whistle_absent_reason"
    done = resolve(late.whistle, BY, after, result_masked="已清理", absent_reason="现场无火情")
    assert done.events[0].absent == ("fire",)  # type: ignore[attr-defined]
    assert refusal(score, done.whistle, BY, after, satisfied=False, weights=WEIGHTS, opinion="") == "opinion_missing"

    judged = score(done.whistle, BY, after, satisfied=False, weights=WEIGHTS, opinion="反复", dissatisfied_with=("fire",))

    assert judged.whistle.score == 20


def test_being_there_is_shown_by_a_position_or_by_word() -> None:
    """Not from another place, not before the call."""
    one = a_whistle()
    far = Point(lon=114.2, lat=22.5, crs="cgcs2000")
    assert refusal(come, one, "patrol", 5, point=far) == "too_far"
    assert refusal(come, one, "patrol", 5, point=None) == "arrival_not_shown"
    assert refusal(come, one, "patrol", 5, at=MONDAY - MINUTE) == "arrival_time"
    assert refusal(come, one, "water", 5) == "whistle_not_called"
    assert come(one, "patrol", 5, point=None, say="由社区人员确认").lead.in_time
    assert refusal(resolve, one, BY, MONDAY, result_masked="x", absent_reason="y") == "whistle_lead_absent"


def test_a_call_taken_back_waits_for_nobody() -> None:
    """撤哨 with a reason; nothing more can be done with it."""
    told = withdraw(a_whistle(), BY, MONDAY, "误报")
    assert tag_of(type(told.events[0])) == "whistle.withdrawn.v1"
    assert ring(told.whistle, MONDAY + dt.timedelta(days=9)).events == ()
    assert refusal(respond, told.whistle, "patrol", BY, MONDAY) == "whistle_state"


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.sampled_from(["patrol", "fire"]), st.integers(0, 200), st.booleans()), max_size=12))
def test_whatever_comes_the_alarms_say_each_lateness_once_and_never_wrongly(steps: list[tuple[str, int, bool]]) -> None:
    """In any order of ringing and coming."""
    one, said = a_whistle(), []
    for unit, minutes, rings in sorted(steps, key=lambda s: s[1]):
        now = MONDAY + minutes * MINUTE
        if rings:
            told = ring(one, now)
            one = told.whistle
            said += [(e.unit_id, e.what) for e in told.events]  # type: ignore[attr-defined]
            due = next_alarm(one)
            assert due is None or due > now
            assert all(e.due_at < now for e in told.events)  # type: ignore[attr-defined]
        elif one.unit(unit).arrived_at is None:  # type: ignore[union-attr]
            one = come(one, unit, minutes)
            assert one.unit(unit).in_time == (minutes <= 30)  # type: ignore[union-attr]
    assert len(said) == len(set(said))
