"""Whom a notice is for: ``person:``, ``post:``, ``unit:``, ``reporter:<case>`` or ``<role>@<area>``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from yiwang.contracts import areas

KINDS: Final = ("person", "post", "unit", "reporter")
_VALUE: Final = re.compile(r"^[^\s@]{1,100}$")
_ROLE: Final = re.compile(r"^[a-z][a-z_]{1,40}$")


class Audience(NamedTuple):
    """A parsed audience; `kind` is the role itself for ``role@area``, and `area` is empty for all others."""

    kind: str
    value: str
    area: str = ""

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, text: str) -> Audience:
        """Raises ValueError with a sentence for anything that isn't an audience.

        >>> Audience.parse("unit:4403-01"), Audience.parse("dispatcher@440304")
        (Audience(kind='unit', value='4403-01', area=''), Audience(kind='role', value='dispatcher', area='440304'))
        """
        kind, colon, value = text.partition(":")
        if colon and kind in KINDS and _VALUE.match(value):
            return cls(kind, value)
        role, at, area = text.partition("@")
        if at and _ROLE.match(role):
            areas.level_of(area)
            return cls("role", role, area)
        raise ValueError(
            f"{text!r} is no audience: write person:…, post:…, unit:…, reporter:<case id>, "
            "or role@area like dispatcher@440304"
        )

    def heard_by(self) -> list[str]:
        """What an endpoint may listen to in order to hear this audience: itself, upper areas of a role, or all.

        >>> Audience.parse("dispatcher@440304003").heard_by()
        ['dispatcher@440304003', 'dispatcher@440304', 'dispatcher@440300', 'dispatcher@440000', '*']
        >>> Audience.parse("reporter:c1").heard_by()
        ['reporter:c1', 'reporter:*']
        """
        if self.kind == "reporter":
            return [f"reporter:{self.value}", "reporter:*"]
        if self.kind == "role":
            return [f"{self.value}@{code}" for code in upward(self.area)] + ["*"]
        return [f"{self.kind}:{self.value}", f"{self.kind}:*", "*"]


def upward(area: str) -> list[str]:
    """*area* and all areas above it, from below.

    >>> upward("441900003005")
    ['441900003005', '441900003', '441900', '440000']
    """
    cuts = [area[:size] for size in (15, 12, 9, 6) if len(area) >= size]
    levels = [*cuts, areas.city_of(area), areas.province_of(area)]
    return list(dict.fromkeys([area, *levels]))


def check_pattern(text: str) -> str:
    """*text* if an endpoint may listen to it: ``*``, ``unit:*``, ``reporter:*`` or an audience. Raises ValueError."""
    if text != "*" and text not in {f"{kind}:*" for kind in KINDS}:
        Audience.parse(text)
    return text


def direct(person_ref: str, posts: Iterable[tuple[str, str]]) -> list[str]:
    """The audiences that are a person, their posts and their units: *posts* are (post, unit)."""
    found = [f"person:{person_ref}"] if person_ref else []
    for post_id, unit_id in posts:
        found += [f"post:{post_id}"] if post_id else []
        found += [f"unit:{unit_id}"] if unit_id else []
    return list(dict.fromkeys(found))


def prefix_of(area: str) -> str:
    """What every code in the subtree of *area* begins with.

    >>> prefix_of("440000"), prefix_of("440300"), prefix_of("440304"), prefix_of("441900003")
    ('44', '4403', '440304', '441900003')
    """
    if len(area) != 6:
        return area
    return area[:2] if area.endswith("0000") else area[:4] if area.endswith("00") else area
