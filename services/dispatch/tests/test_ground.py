"""The grass roots as data: several departments in one grid, stations, grades; and what a profile may say of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from yiwang.contracts import AreaRef, Custody, Person
from yiwang.dispatch.acts import Act, Body, TaskBody
from yiwang.dispatch.authority import post_for
from yiwang.dispatch.case import Case, Task
from yiwang.dispatch.domain import step
from yiwang.dispatch.grid_people import asked_of
from yiwang.dispatch.ground import Ground, Team
from yiwang.dispatch.practice import Practice
from yiwang.dispatch.profile import load_profile
from yiwang.dispatch.profile_files import Files
from yiwang.dispatch.profile_ground import GradeEntry, GroundEntry, MechanismEntry, ground_of
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.stations import month_span
from yiwang.dispatch.testing import MONDAY, PLACE, STALLS, some_case, some_rules
from yiwang.kit import Caller, Post

DAY = dt.date(2026, 11, 23)
TEAMS = (
    Team(duty_grid_id="LH-01", unit_id="bureau", role="lead"),
    Team(duty_grid_id="LH-01", unit_id="sanitation", categories=("event/01/*",)),
    Team(duty_grid_id="LH-01", unit_id="patrol", categories=("event/02/*",), tasks=("verify", "handle")),
    Team(duty_grid_id="LH-02", unit_id="patrol", valid_from=dt.date(2026, 12, 1)),
)
GROUND = Ground(teams=TEAMS)
DONGGUAN = load_profile(Path(__file__).parents[3] / "deploy" / "profiles" / "dongguan")


@pytest.mark.parametrize(
    ("grid", "task", "category", "never", "unit"),
    [
        ("LH-01", "verify", "event/01/01", (), "sanitation"),
        ("LH-01", "verify", "event/02/07", (), "patrol"),
        ("LH-01", "check", "event/02/07", (), "bureau"),
        ("LH-01", "verify", "part/01/01", (), "bureau"),
        ("LH-01", "check", "event/01/01", ("sanitation",), "bureau"),
        ("LH-01", "check", "event/01/01", ("sanitation", "bureau"), ""),
        ("LH-02", "verify", "event/01/01", (), ""),
        ("LH-09", "verify", "event/01/01", (), ""),
    ],
)
def test_a_task_finds_the_people_of_the_right_department(
    grid: str, task: str, category: str, never: tuple[str, ...], unit: str
) -> None:
    """The narrowest team for the class that does such tasks and may; else the lead; a grid without teams: anybody."""
    assert GROUND.pick(grid, task, category, DAY, never) == unit


def test_a_team_works_from_its_first_day_to_its_last() -> None:
    """Both inclusive."""
    team = Team(duty_grid_id="g", unit_id="u", valid_from=DAY, valid_to=DAY)
    assert [team.works_on("verify", DAY + dt.timedelta(days=n)) for n in (-1, 0, 1)] == [False, True, False]
    assert [t.unit_id for t in GROUND.in_grid("LH-02", dt.date(2026, 12, 1))] == ["patrol"]


def rules(teams: tuple[Team, ...] = TEAMS) -> Any:
    return some_rules(practice=Practice(ground=Ground(teams=teams)))


def done(case: Case, action: str, role: str, body: Body, with_rules: Any) -> Case:
    return step(case, Act(action=action, role=role, at=MONDAY, body=body), with_rules).case


@pytest.mark.parametrize(
    ("body", "unit"),
    [
        (TaskBody(), "patrol"),
        (TaskBody(unit_id="bureau"), "bureau"),
        (TaskBody(person_ref="p-7"), ""),
        (TaskBody(duty_grid_id="LH-09"), ""),
    ],
)
def test_a_verify_task_says_whose_people_are_asked(body: TaskBody, unit: str) -> None:
    """By the teams, by the acceptor's word, or a person by name; the event tells it."""
    case = replace(some_case(category=STALLS, verify_policy="must"), state="reported")
    told = step(case, Act(action="send_verify", role="acceptor", at=MONDAY, body=body), rules())
    assert told.case.task is not None
    assert told.case.task.assignee.unit_id == unit
    assert told.events[0].assignee.unit_id == unit  # type: ignore[attr-defined]


def test_without_teams_every_inspector_of_the_grid_is_asked() -> None:
    """As it was before."""
    case = done(replace(some_case(verify_policy="must"), state="reported"), "send_verify", "acceptor", TaskBody(), rules(()))
    assert case.task is not None
    assert case.task.assignee == Person(duty_grid_id="LH-01")


