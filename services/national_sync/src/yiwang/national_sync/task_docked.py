"""Tasks for places with another maker's platform: told by the exchange as `task` records, answered by `task_feedback` records.

The platform file that takes them there names the places in `areas` and `task` among its `records`; pushed or as files.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    Actor,
    Event,
    Figure,
    TaskAssigned,
    TaskClosed,
    TaskFeedback,
    TaskReminded,
    TaskReturned,
    areas,
)
from yiwang.kit import App, Context

from . import task_store
from .links import Link, Links
from .payloads import Payload, filled
from .profile import Refused
from .protocol import Envelope
from .records import Record
from .store import add_records
from .tasks import names_a_person

TASK: Final = "task"
ANSWER: Final = "task_feedback"
ACTION: Final[dict[type[Any], str]] = {TaskAssigned: "assign", TaskReturned: "return", TaskReminded: "remind", TaskClosed: "close"}
"""What we say of a task → the record's `action`; the same words in which an upper platform's tasks come to us"""
SAME: Final = (
    "task_id",
    "round",
    "kind",
    "title",
    "figures_wanted",
    "case_nos",
    "issuer",
    "feedback_due",
    "opinion",
    "result",
)
FIGURE: Final = re.compile(
    r"([^\s=]{1,64})=([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)((?:[^@\d.][^@]{0,15})?)(?:@(\d{4}(?:-\d{2}(?:-\d{2})?|Q[1-4])?))?\Z"
)
"""``checked=120个@2026-11``, as `task_feedback` records write it"""
RESULTS: Final = ("done", "partly", "impossible")
SUMMARY_MAX: Final = 4000


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What another maker's platform answers."""

    task_id: str
    result: str
    summary: str
    round: int = 1
    figures: tuple[str, ...] = ()


def way_to(app: App, code: str) -> Link | None:
    """How tasks reach the docked place *code*; None where no platform file takes them there."""
    for link in app.get(Links).outgoing:
        platform = link.platform
        if TASK in platform.records and any(areas.contains(area, code) for area in platform.areas):
            return link
    return None


async def tell(ctx: Context, *events: Event) -> None:
    """Queue for the exchange what *events* say of a task to a docked place; words to nodes of ours travel as events."""
    for event in events:
        if not isinstance(event, tuple(ACTION)) or not _docked(ctx.app, event.addressee):
            continue
        if link := way_to(ctx.app, event.addressee):
            now = ctx.now()
            await add_records(ctx.tx, [(_record(ctx, event), "")], [(link.platform.name, TASK)], now)


def _docked(app: App, code: str) -> bool:
    node = app.mesh.page.by_code.get(code) if app.mesh else None
    return node is None or node.docked


def _record(ctx: Context, event: Any) -> Record:
    now, action = ctx.now(), ACTION[type(event)]
    said = {name: getattr(event, name) for name in SAME if hasattr(event, name)}
    payload = said | {"action": action, "content": getattr(event, "content_masked", None)}
    return Record(
        record_id=f"task/{event.task_id}/{event.round}/{action}/{int(now.timestamp() * 1000)}", kind=TASK, case_id="",
        district=event.addressee, occurred_at=now, payload=filled(payload),
    )  # fmt: skip


async def take_answer(ctx: Context, platform: str, record: Envelope, payload: Payload) -> TaskFeedback:
    """The answer of a docked place, as the event of a node below. Raises Refused with a sentence for its people."""
    try:
        said = msgspec.convert(payload, Answered, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(f"任务反馈看不懂：{error}") from error
    if said.result not in RESULTS or not 0 < len(said.summary) <= SUMMARY_MAX:
        raise Refused(f"任务反馈应有 summary（不超过 {SUMMARY_MAX} 字），result 应为 {'、'.join(RESULTS)} 之一")
    if names_a_person(said.summary):
        raise Refused("任务反馈里有手机号码或身份证号码，请删去后重发")
    row = await task_store.locked(ctx.tx, said.task_id, "given")
    if row is None or row.peer != record.district:
        raise Refused(f"本级没有布置给 {record.district} 的任务 {said.task_id[:100]}")
    if record.occurred_at > ctx.now():
        raise Refused("occurred_at 在将来：请核对贵方时钟，反馈是否按时以它为准")
    return TaskFeedback(
        task_id=said.task_id, round=said.round, result=said.result, summary_masked=said.summary,
        figures=tuple(_figure(text) for text in said.figures), occurred_at=record.occurred_at,
        jurisdiction=record.district, actor=Actor(role="system", kind="docked", via=platform),
    )  # fmt: skip


def _figure(text: str) -> Figure:
    found = FIGURE.match(text)
    if not found:
        raise Refused(f"指标 {text[:60]!r} 应写成 指标=数值单位@期间，例如 checked=120个@2026-11")
    code, value, unit, period = found.groups()
    return Figure(code=code, value=float(value), unit=unit, period=period or "")
