"""The tables of a profile as the modules of this service want them, each checked against the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from yiwang.contracts.areas import level_of

from .calendar import UNIT_SECONDS, Holidays
from .codes import ANY, CategoryRow, Closing, Codes, CodeSet, Condition, Key, LimitStep
from .codes import KINDS as CODE_KINDS
from .matrix import LEVELS, OF_PART, Matrix, Rule
from .matrix_doubts import doubts
from .profile_files import Files, Row
from .units import KINDS as UNIT_KINDS
from .units import Unit, Units

URGENCIES: Final = ("normal", "urgent")
CLASSES, UNITS = "classes", "units"


def read_categories(files: Files, name: str, sets: Iterable[CodeSet]) -> list[CategoryRow]:
    """``code_set,kind,major,minor,major_name,minor_name,extension`` (yes or empty)."""
    known, before = [s.code_set for s in sets], len(files.mistakes)
    seen: dict[Key, str] = {}
    found = []
    for row in files.table(name, ("code_set", "kind", "major", "minor", "major_name", "minor_name", "extension")):
        one = CategoryRow(
            code_set=row.one_of("code_set", known),
            kind=row.one_of("kind", CODE_KINDS),
            major=row.needed("major"),
            minor=row.needed("minor"),
            major_name=row.needed("major_name"),
            minor_name=row.needed("minor_name"),
            extension=row.one_of("extension", ("", "yes")) == "yes",
        )
        if one.key in seen:
            row.wrong("minor", f"{'/'.join(one.key)} stands in {seen[one.key]} already; drop one")
            continue
        seen[one.key] = row.where
        found.append(one)
    if len(files.mistakes) > before:
        files.doubtful.add(CLASSES)
    return found


def read_conditions(files: Files, name: str, version: str, sets: Iterable[CodeSet], codes: Codes) -> list[Condition]:
    """``condition_id,code_set,kind,major,minor,text,limit,unit_kind,urgency,closings,season[,steps]``; ``*`` = all classes."""
    columns = (
        "condition_id", "code_set", "kind", "major", "minor", "text", "limit", "unit_kind", "urgency", "closings",
        "season",
    )  # fmt: skip
    known = [s.code_set for s in sets]
    found: dict[str, Condition] = {}
    for row in files.table(name, columns):
        condition_id = row.needed("condition_id")
        one = Condition(
            condition_id=condition_id,
            version=version,
            code_set=row.one_of("code_set", known),
            kind=row.one_of("kind", (*CODE_KINDS, ANY)),
            major=row.needed("major"),
            minor=row.needed("minor"),
            text=row.needed("text"),
            limit=row.number("limit"),
            unit_kind=row.one_of("unit_kind", tuple(UNIT_SECONDS)),
            urgency=row.one_of("urgency", URGENCIES),
            closings=tuple(
                Closing(closing_id=f"{condition_id}.{n}", text=t) for n, t in enumerate(row.words("closings"), 1)
            ),
            season=row.season("season"),
            steps=_steps(row),
        )
        if condition_id in found:
            row.wrong("condition_id", f"{condition_id!r} is used twice; give one of them a new id")
        if ANY not in one.key:
            _check_listed(row, "minor", one.key, codes)
        if not one.closings:
            row.wrong("closings", "says nothing; write when such a case may be closed, several with | between them")
        found.setdefault(condition_id, one)
    return list(found.values())


def _steps(row: Row) -> tuple[LimitStep, ...]:
    """``停工 4 work_hour|处罚 7 work_day``: limits one after the other; the column may be left out."""
    found: list[LimitStep] = []
    for text in row.words("steps") if row.has("steps") else ():
        name, *rest = text.split()
        if len(rest) != 2 or not rest[0].isdecimal() or int(rest[0]) < 1 or rest[1] not in UNIT_SECONDS:
            row.wrong("steps", f"{text!r} is no step; write name, number and unit as in 停工 4 work_hour")
        elif name in {one.name for one in found}:
            row.wrong("steps", f"{name!r} stands there twice; drop one")
        else:
            found.append(LimitStep(name=name, limit=int(rest[0]), unit_kind=rest[1]))
    return tuple(found)


def _check_listed(row: Row, column: str, key: Key, codes: Codes) -> None:
    if key not in codes.categories and not row.doubts(CLASSES):
        row.wrong(column, f"the class {'/'.join(key)} isn't in the categories; add it or correct it here")


def _closings(condition_id: str, texts: Iterable[str]) -> tuple[Closing, ...]:
    return tuple(Closing(closing_id=f"{condition_id}.{n}", text=text) for n, text in enumerate(texts, 1))


def read_crosswalk(files: Files, name: str, codes: Codes) -> dict[tuple[Key, str], Key]:
    """``from_set,kind,major,minor,to_set,to_kind,to_major,to_minor``: the same thing under two numberings."""
    columns = ("from_set", "kind", "major", "minor", "to_set", "to_kind", "to_major", "to_minor")
    found: dict[tuple[Key, str], Key] = {}
    for row in files.table(name, columns):
        source = (row.text("from_set"), row.text("kind"), row.text("major"), row.text("minor"))
        target = (row.text("to_set"), row.text("to_kind"), row.text("to_major"), row.text("to_minor"))
        for column, key in (("minor", source), ("to_minor", target)):
            _check_listed(row, column, key, codes)
        found[source, target[0]] = target
    return found


def read_self_disposal(files: Files, name: str, codes: Codes) -> frozenset[Key]:
    """``code_set,kind,major,minor,name``: what an inspector may mend on the spot; intake reads the same file."""
    found = set()
    for row in files.table(name, ("code_set", "kind", "major", "minor", "name")):
        key = (row.text("code_set"), row.text("kind"), row.text("major"), row.text("minor"))
        _check_listed(row, "minor", key, codes)
        listed = codes.categories.get(key)
        if listed is not None and row.text("name") != listed.minor_name:
            row.wrong("name", f"{row.text('name')!r} isn't the name of that class; write {listed.minor_name}")
        found.add(key)
    return frozenset(found)


def read_holidays(files: Files, name: str, version: str, years: Iterable[int], fixed: Iterable[str]) -> Holidays:
    """``date,kind,name`` with kind holiday or workday (调休), for the published *years* (none: all that are there)."""
    published = frozenset(years)
    days: dict[dt.date, bool] = {}
    for row in files.table(name, ("date", "kind", "name")):
        day = row.day("date")
        works = row.one_of("kind", ("holiday", "workday")) == "workday"
        if day is None:
            continue
        if day in days:
            row.wrong("date", f"{day} stands there twice; drop one")
        if works and day.weekday() < 5:
            row.wrong("kind", f"{day} is no weekend, it needs no make-up workday; write holiday or drop the line")
        if published and day.year not in published:
            row.wrong("date", f"{day.year} isn't among published_years of profile.toml; add it once the year is whole")
        days[day] = works
    for year in sorted(published - {day.year for day in days}):
        files.mistakes.append(f"{name}: has no day of {year}, which profile.toml calls published; add the year's table")
    covered = published or frozenset(day.year for day in days)
    return Holidays(version=version, years=covered, days=days, fixed=frozenset(fixed))


def read_units(files: Files, name: str) -> Units:
    """``unit_id,name,level,parent,kind,trades,areas,aliases``; what is doubtful becomes a mistake."""
    found = []
    for row in files.table(name, ("unit_id", "name", "level", "parent", "kind", "trades", "areas", "aliases")):
        areas = row.words("areas")
        for area in areas:
            try:
                level_of(area)
            except ValueError as error:
                row.wrong("areas", str(error))
        found.append(
            Unit(
                unit_id=row.needed("unit_id"),
                name=row.needed("name"),
                level=row.number("level"),
                parent=row.text("parent"),
                kind=row.one_of("kind", UNIT_KINDS),
                trades=row.words("trades"),
                areas=areas,
                aliases=row.words("aliases"),
            )
        )
    if not found:
        files.doubtful.add(UNITS)
    units = Units(found)
    files.mistakes += [f"{name}: {conflict}" for conflict in units.conflicts]
    return units


def read_matrix(files: Files, name: str, version: str, units: Units, codes: Codes) -> Matrix:
    """The rules in the file's order; see `matrix` for the wording of `lead` and `co`."""
    columns = (
        "rule_id", "code_set", "kind", "major", "minor", "condition_id", "scope", "valid_from", "valid_to", "lead",
        "co", "level",
    )  # fmt: skip
    rules: dict[str, Rule] = {}
    trades = {trade for unit in units for trade in unit.trades}
    for row in files.table(name, columns):
        rule = Rule(
            rule_id=row.needed("rule_id"),
            code_set=row.one_of("code_set", (*codes.sets, ANY)),
            kind=row.one_of("kind", (*CODE_KINDS, ANY)),
            major=row.needed("major"),
            minor=row.needed("minor"),
            condition_id=row.text("condition_id"),
            scope=row.text("scope"),
            valid_from=row.day("valid_from"),
            valid_to=row.day("valid_to"),
            lead=row.needed("lead"),
            co=row.words("co"),
            level=row.one_of("level", ("city", "district")),
        )
        if rule.rule_id in rules:
            row.wrong("rule_id", f"{rule.rule_id!r} is used twice; give one of them a new id")
        if rule.condition_id and rule.condition_id not in codes.by_condition:
            row.wrong("condition_id", f"there is no condition {rule.condition_id!r}; correct it or leave it empty")
        _check_class(row, rule, codes)
        for column, spec in [("lead", rule.lead), *(("co", spec) for spec in rule.co)]:
            _check_unit_spec(row, column, spec, units, trades)
        rules.setdefault(rule.rule_id, rule)
    if not any(_always(rule) for rule in rules.values()):
        files.mistakes.append(
            f"{name}: no rule catches everything; end with * in code_set, kind, major and minor and unit:<id> as lead"
        )
    files.mistakes += [f"{name}: {sentence}" for sentence in doubts(rules.values())]
    return Matrix(rules.values(), units, version)


