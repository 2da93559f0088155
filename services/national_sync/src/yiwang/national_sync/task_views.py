"""What people send and see about inspection tasks."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
from litestar.params import Parameter
from yiwang.contracts import TaskShare

from .task_store import StepLine, StepRow, TaskLine, TaskRow
from .tasks import TaskDoc

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
Note = Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[^\x00]*$")]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x20]+$")]
Area = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}[0-9A-Z]{2,5}$")]
When = Annotated[dt.datetime, msgspec.Meta(tz=True)]
Id = Annotated[str, Parameter(pattern=r"^[\w.:/-]{1,100}$")]
Nodes = Annotated[list[Area], msgspec.Meta(min_length=1, max_length=200)]


class NewTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """布置, 转办, 督办 or 限时反馈 for one or several nodes right below."""

    to: Nodes
    kind: Literal["arrange", "refer", "supervise", "report"]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    content: Text
    feedback_due: When | None = None
    remind_before_hours: Annotated[float, msgspec.Meta(ge=0, le=720)] = 24
    figures_wanted: Annotated[list[Word], msgspec.Meta(max_length=50)] = []
    case_nos: Annotated[list[Word], msgspec.Meta(max_length=200)] = []
    media_ids: Annotated[list[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]], msgspec.Meta(max_length=20)] = []


class PassOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom below it is split to; in the upper tier's words unless *content* says it anew."""

    to: Nodes
    content: Note = ""
    feedback_due: When | None = None


class Given(msgspec.Struct, frozen=True):
    """Ids of the tasks that were given, in the order of the nodes."""

    task_ids: list[str]


class FigureGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    code: Word
    value: Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
    unit: Annotated[str, msgspec.Meta(max_length=16, pattern=r"^[^\x00]*$")] = ""
    period: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}(-\d{2}(-\d{2})?|Q[1-4])?)?$")] = ""


class NewAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The answer of this node; *although_open*: although nodes below have not answered yet."""

    result: Literal["done", "partly", "impossible"]
    summary: Text
    figures: Annotated[list[FigureGiven], msgspec.Meta(max_length=200)] = []
    media_ids: Annotated[list[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]], msgspec.Meta(max_length=20)] = []
    although_open: bool = False


class SendBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    opinion: Text
    feedback_due: When | None = None


class Press(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    opinion: Note = ""


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    result: Literal["done", "partly", "impossible", "withdrawn"]
    opinion: Note = ""


class Done(msgspec.Struct, frozen=True):
    state: str
    round: int


class TaskView(TaskLine, frozen=True, kw_only=True):
    """A task in one of this node's roles."""

    says: TaskDoc
    share: TaskShare | None


class StepView(StepLine, frozen=True, kw_only=True):
    body: Any


class TaskPage(msgspec.Struct, frozen=True, kw_only=True):
    """A task with what happened to it and what the nodes below contributed."""

    task: TaskView
    steps: list[StepView]
    shares: list[TaskView]


def view(row: TaskRow) -> TaskView:
    """The row as the API shows it."""
    return TaskView(**_same(row, TaskLine), says=row.says, share=row.contributed)


def step_view(row: StepRow) -> StepView:
    """The step as the API shows it: without the person."""
    return StepView(**_same(row, StepLine), body=msgspec.json.decode(row.body))


def _same(row: msgspec.Struct, line: type[msgspec.Struct]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in line.__struct_fields__}
