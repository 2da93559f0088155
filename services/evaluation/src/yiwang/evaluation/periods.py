"""Periods by name: ``2026``, ``2026-H2``, ``2026-Q4``, ``2026-11``, ``2026-W48``, ``2026-11-23``. Days of Shanghai. Pure."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, NamedTuple

_NAME: Final = re.compile(r"^(\d{4})(?:-(?:H([12])|Q([1-4])|W(\d{2})|(\d{2})(?:-(\d{2}))?))?$")
STEPS: Final = ("day", "week", "month", "quarter", "half", "year")


class Period(NamedTuple):
    """Days from `first` to `last`, both in it."""

    name: str
    step: str
    first: dt.date
    last: dt.date


def period(name: str) -> Period:
    """The period of that name. Raises ValueError with a sentence.

    >>> period("2026-Q4")[2:], period("2026-W01").first
    ((datetime.date(2026, 10, 1), datetime.date(2026, 12, 31)), datetime.date(2025, 12, 29))
    """
    match = _NAME.match(name)
    if match is None:
        raise ValueError(f"{name} 不是周期：应写成 2026、2026-H1、2026-Q4、2026-11、2026-W48 或 2026-11-23")
    year, half, quarter, week, month, day = (int(part) if part else 0 for part in match.groups())
    try:
        if week:
            first = dt.date.fromisocalendar(year, week, 1)
            return Period(name, "week", first, first + dt.timedelta(days=6))
        if day:
            return Period(name, "day", dt.date(year, month, day), dt.date(year, month, day))
        if "-" in name:
            begin, months = _begin(half, quarter, month)
            step = "half" if half else "quarter" if quarter else "month"
            return Period(name, step, dt.date(year, begin, 1), _end(year, begin + months))
        return Period(name, "year", dt.date(year, 1, 1), dt.date(year, 12, 31))
    except ValueError:
        raise ValueError(f"{name} 这个周期不存在，请核对") from None


def _begin(half: int, quarter: int, month: int) -> tuple[int, int]:
    if half:
        return half * 6 - 5, 6
    return (quarter * 3 - 2, 3) if quarter else (month, 1)


def _end(year: int, month: int) -> dt.date:
    return dt.date(year + (month > 12), month - 12 * (month > 12), 1) - dt.timedelta(days=1)


def of_day(day: dt.date, step: str) -> Period:
    """The period of *step* in which *day* lies.

    >>> of_day(dt.date(2026, 11, 23), "week").name, of_day(dt.date(2026, 11, 23), "half").name
    ('2026-W48', '2026-H2')
    """
    if step == "week":
        year, week, _ = day.isocalendar()
        return period(f"{year:04d}-W{week:02d}")
    names = {
        "day": day.isoformat(),
        "month": f"{day:%Y-%m}",
        "quarter": f"{day.year:04d}-Q{(day.month + 2) // 3}",
        "half": f"{day.year:04d}-H{1 + (day.month > 6)}",
        "year": f"{day.year:04d}",
    }
    return period(names[step])


def before(one: Period) -> Period:
    """The period just before (环比)."""
    return of_day(one.first - dt.timedelta(days=1), one.step)


def year_before(one: Period) -> Period:
    """The same period of the year before (同比); of 29 February the 28th, of week 53 the last week.

    >>> year_before(period("2026-11")).name, year_before(period("2026-W53")).name
    ('2025-11', '2025-W52')
    """
    year, rest = int(one.name[:4]) - 1, one.name[4:]
    try:
        return period(f"{year:04d}{rest}")
    except ValueError:
        return period(f"{year:04d}-02-28" if one.step == "day" else f"{year:04d}-W52")


def parts(one: Period, step: str) -> list[Period]:
    """The periods of *step* that lie in *one*, in order, e.g. the days of a month."""
    found: list[Period] = []
    day = one.first
    while day <= one.last:
        found.append(of_day(day, step))
        day = found[-1].last + dt.timedelta(days=1)
    return found