@pytest.mark.parametrize(
    ("kind", "major", "grid", "unit"),
    [
        ("event", "05", "441900004Z01", "441900004-law"),
        ("event", "01", "441900004Z01", "441900004-env"),
        ("event", "04", "441900004Z01", "441900-inspect"),
        ("part", "02", "441900004Z01", "441900004-works"),
        ("event", "05", "441900004Z02", "441900004-law"),
        ("event", "01", "441900004Z02", "441900-inspect"),
        ("event", "05", "441900003Z01", ""),
    ],
)
def test_dongguans_teams_verify_what_is_their_departments(kind: str, major: str, grid: str, unit: str) -> None:
    """The shipped table: street order (05 there) to the enforcement team, the rest to the inspectors, other grids as before."""
    shipped = DONGGUAN.rules
    category = shipped.codes.category(shipped.code_set, kind, major, "01")
    assert category is not None
    case = replace(some_case(category=category, verify_policy="must"), state="reported")
    case.place = replace(PLACE, area=AreaRef(city="441900", street9=grid[:9]), duty_grid_id=grid)
    case.custody = Custody(jurisdiction="441900")
    told = step(case, Act(action="send_verify", role="acceptor", at=MONDAY, body=TaskBody()), shipped)
    assert told.case.task is not None
    assert told.case.task.assignee == Person(duty_grid_id=grid, unit_id=unit)


def collector(unit: str, person: str = "p-1") -> Caller:
    return Caller(person_ref=person, posts=(Post(post_id="x", unit_id=unit, role="collector", areas=("440303",)),))


def test_another_departments_person_is_refused_with_the_departments_name() -> None:
    """The unit's own people and those of the unit above it may answer; a person named may, wherever they belong."""
    case = replace(some_case(), state="verifying", task=Task(
        task_id="t", kind="verify", assignee=Person(duty_grid_id="LH-01", unit_id="sanitation")))  # fmt: skip
    with_rules = rules()
    for unit in ("sanitation", "bureau"):
        assert post_for(collector(unit), "collector", case, with_rules, "verify_result").unit_id == unit
    with pytest.raises(Refused) as refused:
        post_for(collector("patrol"), "collector", case, with_rules, "verify_result")
    assert (refused.value.key, "环卫所" in str(refused.value)) == ("not_the_department", True)
    named = Person(person_ref="p-1", unit_id="sanitation")
    assert asked_of(named, collector("patrol"), with_rules)
    assert not asked_of(named, collector("patrol", "p-2"), with_rules)


def test_a_month_ends_where_the_next_begins() -> None:
    """Also in December and in leap years; without one the present month in Shanghai is meant."""
    assert month_span("2026-12", MONDAY) == (dt.date(2026, 12, 1), dt.date(2026, 12, 31))
    assert month_span("2028-02", MONDAY) == (dt.date(2028, 2, 1), dt.date(2028, 2, 29))
    assert month_span("", dt.datetime(2026, 11, 30, 16, tzinfo=dt.UTC))[0] == dt.date(2026, 12, 1)


def read(tmp_path: Path, entry: GroundEntry, **tables: str) -> tuple[Ground, list[str]]:
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    files = Files(tmp_path)
    return ground_of(files, entry, some_rules().units), files.mistakes


def test_a_profile_says_who_works_in_which_grid_and_where_stations_are(tmp_path: Path) -> None:
    """Two tables and a few words; without any, two grades and the five mechanisms that ship."""
    teams = "duty_grid_id,unit_id,role,tasks,categories,valid_from,valid_to\nLH-01,patrol,lead,verify|patrol,event/02/*,2026-01-01,\n"
    places = "station_id,name,area,unit_id,address,hours\nZ1,桂园驿站,440303001001,bureau,桂园路1号,9:00-17:00\n"
    entry = GroundEntry(teams="teams.csv", stations="places.csv", confirm_share=0.9)
    ground, mistakes = read(tmp_path, entry, teams=teams, places=places)
    assert mistakes == []
    assert ground.teams[0].tasks == ("verify", "patrol")
    assert ground.station("Z1") is not None
    assert ([g.code for g in ground.grades], len(ground.mechanisms)) == (["general", "major"], 5)


def test_every_mistake_of_the_profile_is_told_at_once(tmp_path: Path) -> None:
    """With file, line, column and what to do."""
    teams = (
        "duty_grid_id,unit_id,role,tasks,categories,valid_from,valid_to\n"
        ",nobody,chief,dance,*,2026-02-01,2026-01-01\nLH-01,,member,,*,,\n"
    )
    entry = GroundEntry(
        teams="teams.csv", stations="places.csv", confirm_share=1.5,
        grades=(GradeEntry(code="a", name="A", days=0, accept=("king",)),) * 2,
        mechanisms=(MechanismEntry(code="m", name="M", least_a_month=-1),),
    )  # fmt: skip
    _, mistakes = read(
        tmp_path, entry, teams=teams, places="station_id,name,area,unit_id,address,hours\nZ1,桂园驿站,here,nobody,,\n"
    )
    told = "\n".join(mistakes)
    for word in (
        "duty_grid_id: is empty", "nobody", "chief", "dance", "valid_to", "unit_id: is empty", "'here'", "confirm_share",
        "stands there twice", "king", "days 0", "least_a_month -1",
    ):  # fmt: skip
        assert word in told, word
