"""``[dispatch.practice.ground]`` of a profile: grades, residents' word, stations and the grid's teams, read and checked."""

from __future__ import annotations

from typing import Final

import msgspec
from yiwang.contracts.areas import level_of

from .ground import JUDGES, TASKS, Grade, Ground, Mechanism, Station, Team
from .profile_files import Files, Row
from .units import Units

WHERE: Final = "profile.toml [dispatch.practice.ground]"
STATION_COLUMNS: Final = ("station_id", "name", "area", "unit_id", "address", "hours")
TEAM_COLUMNS: Final = ("duty_grid_id", "unit_id", "role", "tasks", "categories", "valid_from", "valid_to")
ROLES: Final = ("lead", "member")


class GradeEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[…ground.grades]]``"""

    code: str
    name: str
    days: int = 15
    accept: tuple[str, ...] = JUDGES
    tell_leader: bool = False


class MechanismEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[…ground.mechanisms]]``"""

    code: str
    name: str
    least_a_month: int = 1


class GroundEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.practice.ground]``; tables are named from the profile's directory, empty: none."""

    grades: tuple[GradeEntry, ...] = ()
    """Empty: general (一般) and major (重大)"""
    mechanisms: tuple[MechanismEntry, ...] = ()
    """Of service stations; empty: the five that ship"""
    confirm_share: float = 1.0
    confirm_least: int = 1
    stations: str = ""
    teams: str = ""


def ground_of(files: Files, entry: GroundEntry, units: Units) -> Ground:
    """What *entry* says; what is wrong goes to `files.mistakes`."""
    _check(files, entry)
    own = Ground()
    return Ground(
        grades=tuple(Grade(**msgspec.structs.asdict(g)) for g in entry.grades) or own.grades,
        mechanisms=tuple(Mechanism(**msgspec.structs.asdict(m)) for m in entry.mechanisms) or own.mechanisms,
        confirm_share=entry.confirm_share,
        confirm_least=entry.confirm_least,
        stations=tuple(_station(row, units) for row in files.table(entry.stations, STATION_COLUMNS))
        if entry.stations
        else (),
        teams=tuple(_team(row, units) for row in files.table(entry.teams, TEAM_COLUMNS)) if entry.teams else (),
    )


def _check(files: Files, entry: GroundEntry) -> None:
    def wrong(sentence: str) -> None:
        files.mistakes.append(f"{WHERE} {sentence}")

    for what, codes in (("grades", [g.code for g in entry.grades]), ("mechanisms", [m.code for m in entry.mechanisms])):
        if len(set(codes)) < len(codes):
            wrong(f"{what}: a code stands there twice; drop one")
    for grade in entry.grades:
        unknown = [role for role in grade.accept if role not in JUDGES]
        if unknown or not grade.accept:
            wrong(f"grades {grade.code}: accept {', '.join(unknown) or 'is empty'}; name some of {', '.join(JUDGES)}")
        if grade.days < 1:
            wrong(f"grades {grade.code}: days {grade.days}; give 1 or more")
    for one in entry.mechanisms:
        if one.least_a_month < 0:
            wrong(f"mechanisms {one.code}: least_a_month {one.least_a_month}; give 0 or more")
    if not 0 < entry.confirm_share <= 1 or entry.confirm_least < 1:
        wrong("confirm_share is above 0 up to 1, confirm_least is 1 or more; put them right")


def _station(row: Row, units: Units) -> Station:
    return Station(
        station_id=row.needed("station_id"), name=row.needed("name"), area=_area(row), unit_id=_unit(row, units),
        address=row.text("address"), hours=row.text("hours"),
    )  # fmt: skip


def _team(row: Row, units: Units) -> Team:
    tasks = row.words("tasks") or TASKS
    if unknown := [task for task in tasks if task not in TASKS]:
        row.wrong("tasks", f"{', '.join(unknown)} isn't known; write some of {'|'.join(TASKS)}")
    first, last = row.day("valid_from"), row.day("valid_to")
    if first and last and first > last:
        row.wrong("valid_to", "lies before valid_from; put them right")
    if not row.text("unit_id"):
        row.needed("unit_id")
    return Team(
        duty_grid_id=row.needed("duty_grid_id"), unit_id=_unit(row, units), role=row.one_of("role", ROLES), tasks=tasks,
        categories=row.words("categories") or ("*",), valid_from=first, valid_to=last,
    )  # fmt: skip


def _area(row: Row) -> str:
    code = row.needed("area")
    try:
        level_of(code)
    except ValueError as error:
        row.wrong("area", str(error))
    return code


def _unit(row: Row, units: Units) -> str:
    unit = row.text("unit_id")
    if unit and units.get(unit) is None:
        row.wrong("unit_id", f"there is no unit {unit!r}; add it to the units or correct it here")
    return unit
