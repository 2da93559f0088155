"""Deadlines against a count minute by minute, bundles, recomputed limits, and what is said about them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yiwang.contracts import CaseDeadlineRecomputed
from yiwang.dispatch import clocks
from yiwang.dispatch.acts import BODIES, Act
from yiwang.dispatch.calendar import SHANGHAI, UNIT_SECONDS, WORK_SECONDS, Calendar, Holidays, Schedule, deadline
from yiwang.dispatch.case import DISPOSAL, Case
from yiwang.dispatch.domain import step
from yiwang.dispatch.explain import clock_view, met
from yiwang.dispatch.practice import Bundle, Practice
from yiwang.dispatch.recompute import recomputed
from yiwang.dispatch.replay import follow
from yiwang.dispatch.testing import BY_HAND, MONDAY, some_case, some_rules

MINUTE = dt.timedelta(minutes=1)
FIRST = dt.datetime(2026, 3, 2, tzinfo=SHANGHAI)
HOURS = st.sampled_from([
    ((dt.time(8), dt.time(12)), (dt.time(14), dt.time(18))),
    ((dt.time(9), dt.time(17)),),
    ((dt.time(0), dt.time(6)), (dt.time(22), dt.time(23, 30))),
])  # fmt: skip
DAYS = st.integers(0, 20).map(lambda n: FIRST.date() + dt.timedelta(days=n))
MOMENTS = st.integers(0, 12 * 1440).map(lambda n: FIRST + n * MINUTE)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any city: hours with validity from some day on, holidays and make-up days anywhere."""
    change = draw(DAYS)
    schedules = [
        Schedule(schedule_id="old", slots=draw(HOURS)),
        Schedule(schedule_id="new", slots=draw(HOURS), valid_from=change),
        Schedule(schedule_id="season", slots=draw(HOURS), season=("03-10", "03-12")),
    ]
    days = draw(st.dictionaries(DAYS, st.booleans(), max_size=8))
    return Calendar(schedules[: draw(st.integers(1, 3))], Holidays(version="x", years=frozenset({2026}), days=days))


def slow_deadline(
    calendar: Calendar, start: dt.datetime, seconds: int, working: bool, pauses: list[tuple[dt.datetime, dt.datetime]]
) -> dt.datetime:
    """The truth: walk on minute by minute until the limit is used."""
    minute = start
    while seconds > 0:
        schedule = calendar.schedule_on(minute.date())
        at_work = not working or (
            calendar.is_working_day(minute.date())
            and schedule is not None
            and any(a <= minute.time() < b for a, b in schedule.slots)
        )
        if at_work and not any(a <= minute < b for a, b in pauses):
            seconds -= 60
        minute += MINUTE
    return minute


@settings(deadline=None, max_examples=60)
@given(
    calendars(), MOMENTS, st.integers(1, 9), st.sampled_from(sorted(UNIT_SECONDS)),
    st.lists(st.tuples(MOMENTS, MOMENTS), max_size=3),
)  # fmt: skip
def test_a_deadline_is_where_one_arrives_counting_minute_by_minute(
    calendar: Calendar, start: dt.datetime, limit: int, kind: str, pauses: list[tuple[dt.datetime, dt.datetime]]
) -> None:
    """Every kind of unit, several schedules with validity, holidays, make-up days and pauses."""
    wanted = slow_deadline(calendar, start, limit * UNIT_SECONDS[kind], kind in WORK_SECONDS, pauses)

    assert deadline(start, limit, kind, calendar, pauses=pauses).due_at == wanted


@settings(deadline=None, max_examples=60)
@given(
    calendars(), st.sampled_from(sorted(UNIT_SECONDS)), st.integers(1, 6),
    st.lists(st.integers(0, 3 * 1440), min_size=1, max_size=5),
)  # fmt: skip
def test_a_case_clock_that_stood_and_went_on_ends_where_one_counts(
    calendar: Calendar, kind: str, limit: int, gaps: list[int]
) -> None:
    """Pausing and resuming by the case's own functions, also of the clocks beside the disposal clock."""
    rules, case, at = some_rules(calendar=calendar), some_case(), FIRST
    clocks.start(case, DISPOSAL, kind, limit, at, rules)
    clocks.start(case, "co", kind, limit, at, rules, "helper", nth=1)
    spans: list[tuple[dt.datetime, dt.datetime]] = []
    for gap in gaps:
        halt, at = at + MINUTE, at + MINUTE * (gap + 2)
        clocks.pause(case, DISPOSAL, halt)
        clocks.resume(case, DISPOSAL, at, rules)
        spans.append((halt, at))
    wanted = slow_deadline(calendar, FIRST, limit * UNIT_SECONDS[kind], kind in WORK_SECONDS, spans)

    assert [one.clock.due_at for one in case.clocks] == [wanted, wanted]
    clocks.stop(case, DISPOSAL, at, rules)
    assert [one.clock.stage for one in case.clocks if one.stopped_at is None] == []


