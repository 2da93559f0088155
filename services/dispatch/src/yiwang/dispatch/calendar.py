"""Working time (工作时间): when a limit ends, how much of it is used, and which days the law counts.

Rules: `urgent_*` and `natural_day` limits run on the wall clock, nights and holidays included; `work_hour` and
`work_day` run only inside the work slots of working days, and one working day is 8 slot hours, not one midnight
(case-management 2.1). Holidays come as a table per year with make-up workdays (调休). A year without a published
table is *provisional*: its weekdays count as working days save the fixed holidays, and every deadline that
depends on it says so. The law's working days (处罚法 Art. 85) are whole days: see `nth_working_day`.

All arithmetic is in whole microseconds since 1970; a deadline costs two bisections.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8), "Asia/Shanghai")
"""China's one time zone; without summer time since 1991."""

WALL_SECONDS: Final = {"urgent_minute": 60, "urgent_hour": 3600, "urgent_day": 86400, "natural_day": 86400}
WORK_SECONDS: Final = {"work_hour": 3600, "work_day": 8 * 3600}
UNIT_SECONDS: Final[Mapping[str, int]] = WALL_SECONDS | WORK_SECONDS
"""Seconds of the clock that one unit of each kind is worth."""

Pause = tuple[dt.datetime, dt.datetime]
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US: Final = dt.timedelta(microseconds=1)
_SECOND: Final = 1_000_000
_MORNING_AND_AFTERNOON: Final = ((dt.time(8), dt.time(12)), (dt.time(14), dt.time(18)))


class Slot(msgspec.Struct, frozen=True):
    """A stretch of working time that a limit consumed, from `start` to `end`."""

    start: dt.datetime
    end: dt.datetime


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """The working hours of a day (作息时间). `valid_from` is included, `valid_to` is not; None is open.

    `season` limits it to a part of every year, as two ``MM-DD`` days, both included.
    """

    schedule_id: str = "default"
    slots: tuple[tuple[dt.time, dt.time], ...] = _MORNING_AND_AFTERNOON
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    season: tuple[str, str] | None = None

    def covers(self, day: dt.date) -> bool:
        if (self.valid_from and day < self.valid_from) or (self.valid_to and day >= self.valid_to):
            return False
        if self.season is None:
            return True
        first, last = self.season
        here = day.strftime("%m-%d")
        return first <= here <= last if first <= last else here >= first or here <= last


class Holidays(msgspec.Struct, frozen=True, kw_only=True):
    """The published tables: `days` says holiday (False) or make-up workday (True); `fixed` are ``MM-DD`` days off
    that every year has and that stand in for a table not yet published."""

    version: str = ""
    years: frozenset[int] = frozenset()
    days: Mapping[dt.date, bool] = {}
    fixed: frozenset[str] = frozenset({"01-01", "05-01", "05-02", "10-01", "10-02", "10-03"})


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a limit. `provisional`: it crosses a year without a published holiday table."""

    due_at: dt.datetime
    provisional: bool = False
    schedule_id: str = ""
    calendar_version: str = ""


class Calendar:
    """Working days and slots of one place. Later schedules win over earlier ones on the days they cover."""

    def __init__(self, schedules: Sequence[Schedule] = (Schedule(),), holidays: Holidays | None = None) -> None:
        self.schedules = tuple(schedules)
        self.holidays = holidays or Holidays()
        self.version = self.holidays.version
        years = self.holidays.years or {2025}
        self._build(min(years) - 1, max(years) + 2)

    def is_working_day(self, day: dt.date) -> bool:
        """Whether *day* is a working day (工作日) by the table, or by weekday and fixed holidays without one."""
        known = self.holidays.days.get(day)
        if known is not None:
            return known
        if day.weekday() >= 5:
            return False
        return day.year in self.holidays.years or day.strftime("%m-%d") not in self.holidays.fixed

    def is_provisional(self, first: dt.date, last: dt.date) -> bool:
        """Whether a day from *first* to *last* lies in a year without a published table."""
        return any(year not in self.holidays.years for year in range(first.year, last.year + 1))

    def schedule_on(self, day: dt.date) -> Schedule | None:
        """The schedule in force on *day*; None where no schedule covers it (then nobody works)."""
        return next((s for s in reversed(self.schedules) if s.covers(day)), None)

    def nth_working_day(self, day: dt.date, n: int) -> dt.date:
        """The last day of a period of *n* working days of law: the day of the event isn't counted."""
        while n > 0:
            day += dt.timedelta(days=1)
            n -= self.is_working_day(day)
        return day

    def nth_calendar_day(self, day: dt.date, n: int) -> dt.date:
        """The last day of a period of *n* calendar days of law; a holiday at its end moves it to a working day."""
        day += dt.timedelta(days=n)
        return day if self.is_working_day(day) else self.nth_working_day(day, 1)

    def work_between(self, start: int, end: int) -> int:
        """Microseconds of working time between two instants (in µs since 1970); 0 if *end* is not after *start*."""
        if end <= start:
            return 0
        self._reach(start, end)
        return self._elapsed(end) - self._elapsed(start)

    def after_work(self, start: int, amount: int) -> int:
        """The first instant at which *amount* µs of working time have passed since *start* (both in µs)."""
        if amount <= 0:
            return start
        self._reach(start, start)
        goal = self._elapsed(start) + amount
        while goal > self._total[-1]:
            self._build(self._first, self._last + 10)
        at = bisect_left(self._total, goal) - 1
        return self._starts[at] + goal - self._total[at]

    def slots_between(self, start: dt.datetime, end: dt.datetime) -> list[Slot]:
        """The working time from *start* to *end*, stretch by stretch: why a deadline is what it is."""
        a, b = micros(start), micros(end)
        self._reach(a, b)
        first, last = bisect_right(self._ends, a), bisect_left(self._starts, b)
        pairs = zip(self._starts[first:last], self._ends[first:last], strict=True)
        return [Slot(moment(max(a, left)), moment(min(b, right))) for left, right in pairs]

    def _reach(self, start: int, end: int) -> None:
        """Widens the table, once, to hold both instants."""
        if start < self._begin or end >= self._end:
            first, last = moment(start).astimezone(SHANGHAI).year, moment(end).astimezone(SHANGHAI).year
            self._build(min(self._first, first - 1), max(self._last, last + 2))

    def _elapsed(self, at: int) -> int:
        """µs of working time from the table's begin to *at*."""
        slot = bisect_right(self._starts, at) - 1
        if slot < 0:
            return 0
        return self._total[slot] + min(at, self._ends[slot]) - self._starts[slot]

    def _build(self, first: int, last: int) -> None:
        """The slots of the years *first* to *last* as sorted arrays, with their running total."""
        if first < 1950 or last > 2250:
            raise ValueError(f"working time is known from 1950 to 2250, not for {first} to {last}; check the date")
        starts, ends = [], []
        day, end = dt.date(first, 1, 1), dt.date(last + 1, 1, 1)
        while day < end:
            schedule = self.schedule_on(day) if self.is_working_day(day) else None
            midnight = micros(dt.datetime(day.year, day.month, day.day, tzinfo=SHANGHAI))
            for left, right in schedule.slots if schedule else ():
                starts.append(midnight + _of_day(left))
                ends.append(midnight + _of_day(right))
            day += dt.timedelta(days=1)
        if not starts:
            raise ValueError("the calendar has no working hour; give a schedule that covers the present")
        self._first, self._last = first, last
        self._begin = micros(dt.datetime(first, 1, 1, tzinfo=SHANGHAI))
        self._end = micros(dt.datetime(last + 1, 1, 1, tzinfo=SHANGHAI))
        self._starts, self._ends = starts, ends
        self._total = [0, *accumulate(b - a for a, b in zip(starts, ends, strict=True))]


