"""Early warning: whether a count is unusual for these hours of such a day, and how that is explained. Pure.

The usual level is a mean over the same hours of past days (days off apart from weekdays, the same weekday threefold);
days that were themselves unusual are left out. Counts are negative binomial: their spread is that of history, never
smaller than Poisson's. An alert ends only when the count is near the usual again, so it doesn't flicker.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from .attribution import SHANGHAI

LEAST_DAYS: Final = 10
"""Without so many days to compare with nothing is unusual"""
LEAST_SPREAD: Final = 0.03
"""Over-dispersion (variance beyond Poisson's, as a share of the squared mean) that is always granted"""
GRANTED: Final = 0.15
"""Over-dispersion within which a past day is still taken for an ordinary one"""
SAME_WEEKDAY: Final = 3.0


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule, as data."""

    code: str
    title: str
    kind: str
    of: str
    per: str = ""
    """reported: shares are compared, not counts, so that a busy day alone is nothing"""
    hours: int
    weeks: int = 8
    at: tuple[int, ...] = ()
    chance: float = 0.00002
    least: int = 0
    factor: float = 1.0
    grids: bool = False


class Usual(NamedTuple):
    """What is usual: mean, and over-dispersion."""

    mean: float
    spread: float

    @property
    def deviation(self) -> float:
        return math.sqrt(self.mean + self.spread * self.mean**2)


class Verdict(NamedTuple):
    """What a count is."""

    alert: bool
    over: bool
    """Whether an alert that stands ends"""
    usual: float
    bound: float


NOTHING: Final[Mapping[int, bool]] = {}
Day = tuple[int, int]
"""A past day (`day_of` its last hour) and its count in the same hours"""


def hour_number(at: dt.datetime) -> int:
    """Hours since 1970: what series are kept by."""
    return int(at.timestamp()) // 3600


def day_of(hour: int) -> int:
    """Days since 1970 in Shanghai.

    >>> weekday(day_of(hour_number(dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC))))
    0
    """
    return (hour + 8) // 24


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day + 3) % 7


def is_off(day: int, known: Mapping[int, bool] = NOTHING) -> bool:
    """Whether *day* is a day off; *known*: holidays (False) and make-up workdays (True)."""
    worked = known.get(day)
    return weekday(day) >= 5 if worked is None else not worked


def usual_of(days: Sequence[Day], today: int, known: Mapping[int, bool] = NOTHING) -> Usual | None:
    """The usual level for *today* from past *days*; None without enough of them."""
    free = is_off(today, known)
    alike = [(day, count) for day, count in days if is_off(day, known) == free]
    if len(days) < LEAST_DAYS or len(alike) < 3:
        return None
    middle = statistics.median(count for _, count in alike)
    bound = middle + 4 * math.sqrt(middle + GRANTED * middle**2) + 2
    counts = [(day, count) for day, count in alike if count <= bound]  # what was unusual must not become usual
    return Usual(*_moments(counts, today))


def _moments(days: Sequence[Day], today: int) -> tuple[float, float]:
    weights = [SAME_WEEKDAY if (today - day) % 7 == 0 else 1.0 for day, _ in days]
    total = sum(weights)
    mean = sum(w * count for w, (_, count) in zip(weights, days, strict=True)) / total
    variance = sum(w * (count - mean) ** 2 for w, (_, count) in zip(weights, days, strict=True)) / total
    uncertain = 1 / max(1, len(days))  # the mean itself is only estimated
    spread = (variance - mean) / mean**2 if mean > 0 else 0.0
    return mean, max(LEAST_SPREAD, spread) + uncertain


def chances(usual: Usual) -> Iterator[float]:
    """The chance of 0, 1, 2 … under a negative binomial."""
    size = 1 / usual.spread
    fail = usual.mean / (usual.mean + size)
    at = math.exp(size * math.log(size / (usual.mean + size)))
    n = 0
    while True:
        yield at
        at *= fail * (n + size) / (n + 1)
        n += 1


def bound_of(usual: Usual, chance: float, *, low: bool = False) -> int:
    """The highest usual count (with *low* the lowest): beyond it lies less than *chance*."""
    if usual.mean <= 0:
        return 0
    below = 0.0
    for n, at in enumerate(chances(usual)):
        below += at
        if low and below >= chance:
            return n
        if not low and n >= usual.mean and 1 - below < chance:
            return n
    raise AssertionError("the chances never end")


def is_worth(rule: Rule, count: int, standing: bool) -> bool:
    """Whether *count* can be an alert, or end one, at all: most hours can't, and cost no look at the past."""
    return standing or rule.kind == "silent" or count >= max(1, rule.least)


