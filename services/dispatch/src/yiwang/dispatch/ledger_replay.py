"""A ledger entry told again by its events, after a backup was restored. Pure.

Every event is one line of the entry's history, so the number of lines says which event comes next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec.structs import replace
from yiwang.contracts import (
    Actor,
    LedgerAccepted,
    LedgerAssigned,
    LedgerConfirmed,
    LedgerEntered,
    LedgerEvent,
    LedgerLinked,
    LedgerOverdue,
    LedgerRectified,
    LedgerReopened,
    LedgerWithdrawn,
)

from .ledger import Entry, Noted

Change = Callable[[Entry, Any], tuple[str, str, dict[str, Any]]]
"""What is noted, the opinion, and the fields that change"""
AGAIN: Final = {
    "not_accepted": "验收不合格", "not_satisfied": "重新整改", "recurred": "反弹", "case": "关联案件重新办理",
}  # fmt: skip
"""Cause of a new round → how the history calls it"""


def trail(entry: Entry | None, events: Iterable[LedgerEvent]) -> list[tuple[dt.datetime, Entry]]:
    """The shapes of an entry after each of *events* that it doesn't know yet, with the moment of each.

    Without a beginning (neither *entry* nor `ledger.entered` among *events*) there is none.
    """
    shapes = []
    for event in events:
        if not _next(entry, event):
            continue
        entry = _entered(event) if isinstance(event, LedgerEntered) else _after(entry, event) if entry else None
        if entry is not None:
            shapes.append((event.occurred_at, entry))
    return shapes


def _next(entry: Entry | None, event: LedgerEvent) -> bool:
    """Whether *event* follows on what *entry* knows. Words that aren't counted follow by their moment."""
    if entry is None or isinstance(event, LedgerEntered):
        return entry is None and isinstance(event, LedgerEntered)
    if event.version:
        return event.version == len(entry.history) + 1
    return event.occurred_at > entry.history[-1].at


def _entered(event: LedgerEntered) -> Entry:
    entry = Entry(
        entry_id=event.entry_id, kind=event.kind, grade=event.grade, area=event.area, summary_masked=event.summary_masked,
        found_at=event.found_at, found_by=event.found_by, source_no=event.source_no, task_id=event.task_id,
        station_id=event.station_id, category=event.category, place=event.place, media=event.media,
        campaign_id=event.campaign_id, purpose=event.purpose,
    )  # fmt: skip
    return _noted(entry, event, event.actor, "登记入账", "")


def _after(entry: Entry, event: LedgerEvent) -> Entry:
    what, opinion, fields = CHANGES[type(event)](entry, event)
    by = Actor() if _by_case(event) else event.actor
    return _noted(replace(entry, **fields), event, by, what, opinion)


def _by_case(event: LedgerEvent) -> bool:
    """Whether the linked case's course did it; whoever moved the case said nothing about the entry."""
    if isinstance(event, LedgerRectified):
        return bool(event.case_id)
    return isinstance(event, LedgerReopened) and event.cause == "case"


def _noted(entry: Entry, event: Any, by: Actor, what: str, opinion: str) -> Entry:
    line = Noted(
        at=event.occurred_at, what=what, role=by.role, unit_id=by.unit_id, person_ref=by.person_ref, opinion=opinion,
        media=getattr(event, "media", ()),
    )  # fmt: skip
    return replace(entry, history=(*entry.history, line))


def _assigned(entry: Entry, event: LedgerAssigned) -> tuple[str, str, dict[str, Any]]:
    fields = ("unit_id", "unit_name", "measure_masked", "due_at")
    return "交办", "", {"state": "rectifying", "late": False} | {name: getattr(event, name) for name in fields}


def _rectified(entry: Entry, event: LedgerRectified) -> tuple[str, str, dict[str, Any]]:
    late = event.timeliness == "overdue"
    return "整改反馈", event.result_masked, {
        "state": "rectified", "rectified_by": "" if event.case_id else event.actor.person_ref, "late": late or entry.late,
        "overdue": late or entry.overdue,
    }  # fmt: skip


def _accepted(entry: Entry, event: LedgerAccepted) -> tuple[str, str, dict[str, Any]]:
    return "验收", event.opinion, {"state": "accepted"}


def _confirmed(entry: Entry, event: LedgerConfirmed) -> tuple[str, str, dict[str, Any]]:
    state = "satisfied" if event.satisfied else entry.state
    what = "群众满意" if event.satisfied else "群众不满意"
    return what, event.opinion, {"state": state, "asked": event.asked, "content": event.content}


def _reopened(entry: Entry, event: LedgerReopened) -> tuple[str, str, dict[str, Any]]:
    return AGAIN[event.cause], event.opinion, {
        "state": "reopened", "round": event.round, "due_at": None, "rectified_by": "",
    }  # fmt: skip


def _linked(entry: Entry, event: LedgerLinked) -> tuple[str, str, dict[str, Any]]:
    return f"关联案件 {event.case_no or event.case_id}", "", {"case_id": event.case_id, "case_no": event.case_no}


def _overdue(entry: Entry, event: LedgerOverdue) -> tuple[str, str, dict[str, Any]]:
    return "整改超期", "", {"late": True, "overdue": True}


def _withdrawn(entry: Entry, event: LedgerWithdrawn) -> tuple[str, str, dict[str, Any]]:
    return "撤销登记", event.opinion, {"state": "withdrawn"}


CHANGES: Final[dict[type[LedgerEvent], Change]] = {
    LedgerAssigned: _assigned, LedgerRectified: _rectified, LedgerAccepted: _accepted, LedgerConfirmed: _confirmed,
    LedgerReopened: _reopened, LedgerLinked: _linked, LedgerOverdue: _overdue, LedgerWithdrawn: _withdrawn,
}  # fmt: skip
