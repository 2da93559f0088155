"""What people enter: targets, counted events, measured values and surveys, as values of formulas. Pure but for `read`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from .formulas import Number
from .periods import Period
from .store import sql

SOURCES: Final = {"target": "目标", "input": "人工计数", "manual": "实测值", "survey": "问卷调查"}
"""Prefix of the name in formulas → what it is"""
ADDED: Final = frozenset({"target", "input"})
"""Of a longer period these add up from its months; measured values and surveys are averaged"""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it is kept."""

    n: int
    source: str
    kind: str
    object: str
    name: str
    period: str
    first: dt.date
    last: dt.date
    value: Decimal
    samples: int
    note: str
    by_whom: str
    at: dt.datetime


async def read(db: Any, kind: str, objects: Sequence[str], period: Period) -> dict[str, dict[str, Number]]:
    """object → name with prefix → value, over *period*."""
    rows = await sql.rows(db, "inputs", Input, kind, list(objects), period.first, period.last)
    return {code: combined([row for row in rows if row.object == code], period) for code in objects}


def combined(rows: Iterable[Input], period: Period) -> dict[str, Number]:
    """One value for each name: that of the very period, else the sum (or the mean by samples) of its months' values."""
    groups: dict[str, list[Input]] = {}
    for row in rows:
        groups.setdefault(f"{row.source}.{row.name}", []).append(row)
    return {name: _one(found, period) for name, found in groups.items()}


def _one(rows: list[Input], period: Period) -> Decimal:
    exact = [row for row in rows if row.period == period.name]
    if exact:
        return exact[0].value
    longest = max(len_days(row) for row in rows)
    same = [row for row in rows if len_days(row) >= longest - 3]  # months among days: 28 to 31
    if rows[0].source in ADDED:
        return sum((row.value for row in same), Decimal(0))
    weights = [max(1, row.samples) for row in same]
    return sum((r.value * w for r, w in zip(same, weights, strict=True)), Decimal(0)) / sum(weights)


def len_days(row: Input) -> int:
    """Days of its period."""
    return (row.last - row.first).days + 1
