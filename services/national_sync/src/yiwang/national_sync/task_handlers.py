"""Tasks that arrive from above, answers that arrive from below, and their deadlines."""

from __future__ import annotations

import datetime as dt
from typing import Final

from msgspec.structs import replace
from yiwang.contracts import (
    Event,
    NoticeRequested,
    TaskAssigned,
    TaskClosed,
    TaskFeedback,
    TaskReceived,
    TaskReminded,
    TaskReturned,
    TaskShare,
)
from yiwang.kit import Context, Retry, Role, Scope, Timer

from . import task_docked, task_store
from .payloads import SHANGHAI
from .service import service
from .task_acts import DUE, REMIND, actor_of, closed, event_body, unwatch, watch
from .task_store import TaskRow
from .tasks import NEXT, TaskDoc, timeliness

WORDS: Final = {
    "assigned": "收到上级任务",
    "returned": "上级退回重办",
    "reminded": "上级催办",
    "answered": "下级已反馈",
    "due_soon": "任务即将到期",
    "overdue": "任务已超期",
}


def notice(ctx: Context, row: TaskRow, what: str, say: str = "") -> NoticeRequested:
    """Tell the supervisors of this node about a task."""
    due = row.feedback_due.astimezone(SHANGHAI) if row.feedback_due else None
    until = f"反馈期限 {due:%Y年%m月%d日 %H:%M}" if due else "未规定反馈期限"
    return NoticeRequested(
        business_id=f"task/{row.task_id}/{row.side}/{what}",
        version=row.round,
        template="message",
        audience=f"{Role.SUPERVISOR}@{ctx.node.jurisdiction}",
        params={"title": f"{WORDS[what]}：{row.says.title}", "text": "；".join(filter(None, (until, row.peer, say)))},
    )


async def receive(
    ctx: Context, peer: str, task_id: str, root: str, parent: str, due: dt.datetime | None, doc: TaskDoc
) -> list[Event]:
    """A task from above is here: keep it, watch its deadline, tell the leader."""
    if not await task_store.add(ctx, "received", task_id, peer, root, parent, due, doc, actor_of(ctx)):
        return []
    await watch(ctx, task_id, "received", due, doc)
    row = await task_store.locked(ctx.tx, task_id, "received")
    assert row is not None
    return [notice(ctx, row, "assigned")]


@service.on(TaskAssigned)
async def task_assigned(event: TaskAssigned, ctx: Context) -> list[Event]:
    """The node above gives us a task; our own, to nodes below, we know already."""
    if event.addressee != ctx.node.jurisdiction or event.jurisdiction == ctx.node.jurisdiction:
        return []
    doc = TaskDoc(**{name: getattr(event, name) for name in TaskDoc.__struct_fields__})
    told = await receive(
        ctx, event.jurisdiction, event.task_id, event.root_task_id, event.parent_task_id, event.feedback_due, doc
    )
    return [TaskReceived(task_id=event.task_id, round=event.round), *told] if told else []


@service.on(TaskReturned)
async def task_returned(event: TaskReturned, ctx: Context) -> list[Event]:
    """The node above wants it done again."""
    return await taken_back(ctx, event.task_id, event.round, event.opinion, event.feedback_due)


async def taken_back(ctx: Context, task_id: str, number: int, opinion: str, due: dt.datetime | None) -> list[Event]:
    """The received task goes into another round; one that isn't here yet is waited for."""
    row = await _known(ctx, task_id)
    if row.state == "closed" or number <= row.round:
        return []
    row = replace(row, state="returned", round=number, overdue=False, feedback_due=due or row.feedback_due)
    await task_store.save(ctx, row)
    await task_store.step(ctx, task_id, "received", "return", actor_of(ctx), number, {"opinion": opinion, "due": due})
    await watch(ctx, task_id, "received", row.feedback_due, row.says)
    return [notice(ctx, row, "returned", opinion)]


@service.on(TaskReminded)
async def task_reminded(event: TaskReminded, ctx: Context) -> list[Event]:
    """The node above presses."""
    return await pressed(ctx, event.task_id, event.opinion)


async def pressed(ctx: Context, task_id: str, opinion: str) -> list[Event]:
    """The received task is pressed for: it is noted and the leader is told."""
    row = await _known(ctx, task_id)
    if row.state == "closed":
        return []
    await task_store.step(ctx, task_id, "received", "remind", actor_of(ctx), row.round, {"opinion": opinion})
    return [notice(ctx, row, "reminded", opinion)]


