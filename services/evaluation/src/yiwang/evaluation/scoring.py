"""Scores and grades as data: what an object gets for its rates, and why. Pure.

A score in a scheme is on the scale of 100: points won of the scheme's `full`. An item whose rate has no value (nothing
was due) gets its full points; it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from .formulas import Formula, Number, parsed, rounded


class Deduction(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Points off for each of something."""

    per: Decimal
    count: str
    """A formula"""
    why: str


class Item(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One line of a scheme."""

    title: str
    points: Decimal
    goal: str = ""
    """The group that it belongs to, e.g. one of the five goals of a city"""
    indicator: str = ""
    formula: str = ""
    """Instead of an indicator: a value of its own, 1 for 100 per cent"""
    missing: str = "full"
    """Without a value: full (nothing was due, so nothing was missed) or skip (left out of the score, and named)"""
    full_at: Decimal = Decimal(100)
    """Per cent from which on it has full points; with better = low: up to which"""
    per_point: Decimal = Decimal(1)
    """Points off for each per cent that is missing"""
    deduct: tuple[Deduction, ...] = ()


class Grade(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A grade (A to E) with its colour (GB/T 30428.4: 分级; the bounds are the city's)."""

    name: str
    title: str
    lowest: Decimal = msgspec.field(name="from")
    colour: str


class Scheme(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A way of scoring."""

    code: str
    title: str
    full: Decimal = Decimal(100)
    item: tuple[Item, ...]
    grade: tuple[Grade, ...]

    @property
    def formulas(self) -> list[Formula]:
        """Every formula of its deductions."""
        own = [parsed(item.formula) for item in self.item if item.formula]
        return own + [parsed(d.count) for item in self.item for d in item.deduct]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one item gave."""

    title: str
    points: Decimal
    """0 where it was left out"""
    won: Decimal
    why: str
    goal: str = ""


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A score with its explanation."""

    scheme: str
    value: Decimal
    """Of 100"""
    grade: str
    grade_title: str
    colour: str
    lines: tuple[Line, ...]


def score(scheme: Scheme, rates: Mapping[str, Number], low: frozenset[str], values: Mapping[str, Number]) -> Score:
    """The score of an object with these *rates* and *values* of names; *low*: indicators of which less is better."""
    lines = tuple(_line(item, rates, item.indicator in low, values) for item in scheme.item)
    left_out = sum((i.points for i, line in zip(scheme.item, lines, strict=True) if line.points == 0), Decimal(0))
    full = scheme.full - left_out
    value = rounded(sum((line.won for line in lines), Decimal(0)) * 100 / full) if full else Decimal(0)
    grade = next((g for g in sorted(scheme.grade, key=lambda g: -g.lowest) if value >= g.lowest), scheme.grade[-1])
    return Score(
        scheme=scheme.code, value=value, grade=grade.name, grade_title=grade.title, colour=grade.colour, lines=lines
    )


def _line(item: Item, rates: Mapping[str, Number], low: bool, values: Mapping[str, Number]) -> Line:
    won, points, why = item.points, item.points, []
    if item.indicator or item.formula:
        rate = rates.get(item.indicator) if item.indicator else parsed(item.formula).value(values)
        if rate is None and item.missing == "skip":
            return Line(title=item.title, goal=item.goal, points=Decimal(0), won=Decimal(0), why="缺数据，不计分")
        off, told = _off(item, rate, low)
        won -= off
        why.append(told)
    for one in item.deduct:
        count = parsed(one.count).value(values) or Decimal(0)
        if count > 0:
            won -= one.per * count
            why.append(f"{one.why}，{count.normalize():f} 次")
    won = rounded(max(Decimal(0), won))
    return Line(title=item.title, goal=item.goal, points=points, won=won, why="；".join(why) or "无扣分")


def _off(item: Item, rate: Number, low: bool) -> tuple[Decimal, str]:
    """Points off for a rate, and the sentence about it."""
    if rate is None:
        return Decimal(0), "本期无应计数，得满分"
    missing = (rate * 100 - item.full_at) if low else (item.full_at - rate * 100)
    off = max(Decimal(0), missing) * item.per_point
    line = f"满分线 {'不高于' if low else '不低于'} {item.full_at.normalize():f}%"
    return off, f"{rounded(rate * 100)}%，{'满分' if off == 0 else f'扣 {rounded(off)} 分'}（{line}）"
