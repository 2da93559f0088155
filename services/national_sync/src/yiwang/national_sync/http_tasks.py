"""Inspection tasks over HTTP: give, look, pass on, answer, return, press, close."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from litestar import get, post
from litestar.params import Parameter
from yiwang.contracts import Figure, MediaRef
from yiwang.kit import App, Caller, Context, Role, allow, answers
from yiwang.kit.files import NotHere

from . import errors, task_acts, task_store
from .task_store import StepRow, TaskRow
from .task_views import (
    Done,
    End,
    Given,
    Id,
    NewAnswer,
    NewTask,
    PassOn,
    Press,
    SendBack,
    TaskPage,
    TaskView,
    step_view,
    view,
)
from .tasks import Answer, TaskDoc

GIVERS: Final = (Role.LEADER, Role.SUPERVISOR, Role.ADMIN)
ANSWERERS: Final = (Role.LEADER, Role.SUPERVISOR, Role.SHIFT_LEADER)
READERS: Final = (*GIVERS, Role.SHIFT_LEADER, Role.EVALUATOR, Role.AUDITOR)


async def media_refs(app: App, media_ids: list[str], stage: str) -> tuple[MediaRef, ...]:
    """The files that belong to a task. Raises national_sync.no_media."""
    found: list[MediaRef] = []
    for media_id in dict.fromkeys(media_ids):
        try:
            found.append((await app.media.hold(media_id)).ref(stage))
        except NotHere:
            raise errors.NO_MEDIA(media=media_id[:64]) from None
    return tuple(found)


@post(
    "/sync/tasks",
    guards=[allow(*GIVERS)],
    responses=answers(errors.NOT_BELOW, errors.LATE_DEADLINE, errors.TASK_PERSONAL, errors.NO_MEDIA),
    opt={"idempotent": True},
)
async def issue(app: App, caller: Caller, data: NewTask) -> Given:
    """Give a task to nodes below: it is there as soon as the link is, and they answer."""
    caller.require(GIVERS, app.node.jurisdiction)
    doc = TaskDoc(
        kind=data.kind,
        title=data.title,
        content_masked=data.content,
        issuer=app.node.jurisdiction,
        remind_before_s=int(data.remind_before_hours * 3600),
        figures_wanted=tuple(data.figures_wanted),
        case_nos=tuple(data.case_nos),
        media=await media_refs(app, data.media_ids, "task"),
    )

    async def act(ctx: Context) -> list[str]:
        return await task_acts.give(ctx, data.to, doc, data.feedback_due)

    return Given(await app.act(caller, act))


@get("/sync/tasks", guards=[allow(*READERS)])
async def listed(
    app: App,
    side: Literal["", "given", "received"] = "",
    task_state: Literal["", "open", "answered", "returned", "closed"] = "",
    peer: Annotated[str, Parameter(pattern=r"^[\w:.-]{0,64}$")] = "",
    overdue: bool = False,
    offset: Annotated[int, Parameter(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> list[TaskView]:
    """Tasks that this node gave or received, the newest first."""
    rows = await task_store.sql.rows(app.pool, "tasks", TaskRow, side, task_state, peer, overdue, limit, offset)
    return [view(row) for row in rows]


@get("/sync/tasks/{task_id:str}", guards=[allow(*READERS)], responses=answers(errors.NO_TASK))
async def shown(app: App, task_id: Id) -> TaskPage:
    """One task with all its steps and the shares of nodes below."""
    sides = await task_store.sql.rows(app.pool, "sides", TaskRow, task_id)
    if not sides:
        raise errors.NO_TASK(task=task_id[:64])
    row = sides[-1]
    steps = await task_store.sql.rows(app.pool, "steps", StepRow, task_id, row.side)
    return TaskPage(
        task=view(row),
        steps=[step_view(one) for one in steps],
        shares=[view(one) for one in await task_store.sql.rows(app.pool, "shares", TaskRow, task_id)],
    )


@post(
    "/sync/tasks/{task_id:str}/pass-on",
    guards=[allow(*GIVERS)],
    responses=answers(errors.NO_TASK, errors.TASK_STATE, errors.NOT_BELOW, errors.LATE_DEADLINE, errors.TASK_PERSONAL),
    opt={"idempotent": True},
)
async def pass_on(app: App, caller: Caller, task_id: Id, data: PassOn) -> Given:
    """Split a received task into shares for nodes below (转办)."""
    caller.require(GIVERS, app.node.jurisdiction)

    async def act(ctx: Context) -> list[str]:
        row = await task_acts.held(ctx, task_id, "received", "pass_on")
        doc = msgspec.structs.replace(row.says, content_masked=data.content) if data.content else None
        return await task_acts.pass_on(ctx, task_id, data.to, doc, data.feedback_due)

    return Given(await app.act(caller, act))


@post(
    "/sync/tasks/{task_id:str}/feedback",
    guards=[allow(*ANSWERERS)],
    responses=answers(
        errors.NO_TASK, errors.TASK_STATE, errors.SHARES_OPEN, errors.FIGURES_MISSING, errors.TASK_PERSONAL,
        errors.NO_MEDIA,
    ),
    opt={"idempotent": True},
)  # fmt: skip
async def feed_back(app: App, caller: Caller, task_id: Id, data: NewAnswer) -> Done:
    """Answer a received task, with what the nodes below contributed."""
    caller.require(ANSWERERS, app.node.jurisdiction)
    figures = tuple(Figure(code=f.code, value=f.value, unit=f.unit, period=f.period) for f in data.figures)
    media = await media_refs(app, data.media_ids, "task")
    said = Answer(result=data.result, summary_masked=data.summary, figures=figures, media=media)

    async def act(ctx: Context) -> Done:
        event = await task_acts.answer(ctx, task_id, said, although_open=data.although_open)
        return Done("answered", event.round)

    return await app.act(caller, act)


@post(
    "/sync/tasks/{task_id:str}/return",
    guards=[allow(*GIVERS)],
    responses=answers(errors.NO_TASK, errors.TASK_STATE, errors.LATE_DEADLINE, errors.TASK_PERSONAL),
    opt={"idempotent": True},
)
async def send_back(app: App, caller: Caller, task_id: Id, data: SendBack) -> Done:
    """Return an answered task for rework."""
    caller.require(GIVERS, app.node.jurisdiction)

    async def act(ctx: Context) -> Done:
        return Done("returned", await task_acts.send_back(ctx, task_id, data.opinion, data.feedback_due))

    return await app.act(caller, act)


@post(
    "/sync/tasks/{task_id:str}/remind",
    guards=[allow(*GIVERS)],
    responses=answers(errors.NO_TASK, errors.TASK_STATE, errors.TASK_PERSONAL),
    opt={"idempotent": True},
)
async def press(app: App, caller: Caller, task_id: Id, data: Press) -> Done:
    """Press for an answer (催办)."""
    caller.require(GIVERS, app.node.jurisdiction)

    async def act(ctx: Context) -> Done:
        await task_acts.press(ctx, task_id, data.opinion)
        row = await task_acts.held(ctx, task_id, "given", "remind")
        return Done(row.state, row.round)

    return await app.act(caller, act)


@post(
    "/sync/tasks/{task_id:str}/close",
    guards=[allow(*GIVERS)],
    responses=answers(errors.NO_TASK, errors.TASK_STATE, errors.TASK_PERSONAL),
    opt={"idempotent": True},
)
async def close(app: App, caller: Caller, task_id: Id, data: End) -> Done:
    """End a task that this node gave; the shares below end with it."""
    caller.require(GIVERS, app.node.jurisdiction)

    async def act(ctx: Context) -> Done:
        row = await task_acts.held(ctx, task_id, "given", "close")
        await task_acts.end(ctx, task_id, data.result, data.opinion)
        return Done("closed", row.round)

    return await app.act(caller, act)


TASKS: Final = (issue, listed, shown, pass_on, feed_back, send_back, press, close)
