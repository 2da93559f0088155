"""What a city decides about its work at the grass roots, as data: grades, residents' word, stations, the grid's teams.

Sources: two grades of hazards (安全生产事故隐患排查治理暂行规定 art. 3); problem lists and lists of satisfaction (Zhuhai),
service stations with five mechanisms (Dongguan, Jiangmen: 197 stations, domain notes 9), several departments in one grid
(Huizhou). The text of the five mechanisms wasn't found; what ships are the five duties that the ministry's first list of
practices for city management in communities names (Shanghai), and a city puts its own in their place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Final

import msgspec

TASKS: Final = ("verify", "check", "patrol", "handle")
"""What a grid's people of a department do: 核实, 核查, 巡查, 处置"""


JUDGES: Final = ("supervisor", "evaluator", "shift_leader", "leader")
"""Who may accept something at all; a grade names some of them"""


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """A grade of hazards or problems: days to rectify where none are given, and who may accept."""

    code: str
    name: str
    days: int = 15
    accept: tuple[str, ...] = JUDGES
    tell_leader: bool = False
    """Whether the area's leaders are told when one is found"""


class Mechanism(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a station does regularly."""

    code: str
    name: str
    least_a_month: int = 1
    """So often it is expected; 0: as needed"""


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """A service station (驿站) of a community or street."""

    station_id: str
    name: str
    area: str
    unit_id: str = ""
    address: str = ""
    hours: str = ""
    """When it is open, in words"""


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """People of one unit in one duty grid: for which tasks and classes, and from when to when."""

    duty_grid_id: str
    unit_id: str
    role: str = "member"
    """lead (网格长单位) or member"""
    tasks: tuple[str, ...] = TASKS
    categories: tuple[str, ...] = ("*",)
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None

    def works_on(self, task: str, day: dt.date) -> bool:
        begun = self.valid_from is None or self.valid_from <= day
        return task in self.tasks and begun and (self.valid_to is None or day <= self.valid_to)

    def fits(self, category: str) -> int:
        """How exactly it is meant for the class ``event/04/10``: 0 not at all, 1 for any, more for a narrower pattern."""
        best = 0
        for one in self.categories:
            if one == category or (one.endswith("*") and category.startswith(one[:-1])):
                best = max(best, 1 + one.count("/") + (one == category))
        return best


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    grades: tuple[Grade, ...] = (
        Grade(code="general", name="一般"),
        Grade(code="major", name="重大", days=30, accept=("leader",), tell_leader=True),
    )
    confirm_share: float = 1.0
    """Of the residents asked, so many must be satisfied"""
    confirm_least: int = 1
    """So many residents must be asked"""
    mechanisms: tuple[Mechanism, ...] = (
        Mechanism(code="visit", name="联系走访", least_a_month=4),
        Mechanism(code="channel", name="畅通渠道"),
        Mechanism(code="law", name="普法宣传"),
        Mechanism(code="opinions", name="意见征集"),
        Mechanism(code="cogovern", name="社区共治"),
    )
    stations: tuple[Station, ...] = ()
    teams: tuple[Team, ...] = ()

    def grade(self, code: str) -> Grade | None:
        return next((one for one in self.grades if one.code == code), None)

    def station(self, station_id: str) -> Station | None:
        return next((one for one in self.stations if one.station_id == station_id), None)

    def in_grid(self, duty_grid_id: str, day: dt.date) -> list[Team]:
        """The teams of a grid on *day*, the lead first."""
        there = [t for t in self.teams if t.duty_grid_id == duty_grid_id and any(t.works_on(task, day) for task in TASKS)]
        return sorted(there, key=lambda team: team.role != "lead")

    def pick(
        self, duty_grid_id: str, task: str, category: str, day: dt.date, never: Collection[str] = ()
    ) -> str:
        """The unit whose people in the grid are asked: the narrowest for the class, then the lead; empty: anybody's.

        *never* are units that may not do it: nobody checks the work of their own unit.
        """
        best, found = 0, ""
        for team in self.in_grid(duty_grid_id, day):
            fit = team.fits(category) if team.works_on(task, day) and team.unit_id not in never else 0
            if fit > best:
                best, found = fit, team.unit_id
        return found
