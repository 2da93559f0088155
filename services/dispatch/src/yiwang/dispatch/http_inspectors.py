"""The inspectors' side over HTTP: /tasks."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import get, post
from litestar.params import Parameter
from yiwang.contracts.areas import contains, level_of
from yiwang.kit import App, Caller, Context, allow, answers

from . import inspectors, views
from .errors import NO_PATROL, PATROL_BAD, PATROL_NOT_YOURS, PATROL_OVER
from .http import seen_areas
from .inspectors import LastPosition, Patrol, PatrolBody, PatrolDone, PositionPoint, sql
from .rules import Rules
from .store import Listed, below
from .views import CaseItem

GIVERS: Final = ("acceptor", "dispatcher", "shift_leader", "supervisor", "leader")
LEADS: Final = ("shift_leader", "supervisor", "leader")
TaskId = Annotated[str, Parameter(max_length=64)]


class MyTasks(msgspec.Struct, frozen=True, kw_only=True):
    """An inspector's list: cases to verify or check, and patrols, each the least time left first."""

    cases: tuple[CaseItem, ...]
    patrols: tuple[Patrol, ...]


class Positions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device collected since it last had a line; what was sent before may come again."""

    points: Annotated[tuple[PositionPoint, ...], msgspec.Meta(min_length=1, max_length=1000)]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    kept: int
    """Those within the hours for which positions are kept"""


@get("/tasks/mine", guards=[allow("collector")])
async def my_tasks(app: App, caller: Caller) -> MyTasks:
    """What the inspectors of the caller's areas are asked to do, without what another one was named for."""
    areas, now = _areas(caller, ("collector",)), app.clock.now()
    rules = app.get(Rules)
    waiting = await inspectors.tasks_of(app.pool, areas, caller, rules)
    found = await sql.rows(app.pool, "patrols_of", Patrol, [below(a) for a in areas], caller.person_ref)
    patrols = [one for one in found if inspectors.patrol_for(one, caller, rules)]
    cases = tuple(views.item(Listed(one.case, one.queue, one.due_at), now) for one in waiting)
    return MyTasks(cases=cases, patrols=tuple(patrols))


@post("/tasks/patrols", guards=[allow(*GIVERS)], opt={"idempotent": True}, responses=answers(PATROL_BAD))
async def give_patrol(app: App, caller: Caller, data: PatrolBody) -> Patrol:
    """Ask the inspectors of a duty grid, or one of them, to patrol until a moment."""
    try:
        level_of(data.area)
    except ValueError:
        raise PATROL_BAD(why=f"{data.area} 不是区划代码") from None
    if not any(contains(area, data.area) for area in _areas(caller, GIVERS)):
        raise PATROL_BAD(why=f"您的岗位不管辖 {data.area}")
    if not (data.duty_grid_id or data.person_ref):
        raise PATROL_BAD(why="没有写明责任网格或采集员")
    if data.due_at <= max(data.starts_at or app.clock.now(), app.clock.now()):
        raise PATROL_BAD(why="截止时间须在开始时间和现在之后")
    task_id = str(uuid.uuid4())

    async def act(ctx: Context) -> Patrol:
        await inspectors.add_patrol(ctx, task_id, data)
        return await _patrol(ctx.tx, task_id)

    found: Patrol = await app.act(caller, act)
    return found


@post(
    "/tasks/patrols/{task_id:str}/done", guards=[allow("collector")], status_code=200, opt={"idempotent": True},
    responses=answers(NO_PATROL, PATROL_NOT_YOURS, PATROL_OVER),
)  # fmt: skip
async def finish_patrol(app: App, caller: Caller, task_id: TaskId, data: PatrolDone) -> Patrol:
    """The patrol was done; an expired one stays expired."""

    async def act(ctx: Context) -> Patrol:
        one = await _patrol(ctx.tx, task_id)
        inside = any(contains(area, one.area) for area in _areas(caller, ("collector",)))
        if not inside or not inspectors.patrol_for(one, caller, app.get(Rules)):
            raise PATROL_NOT_YOURS()
        if one.state != "open":
            raise PATROL_OVER(state="已完成" if one.state == "done" else "已过期")
        await inspectors.finish(ctx, task_id, caller.person_ref, data)
        return await _patrol(ctx.tx, task_id)

    found: Patrol = await app.act(caller, act)
    return found


@get("/tasks/patrols", guards=[allow(*GIVERS)])
async def list_patrols(
    app: App,
    caller: Caller,
    day: Annotated[dt.date | None, Parameter(description="That end on this day; today's if not given")] = None,
    task_state: Annotated[str, Parameter(query="state", pattern="^(|open|done|expired)$")] = "",
) -> list[Patrol]:
    """The patrols of a day in the caller's areas."""
    zone = dt.timezone(dt.timedelta(hours=8))
    of = day or app.clock.now().astimezone(zone).date()
    begin = dt.datetime.combine(of, dt.time(), zone)
    areas = [below(a) for a in _areas(caller, GIVERS)]
    return await sql.rows(app.pool, "patrols_in", Patrol, areas, begin, begin + dt.timedelta(days=1), task_state)


@post("/tasks/positions", guards=[allow("collector")], status_code=200)
async def report_positions(app: App, caller: Caller, data: Positions) -> Kept:
    """Where the caller was on duty. Kept for the hours that the city sets, here alone."""
    now = app.clock.now()
    points = inspectors.usable(data.points, now, app.settings.positions_hours)
    area = next(iter(_areas(caller, ("collector",))), "")
    if points and area:
        await sql.run(
            app.pool, "keep_positions", caller.person_ref, area, now, [p.at for p in points], [p.lon for p in points],
            [p.lat for p in points], [p.accuracy_m for p in points],
        )  # fmt: skip
    return Kept(kept=len(points))


@get("/tasks/positions", guards=[allow(*LEADS)])
async def last_positions(
    app: App, caller: Caller, minutes: Annotated[int, Parameter(ge=1, le=1440)] = 30
) -> list[LastPosition]:
    """The last position of each inspector in the caller's areas, of the last minutes."""
    since = app.clock.now() - dt.timedelta(minutes=minutes)
    areas = [below(a) for a in _areas(caller, LEADS)]
    return await sql.rows(app.pool, "last_positions", LastPosition, areas, since)


def _areas(caller: Caller, roles: Sequence[str]) -> list[str]:
    """The areas of the caller's posts in *roles*, among those whose cases the caller sees."""
    mine = [area for post in caller.posts if post.role in roles for area in post.areas]
    return [area for area in seen_areas(caller) if area in mine]


async def _patrol(db: Any, task_id: str) -> Patrol:
    found = await sql.row(db, "patrol_for_update", Patrol, task_id)
    if found is None:
        raise NO_PATROL(task=task_id)
    return found


INSPECTORS: Final[Sequence[Any]] = (my_tasks, give_patrol, finish_patrol, list_patrols, report_positions, last_positions)
