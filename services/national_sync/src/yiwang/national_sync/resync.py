"""After a cut that was longer than the streams keep: what else than cases both sides must say again (补传).

The cases themselves are dispatch's to tell. Here it is tasks and announced sets: what was answered above again, and,
once the node below has told everything, what was given below again. All of it is known by its own numbers, so that
hearing it twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import Parameter
from yiwang.contracts import (
    ConfigApplied,
    ConfigRefused,
    Event,
    ResyncAnswered,
    ResyncRequested,
    TaskClosed,
    TaskFeedback,
    TaskReceived,
    TaskReturned,
)
from yiwang.kit import App, Context, Role, Scope, Sql, allow

from .held import holding
from .service import service
from .task_acts import assigned
from .task_store import StepRow, TaskRow

sql: Final = Sql("yiwang.national_sync", "resync.sql")
MONTHS: Final = dt.timedelta(days=92)
"""Tasks that were closed so recently are told again, in case the node below thinks them open"""


class ResyncRow(msgspec.Struct, frozen=True, kw_only=True):
    """A node below that was asked to tell its cases again, and how many it told."""

    resync_id: str
    node: str
    since: dt.datetime
    reason: str
    asked_at: dt.datetime
    answered_at: dt.datetime | None
    cases: int


class SaidRow(msgspec.Struct, frozen=True, kw_only=True):
    set_name: str
    version: str
    digest: str
    state: str
    reason: str


@service.on(ResyncRequested, scope=Scope.SUBTREE)
async def requested(event: ResyncRequested, ctx: Context) -> list[Event]:
    """Keep what we asked for; answer what we are asked for, once per request."""
    own = ctx.node.jurisdiction
    if event.cursor:
        return []  # dispatch's own pages
    if event.jurisdiction == own:
        await sql.run(
            ctx.tx, "add_resync", event.resync_id, event.addressee, event.since, event.reason, event.occurred_at
        )
        return []
    return await _our_words(ctx, event.since) if event.addressee == own else []


async def _our_words(ctx: Context, since: dt.datetime) -> list[Event]:
    said: list[Event] = []
    for row in await sql.rows(ctx.tx, "received_open", TaskRow, since):
        said.append(TaskReceived(task_id=row.task_id, round=row.round))
        step = await sql.row(ctx.tx, "last_feedback", StepRow, row.task_id)
        if step is not None and row.state == "answered":
            body = msgspec.json.decode(step.body)
            known = {"task_id": row.task_id, "round": step.round, "occurred_at": step.at}
            facts = msgspec.convert(body | {"task_id": row.task_id, "round": step.round}, TaskFeedback)
            said.append(msgspec.structs.replace(facts, **known))
    for one in await sql.rows(ctx.tx, "said_of_config", SaidRow, since):
        if one.state == "applied":
            said.append(ConfigApplied(set_name=one.set_name, version=one.version, digest=one.digest))
        else:
            said.append(ConfigRefused(set_name=one.set_name, version=one.version, reason=one.reason))
    return [*said, await holding(ctx.tx)]


@service.on(ResyncAnswered, scope=Scope.SUBTREE)
async def answered(event: ResyncAnswered, ctx: Context) -> list[Event]:
    """The node below has told everything: give it again what may have been lost on the way down."""
    done = await sql.run(ctx.tx, "answered", event.resync_id, event.jurisdiction, event.occurred_at, event.cases)
    if done == "UPDATE 0":
        return []
    node, said = event.jurisdiction, list[Event]()
    for row in await sql.rows(ctx.tx, "given_open", TaskRow, node):
        said.append(assigned(row.says, node, row.task_id, row.root_task_id, row.parent_task_id, row.feedback_due))
        if row.round > 1:
            said.append(
                TaskReturned(
                    addressee=node,
                    task_id=row.task_id,
                    round=row.round,
                    opinion="补传：退回重办",
                    feedback_due=row.feedback_due,
                )
            )
    for row in await sql.rows(ctx.tx, "given_closed", TaskRow, node, ctx.now() - MONTHS):
        said.append(assigned(row.says, node, row.task_id, row.root_task_id, row.parent_task_id, row.feedback_due))
        said.append(TaskClosed(addressee=node, task_id=row.task_id, round=row.round, result="done", opinion="补传"))
    return said


@get("/sync/resyncs", guards=[allow(Role.ADMIN, Role.LEADER, Role.SUPERVISOR, Role.AUDITOR)])
async def resyncs(app: App, limit: Annotated[int, Parameter(ge=1, le=500)] = 100) -> list[ResyncRow]:
    """Nodes below that were asked to tell their cases again, the newest first."""
    return await sql.rows(app.pool, "resyncs", ResyncRow, limit)
