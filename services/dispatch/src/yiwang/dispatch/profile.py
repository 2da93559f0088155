"""A city's profile: everything of dispatch that differs from place to place, read once and checked whole.

`profile.toml` names the place, how it is governed, the versions and the clocks; the tables lie in CSV files beside
it (see `profile_tables` for their columns). `load_profile` tells every mistake at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from yiwang.contracts.areas import level_of

from . import policies
from .calendar import UNIT_SECONDS, Calendar, Holidays, Schedule
from .codes import Codes
from .profile_custody import governance_of
from .profile_entries import AutoEntry, Dispatch, Place, ScheduleEntry
from .profile_files import BadProfile, Files, is_month_day
from .profile_overlay import Overlay, overlaid
from .profile_practice import practice_of
from .profile_tables import (
    read_categories,
    read_conditions,
    read_crosswalk,
    read_holidays,
    read_matrix,
    read_self_disposal,
    read_units,
)
from .rules import Auto, AutoRule, Rules

__all__ = ["BadProfile", "Profile", "load_profile"]

MAIN: Final = "profile.toml"
GOVERNANCE: Final = {
    "one_supervise_two_command": ("city", True),
    "two_supervise_two_command": ("district", True),
    "single": ("city", False),
}
"""How a city governs (architecture 4): who accepts, checks and closes, and whether the
city dispatches to a district."""
STAGES: Final = ("accept", "verify", "dispatch", "check")
SETS: Final = ("codes", "conditions", "matrix", "calendar", "units")
REWORK_CLOCKS: Final = ("restart", "resume")
COMMAND: Final = "command"
"""The trade of a district's command centre (指挥中心)."""

