"""Rows of tasks and their steps."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
from yiwang.contracts import Actor, TaskShare
from yiwang.kit import Context, Sql

from .tasks import Side, TaskDoc

sql: Final = Sql("yiwang.national_sync", "tasks.sql")


class TaskLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the row of a task and its view say alike; `peer` is the node or platform at the other end."""

    task_id: str
    side: str
    peer: str
    root_task_id: str
    parent_task_id: str
    state: str
    overdue: bool
    round: int
    feedback_due: dt.datetime | None
    created_at: dt.datetime
    updated_at: dt.datetime


class TaskRow(TaskLine, frozen=True, kw_only=True):
    doc: str
    share: str | None

    @property
    def says(self) -> TaskDoc:
        return msgspec.json.decode(self.doc, type=TaskDoc)

    @property
    def contributed(self) -> TaskShare | None:
        return msgspec.json.decode(self.share, type=TaskShare) if self.share else None


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the row of a step and its view say alike."""

    side: str
    n: int
    at: dt.datetime
    action: str
    role: str
    unit_id: str
    round: int


class StepRow(StepLine, frozen=True, kw_only=True):
    task_id: str
    person: str
    body: str


async def add(
    ctx: Context,
    side: Side,
    task_id: str,
    peer: str,
    root: str,
    parent: str,
    due: dt.datetime | None,
    doc: TaskDoc,
    actor: Actor,
) -> bool:
    """Store a new task with its first step; False when it is there already."""
    text = msgspec.json.encode(doc).decode()
    done = await sql.run(ctx.tx, "add_task", task_id, side, peer, root, parent, due, ctx.now(), text)
    if done == "INSERT 0 0":
        return False
    await step(ctx, task_id, side, "assign", actor, 1, {"feedback_due": due})
    return True


async def locked(tx: Any, task_id: str, side: Side) -> TaskRow | None:
    return await sql.row(tx, "lock_task", TaskRow, task_id, side)


async def save(ctx: Context, row: TaskRow, share: TaskShare | None = None) -> None:
    """Write *row*'s state."""
    text = msgspec.json.encode(share).decode() if share else None
    await sql.run(
        ctx.tx, "set_task", row.task_id, row.side, row.state, row.overdue, row.round, row.feedback_due, text, ctx.now()
    )  # fmt: skip


async def step(
    ctx: Context,
    task_id: str,
    side: str,
    action: str,
    actor: Actor,
    number: int,
    body: Any,
    at: dt.datetime | None = None,
) -> None:
    """Append what happened, by whom."""
    await sql.run(
        ctx.tx, "add_step", task_id, side, at or ctx.now(), action, actor.role, actor.unit_id, actor.person_ref, number,
        msgspec.json.encode(body).decode(),
    )  # fmt: skip
