"""Who must handle a case (责任矩阵): ordered rules, the first that matches and finds a unit wins.

A rule says what (code set, kind, major, minor, filing condition), where (an area of the tree, a cell or a duty
grid) and when it holds, and whom it names: a unit by id, the unit that does a trade in the smallest area around the
place, or the owner in the part's record. Parts (部件) go to their owner first, then to the territory; events (事件)
to the territory first, then to the trade department (先属主后属地 / 先属地后属主, case-management 1.6).

Surprising behaviour, kept because the order of the rules is the one thing that an administrator sees:
- A rule that matches but finds no unit (no owner registered, nobody does the trade there) is passed over silently;
  the next rule decides. `Assigned.passed` names those rules.
- A special rule below a general one never fires, unless the general one finds no unit.
- Without a place a rule with an area never matches; only rules for everywhere do.
- Co-units that can't be found are left out; the lead alone decides whether the rule holds.
- A lead is never its own co-unit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from yiwang.contracts import Category, Place
from yiwang.contracts.areas import county_of

from .codes import ANY
from .units import Unit, Units, area_path

OWNER, MAINTENANCE, SUPERVISING = "owner", "maintenance", "supervising"
"""The three units in a part's record (权属, 养护, 主管). Asked for its owner, a part without one names who maintains it."""
OF_PART: Final = frozenset({OWNER, MAINTENANCE, SUPERVISING})
MEMO: Final = 20_000
"""Look-ups that are kept"""
LEVELS: Final = {"city": 6, "county": 6, "street": 9, "community": 12}
"""``trade:x@street`` asks for the unit of the street itself; the number is the length of that area's code
(a county may also be a town directly below a city, with 9 digits)."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `lead` and each of `co`: ``unit:<id>``, ``trade:<trade>``, ``trade:<trade>@<level>``, ``owner``,
    ``maintenance`` or ``supervising``.

    `scope` is an area code, a 15-digit cell or a duty grid's id; empty means everywhere. `valid_to` is not included.
    """

    rule_id: str
    code_set: str = ANY
    kind: str = ANY
    major: str = ANY
    minor: str = ANY
    condition_id: str = ""
    scope: str = ""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    lead: str
    co: tuple[str, ...] = ()
    level: str = "district"
    """Who dispatches: city or district."""

    def holds_on(self, day: dt.date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """The decision: who, by which rule of which version, and which rules matched before it but found nobody."""

    lead: Unit
    co: tuple[Unit, ...] = ()
    level: str
    rule_id: str
    matrix_version: str
    passed: tuple[str, ...] = ()


_Pattern = tuple[str, str, str, str]


class Matrix:
    """The rules of one place, indexed by category pattern and scope: a look-up costs a few dictionary reads."""

    def __init__(self, rules: Iterable[Rule], units: Units, version: str) -> None:
        self.rules = tuple(rules)
        self.units = units
        self.version = version
        self._index: dict[tuple[_Pattern, str, str], list[tuple[int, Rule]]] = {}
        for at, rule in enumerate(self.rules):
            pattern = (rule.code_set, rule.kind, rule.major, rule.minor)
            self._index.setdefault((pattern, rule.condition_id, rule.scope), []).append((at, rule))
        self._patterns = {pattern for pattern, _, _ in self._index}
        self._scopes = {scope for _, _, scope in self._index}
        self._conditions = {condition for _, condition, _ in self._index}
        self._known: dict[tuple[str, ...], list[Rule]] = {}
        """Class, condition and scopes → the rules that matched, in their order"""

    def assign(
        self, category: Category, condition_id: str, place: Place | None, day: dt.date, owner_unit: str = ""
    ) -> Assigned | None:
        """The unit that must handle it; None if no rule finds one (a good matrix ends in a rule that always does)."""
        return next(self.candidates(category, condition_id, place, day, owner_unit), None)

    def candidates(
        self, category: Category, condition_id: str, place: Place | None, day: dt.date, owner_unit: str = ""
    ) -> Iterator[Assigned]:
        """Every decision the rules allow, best first: the first is what `assign` takes, the rest are suggestions."""
        area, part = _smallest_area(place), _units_of_part(place, owner_unit)
        passed: list[str] = []
        told: set[str] = set()
        for rule in self._matching(category, condition_id, place, area):
            if not rule.holds_on(day):
                continue
            lead = self._resolve(rule.lead, area, part)
            if lead is None:
                passed.append(rule.rule_id)
            elif lead.unit_id not in told:
                told.add(lead.unit_id)
                co = {u.unit_id: u for spec in rule.co if (u := self._resolve(spec, area, part)) is not None}
                co.pop(lead.unit_id, None)
                yield Assigned(
                    lead=lead,
                    co=tuple(co.values()),
                    level=rule.level,
                    rule_id=rule.rule_id,
                    matrix_version=self.version,
                    passed=tuple(passed),
                )

    def _matching(self, category: Category, condition_id: str, place: Place | None, area: str) -> list[Rule]:
        scopes: list[str] = [""]
        if len(self._scopes) > 1:
            scopes += [s for s in (place.duty_grid_id if place else "", *area_path(area)) if s and s in self._scopes]
        key = (category.code_set, category.kind, category.major, category.minor, condition_id, *scopes)
        known = self._known.get(key)
        if known is not None:
            return known
        patterns = [p for p in _patterns(category) if p in self._patterns]
        conditions = ("", condition_id) if condition_id in self._conditions and condition_id else ("",)
        found: list[tuple[int, Rule]] = []
        for scope in scopes:
            for condition in conditions:
                for pattern in patterns:
                    found += self._index.get((pattern, condition, scope), ())
        found.sort(key=_position)
        if len(self._known) >= MEMO:
            self._known.clear()
        rules = self._known[key] = [rule for _, rule in found]
        return rules

    def _resolve(self, spec: str, area: str, part: Mapping[str, str]) -> Unit | None:
        if spec in part:
            return self.units.get(part[spec])
        how, _, what = spec.partition(":")
        if how == "unit":
            return self.units.get(what)
        trade, _, level = what.partition("@")
        if not area:
            return None
        if not level:
            return self.units.doing(trade, area)
        return self.units.exactly(trade, _at_level(area, level))


def _units_of_part(place: Place | None, owner_unit: str) -> dict[str, str]:
    """Who owns, maintains and supervises the part that is meant; empty names where nobody is known (无主)."""
    part = place.part if place else None
    if part is None:
        return {OWNER: owner_unit, MAINTENANCE: "", SUPERVISING: ""}
    owner = owner_unit or part.owner_unit or part.maintenance_unit
    return {OWNER: owner, MAINTENANCE: part.maintenance_unit, SUPERVISING: part.supervising_unit}


def _position(indexed: tuple[int, Rule]) -> int:
    return indexed[0]


def _patterns(category: Category) -> tuple[_Pattern, ...]:
    """The category itself, and each way to say "any" from the right, in its own code set and in any."""
    own, kind, major, minor = category.code_set, category.kind, category.major, category.minor
    return (
        (own, kind, major, minor), (own, kind, major, ANY), (own, kind, ANY, ANY), (own, ANY, ANY, ANY),
        (ANY, kind, major, minor), (ANY, kind, major, ANY), (ANY, kind, ANY, ANY), (ANY, ANY, ANY, ANY),
    )  # fmt: skip


def _smallest_area(place: Place | None) -> str:
    if place is None:
        return ""
    area = place.area
    return place.cell15 or area.community12 or area.street9 or area.county or area.city or area.province


def _at_level(area: str, level: str) -> str:
    """The area of *level* around the code *area*; empty where the place isn't known so exactly."""
    path = area_path(area)
    if level == "city":
        return next((code for code in path if len(code) == 6 and code.endswith("00")), "")
    if level == "county":
        county = county_of(area) if area else ""
        return "" if len(county) == 6 and county.endswith("00") else county
    return next((code for code in path if len(code) == LEVELS[level]), "")
