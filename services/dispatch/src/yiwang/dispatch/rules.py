"""The city's profile as the state machine asks for it: classes, conditions, units, clocks, governance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar, cast

import msgspec
from yiwang.contracts import Category, Clock, UnitRef

from . import clocks, complaints
from .acts import Body, CategoryChoice, DispatchBody, ToldBody
from .calendar import SHANGHAI, Calendar, Deadline, deadline
from .case import Case
from .codes import Codes, Condition, Key
from .matrix import Assigned, Matrix
from .policies import Policies
from .practice import Practice
from .refusals import Refused
from .tiers import Governance, Tiers, holder
from .units import Ambiguous, Unit, Units

CALENDAR: Final = "calendar"
"""The version that a case pins for holidays and working hours"""
MEMO: Final = 20_000
"""Answers of the rules that are kept"""
T = TypeVar("T")


class Chosen(NamedTuple):
    """Who shall handle a case: the lead first, each with its level, and the rule that said so."""

    units: tuple[UnitRef, ...]
    levels: tuple[int, ...]
    rule_id: str

    @property
    def pairs(self) -> list[tuple[UnitRef, int]]:
        return list(zip(self.units, self.levels, strict=True))


class Auto(msgspec.Struct, frozen=True, kw_only=True):
    """Which steps the service takes by itself, where nothing is left to choose."""

    accept: bool = True
    """Reports whose source needs no verification, with a class and a place"""
    verify: bool = True
    """A verify task for reports that must be verified, at once"""
    file: bool = True
    """Where the class has exactly one condition, or a default one"""
    dispatch: bool = True
    """Where the matrix names a unit"""


class AutoRule(msgspec.Struct, frozen=True, kw_only=True):
    """What the service does by itself for some channels and classes; ``*`` is any, ``event/04/*`` a major."""

    channels: frozenset[str] = frozenset("*")
    categories: tuple[str, ...] = ("*",)
    auto: Auto

    def covers(self, channel: str, category: str) -> bool:
        if not ("*" in self.channels or channel in self.channels):
            return False
        return any(one == category or (one.endswith("*") and category.startswith(one[:-1])) for one in self.categories)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """One version of everything that differs from city to city."""

    codes: Codes
    code_set: str
    matrix: Matrix
    units: Units
    calendar: Calendar
    versions: dict[str, str] = {}
    supervise: str = "city"
    """city or district: who accepts, checks and closes"""
    two_commands: bool = False
    """True: the city dispatches to the district, the district to the unit"""
    stages: dict[str, tuple[int, str]] = {}
    """Stage → its limit and kind of unit"""
    warn_fraction: float = 0.75
    check_unable_limit: int = 2
    suspend_days: int = 365
    rework_clock: str = "restart"
    void_not_exist: bool = False
    auto: Auto = Auto()
    """Where no rule of `auto_rules` covers the report"""
    auto_rules: tuple[AutoRule, ...] = ()
    """The first that covers a report decides"""
    command_units: dict[str, str] = {}
    """County → its command centre's unit"""
    history_limit: tuple[int, str] = (5, "work_day")
    """The limit that an imported case is given where its class has no condition"""
    self_disposal: frozenset[Key] = frozenset()
    """Trivial matters that an inspector may mend on the spot (自处置)"""
    governance: Governance = Governance()
    """How cases pass between tiers"""
    policies: Policies = Policies()
    """Extensions, hanging, appeals, reopening, visits, corrections, similar cases"""
    tiers: Tiers | None = None
    """The nodes around this one; None where it stands alone"""

    practice: Practice = Practice()
    """What every city decides for its own about the work itself"""

    past: tuple[Rules, ...] = ()
    """What was in force before an announced version, the newest first"""

    memo: dict[tuple[object, ...], object] = {}

    def of(self, case: Case) -> Rules:
        """The rules by which *case* is judged: a filed case goes on under the versions that it pinned."""
        pins = case.pinned_versions
        if not self.past or not pins:
            return self
        states = (self, *self.past)
        same = (one for one in states if all(pins.get(name) == v for name, v in one.versions.items()))
        return next(same, None) or self._with_calendar(pins, states) or self

    def _with_calendar(self, pins: dict[str, str], states: tuple[Rules, ...]) -> Rules | None:
        """The state that *pins* name, under another state's calendar: after its provisional limits were recomputed."""

        def fits(one: Rules) -> bool:
            return all(pins.get(name) == v for name, v in one.versions.items() if name != CALENDAR)

        rest = next((one for one in states if fits(one)), None)
        days = next((one for one in states if one.versions.get(CALENDAR) == pins.get(CALENDAR)), None)
        if rest is None or days is None:
            return None
        key = ("mixed", rest.versions.get("profile"), *sorted(pins.items()))
        versions = rest.versions | {CALENDAR: days.versions.get(CALENDAR, "")}
        return self.once(
            key, lambda: msgspec.structs.replace(rest, calendar=days.calendar, versions=versions, memo={})
        )

    @property
    def matrix_version(self) -> str:
        return self.matrix.version

    def auto_of(self, case: Case) -> Auto:
        """The steps that need no person on *case*."""
        where = (case.channel.code, case.category.key if case.category else "")
        return self.once(("auto", *where), lambda: next((r.auto for r in self.auto_rules if r.covers(*where)), self.auto))

    def elsewhere(self, case: Case) -> tuple[str, str] | None:
        """The other node that shall have *case* now, and why; None where it stays."""
        return None if self.tiers is None else holder(case, self.governance, self.tiers)

    def category(self, choice: CategoryChoice) -> Category | None:
        """The class that somebody chose from the code set in force, with its names."""
        return self.codes.category(self.code_set, choice.kind, choice.major, choice.minor)

    def unit_kind(self, case: Case, kind: str) -> str:
        """The clock on which a disposal limit of *kind* runs: urgent cases may run on another one (domain notes, trap 5)."""
        return self.practice.urgent.units.get(kind, kind) if case.urgency == "urgent" else kind

    def never_its_own(self, case: Case, unit: Unit) -> None:
        """Raises Refused where *unit* would handle a complaint about itself."""
        complaints.never_its_own(case, unit, self)

    def named(self, claimed: Category | None) -> Category | None:
        """A reporter's class with this place's wording; as it came where the code sets don't know it."""
        return claimed and (self.codes.complete(claimed) or claimed)

    def conditions(self, case: Case, at: dt.datetime) -> tuple[Condition, ...]:
        """The conditions under which *case* may be filed at the moment *at*."""
        category, day = case.category, at.astimezone(SHANGHAI).date()
        if category is None:
            return ()
        key = ("conditions", category.code_set, category.kind, category.major, category.minor, day)
        return self.once(key, lambda: self.codes.conditions_of(category, day))

    def due(self, at: dt.datetime, limit: int, unit_kind: str) -> Deadline:
        """When a limit that starts at *at* runs out; the cases of one batch start at the same moment."""
        return self.once((at, limit, unit_kind), lambda: deadline(at, limit, unit_kind, self.calendar))

    def once(self, key: tuple[object, ...], find: Callable[[], T]) -> T:
        """What *find* gives, kept for *key*: the rules never change."""
        found = self.memo.get(key)
        if found is None:
            if len(self.memo) >= MEMO:
                self.memo.clear()
            found = self.memo[key] = find()
        return cast(T, found)

    def condition(self, case: Case, condition_id: str, at: dt.datetime) -> Condition:
        """The condition of that id, or the only one where none is named.

        Raises Refused for one that the class doesn't have, or when a choice is left.
        """
        found = self.conditions(case, at)
        wanted = condition_id or case.condition_id
        key = case.category.key if case.category else ""
        if wanted:
            for one in found:
                if one.condition_id == wanted:
                    return one
            if condition_id or case.imported is None:
                raise Refused("condition_unknown", category=key, condition=wanted)
        if case.imported is not None:
            return found[0] if found else self._told_condition(case)
        if len(found) != 1:
            raise Refused("condition_choice", category=key, count=len(found))
        return found[0]

    def _told_condition(self, case: Case) -> Condition:
        at = case.category
        limit, kind = self.history_limit
        return Condition(
            condition_id="imported",
            version="",
            code_set=at.code_set if at else "",
            kind=at.kind if at else "",
            major=at.major if at else "",
            minor=at.minor if at else "",
            text="",
            limit=limit,
            unit_kind=kind,
        )

    def pins(self, case: Case) -> dict[str, str]:
        """The versions of everything that a filed case is judged by from now on."""
        return self.versions | {"grid": case.place.grid_version if case.place else ""}

    def assigned(self, case: Case, at: dt.datetime) -> Assigned | None:
        """The matrix's answer for a filed case; None where no rule finds a unit."""
        category, place, day = case.category, case.place, at.astimezone(SHANGHAI).date()
        if category is None:
            return None
        where = (case.area, place.cell15, place.duty_grid_id, place.part) if place else ()
        what = (category.code_set, category.kind, category.major, category.minor, case.condition_id)
        return self.once(
            ("units", day, *what, *where), lambda: self.matrix.assign(category, case.condition_id, place, day)
        )

    def choice_of_unit(self, case: Case, body: Body, at: dt.datetime) -> Chosen:
        """The units that a dispatcher named, else the matrix's.

        Raises Refused for a unit that isn't registered, for another one than the matrix's without a reason, and when
        neither the dispatcher nor the matrix names one.
        """
        if isinstance(body, ToldBody):
            known = self.units.get(body.told.unit_id)
            return Chosen((body.told,), (known.level if known else 1,), "")
        asked = body if isinstance(body, DispatchBody) else DispatchBody()
        advice = complaints.advice(case, self.assigned(case, at), self)
        if not asked.unit_id:
            if advice is None:
                raise Refused("unit_choice")
            return _chosen((advice.lead, *advice.co), advice.rule_id)
        lead = self.unit(asked.unit_id)
        self.never_its_own(case, lead)
        if advice is not None and lead.unit_id != advice.lead.unit_id and not asked.overridden_reason.strip():
            raise Refused("override_reason_missing", unit=advice.lead.name)
        same = advice is not None and lead.unit_id == advice.lead.unit_id
        co = tuple(self.unit(u) for u in dict.fromkeys(asked.co_unit_ids) if u != lead.unit_id)
        for unit in co:
            self.never_its_own(case, unit)
        return _chosen((lead, *co), advice.rule_id if same and advice else "")

    def unit(self, unit_id: str) -> Unit:
        """The registered unit of that id or name. Raises Refused."""
        try:
            unit = self.units.resolve(unit_id, unit_id)
        except Ambiguous:
            unit = None
        if unit is None:
            raise Refused("unit_unknown", unit=unit_id)
        return unit

    def line_of(self, unit_id: str) -> tuple[str, ...]:
        """The unit and the units above it: their people may act for it."""
        line = [unit_id]
        unit = self.units.get(unit_id)
        while unit is not None and unit.parent and unit.parent not in line:
            line.append(unit.parent)
            unit = self.units.get(unit.parent)
        return tuple(line)

    def command_of(self, county: str) -> UnitRef:
        """The command centre (指挥中心) of a district."""
        unit = self.units.get(self.command_units.get(county, ""))
        if unit is None:
            return UnitRef(unit_id=f"command-{county}", unit_name=f"{county}指挥中心")
        return UnitRef(unit_id=unit.unit_id, unit_name=unit.name)

    def start_stage(self, case: Case, stage: str, at: dt.datetime, owner: str = "") -> Clock:
        """Start the clock of a stage with the profile's limit."""
        limit, kind = self.stages[stage]
        if case.urgency == "urgent":
            limit, kind = self.practice.urgent.stages.get(stage, (limit, kind))
        return clocks.start(case, stage, kind, limit, at, self, owner)


def _chosen(units: tuple[Unit, ...], rule_id: str) -> Chosen:
    refs: tuple[Any, ...] = tuple([UnitRef(unit_id=u.unit_id, unit_name=u.name) for u in units])
    return Chosen(refs, tuple([u.level for u in units]), rule_id)
