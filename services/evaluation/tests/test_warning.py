"""Early warning on seeded history: planted surges are found, and quiet weeks stay quiet."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random

import pytest
from yiwang.evaluation.profile import load
from yiwang.evaluation.warning import (
    Rule,
    Usual,
    bound_of,
    chances,
    count_at,
    day_of,
    days_before,
    hour_number,
    is_tried,
    is_worth,
    judge,
    usual_of,
)  # fmt: skip

START = hour_number(dt.datetime(2026, 6, 28, 16, tzinfo=dt.UTC))
"""Monday 2026-06-29, 0:00 in Shanghai"""
WEEK = 7 * 24
TODAY = day_of(START)
RULES = {rule.code: rule for rule in load("").warnings}
DAY = [0.1, 0.05, 0.05, 0.05, 0.1, 0.2, 0.5, 1.2, 2.0, 2.4, 2.6, 2.0, 1.0, 1.2, 1.9, 2.2, 2.2, 1.8, 1.0, 0.7, 0.5, 0.3, 0.2, 0.15]


def poisson(chance: random.Random, mean: float) -> int:
    limit, n, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        n, product = n + 1, product * chance.random()
    return n


def history(seed: int, level: float, weeks: int) -> dict[int, int]:
    """Hours of *weeks* weeks: a daily course, quieter weekends, better and worse days (over-dispersion)."""
    chance = random.Random(seed)
    found = {}
    for day in range(weeks * 7):
        mood = chance.gammavariate(12, 1 / 12) * (0.55 if day % 7 >= 5 else 1.0) * (1.15 if day % 7 == 0 else 1.0)
        for hour in range(24):
            found[START + day * 24 + hour] = poisson(chance, level * DAY[hour] * mood)
    return found


def alerts(rule: Rule, hourly: dict[int, int], first: int, last: int) -> list[tuple[int, bool]]:
    """(hour, raised) of every change of an alert, as the service would see them."""
    found: list[tuple[int, bool]] = []
    standing = False
    for end in range(first, last + 1):
        count = count_at(rule, hourly, end)
        if not is_tried(rule, end) or not is_worth(rule, count, standing):
            continue
        verdict = judge(rule, days_before(rule, hourly, end, START), day_of(end - 1), count)
        if verdict is not None and (verdict.over if standing else verdict.alert):
            standing = not standing
            found.append((end, standing))
    return found


def test_planted_surges_are_found_and_quiet_weeks_stay_quiet() -> None:
    """Recall at least 0.9; at most one false alarm per area and week (both as asked), over eight areas and six weeks.

    A surge brings its three hours to four times the usual, and at least fifteen cases more.
    """
    rule, weeks, watched = RULES["surge"], 14, 6
    begin, end = START + (weeks - watched) * WEEK, START + weeks * WEEK
    chance = random.Random(4)
    planted = met = false = 0
    for area in range(8):
        level = (0.8, 1.5, 3.0, 6.0)[area % 4]
        hourly = history(area, level, weeks)
        surges = []
        for week in range(watched):
            hour = chance.randint(8, 20)
            at = begin + week * WEEK + chance.randrange(7) * 24 + hour
            for n in range(max(15, round(3 * level * sum(DAY[hour : hour + 3])))):
                hourly[at + n % 3] += 1
            surges.append(at)
        raised = [hour for hour, on in alerts(rule, hourly, begin, end) if on]
        planted += len(surges)
        met += sum(1 for at in surges if any(at < hour <= at + 4 for hour in raised))
        false += sum(1 for hour in raised if not any(at < hour <= at + 6 for at in surges))

    assert met / planted >= 0.9, (met, planted)
    assert false <= 8 * watched / 4, false  # four times below what is allowed: an area has several classes


@pytest.mark.parametrize("code", ["surge", "overdue_wave", "silent"])
def test_usual_weeks_raise_next_to_nothing(code: str) -> None:
    """Twelve areas over four weeks without anything planted."""
    weeks = 12
    raised = 0
    for area in range(12):
        hourly = history(100 + area, (0.8, 1.5, 3.0)[area % 3], weeks)
        raised += sum(1 for _, on in alerts(RULES[code], hourly, START + 8 * WEEK, START + weeks * WEEK) if on)

    assert raised <= 12 * 4 / 4, raised


def test_an_area_that_falls_silent_is_noticed_and_so_is_its_return() -> None:
    hourly = history(7, 1.5, 12)
    gone = START + 10 * WEEK + 24
    for n in range(48):
        hourly[gone + n] = 0
    found = alerts(RULES["silent"], hourly, gone, START + 11 * WEEK)

    assert [on for _, on in found] == [True, False]
    assert found[0][0] <= gone + 34


def test_a_wave_of_overdue_cases_is_noticed() -> None:
    hourly = {hour: count // 3 for hour, count in history(9, 1.0, 12).items()}
    for n in range(10):
        hourly[START + 10 * WEEK + 48 + 8 + n] += 6
    found = alerts(RULES["overdue_wave"], hourly, START + 10 * WEEK, START + 11 * WEEK)

    assert [on for _, on in found] == [True, False]


def test_nothing_is_unusual_without_a_past() -> None:
    """A new node raises nothing in its first days."""
    assert usual_of([(TODAY - n, 5) for n in range(1, 9)], TODAY) is None
    assert judge(RULES["surge"], [], TODAY, 1000) is None


def test_the_negative_binomial_sums_to_one_and_its_bounds_hold() -> None:
    usual = Usual(6.0, 0.2)
    pmf = list(itertools.islice(chances(usual), 400))
    assert sum(pmf) == pytest.approx(1.0)
    assert sum(n * at for n, at in enumerate(pmf)) == pytest.approx(6.0)
    bound = bound_of(usual, 0.001)
    assert sum(pmf[bound + 1 :]) < 0.001 <= sum(pmf[bound:])
    lowest = bound_of(usual, 0.01, low=True)
    assert sum(pmf[:lowest]) < 0.01 <= sum(pmf[: lowest + 1])


def test_an_unusual_day_of_the_past_does_not_become_usual() -> None:
    days = [(TODAY - n, 400 if n == 7 else 5) for n in range(1, 57)]
    usual = usual_of(days, TODAY)

    assert usual is not None
    assert usual.mean == pytest.approx(5.0)
