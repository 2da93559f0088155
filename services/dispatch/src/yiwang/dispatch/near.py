"""How far two points are from each other, near enough for "was somebody there?". Pure."""

from __future__ import annotations

import math
from typing import Final

from yiwang.contracts import Point

ALIKE: Final = frozenset({"cgcs2000", "wgs84"})
"""Datums that differ by less than a metre"""
EARTH_M: Final = 6_371_008.8


def metres(one: Point, other: Point) -> float | None:
    """The distance on the ground; None where the two are in datums that can't be compared without a conversion."""
    if one.crs != other.crs and not {one.crs, other.crs} <= ALIKE:
        return None
    a, b = math.radians(one.lat), math.radians(other.lat)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(other.lon - one.lon) / 2) ** 2
    return round(2 * EARTH_M * math.asin(math.sqrt(max(0.0, min(1.0, half)))), 1)