def limit_seconds(limit: int, unit_kind: str) -> int:
    """*limit* in seconds of its own clock. Raises ValueError with a sentence for an unknown *unit_kind*."""
    try:
        return limit * UNIT_SECONDS[unit_kind]
    except KeyError:
        raise ValueError(f"{unit_kind!r} is no unit of a limit; use one of {', '.join(UNIT_SECONDS)}") from None


def deadline(
    start: dt.datetime,
    limit: int,
    unit_kind: str,
    calendar: Calendar,
    *,
    pauses: Iterable[Pause] = (),
    extended_s: int = 0,
) -> Deadline:
    """When a clock of *limit* units that started at *start* runs out.

    *pauses* are stretches in which the clock stood (挂账), *extended_s* are seconds of the same clock that were
    added (延期). The result is the earliest instant at which `used_seconds` reaches the limit, in UTC.
    """
    if limit < 0 or extended_s < 0:
        raise ValueError("a limit is never negative; give 0 or more units")
    working = unit_kind in WORK_SECONDS
    left = (limit_seconds(limit, unit_kind) + extended_s) * _SECOND
    at = micros(start)
    for halt, go_on in _merged(pauses, at):
        used = calendar.work_between(at, halt) if working else halt - at
        if used >= left:
            break
        left, at = left - used, go_on
    due = moment(calendar.after_work(at, left) if working else at + left)
    if not working:
        return Deadline(due_at=due, calendar_version=calendar.version)
    first = start.astimezone(SHANGHAI).date()
    schedule = calendar.schedule_on(first)
    return Deadline(
        due_at=due,
        provisional=calendar.is_provisional(first, due.astimezone(SHANGHAI).date()),
        schedule_id=schedule.schedule_id if schedule else "",
        calendar_version=calendar.version,
    )


def used_seconds(
    start: dt.datetime, end: dt.datetime, pauses: Iterable[Pause], unit_kind: str, calendar: Calendar
) -> int:
    """Whole seconds of its clock that a limit used from *start* to *end*, the *pauses* taken out."""
    limit_seconds(0, unit_kind)
    working = unit_kind in WORK_SECONDS
    at, last, used = micros(start), micros(end), 0
    for halt, go_on in [*_merged(pauses, at), (last, last)]:
        stop = min(halt, last)
        if stop > at:
            used += calendar.work_between(at, stop) if working else stop - at
        at = max(at, go_on)
    return used // _SECOND


def micros(at: dt.datetime) -> int:
    """*at* (with its zone) in µs since 1970."""
    return (at - _EPOCH) // _US


def moment(at: int) -> dt.datetime:
    """The instant, in UTC, that is *at* µs after 1970."""
    return _EPOCH + dt.timedelta(microseconds=at)


def _of_day(time: dt.time) -> int:
    return ((time.hour * 60 + time.minute) * 60 + time.second) * _SECOND


def _merged(pauses: Iterable[Pause], start: int) -> list[tuple[int, int]]:
    """The pauses after *start* in µs: in order, clipped, overlapping ones joined."""
    joined: list[tuple[int, int]] = []
    for left, right in sorted((max(micros(a), start), micros(b)) for a, b in pauses):
        if right <= left:
            continue
        if joined and left <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], right))
        else:
            joined.append((left, right))
    return joined