def judge(
    rule: Rule, days: Sequence[Day], today: int, count: int, known: Mapping[int, bool] = NOTHING
) -> Verdict | None:
    """What *count* is against past *days*; None without enough of them."""
    usual = usual_of(days, today, known)
    if usual is None:
        return None
    if rule.kind == "silent":
        lowest = bound_of(usual, rule.chance, low=True)
        return Verdict(count < lowest, count >= usual.mean / 2 or count >= lowest, usual.mean, lowest)
    bound = max(bound_of(usual, rule.chance), rule.least - 1, math.ceil(rule.factor * usual.mean) - 1)
    return Verdict(count > bound, count <= max(1.3 * usual.mean, usual.mean + usual.deviation), usual.mean, bound)


def count_at(rule: Rule, hourly: Mapping[int, int], end: int) -> int:
    """The count of the window that ends with the beginning of the hour *end*."""
    return sum([hourly.get(hour, 0) for hour in range(end - rule.hours, end)])


def days_before(rule: Rule, hourly: Mapping[int, int], end: int, since: int) -> list[Day]:
    """The same hours of the days before, as far as history goes and without overlapping the window."""
    first = max(24, -(-rule.hours // 24) * 24)
    found = []
    for back in range(first, rule.weeks * 7 * 24 + 1, 24):
        at = end - back
        if at - rule.hours >= since:
            found.append((day_of(at - 1), count_at(rule, hourly, at)))
    return found


def shares_before(
    rule: Rule, hourly: Mapping[int, int], base: Mapping[int, int], end: int, since: int
) -> list[Day]:
    """For a rule over shares: what each past day's share would be of today's base. Days without a base say nothing."""
    now = count_at(rule, base, end)
    bases = dict(days_before(rule, base, end, since))
    return [(day, round(count * now / bases[day])) for day, count in days_before(rule, hourly, end, since) if bases[day]]


def is_tried(rule: Rule, end: int) -> bool:
    """Whether *rule* looks at windows that end at the hour *end*."""
    return not rule.at or (end + 8) % 24 in rule.at


def sentence(rule: Rule, where: str, what: str, end: dt.datetime, count: int, verdict: Verdict, base: int = 0) -> str:
    """The explanation of an alert; *base* is what a share is of.

    >>> rule = Rule(code="surge", title="案件突增", kind="surge", of="reported", hours=3)
    >>> at = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)
    >>> sentence(rule, "坪山区", "暴露垃圾", at, 31, Verdict(True, False, 8.2, 22))
    '坪山区暴露垃圾：截至 11月23日 12时的 3 小时内上报 31 件，同一时段通常 8.2 件，正常上限 22 件'
    """
    local = end.astimezone(SHANGHAI)
    verb = "超期" if rule.of == "overdue" else "上报"
    edge = "下限" if rule.kind == "silent" else "上限"
    if rule.per and base:
        return (
            f"{where}{what}：截至 {local.month}月{local.day}日 {local.hour}时的 {rule.hours} 小时内{verb} {count} 件，"
            f"为上报 {base} 件的 {100 * count / base:.1f}%，通常 {100 * verdict.usual / base:.1f}%，"
            f"正常{edge} {100 * verdict.bound / base:.1f}%"
        )
    return (
        f"{where}{what}：截至 {local.month}月{local.day}日 {local.hour}时的 {rule.hours} 小时内{verb} {count} 件，"
        f"同一时段通常 {verdict.usual:.1f} 件，正常{edge} {verdict.bound:g} 件"
    )