T = TypeVar("T", bound=msgspec.Struct)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One loaded profile. `digests`: file → what its content is, beside the versions that people give."""

    name: str
    title: str
    version: str
    jurisdiction: str
    governance: str
    rules: Rules
    digests: dict[str, str]


def load_profile(directory: str | Path, overlay: Overlay | None = None) -> Profile:
    """The profile in *directory*, under what was announced. Raises BadProfile with every mistake, as sentences."""
    if str(directory) in ("", "."):
        raise BadProfile(["YIWANG_PROFILE is empty; set it to a directory such as deploy/profiles/shenzhen"])
    files = Files(Path(directory))
    raw = files.toml(MAIN)
    place = _section(files, raw.get("profile", {}), Place, "profile")
    settings = _section(files, raw.get("dispatch", {}) | (overlay.settings if overlay else {}), Dispatch, "dispatch")
    if place is None or settings is None:
        raise BadProfile(files.mistakes)
    if overlay is not None:
        settings = overlaid(files, settings, overlay)
    _check_place(files, place)
    _check_settings(files, settings)
    schedules = [_schedule(files, entry) for entry in settings.schedules]
    if files.mistakes:
        raise BadProfile(files.mistakes)
    rules = _rules(files, place, settings, schedules)
    if files.mistakes:
        raise BadProfile(files.mistakes)
    return Profile(
        **{name: getattr(place, name) for name in place.__struct_fields__}, rules=rules, digests=files.digests
    )


def _section(files: Files, raw: Any, kind: type[T], where: str) -> T | None:
    """*raw* as the Struct *kind*: each field for itself, so that all that is wrong is told."""
    before, values = len(files.mistakes), {}
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in sorted(raw.keys() - fields.keys()):
        files.mistakes.append(f"{MAIN} [{where}] {name}: isn't known; correct its spelling or drop it")
    for name, field in fields.items():
        if name in raw:
            try:
                values[name] = msgspec.convert(raw[name], field.type)
            except msgspec.ValidationError as error:
                files.mistakes.append(f"{MAIN} [{where}] {name}: {error}; correct it")
        elif field.required:
            files.mistakes.append(f"{MAIN} [{where}] {name}: is missing; add it")
    return kind(**values) if len(files.mistakes) == before else None


def _check_place(files: Files, place: Place) -> None:
    try:
        level_of(place.jurisdiction)
    except ValueError as error:
        files.mistakes.append(f"{MAIN} [profile] jurisdiction: {error}")
    if place.governance not in GOVERNANCE:
        files.mistakes.append(
            f"{MAIN} [profile] governance: {place.governance!r} isn't known; write one of {', '.join(GOVERNANCE)}"
        )


def _check_settings(files: Files, settings: Dispatch) -> None:
    def wrong(name: str, sentence: str) -> None:
        files.mistakes.append(f"{MAIN} [dispatch] {name}: {sentence}")

    if settings.code_set not in [s.code_set for s in settings.code_sets]:
        wrong("code_set", f"{settings.code_set!r} isn't among code_sets; add it there")
    for name in SETS:
        if not settings.versions.get(name):
            wrong("versions", f'{name} has no version; add one, e.g. {name} = "2026.1"')
    for stage in STAGES:
        if stage not in settings.stages:
            wrong("stages", f'{stage} has no limit; add {stage} = {{ limit = 30, unit = "urgent_minute" }}')
    _check_numbers(settings, wrong)


def _check_numbers(settings: Dispatch, wrong: Callable[[str, str], None]) -> None:
    for name, limit in [*settings.stages.items(), ("history_limit", settings.history_limit)]:
        if limit.unit not in UNIT_SECONDS or limit.limit < 1:
            wrong(name, f"{limit.limit} {limit.unit!r} is no limit; give 1 or more of {', '.join(UNIT_SECONDS)}")
    if not 0 < settings.warn_fraction < 1:
        wrong("warn_fraction", f"{settings.warn_fraction} isn't between 0 and 1; write 0.75 to warn at three quarters")
    if settings.rework_clock not in REWORK_CLOCKS:
        wrong("rework_clock", f"{settings.rework_clock!r} isn't known; write one of {', '.join(REWORK_CLOCKS)}")
    if not 1 <= settings.suspend_days <= 365:
        wrong("suspend_days", f"{settings.suspend_days} isn't from 1 to 365 days; a hang lasts a year at the most")
    for mistake in policies.mistakes(settings.policies):
        wrong("policies", mistake)
    for day in settings.fixed_holidays:
        if not is_month_day(day):
            wrong("fixed_holidays", f"{day!r} is no day of the year; write it as 10-01")


def _schedule(files: Files, entry: ScheduleEntry) -> Schedule:
    where = f"{MAIN} [[dispatch.schedules]] {entry.id}"
    slots: list[tuple[dt.time, dt.time]] = []
    for text in entry.slots:
        try:
            start, end = (dt.time.fromisoformat(part) for part in text.split("-"))
        except ValueError:
            files.mistakes.append(f"{where}: {text!r} are no hours; write them as 08:00-12:00")
            continue
        if start >= end or (slots and start < slots[-1][1]):
            files.mistakes.append(f"{where}: {text!r} ends before it begins, or begins too early; put it right")
        slots.append((start, end))
    first, _, last = entry.season.partition("..")
    if entry.season and not (is_month_day(first) and is_month_day(last)):
        files.mistakes.append(f"{where}: {entry.season!r} is no season; write it as 06-01..09-30")
    return Schedule(
        schedule_id=entry.id,
        slots=tuple(slots),
        valid_from=entry.valid_from,
        valid_to=entry.valid_to,
        season=(first, last) if entry.season else None,
    )


def _rules(files: Files, place: Place, settings: Dispatch, schedules: list[Schedule]) -> Rules:
    paths, versions, sets = settings.files, settings.versions, settings.code_sets
    categories = read_categories(files, paths.categories, sets)
    listed = Codes(sets, categories, ())
    conditions = read_conditions(files, paths.conditions, versions["conditions"], sets, listed)
    crosswalk = read_crosswalk(files, paths.crosswalk, listed) if paths.crosswalk else {}
    codes = Codes(sets, categories, conditions, crosswalk)
    holidays = _holidays(files, settings)
    units = read_units(files, paths.units)
    supervise, two_commands = GOVERNANCE[place.governance]
    return Rules(
        codes=codes,
        code_set=settings.code_set,
        matrix=read_matrix(files, paths.matrix, versions["matrix"], units, codes),
        units=units,
        calendar=Calendar(schedules, holidays),
        versions={name: versions[name] for name in SETS} | {"profile": place.version},
        supervise=supervise,
        two_commands=two_commands,
        stages={stage: (limit.limit, limit.unit) for stage, limit in settings.stages.items()},
        warn_fraction=settings.warn_fraction,
        check_unable_limit=settings.check_unable_limit,
        suspend_days=settings.suspend_days,
        rework_clock=settings.rework_clock,
        void_not_exist=settings.void_not_exist,
        auto=Auto(verify=False, accept=False, file=False, dispatch=False),
        auto_rules=tuple(_auto_rule(entry) for entry in settings.auto),
        command_units={area: unit.unit_id for unit in units if COMMAND in unit.trades for area in unit.areas},
        history_limit=(settings.history_limit.limit, settings.history_limit.unit),
        practice=practice_of(files, settings.practice, units),
        governance=governance_of(files, place.governance, settings.custody),
        policies=settings.policies,
        self_disposal=read_self_disposal(files, paths.self_disposal, codes) if paths.self_disposal else frozenset(),
    )


def _holidays(files: Files, settings: Dispatch) -> Holidays:
    own, name = settings.files.holidays, settings.files.holidays or "holidays.csv"
    source = files if own else Files(Path(__file__).parent / "data")
    version, years = settings.versions["calendar"], settings.published_years
    found = read_holidays(source, name, version, years, settings.fixed_holidays)
    if not own:
        files.mistakes += source.mistakes
        files.digests |= source.digests
    return found


def _auto_rule(entry: AutoEntry) -> AutoRule:
    steps = Auto(verify=entry.verify, accept=entry.accept, file=entry.file, dispatch=entry.dispatch)
    return AutoRule(channels=frozenset(entry.channels), categories=entry.categories, auto=steps)