@service.on(TaskClosed)
async def task_closed(event: TaskClosed, ctx: Context) -> list[Event]:
    """The node above ends it; so do we with the shares that we gave."""
    return await ended(ctx, event.task_id, event.result, event.opinion)


async def ended(ctx: Context, task_id: str, result: str, opinion: str) -> list[Event]:
    """The received task is over, and with it the shares that are still open below."""
    row = await _known(ctx, task_id)
    if row.state == "closed":
        return []
    await task_store.save(ctx, replace(row, state="closed"))
    body = {"result": result, "opinion": opinion}
    await task_store.step(ctx, task_id, "received", "close", actor_of(ctx), row.round, body)
    await unwatch(ctx, row)
    said: list[Event] = []
    for share in await task_store.sql.rows(ctx.tx, "lock_shares", TaskRow, task_id):
        if share.state != "closed":
            said += await closed(ctx, share, result, "上级已办结")
    return said


async def _known(ctx: Context, task_id: str) -> TaskRow:
    row = await task_store.locked(ctx.tx, task_id, "received")
    if row is None:
        raise Retry(f"the task {task_id} isn't here yet", after=5)
    return row


@service.on(TaskReceived, scope=Scope.SUBTREE)
async def task_received(event: TaskReceived, ctx: Context) -> None:
    """A node below has our task."""
    row = await task_store.locked(ctx.tx, event.task_id, "given")
    if row is None or row.peer != event.jurisdiction:
        return
    if not await task_store.sql.value(ctx.tx, "has_step", event.task_id, "given", "receive", event.round):
        await task_store.step(ctx, event.task_id, "given", "receive", event.actor, event.round, {}, event.occurred_at)


@service.on(TaskFeedback, scope=Scope.SUBTREE)
async def task_feedback(event: TaskFeedback, ctx: Context) -> list[Event]:
    """A node below answers a task of ours; one of an older round is noted and changes nothing.

    What counts is when it was answered, not when it came: a cut link makes nobody late.
    """
    row = await task_store.locked(ctx.tx, event.task_id, "given")
    if row is None or row.peer != event.jurisdiction:
        return []
    at = event.occurred_at
    known = row.contributed
    if known is not None and known.fed_back_at == at and (row.state, row.round) == ("answered", event.round):
        return []  # said again after a long cut
    await task_store.step(ctx, row.task_id, "given", "feedback", event.actor, event.round, event_body(event), at)
    if event.round != row.round or ("given", row.state, "feedback") not in NEXT:
        return []
    judged = timeliness(at, row.feedback_due)
    share = TaskShare(
        jurisdiction=event.jurisdiction,
        task_id=event.task_id,
        result=event.result,
        summary_masked=event.summary_masked,
        figures=event.figures,
        timeliness=judged,
        fed_back_at=at,
    )
    await task_store.save(ctx, replace(row, state="answered", overdue=judged == "overdue"), share)
    await unwatch(ctx, row)
    return [notice(ctx, row, "answered", event.summary_masked)]


@service.timer(REMIND)
async def remind(timer: Timer, ctx: Context) -> list[Event]:
    """The deadline of a received task is near."""
    row = await _of_timer(timer, ctx)
    return [notice(ctx, row, "due_soon")] if row else []


@service.timer(DUE)
async def due(timer: Timer, ctx: Context) -> list[Event]:
    """The deadline has passed without an answer: both sides mark it, the giver presses."""
    row = await _of_timer(timer, ctx)
    if row is None:
        return []
    await task_store.save(ctx, replace(row, overdue=True))
    await task_store.step(ctx, row.task_id, row.side, "overdue", actor_of(ctx), row.round, {})
    said: list[Event] = [notice(ctx, row, "overdue")]
    if row.side == "given":
        pressing = TaskReminded(addressee=row.peer, task_id=row.task_id, round=row.round, reason="overdue")
        await task_docked.tell(ctx, pressing)
        said.append(pressing)
    return said


async def _of_timer(timer: Timer, ctx: Context) -> TaskRow | None:
    task_id, _, side = timer.key.rpartition("/")
    row = await task_store.locked(ctx.tx, task_id, "given" if side == "given" else "received")
    return row if row is not None and row.state in ("open", "returned") else None
