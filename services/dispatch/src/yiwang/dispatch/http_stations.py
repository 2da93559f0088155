"""The API of service stations (驿站) and of the people of several departments in one grid (多部门入格)."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import get, post
from litestar.params import Parameter
from yiwang.kit import App, Caller, allow, answers

from . import stations
from .calendar import SHANGHAI
from .errors import REFUSED
from .errors_ground import NO_ENTRY, NO_STATION
from .ground import Station
from .rules import Rules
from .stations import STAFF, Record, RecordBody, StationState

StationId = Annotated[str, Parameter(max_length=100)]
Month = Annotated[str, Parameter(pattern=r"^(20[0-9]{2}-(0[1-9]|1[0-2]))?$")]


class TeamView(msgspec.Struct, frozen=True, kw_only=True):
    """People of one unit in the grid: for which tasks and classes."""

    unit_id: str
    unit_name: str
    role: str
    """lead (网格长单位) or member"""
    tasks: tuple[str, ...]
    categories: tuple[str, ...]


def seen(caller: Caller, station: Station) -> bool:
    return any(post.touches(station.area) for post in caller.posts)


@get("/stations", guards=[allow()])
async def list_stations(app: App, caller: Caller, month: Month = "") -> list[StationState]:
    """The stations of the caller's areas: what each did in a month by the city's mechanisms, and its problems."""
    ground = app.get(Rules).practice.ground
    own = [one for one in ground.stations if seen(caller, one)]
    return await stations.board(app.pool, ground, own, *stations.month_span(month, app.clock.now()))


@get("/stations/{station_id:str}/records", guards=[allow()], responses=answers(NO_STATION))
async def list_records(station_id: StationId, app: App, caller: Caller, month: Month = "") -> list[Record]:
    """What a station did in a month, the latest first."""
    station = stations.station_of(app.get(Rules).practice.ground, station_id)
    if not seen(caller, station):
        raise NO_STATION(station=station_id)
    return await stations.records(app.pool, station_id, *stations.month_span(month, app.clock.now()))


@post(
    "/stations/{station_id:str}/records", guards=[allow(*STAFF)], opt={"idempotent": True},
    responses=answers(NO_STATION, NO_ENTRY, *(REFUSED[k] for k in ("not_your_role", "outside_area", "area_malformed",
                                                                   "station_mechanism", "station_day", "unit_unknown"))),
)  # fmt: skip
async def add_record(station_id: StationId, data: RecordBody, app: App, caller: Caller) -> Record:
    """驿站工作记录: what was done under one of the mechanisms."""
    return await stations.record(app, caller, station_id, data)


@get("/tasks/teams", guards=[allow()])
async def list_teams(
    app: App, caller: Caller, grid: Annotated[str, Parameter(min_length=1, max_length=100)], day: dt.date | None = None
) -> list[TeamView]:
    """The units whose people work in a duty grid on a day (today's if not given), the lead first."""
    rules = app.get(Rules)
    on = day or app.clock.now().astimezone(SHANGHAI).date()
    found = []
    for team in rules.practice.ground.in_grid(grid, on):
        unit = rules.units.get(team.unit_id)
        found.append(
            TeamView(
                unit_id=team.unit_id, unit_name=unit.name if unit else team.unit_id, role=team.role, tasks=team.tasks,
                categories=team.categories,
            )
        )  # fmt: skip
    return found


STATIONS: Final[Sequence[Any]] = (list_stations, list_records, add_record, list_teams)
