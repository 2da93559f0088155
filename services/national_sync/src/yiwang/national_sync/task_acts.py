"""What people do with tasks: issue, pass on, answer, return, press, close. Each is one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from yiwang.contracts import (
    Actor,
    Event,
    TaskAssigned,
    TaskClosed,
    TaskFeedback,
    TaskReminded,
    TaskReturned,
    TaskShare,
    areas,
)
from yiwang.kit import App, Context, derived_id

from . import errors, task_docked, task_store
from .links import Links
from .store import add_records
from .task_records import feedback_record
from .task_store import TaskRow
from .tasks import NEXT, Answer, Side, TaskDoc, collected, lacking, names_a_person, timeliness

DUE, REMIND = "task_due", "task_remind"
"""Kinds of timers"""
FARTHEST = 10
"""Years that a deadline may lie ahead"""
PLATFORM = "platform:"
"""How a peer begins that is a platform of the exchange rather than a node"""


def require_below(app: App, code: str) -> None:
    """Only a node right below can be given a task. Raises the Problem national_sync.not_below."""
    if app.mesh is None:
        own = app.node.jurisdiction
        if code == own or not areas.contains(own, code):
            raise errors.NOT_BELOW(area=code[:20], why="不在本级辖区之内")
        return
    child = next((node for node in app.mesh.children if node.code == code), None)
    if child is None:
        listed = "、".join(node.code for node in app.mesh.children) or "没有"
        raise errors.NOT_BELOW(area=code[:20], why=f"不是本级的直接下级，直接下级有：{listed}")
    if child.docked and task_docked.way_to(app, code) is None:
        why = "该地使用其他厂商的平台，没有登记接收任务的数据交换：请管理员在 sync/*.toml 中登记（areas 和 records.task），或发文布置"
        raise errors.NOT_BELOW(area=code[:20], why=why)


async def give(
    ctx: Context, to: Sequence[str], doc: TaskDoc, due: dt.datetime | None, *, source: TaskRow | None = None
) -> list[str]:
    """Give *doc* to each of the nodes *to*, as shares of the received task *source* or as a task of our own.

    Returns the ids of the tasks. Raises national_sync.not_below, .task_has_personal_data and .late_deadline.
    """
    refuse_personal(doc.title, doc.content_masked)
    refuse_deadline(ctx.now(), due)
    if source is not None and source.feedback_due is not None and (due is None or due > source.feedback_due):
        raise errors.LATE_DEADLINE(why=f"不能晚于上级给本级的期限 {source.feedback_due.isoformat()}")
    found: list[str] = []
    for code in dict.fromkeys(to):
        require_below(ctx.app, code)
        task_id = derived_id(ctx.parent, f"task/{code}")
        root = source.root_task_id if source else task_id
        parent = source.task_id if source else ""
        await task_store.add(ctx, "given", task_id, code, root, parent, due, doc, actor_of(ctx))
        await watch(ctx, task_id, "given", due, doc)
        await say(ctx, assigned(doc, code, task_id, root, parent, due))
        found.append(task_id)
    return found


def assigned(doc: TaskDoc, to: str, task_id: str, root: str, parent: str, due: dt.datetime | None) -> TaskAssigned:
    fields: dict[str, Any] = {name: getattr(doc, name) for name in doc.__struct_fields__}
    return TaskAssigned(
        addressee=to, task_id=task_id, root_task_id=root, parent_task_id=parent, feedback_due=due, **fields
    )


def refuse_personal(*texts: str) -> None:
    """Raises national_sync.task_has_personal_data: texts of tasks travel between tiers."""
    if names_a_person(*texts):
        raise errors.TASK_PERSONAL()


def refuse_deadline(now: dt.datetime, due: dt.datetime | None) -> None:
    """Raises national_sync.late_deadline for one that has passed, or that nobody will live to see."""
    if due is not None and due <= now:
        raise errors.LATE_DEADLINE(why="反馈期限已经过去")
    if due is not None and due.year > now.year + FARTHEST:
        raise errors.LATE_DEADLINE(why=f"反馈期限在 {FARTHEST} 年以后")


def actor_of(ctx: Context) -> Actor:
    """Who acts in this transaction."""
    return ctx.actor or (ctx.event.actor if ctx.event else Actor(role="system", kind="system"))


async def watch(ctx: Context, task_id: str, side: Side, due: dt.datetime | None, doc: TaskDoc) -> None:
    """Set the clock of a task: a reminder for the receiver, the deadline for both."""
    key = f"{task_id}/{side}"
    await ctx.cancel_timer(DUE, key)
    await ctx.cancel_timer(REMIND, key)
    if due is None:
        return
    await ctx.set_timer(DUE, key, due + dt.timedelta(milliseconds=1))
    remind = due - dt.timedelta(seconds=doc.remind_before_s)
    if side == "received" and remind > ctx.now():
        await ctx.set_timer(REMIND, key, remind)


async def unwatch(ctx: Context, row: TaskRow) -> None:
    """Nothing is due any more."""
    for kind in (DUE, REMIND):
        await ctx.cancel_timer(kind, f"{row.task_id}/{row.side}")


async def held(ctx: Context, task_id: str, side: Side, action: str) -> TaskRow:
    """The task, held, if *action* may be done with it. Raises national_sync.no_task and .task_state."""
    row = await task_store.locked(ctx.tx, task_id, side)
    if row is None:
        raise errors.NO_TASK(task=task_id[:64])
    if (side, row.state, action) not in NEXT:
        raise errors.TASK_STATE(state=errors.STATE_NAMES[row.state], action=errors.ACTION_NAMES[action])
    return row


async def pass_on(
    ctx: Context, task_id: str, to: Sequence[str], doc: TaskDoc | None, due: dt.datetime | None
) -> list[str]:
    """Split a received task into shares for nodes below; without *doc* in the words of the upper tier."""
    row = await held(ctx, task_id, "received", "pass_on")
    own = row.says
    says = replace(doc, issuer=own.issuer) if doc else own
    found = await give(ctx, to, says, due or row.feedback_due, source=row)
    await task_store.step(ctx, task_id, "received", "pass_on", actor_of(ctx), row.round, {"to": list(to)})
    return found


async def answer(ctx: Context, task_id: str, said: Answer, *, although_open: bool = False) -> TaskFeedback:
    """Answer a received task, with what the nodes below contributed so far.

    Raises national_sync.shares_open while shares are unanswered (unless *although_open*), .figures_missing and
    .task_has_personal_data.
    """
    row = await held(ctx, task_id, "received", "feedback")
    refuse_personal(said.summary_masked)
    rows = await task_store.sql.rows(ctx.tx, "shares", TaskRow, task_id)
    shares = [share_of(one) for one in rows]
    silent = [one.peer for one in rows if one.state in ("open", "returned")]
    if silent and not although_open:
        raise errors.SHARES_OPEN(nodes="、".join(silent))
    figures = collected(said.figures, shares)
    if said.result == "done" and (missing := lacking(row.says.figures_wanted, figures)):
        raise errors.FIGURES_MISSING(codes="、".join(missing))
    now = ctx.now()
    event = TaskFeedback(
        task_id=task_id,
        round=row.round,
        result=said.result,
        summary_masked=said.summary_masked,
        figures=figures,
        media=said.media,
        timeliness=timeliness(now, row.feedback_due),
        shares=tuple(shares),
    )
    await task_store.save(ctx, replace(row, state="answered", overdue=event.timeliness == "overdue"))
    await task_store.step(ctx, task_id, "received", "feedback", actor_of(ctx), row.round, event_body(event))
    await unwatch(ctx, row)
    if row.peer.startswith(PLATFORM):
        record = feedback_record(event, ctx.node.jurisdiction, now)
        await add_records(ctx.tx, [(record, "")], ctx.app.get(Links).wants, now)
    ctx.emit(event)
    return event


def share_of(row: TaskRow) -> TaskShare:
    """What the node below contributed, or that nothing came."""
    return row.contributed or TaskShare(jurisdiction=row.peer, task_id=row.task_id)


def event_body(event: TaskFeedback) -> dict[str, Any]:
    """What a feedback says, as a step keeps it."""
    names = ("result", "summary_masked", "figures", "media", "timeliness", "shares")
    return {name: getattr(event, name) for name in names}


async def send_back(ctx: Context, task_id: str, opinion: str, due: dt.datetime | None) -> int:
    """Return an answered task for rework; the new round."""
    row = await held(ctx, task_id, "given", "return")
    refuse_personal(opinion)
    refuse_deadline(ctx.now(), due)
    again = replace(row, state="returned", overdue=False, round=row.round + 1, feedback_due=due or row.feedback_due)
    await task_store.save(ctx, again)
    await task_store.step(ctx, task_id, "given", "return", actor_of(ctx), again.round, {"opinion": opinion, "due": due})
    if due is not None:
        await watch(ctx, task_id, "given", due, row.says)
    await say(
        ctx, TaskReturned(addressee=row.peer, task_id=task_id, round=again.round, opinion=opinion, feedback_due=due)
    )
    return again.round


async def press(ctx: Context, task_id: str, opinion: str) -> None:
    """Press for an answer (催办)."""
    row = await held(ctx, task_id, "given", "remind")
    refuse_personal(opinion)
    await task_store.step(ctx, task_id, "given", "remind", actor_of(ctx), row.round, {"opinion": opinion})
    await say(ctx, TaskReminded(addressee=row.peer, task_id=task_id, round=row.round, reason="person", opinion=opinion))


async def end(ctx: Context, task_id: str, result: str, opinion: str) -> None:
    """Close a task that was given, with its answer or (withdrawn) without one."""
    row = await held(ctx, task_id, "given", "close")
    refuse_personal(opinion)
    ctx.emit(*await closed(ctx, row, result, opinion))


async def closed(ctx: Context, row: TaskRow, result: str, opinion: str) -> list[Event]:
    """The given task *row* is over."""
    await task_store.save(ctx, replace(row, state="closed"))
    body = {"result": result, "opinion": opinion}
    await task_store.step(ctx, row.task_id, "given", "close", actor_of(ctx), row.round, body)
    await unwatch(ctx, row)
    said = TaskClosed(addressee=row.peer, task_id=row.task_id, round=row.round, result=result, opinion=opinion)
    await task_docked.tell(ctx, said)
    return [said]


async def say(ctx: Context, event: Event) -> None:
    """Tell whoever has the task: a node of ours hears the event, another maker's platform gets a record."""
    await task_docked.tell(ctx, event)
    ctx.emit(event)
