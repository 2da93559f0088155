"""Inspection tasks of nation, province and city (监督检查: 统筹布置、按责转办、重点督办、限时反馈), tier by tier."""

from __future__ import annotations

from typing import ClassVar

from ._event import Event, Flow
from ._types import MediaRef, Moment, Value

__all__ = [
    "TASK_KINDS", "Figure", "TaskAssigned", "TaskClosed", "TaskEvent", "TaskFeedback", "TaskReceived", "TaskReminded",
    "TaskReturned", "TaskShare",
]  # fmt: skip

TASK_KINDS = ("arrange", "refer", "supervise", "report")
"""布置, 转办, 督办, 限时反馈"""


class Figure(Value, frozen=True, kw_only=True):
    """A number that was asked for, or that is given back."""

    code: str
    """What is counted, a word of the issuer's list"""
    value: float
    """The number"""
    unit: str = ""
    """Its unit, e.g. 件 or %"""
    period: str = ""
    """Of which day, month, quarter or year: 2026-11-23, 2026-11, 2026Q4 or 2026"""


class TaskShare(Value, frozen=True, kw_only=True):
    """What one node below contributed to a feedback."""

    jurisdiction: str
    """Area code of the node below"""
    task_id: str
    """Its sub-task"""
    result: str = ""
    """done, partly, impossible, or empty while nothing came"""
    summary_masked: str = ""
    """Its answer in an officer's words"""
    figures: tuple[Figure, ...] = ()
    """Its numbers"""
    timeliness: str = ""
    """on_time or overdue; empty where nothing was due or nothing came"""
    fed_back_at: Moment | None = None
    """When it answered"""


class TaskEvent(Event, frozen=True, kw_only=True):
    """Something about one task between two neighbouring tiers; `task_id` is the order key."""

    task_id: str
    """The task between this giver and this receiver"""
    round: int = 1
    """1 + how often it was returned for rework"""

    @property
    def key(self) -> str:
        return self.task_id


class TaskAssigned(TaskEvent, frozen=True, kw_only=True, tag="task.assigned.v1"):
    """A tier gives a task to a node below (任务布置), or passes one on that it was given itself (任务转办)."""

    flow: ClassVar[Flow] = "down"

    root_task_id: str
    """The task as the first issuer gave it"""
    parent_task_id: str = ""
    """The task that was split; empty at the first issuer"""
    issuer: str
    """Area code or platform of the first issuer"""
    kind: str
    """arrange, refer, supervise or report, see TASK_KINDS"""
    title: str
    """What it is called"""
    content_masked: str
    """What is to be done, in an officer's words, without personal data"""
    feedback_due: Moment | None = None
    """Until when an answer is asked for; none: no answer is due"""
    remind_before_s: int = 86400
    """Seconds before the deadline at which the receiver is reminded"""
    figures_wanted: tuple[str, ...] = ()
    """Codes of the numbers that the answer must have"""
    case_nos: tuple[str, ...] = ()
    """Cases that it is about"""
    media: tuple[MediaRef, ...] = ()
    """Documents and photos that belong to it"""


class TaskReceived(TaskEvent, frozen=True, kw_only=True, tag="task.received.v1"):
    """The receiver's node has the task (任务签收)."""


class TaskReminded(TaskEvent, frozen=True, kw_only=True, tag="task.reminded.v1"):
    """The giver presses for an answer (催办)."""

    flow: ClassVar[Flow] = "down"

    reason: str
    """overdue (by the clock) or person"""
    opinion: str = ""
    """What the giver says to it"""


class TaskFeedback(TaskEvent, frozen=True, kw_only=True, tag="task.feedback.v1"):
    """The receiver answers (任务反馈), with what the nodes below contributed."""

    result: str
    """done, partly or impossible"""
    summary_masked: str
    """The answer in an officer's words, without personal data"""
    figures: tuple[Figure, ...] = ()
    """The numbers that were asked for"""
    media: tuple[MediaRef, ...] = ()
    """Photos and documents"""
    timeliness: str = ""
    """on_time or overdue by the receiver's clock; empty where nothing was due"""
    shares: tuple[TaskShare, ...] = ()
    """What each node below contributed"""


class TaskReturned(TaskEvent, frozen=True, kw_only=True, tag="task.returned.v1"):
    """The giver isn't content (任务退回重办); `round` is the new one."""

    flow: ClassVar[Flow] = "down"

    opinion: str
    """Why, and what is missing"""
    feedback_due: Moment | None = None
    """The new deadline; none: the old one stays"""


class TaskClosed(TaskEvent, frozen=True, kw_only=True, tag="task.closed.v1"):
    """The giver ends the task (任务办结), with or without an answer."""

    flow: ClassVar[Flow] = "down"

    result: str
    """done, partly, impossible or withdrawn"""
    opinion: str = ""
    """What the giver says to it"""
