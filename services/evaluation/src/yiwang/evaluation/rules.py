"""What differs from city to city in counting: which channels are patrols, who answers for what, how visits score. Data.

`evaluation/evaluation.toml` of a profile replaces any of it; `profile.py` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from yiwang.contracts.areas import contains

from .vocabulary import CLOSING, DISPOSAL, REPORTED

PLACE, UNIT, CUSTODIAN = "place", "unit", "custodian"
DEFAULT_ATTRIBUTION: Final = {REPORTED: PLACE, DISPOSAL: UNIT, CLOSING: CUSTODIAN}
DEFAULT_SCORES: Final = {0: 0, 1: 100, 2: 80, 3: 50, 4: 0, 5: -100}
"""Visit's answer → points (domain notes, case management, 5.1, as a production system has it)."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of the registry."""

    unit_id: str
    name: str
    parent: str = ""
    level: int = 1
    area: str = ""
    """The area that it works for; empty: its case's custodian stands in"""


class Rules(msgspec.Struct, kw_only=True):
    """How a place counts."""

    attribution: dict[str, str] = msgspec.field(default_factory=lambda: dict(DEFAULT_ATTRIBUTION))
    """Group of counters → place, unit (its area) or custodian"""
    period: str = "reported"
    """reported: a case counts in the period in which it was reported; happened: each counter in that of its own moment"""
    patrol_channels: frozenset[str] = frozenset(str(n) for n in range(1, 11))
    """信息采集 (patrol family 1 to 10, domain notes 1.3)"""
    video_channels: frozenset[str] = frozenset({"34", "41"})
    leader_channels: frozenset[str] = frozenset()
    scores: dict[int, int] = msgspec.field(default_factory=lambda: dict(DEFAULT_SCORES))
    exempt_on_time: bool = True
    """An overdue case whose appeal was upheld counts as on time; otherwise it is neither on time nor overdue"""
    units: dict[str, Unit] = {}
    aliases: dict[str, str] = {}
    """Another id of a unit → its id"""

    def unit_id(self, code: str) -> str:
        """The id under which the unit *code* is counted."""
        return self.aliases.get(code, code)

    def unit_chain(self, code: str) -> list[str]:
        """*code* and the units above it."""
        chain: list[str] = []
        while code and code not in chain:
            chain.append(code)
            unit = self.units.get(code)
            code = unit.parent if unit else ""
        return chain

    def unit_area(self, code: str) -> str:
        """The area that the unit works for, "" if nobody says."""
        unit = self.units.get(self.unit_id(code))
        return unit.area if unit else ""

    def is_patrol(self, channel: str) -> bool:
        return channel in self.patrol_channels

    def is_video(self, channel: str) -> bool:
        return channel in self.video_channels


def within(area: str, place: str) -> str:
    """*place* if it lies in *area*, else *area*: the part of somebody's area in which a problem lies.

    >>> within("440310", "440310001003"), within("440303", "440310001003"), within("440310", "")
    ('440310001003', '440303', '440310')
    """
    return place if place and area and contains(area, place) else area or place


def named(table: Mapping[str, Unit], code: str) -> str:
    """The name of a unit, its id if it isn't known."""
    return table[code].name if code in table else code
