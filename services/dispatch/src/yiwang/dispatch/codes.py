"""What a case can be about, and under which conditions it is filed (立案条件) and closed (结案条件).

A category is (code set, version, kind, major, minor): part 0102 is a sewer cover, event 0102 an unlicensed
shop-front, and 04 and 05 mean different majors in different cities (case-management, traps 2 and 3). Limits hang on
filing conditions, several per minor class, never on the class (trap 4). Nothing here reads meaning from a number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from yiwang.contracts import Category

KINDS: Final = ("part", "event")
ANY: Final = "*"

Key = tuple[str, str, str, str]
"""code set, kind, major, minor"""


class CodeSet(msgspec.Struct, frozen=True, kw_only=True):
    """A list of categories in one version. An `open` set takes codes that it doesn't list (imports, other makers)."""

    code_set: str
    version: str
    title: str = ""
    open: bool = False


class CategoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One minor class. `extension`: a local code, counted from 99 downwards inside its major."""

    code_set: str
    kind: str
    major: str
    minor: str
    major_name: str
    minor_name: str
    extension: bool = False

    @property
    def key(self) -> Key:
        return (self.code_set, self.kind, self.major, self.minor)


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """When a case filed under a condition may be closed."""

    closing_id: str
    text: str


class LimitStep(msgspec.Struct, frozen=True, kw_only=True):
    """One of several limits that follow each other (分步时限)."""

    name: str
    limit: int
    unit_kind: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One filing condition of a class (or of a whole set, by ``*``) with its own limit.

    `season` limits it to a part of every year, as two ``MM-DD`` days, both included (种植季节).
    """

    condition_id: str
    version: str
    code_set: str
    kind: str
    major: str
    minor: str
    text: str
    limit: int
    unit_kind: str
    urgency: str = "normal"
    closings: tuple[Closing, ...] = ()
    season: tuple[str, str] | None = None
    steps: tuple[LimitStep, ...] = ()
    """Limits of its steps, one after the other, beside the whole one"""

    @property
    def key(self) -> Key:
        return (self.code_set, self.kind, self.major, self.minor)

    def in_season(self, day: dt.date) -> bool:
        if self.season is None:
            return True
        first, last = self.season
        here = day.strftime("%m-%d")
        return first <= here <= last if first <= last else here >= first or here <= last


class Codes:
    """All code sets of a place, by key. Build it once; every lookup is one or two dictionary reads."""

    def __init__(
        self,
        sets: Iterable[CodeSet],
        categories: Iterable[CategoryRow],
        conditions: Iterable[Condition],
        crosswalk: Mapping[tuple[Key, str], Key] | None = None,
    ) -> None:
        self.sets = {s.code_set: s for s in sets}
        self.categories = {row.key: row for row in categories}
        self.by_condition = {c.condition_id: c for c in conditions}
        self.crosswalk = dict(crosswalk or {})
        self._conditions: dict[Key, tuple[Condition, ...]] = {}
        for condition in self.by_condition.values():
            self._conditions[condition.key] = (*self._conditions.get(condition.key, ()), condition)

    def category(self, code_set: str, kind: str, major: str, minor: str) -> Category | None:
        """The category as events carry it, with names and version; None if its set doesn't list it."""
        row = self.categories.get((code_set, kind, major, minor))
        if row is None:
            return None
        return Category(
            code_set=code_set,
            version=self.sets[code_set].version,
            kind=kind,
            major=major,
            minor=minor,
            major_name=row.major_name,
            minor_name=row.minor_name,
        )

    def complete(self, claimed: Category) -> Category | None:
        """*claimed* with this place's names and version; itself where its set is open; None if it can't be used."""
        known = self.category(claimed.code_set, claimed.kind, claimed.major, claimed.minor)
        if known is not None:
            return known
        code_set = self.sets.get(claimed.code_set)
        return claimed if code_set is not None and code_set.open else None

    def conditions_of(self, category: Category, day: dt.date) -> tuple[Condition, ...]:
        """The filing conditions of *category* that hold on *day*, in the list's order: own first, then the set's."""
        code_set, kind = category.code_set, category.kind
        keys = (
            (code_set, kind, category.major, category.minor),
            (code_set, kind, category.major, ANY),
            (code_set, kind, ANY, ANY),
            (code_set, ANY, ANY, ANY),
        )
        found = next((self._conditions[key] for key in keys if key in self._conditions), ())
        return tuple(c for c in found if c.in_season(day))

    def condition(self, condition_id: str) -> Condition | None:
        return self.by_condition.get(condition_id)

    def fits(self, condition: Condition, category: Category, day: dt.date) -> bool:
        """Whether a case of *category* may be filed under *condition* on *day*."""
        return condition in self.conditions_of(category, day)

    def translate(self, category: Category, to_set: str) -> Category | None:
        """*category* in another code set by the crosswalk; None where the table has no row for it."""
        if category.code_set == to_set:
            return category
        key = self.crosswalk.get(((category.code_set, category.kind, category.major, category.minor), to_set))
        return self.category(*key) if key else None

    def next_extension(self, code_set: str, kind: str, major: str) -> str:
        """The next free local minor of a major, from 99 downwards. Raises ValueError when none is left."""
        taken = {row.minor for row in self.categories.values() if row.key[:3] == (code_set, kind, major)}
        free = next((n for n in range(99, 0, -1) if f"{n:02}" not in taken), None)
        if free is None:
            raise ValueError(f"{code_set} {kind} {major} has no free minor; open an extension major")
        return f"{free:02}"
