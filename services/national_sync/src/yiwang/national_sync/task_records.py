"""Tasks as records of the exchange: what the nation assigns comes in, what we answer goes out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from yiwang.contracts import TaskFeedback, areas

from .payloads import Payload, filled
from .records import Record


class InboundTask(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's word about one of its tasks, in our fields."""

    task_id: str
    action: str = "assign"
    """assign, return, remind or close"""
    kind: str = "arrange"
    title: str = ""
    content: str = ""
    issuer: str = ""
    feedback_due: dt.datetime | None = None
    figures_wanted: tuple[str, ...] = ()
    case_nos: tuple[str, ...] = ()
    opinion: str = ""
    result: str = "done"
    round: int = 1


def read_task(payload: Payload) -> InboundTask:
    """*payload* as a task. Raises msgspec.ValidationError for a field that doesn't fit."""
    return msgspec.convert(payload, InboundTask, strict=False)


def feedback_record(event: TaskFeedback, jurisdiction: str, now: dt.datetime) -> Record:
    """The record that answers a platform's task."""
    payload: dict[str, Any] = {
        "task_id": event.task_id,
        "round": event.round,
        "result": event.result,
        "summary": event.summary_masked,
        "figures": [f"{f.code}={f.value:g}{f.unit}" + (f"@{f.period}" if f.period else "") for f in event.figures],
        "media": [m.media_id for m in event.media],
        "timeliness": event.timeliness,
        "answered_at": now,
    }
    return Record(
        record_id=f"task/{event.task_id}/{event.round}/{int(now.timestamp() * 1000)}",
        kind="task_feedback",
        case_id="",
        district=areas.county_of(jurisdiction),
        occurred_at=now,
        payload=filled(payload),
    )
