"""Service stations (驿站) and what they do month by month, by the city's mechanisms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from yiwang.contracts import StationRecorded
from yiwang.kit import App, Caller, Context, Sql

from .acts_base import Key, Text
from .calendar import SHANGHAI
from .errors_ground import NO_ENTRY, NO_STATION
from .ground import Ground, Station
from .people import acting, over
from .refusals import Refused
from .rules import Rules

sql: Final = Sql("yiwang.dispatch", "stations.sql")
STAFF: Final = (
    "community_worker", "auxiliary", "collector", "enforcement_officer", "acceptor", "shift_leader", "supervisor",
)  # fmt: skip
"""Who writes down what a station did"""
OLDEST: Final = dt.timedelta(days=366)


class RecordBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """驿站工作记录: under which mechanism, when, with how many residents and which units, and what came of it."""

    mechanism: Key
    held_on: dt.date | None = None
    """Empty: today"""
    residents: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    units: Annotated[tuple[Key, ...], msgspec.Meta(max_length=20)] = ()
    summary_masked: Text = ""
    entry_ids: Annotated[tuple[Key, ...], msgspec.Meta(max_length=50)] = ()
    """Problems that were written down on the occasion"""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a station did once."""

    record_id: str
    station_id: str
    mechanism: str
    held_on: dt.date
    residents: int
    units: tuple[str, ...]
    summary_masked: str
    entry_ids: tuple[str, ...]
    recorded_by: str
    """Pseudonym"""


class MechanismState(msgspec.Struct, frozen=True, kw_only=True):
    """One mechanism of one station in a month."""

    code: str
    name: str
    done: int
    least: int
    met: bool


class StationState(msgspec.Struct, frozen=True, kw_only=True):
    """One station in a month: its mechanisms, and the problems that came through it, of all time."""

    station: Station
    mechanisms: tuple[MechanismState, ...]
    residents: int
    problems: int
    satisfied: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    station_id: str
    mechanism: str
    n: int
    residents: int


class Problems(msgspec.Struct, frozen=True, kw_only=True):
    station_id: str
    n: int
    satisfied: int


def station_of(ground: Ground, station_id: str) -> Station:
    """Raises the Problem NO_STATION."""
    found = ground.station(station_id)
    if found is None:
        raise NO_STATION(station=station_id)
    return found


async def record(app: App, caller: Caller, station_id: str, body: RecordBody) -> Record:
    """Write down what a station did. Raises the Problems of `errors`."""

    async def once(ctx: Context) -> Record:
        rules = app.get(Rules)
        ground = rules.practice.ground
        station = station_of(ground, station_id)
        by = over(caller, STAFF, station.area, "驿站工作记录")
        if body.mechanism not in {m.code for m in ground.mechanisms}:
            known = "、".join(f"{m.code}（{m.name}）" for m in ground.mechanisms)
            raise Refused("station_mechanism", mechanism=body.mechanism, known=known)
        units = tuple(rules.unit(unit).unit_id for unit in body.units)
        await _entries_are_its_own(ctx, station_id, body.entry_ids)
        made = Record(
            record_id=f"station-record-{ctx.parent}", station_id=station_id, mechanism=body.mechanism,
            held_on=_day(body.held_on, ctx.now()), residents=body.residents, units=units,
            summary_masked=body.summary_masked, entry_ids=body.entry_ids, recorded_by=by.person_ref,
        )  # fmt: skip
        await keep(ctx.tx, made)
        ctx.emit(
            StationRecorded(
                station_id=station_id, area=station.area, record_id=made.record_id, mechanism=made.mechanism,
                held_on=made.held_on, residents=made.residents, units=units, summary_masked=made.summary_masked,
                entry_ids=made.entry_ids, actor=by,
            )
        )  # fmt: skip
        return made

    return await acting(app, caller, once)


async def keep(tx: Any, one: Record) -> None:
    """Write a record down; one that is known stays as it is."""
    doc = msgspec.json.encode(one).decode()
    await sql.run(tx, "add_record", one.record_id, one.station_id, one.mechanism, one.held_on, one.residents, doc)


def record_of(event: StationRecorded) -> Record:
    """The record as its event tells it."""
    names = ("record_id", "station_id", "mechanism", "held_on", "residents", "units", "summary_masked", "entry_ids")
    return Record(**{name: getattr(event, name) for name in names}, recorded_by=event.actor.person_ref)


def _day(given: dt.date | None, now: dt.datetime) -> dt.date:
    today = now.astimezone(SHANGHAI).date()
    if given is not None and given > today:
        raise Refused("station_day", why="在今后")
    if given is not None and today - given > OLDEST:
        raise Refused("station_day", why="早于一年前")
    return given or today


async def _entries_are_its_own(ctx: Context, station_id: str, entry_ids: Sequence[str]) -> None:
    if not entry_ids:
        return
    own = {row["entry_id"] for row in await ctx.tx.fetch(sql["own_entries"], station_id, list(entry_ids))}
    for one in entry_ids:
        if one not in own:
            raise NO_ENTRY(entry=one)


async def records(db: Any, station_id: str, first: dt.date, last: dt.date) -> list[Record]:
    """What a station did from *first* to *last*, both inclusive, the latest first; 500 at the most."""
    rows = await db.fetch(sql["records_of"], station_id, first, last)
    return [msgspec.json.decode(row["doc"], type=Record) for row in rows]


def month_span(month: str, now: dt.datetime) -> tuple[dt.date, dt.date]:
    """First and last day of ``2026-11``; of the present month without one. The pattern is checked at the edge."""
    day = dt.date.fromisoformat(f"{month.strip()}-01") if month.strip() else now.astimezone(SHANGHAI).date().replace(day=1)
    after = (day + dt.timedelta(days=32)).replace(day=1)
    return day, after - dt.timedelta(days=1)


async def board(db: Any, ground: Ground, stations: Sequence[Station], first: dt.date, last: dt.date) -> list[StationState]:
    """How far each of *stations* keeps up its mechanisms in a month."""
    ids = [one.station_id for one in stations]
    done = await sql.rows(db, "done_in", Done, ids, first, last)
    problems = {one.station_id: one for one in await sql.rows(db, "problems_of", Problems, ids)}
    times = {(one.station_id, one.mechanism): one for one in done}
    found = []
    for station in stations:
        states = []
        for m in ground.mechanisms:
            at = times.get((station.station_id, m.code))
            n = at.n if at else 0
            states.append(
                MechanismState(code=m.code, name=m.name, done=n, least=m.least_a_month, met=n >= m.least_a_month)
            )
        raised = problems.get(station.station_id)
        found.append(
            StationState(
                station=station, mechanisms=tuple(states),
                residents=sum(one.residents for one in done if one.station_id == station.station_id),
                problems=raised.n if raised else 0, satisfied=raised.satisfied if raised else 0,
            )
        )  # fmt: skip
    return found
