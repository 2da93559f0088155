"""The units that handle, supervise or own (责任单位): by id first, by alias second.

In real data one unit goes by several names (153 names for 119 ids in one district's cases) and one name is worn by
several units; so a name resolves only where it is unique, and every conflict is told (`conflicts`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec
from yiwang.contracts.areas import city_of, county_of, province_of

KINDS: Final = ("handling", "supervising", "inspecting")
"""处置, 主管, 监督"""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One unit. `trades` are what it does (sanitation, enforcement, …), `areas` where; `level` 1 is the highest."""

    unit_id: str
    name: str
    level: int = 1
    parent: str = ""
    kind: str = "handling"
    trades: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    def works_in(self, area: str) -> bool:
        return any(code in self.areas for code in area_path(area))


class Ambiguous(ValueError):
    """Several units wear this name; give the unit's id."""


class Units:
    """The registry. Look-ups are dictionary reads; what can't be decided is in `conflicts`, as sentences."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.by_id: dict[str, Unit] = {}
        self.conflicts: list[str] = []
        names: dict[str, set[str]] = defaultdict(set)
        self._by_trade: dict[tuple[str, str], Unit] = {}
        for unit in units:
            if unit.unit_id in self.by_id:
                self.conflicts.append(f"unit {unit.unit_id!r} stands there twice; drop one")
                continue
            self.by_id[unit.unit_id] = unit
            for name in {unit.name, *unit.aliases}:
                names[name].add(unit.unit_id)
            for trade in unit.trades:
                for area in unit.areas:
                    self._claim(trade, area, unit)
        self._names = {name: sorted(ids) for name, ids in names.items()}
        for name, ids in sorted(self._names.items()):
            if len(ids) > 1:
                self.conflicts.append(f"the name {name!r} belongs to {', '.join(ids)}; only an id can tell them apart")
        self.conflicts += [
            f"unit {u.unit_id!r} has the parent {u.parent!r}, which doesn't exist; add it or clear the field"
            for u in self.by_id.values()
            if u.parent and u.parent not in self.by_id
        ]

    def _claim(self, trade: str, area: str, unit: Unit) -> None:
        other = self._by_trade.setdefault((trade, area), unit)
        if other is not unit:
            self.conflicts.append(
                f"units {other.unit_id!r} and {unit.unit_id!r} both do {trade!r} in {area}; the first one is taken"
            )

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)

    def get(self, unit_id: str) -> Unit | None:
        return self.by_id.get(unit_id)

    def resolve(self, unit_id: str = "", name: str = "") -> Unit | None:
        """The unit of this id, or else the only one of this name or alias; None if neither is known.

        Raises Ambiguous when only the name is known and several units wear it.
        """
        known = self.by_id.get(unit_id) if unit_id else None
        if known is not None:
            return known
        ids = self._names.get(name, [])
        if len(ids) > 1:
            raise Ambiguous(f"{name!r} may be {' or '.join(ids)}; give the unit's id")
        return self.by_id[ids[0]] if ids else None

    def doing(self, trade: str, area: str) -> Unit | None:
        """The unit that does *trade* in the smallest area around the code *area*; None where nobody does."""
        return next((u for code in area_path(area) if (u := self._by_trade.get((trade, code))) is not None), None)

    def exactly(self, trade: str, area: str) -> Unit | None:
        """The unit that does *trade* for *area* itself, not for one around it."""
        return self._by_trade.get((trade, area))


@lru_cache(maxsize=65536)
def area_path(code: str) -> tuple[str, ...]:
    """*code* and the areas around it, smallest first.

    >>> area_path("440306017005")
    ('440306017005', '440306017', '440306', '440300', '440000')
    >>> area_path("441900003001")
    ('441900003001', '441900003', '441900', '440000')
    """
    path = [code[:n] for n in (15, 12, 9) if len(code) >= n]
    return tuple(dict.fromkeys([*path, county_of(code), city_of(code), province_of(code)] if code else []))
