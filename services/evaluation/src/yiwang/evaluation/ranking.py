"""Who stands where: ranks with ties, and those without a value at the end, unranked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from .formulas import Number


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One object in a ranking."""

    rank: int | None
    """1 is best; equal values share a rank; None without a value"""
    object: str
    name: str
    value: Decimal | None


def ranked(values: Mapping[str, Number], names: Mapping[str, str], *, low: bool = False) -> list[Place]:
    """The ranking of *values*; with *low* less is better."""
    known = {code: round(value, 6) for code, value in values.items() if value is not None}
    order = sorted(known, key=lambda code: (known[code] if low else -known[code], code))
    places: list[Place] = []
    for n, code in enumerate(order, 1):
        tied = places and places[-1].value == known[code]
        places.append(Place(rank=places[-1].rank if tied else n, object=code, name=names.get(code, code), value=known[code]))
    rest = sorted(code for code, value in values.items() if value is None)
    return places + [Place(rank=None, object=code, name=names.get(code, code), value=None) for code in rest]