def act(case: Case, rules: Any, role: str, action: str, at: dt.datetime = MONDAY, **fields: Any) -> Case:
    body = BODIES[action](**({"opinion": "同意"} | fields))
    return step(case, Act(action=action, role=role, at=at, body=body, number="4403002026112300001"), rules).case


def dispatched(rules: Any, sent: dt.datetime = MONDAY, to_unit: dt.datetime = MONDAY) -> Case:
    """Litter, sent to the district and by it to its unit; 4 working hours."""
    case = act(act(some_case(), rules, "acceptor", "accept"), rules, "acceptor", "file")
    case = act(case, rules, "dispatcher", "dispatch_down", sent)
    return act(case, rules, "dispatcher", "dispatch", to_unit)


BUNDLES = Practice(bundle=Bundle(start="sent_down", stages=("dispatch",)))


@pytest.mark.parametrize("judged", [True, False])
def test_what_the_district_leaves_unused_its_unit_may_use(judged: bool) -> None:
    """捆绑: 15 minutes of the district and 4 hours of the unit are 4 h 15 min together, judged so where the city says it."""
    bundle = Bundle(judged=judged)
    rules = some_rules(two_commands=True, auto=BY_HAND, practice=Practice(bundle=bundle))
    case = dispatched(rules, to_unit=MONDAY + dt.timedelta(minutes=5))
    clock = case.clock(DISPOSAL)
    assert clock is not None
    assert clock.clock.due_at == MONDAY + dt.timedelta(hours=6, minutes=5), "its own four hours, noon left out"
    assert clock.clock.bundle_due_at == MONDAY + dt.timedelta(hours=6, minutes=15)

    late = MONDAY + dt.timedelta(hours=6, minutes=10)
    case = act(case, rules, "dept_operator", "assign_handler", handler_ref="h")
    photo = {"media_id": "m", "sha256": "a" * 64, "size": 1, "mime": "image/jpeg", "stage": "after", "home_node": "x"}
    body = msgspec.convert({"resolution_mode": "manage", "media": [photo]}, BODIES["submit_result"])
    case = step(case, Act(action="submit_result", role="handler", at=late, body=body), rules).case
    [event] = step(case, Act(action="dept_confirm", role="dept_operator", at=late), rules).events

    told = (event.timeliness, event.judged_against)  # type: ignore[attr-defined]
    assert told == (("on_time", "bundle") if judged else ("overdue", "own"))


def test_a_bundle_stands_still_with_its_clock() -> None:
    """A day of hanging moves both ends by that day's working time."""
    rules = some_rules(two_commands=True, auto=BY_HAND, practice=BUNDLES)
    case = dispatched(rules)
    case = act(case, rules, "dispatcher", "suspend", resume_on=MONDAY + dt.timedelta(days=1))
    case = act(case, rules, "dispatcher", "resume", MONDAY + dt.timedelta(days=1))

    clock = case.clock(DISPOSAL)
    assert clock is not None
    assert clock.clock.due_at == MONDAY + dt.timedelta(days=1, hours=6)
    assert clock.clock.bundle_due_at == MONDAY + dt.timedelta(days=1, hours=6, minutes=15)


DECEMBER = dt.datetime(2026, 12, 31, 2, 0, tzinfo=dt.UTC)
"""Thursday 2026-12-31, 10:00 in Shanghai."""
TABLE_2027 = Holidays(
    version="2027",
    years=frozenset({2026, 2027}),
    days={dt.date(2027, 1, 1): False, dt.date(2027, 1, 2): True},
)


def provisional() -> tuple[Case, Any]:
    """A case whose 8 working hours cross into a year without a table."""
    rules = some_rules(calendar=Calendar(holidays=Holidays(version="2026", years=frozenset({2026}))))
    case = some_case()
    clocks.start(case, DISPOSAL, "work_day", 1, DECEMBER, rules, "sanitation")
    case.pinned_versions = {"calendar": "2026", "codes": "1"}
    return case, rules


