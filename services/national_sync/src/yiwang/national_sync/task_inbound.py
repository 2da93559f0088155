"""An upper platform's tasks that came in by the exchange, as if a node above had given them."""

from __future__ import annotations

from typing import Final

from yiwang.contracts import TASK_KINDS, Event
from yiwang.kit import Context

from . import task_store
from .payloads import Payload
from .profile import Refused
from .task_acts import PLATFORM
from .task_handlers import ended, pressed, receive, taken_back
from .task_records import read_task
from .tasks import TaskDoc

ACTIONS: Final = ("assign", "return", "remind", "close")


async def take_task(ctx: Context, platform: str, payload: Payload) -> list[Event]:
    """Do what the platform says of its task. Its number is kept: the answer goes out under it."""
    task = read_task(payload)
    if task.action == "assign":
        doc = TaskDoc(
            kind=task.kind if task.kind in TASK_KINDS else "arrange",
            title=task.title,
            content_masked=task.content,
            issuer=task.issuer or platform,
            figures_wanted=task.figures_wanted,
            case_nos=task.case_nos,
        )
        return await receive(ctx, PLATFORM + platform, task.task_id, task.task_id, "", task.feedback_due, doc)
    if await task_store.locked(ctx.tx, task.task_id, "received") is None:
        raise Refused(f"本级没有任务 {task.task_id}：请先下达任务，再{task.action}")
    if task.action == "return":
        return await taken_back(ctx, task.task_id, task.round, task.opinion, task.feedback_due)
    if task.action == "remind":
        return await pressed(ctx, task.task_id, task.opinion)
    return await ended(ctx, task.task_id, task.result, task.opinion)
