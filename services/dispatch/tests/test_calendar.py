"""Working time: the promises that deadlines rest on."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from yiwang.dispatch.calendar import (
    SHANGHAI,
    UNIT_SECONDS,
    WORK_SECONDS,
    Calendar,
    Holidays,
    Schedule,
    deadline,
    limit_seconds,
    used_seconds,
)

SPRING_2026 = {dt.date(2026, 2, day): False for day in range(15, 24)} | {
    dt.date(2026, 2, 14): True,
    dt.date(2026, 2, 28): True,
}
CALENDAR = Calendar(holidays=Holidays(version="2026", years=frozenset({2025, 2026}), days=SPRING_2026))
SUMMER = Calendar(
    [
        Schedule(schedule_id="winter"),
        Schedule(
            schedule_id="summer",
            slots=((dt.time(8, 30), dt.time(12)), (dt.time(15), dt.time(18))),
            season=("06-01", "09-30"),
        ),
    ],
    Holidays(years=frozenset({2025, 2026})),
)
KINDS = st.sampled_from(sorted(UNIT_SECONDS))
WORK_KINDS = st.sampled_from(sorted(WORK_SECONDS))
MOMENTS = st.integers(0, 50 * 1440).map(
    lambda n: dt.datetime(2026, 1, 25, tzinfo=SHANGHAI) + n * dt.timedelta(minutes=1)
)
STEADY = settings(deadline=None)
LIMITS = st.integers(0, 12)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def works(calendar: Calendar, minute: dt.datetime) -> bool:
    """The slow truth: whether the minute that begins then is working time."""
    schedule = calendar.schedule_on(minute.date())
    if schedule is None or not calendar.is_working_day(minute.date()):
        return False
    return any(start <= minute.time() < end for start, end in schedule.slots)


def counted(
    calendar: Calendar, start: dt.datetime, end: dt.datetime, pauses: list[tuple[dt.datetime, dt.datetime]]
) -> int:
    """Working seconds from *start* to *end* by looking at every minute."""
    minute, total = start, 0
    while minute < end:
        if works(calendar, minute) and not any(a <= minute < b for a, b in pauses):
            total += 60
        minute += dt.timedelta(minutes=1)
    return total


@pytest.mark.parametrize(
    ("start", "limit", "kind", "due"),
    [
        pytest.param("2026-03-06 17:30", 1, "work_day", "2026-03-09 17:30", id="one working day is 8 slot hours"),
        pytest.param("2026-03-06 11:30", 4, "work_hour", "2026-03-06 17:30", id="lunch doesn't count"),
        pytest.param(
            "2026-03-06 12:40", 2, "work_hour", "2026-03-06 16:00", id="a start at noon waits for two o'clock"
        ),
        pytest.param("2026-03-06 08:00", 4, "work_hour", "2026-03-06 12:00", id="an end at noon is noon"),
        pytest.param("2026-03-07 03:00", 2, "urgent_hour", "2026-03-07 05:00", id="urgent runs on Saturday night"),
        pytest.param("2026-02-13 17:00", 2, "work_hour", "2026-02-14 09:00", id="a make-up Saturday works"),
        pytest.param("2026-02-14 17:00", 2, "work_hour", "2026-02-24 09:00", id="Spring Festival is skipped"),
        pytest.param("2026-02-14 17:00", 2, "natural_day", "2026-02-16 17:00", id="natural days count holidays"),
        pytest.param("2026-03-06 23:50", 15, "urgent_minute", "2026-03-07 00:05", id="stage clocks run at night"),
    ],
)
def test_a_limit_ends_when_its_clock_says(start: str, limit: int, kind: str, due: str) -> None:
    assert at(due) == deadline(at(start), limit, kind, CALENDAR).due_at


def test_working_days_of_law_skip_spring_festival_and_count_make_up_days() -> None:
    """Domain notes A1: 2026-02-13 and 5 working days is 2026-02-27."""
    assert dt.date(2026, 2, 27) == CALENDAR.nth_working_day(dt.date(2026, 2, 13), 5)


def test_a_calendar_period_that_ends_on_a_holiday_ends_on_the_next_working_day() -> None:
    assert dt.date(2026, 2, 24) == CALENDAR.nth_calendar_day(dt.date(2026, 2, 3), 15)


def test_a_season_has_its_own_hours() -> None:
    assert at("2026-07-01 16:00") == deadline(at("2026-07-01 11:00"), 2, "work_hour", SUMMER).due_at
    assert at("2026-12-01 15:00") == deadline(at("2026-12-01 11:00"), 2, "work_hour", SUMMER).due_at


def test_a_deadline_beyond_the_published_tables_is_provisional() -> None:
    inside = deadline(at("2026-12-30 09:00"), 1, "work_day", CALENDAR)
    across = deadline(at("2026-12-30 09:00"), 3, "work_day", CALENDAR)

    assert not inside.provisional
    assert across.provisional
    assert at("2027-01-05 09:00") == across.due_at, "New Year's Day is off in every year, published or not"


def test_wall_clock_limits_never_depend_on_a_table() -> None:
    assert not deadline(at("2031-12-30 09:00"), 3, "natural_day", CALENDAR).provisional


def test_the_slots_explain_the_deadline() -> None:
    start = at("2026-03-06 17:30")
    due = deadline(start, 1, "work_day", CALENDAR).due_at

    slots = CALENDAR.slots_between(start, due)

    assert [at("2026-03-06 17:30"), at("2026-03-09 08:00"), at("2026-03-09 14:00")] == [s.start for s in slots]
    assert sum((s.end - s.start).total_seconds() for s in slots) == 8 * 3600


def test_an_extension_adds_to_the_same_clock() -> None:
    start = at("2026-03-06 17:30")

    extended = deadline(start, 1, "work_day", CALENDAR, extended_s=8 * 3600)

    assert deadline(start, 2, "work_day", CALENDAR) == extended


def test_an_unknown_unit_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'week' is no unit of a limit; use one of urgent_minute"):
        limit_seconds(1, "week")


def test_a_date_beyond_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="known from 1950 to 2250"):
        used_seconds(dt.datetime(1, 1, 2, tzinfo=dt.UTC), at("2026-03-06 17:30"), [], "work_hour", CALENDAR)


@STEADY
@given(MOMENTS, MOMENTS, LIMITS, KINDS)
def test_a_later_start_never_ends_earlier(one: dt.datetime, other: dt.datetime, limit: int, kind: str) -> None:
    first, second = sorted((one, other))

    assert deadline(first, limit, kind, CALENDAR).due_at <= deadline(second, limit, kind, CALENDAR).due_at


@STEADY
@given(MOMENTS, LIMITS, LIMITS, KINDS)
def test_a_longer_limit_never_ends_earlier(start: dt.datetime, one: int, other: int, kind: str) -> None:
    short, long = sorted((one, other))

    assert deadline(start, short, kind, CALENDAR).due_at <= deadline(start, long, kind, CALENDAR).due_at


@STEADY
@given(MOMENTS, st.integers(1, 12), KINDS, st.lists(st.tuples(MOMENTS, MOMENTS), max_size=3))
def test_at_the_deadline_exactly_the_limit_is_used(
    start: dt.datetime, limit: int, kind: str, pauses: list[tuple[dt.datetime, dt.datetime]]
) -> None:
    due = deadline(start, limit, kind, CALENDAR, pauses=pauses).due_at

    assert limit_seconds(limit, kind) == used_seconds(start, due, pauses, kind, CALENDAR)
    assert limit_seconds(limit, kind) > used_seconds(start, due - dt.timedelta(seconds=1), pauses, kind, CALENDAR)


@STEADY
@given(st.lists(MOMENTS, min_size=3, max_size=3).map(sorted), KINDS)
def test_used_time_adds_up(moments: list[dt.datetime], kind: str) -> None:
    a, b, c = moments
    parts = used_seconds(a, b, [], kind, CALENDAR) + used_seconds(b, c, [], kind, CALENDAR)

    assert used_seconds(a, c, [], kind, CALENDAR) == parts


@STEADY
@given(st.lists(MOMENTS, min_size=4, max_size=4).map(sorted), KINDS)
def test_a_pause_takes_out_what_would_have_been_used_in_it(moments: list[dt.datetime], kind: str) -> None:
    start, halt, go_on, end = moments
    whole = used_seconds(start, end, [], kind, CALENDAR)

    paused = used_seconds(start, end, [(halt, go_on)], kind, CALENDAR)

    assert whole - used_seconds(halt, go_on, [], kind, CALENDAR) == paused


@settings(STEADY, max_examples=25)
@given(
    MOMENTS,
    st.integers(0, 12 * 1440),
    st.lists(st.tuples(MOMENTS, MOMENTS), max_size=3),
    st.sampled_from([CALENDAR, SUMMER]),
)
def test_used_time_is_what_one_counts_minute_by_minute(
    start: dt.datetime, minutes: int, pauses: list[tuple[dt.datetime, dt.datetime]], calendar: Calendar
) -> None:
    end = start + dt.timedelta(minutes=minutes)

    assert counted(calendar, start, end, pauses) == used_seconds(start, end, pauses, "work_hour", calendar)


@settings(STEADY, max_examples=15)
@given(MOMENTS, st.integers(1, 40), WORK_KINDS, st.integers(2027, 2060))
def test_the_table_grows_without_changing_an_answer(start: dt.datetime, limit: int, kind: str, year: int) -> None:
    """A calendar that was asked about a far year answers about a near one as a fresh calendar does."""
    grown = Calendar(holidays=CALENDAR.holidays)
    far = start.replace(year=year, day=min(start.day, 28))
    assume(deadline(far, limit, kind, grown).due_at > far)

    assert deadline(start, limit, kind, CALENDAR) == deadline(start, limit, kind, grown)
