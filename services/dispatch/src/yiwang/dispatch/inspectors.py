"""The inspectors' side (采集员): patrol tasks, their own list of tasks, and positions that are kept only for a while.

A verify or check task belongs to a person or to the inspectors of a duty grid, as the case says; a patrol task
likewise. Positions are personal: they stay in this node's database, stand in no event and no log, are shown only to
those who lead the inspectors' area, and go after `positions_hours` hours (the city's rule; Personal Information
Protection Law, art. 19: as short as the purpose allows).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from yiwang.contracts import Moment, NoticeRequested, Person
from yiwang.kit import App, Caller, Context, Sql, Timer

from .calendar import SHANGHAI
from .case import Case
from .grid_people import asked_of
from .rules import Rules
from .store import below

sql: Final = Sql("yiwang.dispatch", "inspectors.sql")
PATROL: Final = "patrol"
"""Timer: a patrol task's time is over"""
AHEAD: Final = dt.timedelta(minutes=5)
"""How far a device's clock may be ahead"""
OLDEST_YEAR: Final = 2000
_case: Final = msgspec.json.Decoder(Case)
Text = Annotated[str, msgspec.Meta(max_length=500)]
Ref = Annotated[str, msgspec.Meta(max_length=100)]


class PatrolBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A patrol task: whose area it is in, what is to be looked at, from when until when."""

    area: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{6,15}$")]
    due_at: Moment
    starts_at: Moment | None = None
    duty_grid_id: Ref = ""
    person_ref: Annotated[str, msgspec.Meta(pattern=r"^[^\s@]{0,100}$")] = ""
    """One inspector; empty: whoever of the duty grid comes first"""
    unit_id: Ref = ""
    """Of a grid with several departments' people: whose of them; empty: any"""
    what: Text = ""


class PatrolDone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of it: how many problems were reported on the way."""

    found: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    note: Text = ""


class Patrol(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: open, done or expired."""

    task_id: str
    duty_grid_id: str
    person_ref: str
    unit_id: str
    area: str
    what: str
    state: str
    starts_at: dt.datetime
    due_at: dt.datetime
    done_at: dt.datetime | None
    done_by: str
    found: int
    note: str


class PositionPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the device was at its moment, in CGCS2000 or WGS-84 degrees."""

    at: Moment
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    accuracy_m: Annotated[float, msgspec.Meta(ge=0, le=100_000)] | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a moment that no device of today can mean (a clock that was never set)."""
        if self.at.year < OLDEST_YEAR:
            raise ValueError("设备时间不合理，请校准设备时钟")


class LastPosition(msgspec.Struct, frozen=True, kw_only=True):
    person_ref: str
    at: dt.datetime
    lon: float
    lat: float
    accuracy_m: float | None


class Waiting(msgspec.Struct, frozen=True):
    case: Case
    queue: str
    due_at: dt.datetime | None


def usable(points: Sequence[PositionPoint], now: dt.datetime, hours: float) -> list[PositionPoint]:
    """Those that would still be kept and don't lie in the future."""
    oldest = now - dt.timedelta(hours=hours)
    return [point for point in points if oldest <= point.at <= now + AHEAD]


async def add_patrol(ctx: Context, task_id: str, body: PatrolBody) -> None:
    """Keep the task, and the moment at which it expires."""
    starts = body.starts_at or ctx.now()
    await sql.run(
        ctx.tx, "add_patrol", task_id, body.duty_grid_id, body.person_ref, body.area, body.what, starts, body.due_at,
        body.unit_id,
    )  # fmt: skip
    await ctx.set_timer(PATROL, task_id, body.due_at)
    ctx.emit(notice_of(task_id, body, starts))


def notice_of(task_id: str, body: PatrolBody, starts: dt.datetime) -> NoticeRequested:
    """Who was named hears of the patrol; where nobody was, the inspectors of its area do."""
    span = f"{starts.astimezone(SHANGHAI):%m月%d日%H:%M}至{body.due_at.astimezone(SHANGHAI):%m月%d日%H:%M}"
    grid = f"，责任网格 {body.duty_grid_id}" if body.duty_grid_id else ""
    return NoticeRequested(
        business_id=f"patrol/{task_id}", template="message",
        audience=f"person:{body.person_ref}" if body.person_ref else f"collector@{body.area}",
        params={"title": "巡查任务", "text": f"{body.what or '巡查责任网格'}（{span}{grid}），完成后请在任务中反馈。"},
    )  # fmt: skip


async def expire(timer: Timer, ctx: Context) -> None:
    """Nobody did it in time."""
    await sql.run(ctx.tx, "end_patrol", timer.key, "expired", None, "", 0, "")


async def finish(ctx: Context, task_id: str, person_ref: str, body: PatrolDone) -> None:
    """It was done."""
    await sql.run(ctx.tx, "end_patrol", task_id, "done", ctx.now(), person_ref, body.found, body.note)
    await ctx.cancel_timer(PATROL, task_id)


async def tasks_of(db: Any, areas: Sequence[str], caller: Caller, rules: Rules) -> list[Waiting]:
    """Open verify and check tasks in *areas* that no other person or department was named for."""
    rows = await db.fetch(sql["tasks_of"], [below(a) for a in areas])
    found = [Waiting(_case.decode(r["doc"]), r["queue"], r["due_at"]) for r in rows]
    return [one for one in found if one.case.task is None or _for(one.case.task.assignee, caller, rules)]


def _for(assignee: Person, caller: Caller, rules: Rules) -> bool:
    return assignee.person_ref in ("", caller.person_ref) and asked_of(assignee, caller, rules)


def patrol_for(one: Patrol, caller: Caller, rules: Rules) -> bool:
    """Whether the patrol is for *caller*: named, or of the department, or nobody in particular is."""
    return _for(Person(person_ref=one.person_ref, unit_id=one.unit_id), caller, rules)


async def forget(app: App, step: int) -> None:
    """Drop positions whose time is over."""
    before = app.clock.now() - dt.timedelta(hours=app.settings.positions_hours)
    await sql.run(app.pool, "forget_positions", before, step)
