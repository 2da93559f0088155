"""A published report: the sums of its objects, frozen, with everything by which its numbers are computed. Pure.

Every number that a reader sees is computed from the frozen sums by the formulas that stand in the report itself; whoever
has the report can do it again, without this system and whatever has changed since.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from decimal import Decimal

import msgspec
from yiwang.contracts import Moment

from .formulas import Number
from .indicators import Indicator, Indicators, Value, known_values
from .scoring import Scheme, Score, score


class FrozenObject(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a report."""

    object: str
    name: str
    sums: dict[str, int]
    """Counter, or ``counter@segment`` → sum"""
    values: dict[str, Decimal] = {}
    """Targets, inputs, measured values, surveys"""


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """A report without its signature."""

    report_id: str
    version: int
    title: str
    kind: str
    object: str
    level: str
    period: str
    first: dt.date
    last: dt.date
    purposes: tuple[str, ...]
    made_at: Moment
    reason: str
    """Why there is a version after the first"""
    as_of: str
    """Whether all nodes below had been heard, and until when each that hadn't"""
    indicators: tuple[Indicator, ...]
    scheme: Scheme | None
    objects: tuple[FrozenObject, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What readers see of one object."""

    object: str
    name: str
    counters: dict[str, int]
    indicators: list[Value]
    score: Score | None


def encode(report: Frozen) -> bytes:
    """The report as it is signed and stored: JSON with sorted keys."""
    return msgspec.json.encode(report, order="sorted")


def decode(data: bytes) -> Frozen:
    """As it was stored."""
    return msgspec.json.decode(data, type=Frozen)


def digest_of(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def figures_digest(report: Frozen) -> str:
    """Digest of the figures alone: two versions with the same one say the same."""
    return digest_of(msgspec.json.encode([report.indicators, report.scheme, report.objects, report.as_of], order="sorted"))


def rows_of(report: Frozen) -> list[Row]:
    """Every number of the report, computed from its frozen sums."""
    indicators = Indicators(report.indicators)
    names = set(indicators.names)
    if report.scheme is not None:
        names = names.union(*(formula.names for formula in report.scheme.formulas))
    return [_row(report, indicators, one, names) for one in report.objects]


def _row(report: Frozen, indicators: Indicators, one: FrozenObject, names: set[str]) -> Row:
    others: Mapping[str, Number] = one.values
    values = known_values(one.sums, names, others)
    told = None
    if report.scheme is not None:
        told = score(report.scheme, indicators.rates(values), indicators.low, values)
    return Row(
        object=one.object, name=one.name, indicators=indicators.values(values), score=told,
        counters={name: value for name, value in one.sums.items() if "@" not in name},
    )  # fmt: skip