def test_a_published_table_moves_provisional_limits_by_an_event_that_says_so() -> None:
    """Without a table 2 January is a Saturday off; the table makes it a working day: due on Saturday, not Monday."""
    case, _ = provisional()
    assert case.clocks[0].clock.provisional
    new = some_rules(calendar=Calendar(holidays=TABLE_2027))

    done = recomputed(case, new, DECEMBER + dt.timedelta(hours=1))

    assert done is not None
    event = done.event
    assert isinstance(event, CaseDeadlineRecomputed)
    [change] = event.changes
    assert change.old_due_at.astimezone(SHANGHAI).isoformat() == "2027-01-04T10:00:00+08:00"
    assert change.new_due_at.astimezone(SHANGHAI).isoformat() == "2027-01-02T10:00:00+08:00"
    assert not change.provisional
    assert done.case.pinned_versions == {"calendar": "2027", "codes": "1"}
    assert event.case.case_version == case.version + 1
    assert "处置期限由 2027-01-04 10:00 改为 2027-01-02 10:00" in done.record.note
    assert recomputed(done.case, new, DECEMBER) is None, "what isn't provisional any more stays"
    told = follow(case, event, False)
    assert (told.clocks, told.pinned_versions) == (done.case.clocks, done.case.pinned_versions)


def test_a_limit_called_overdue_too_early_is_overdue_no_more() -> None:
    """The published holiday is longer than the weekday guess: the mark goes with the reason for it."""
    case, rules = provisional()
    late = DECEMBER + dt.timedelta(days=4, hours=1)
    clocks.mark(case, case.clocks[0], warned=True, overdue=True)
    case.flags = msgspec.structs.replace(case.flags, overdue=True)
    days = {dt.date(2027, 1, 1) + dt.timedelta(days=n): False for n in range(5)}
    longer = Calendar(holidays=Holidays(version="2027", years=frozenset({2026, 2027}), days=days))

    done = recomputed(case, msgspec.structs.replace(rules, calendar=longer), late)

    assert done is not None
    assert not done.case.flags.overdue
    assert not done.case.clocks[0].overdue
    assert follow(case, done.event, False).clocks == done.case.clocks


def test_a_recomputed_case_goes_on_under_everything_else_that_it_pinned() -> None:
    """Codes of then, holidays of now."""
    old = some_rules(versions={"codes": "1", "calendar": "2026"})
    new = msgspec.structs.replace(
        some_rules(calendar=Calendar(holidays=TABLE_2027), versions={"codes": "2", "calendar": "2027"}), past=(old,)
    )
    case = some_case()
    case.pinned_versions = {"codes": "1", "calendar": "2027"}

    mixed = new.of(case)

    assert (mixed.versions["codes"], mixed.calendar.version) == ("1", "2027")
    assert mixed.codes is old.codes
    assert new.of(case) is mixed, "built once"
    case.pinned_versions = {"codes": "1", "calendar": "2025"}
    assert new.of(case) is new


def test_the_explanation_names_what_counts_and_what_does_not() -> None:
    """Start, limit, stretches, days off, pauses, the bundle, and that it is provisional."""
    rules = some_rules(calendar=Calendar(holidays=Holidays(version="2026", years=frozenset({2026}))))
    case = some_case()
    begun = dt.datetime(2026, 3, 6, 17, 30, tzinfo=SHANGHAI)
    clocks.start(case, DISPOSAL, "work_day", 1, begun, rules)
    clocks.pause(case, DISPOSAL, begun + dt.timedelta(days=3))
    clocks.resume(case, DISPOSAL, begun + dt.timedelta(days=4), rules)

    view = clock_view(case.clocks[0], rules, begun + dt.timedelta(days=5))

    assert "自 2026-03-06 17:30 起算，限 1 工作日" in view.explanation
    assert "计入时段 3月6日 17:30–18:00、3月9日 08:00–12:00 14:00–17:30（共 3 段 8小时）" in view.explanation
    assert "3月7日至3月8日不是工作日，不计" in view.explanation
    assert "2026-03-09 17:30 至 2026-03-10 17:30 暂停，不计" in view.explanation
    assert sum((s.end - s.start).total_seconds() for s in view.slots) == view.limit_s
    wall = some_case()
    clocks.start(wall, "accept", "urgent_minute", 15, begun, rules)
    assert "昼夜连续计时，到 2026-03-06 17:45 止" in clock_view(wall.clocks[0], rules, begun).explanation


def test_the_history_says_what_became_of_each_stages_limit() -> None:
    """A line whose stage had a limit tells it with the time used."""
    rules = some_rules(auto=BY_HAND)
    case = some_case()
    rules.start_stage(case, "accept", MONDAY)
    body = BODIES["accept"]()
    done = step(case, Act(action="accept", role="acceptor", at=MONDAY + dt.timedelta(minutes=20), body=body), rules)

    assert met(done.record) == "期限 2026-11-23 09:15，2026-11-23 09:20 结束，计时 20分钟，超时"