def _check_class(row: Row, rule: Rule, codes: Codes) -> None:
    if rule.minor == ANY:
        return
    if ANY in (rule.code_set, rule.kind, rule.major):
        row.wrong("minor", f"{rule.minor!r} means nothing below a *; write its code_set, kind and major")
    elif not codes.sets[rule.code_set].open:
        _check_listed(row, "minor", (rule.code_set, rule.kind, rule.major, rule.minor), codes)


def _check_unit_spec(row: Row, column: str, spec: str, units: Units, trades: set[str]) -> None:
    how, _, what = spec.partition(":")
    trade, at, level = what.partition("@")
    if spec in OF_PART or not spec or row.doubts(UNITS):
        return
    if how == "unit":
        if units.get(what) is None:
            row.wrong(column, f"there is no unit {what!r}; add it to the units or correct it here")
    elif how != "trade" or (at and level not in LEVELS):
        known = "unit:<id>, trade:<trade>, trade:<trade>@county, owner, maintenance or supervising"
        row.wrong(column, f"{spec!r} isn't understood; write {known}")
    elif trade not in trades:
        row.wrong(column, f"no unit does {trade!r}; give some unit this trade or correct it here")


def _always(rule: Rule) -> bool:
    everything = rule.code_set == rule.kind == rule.major == rule.minor == ANY
    bounded = rule.condition_id or rule.scope or rule.valid_from or rule.valid_to
    return everything and not bounded and rule.lead.startswith("unit:")
