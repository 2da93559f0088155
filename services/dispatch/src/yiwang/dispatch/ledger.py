"""Ledgers (台账): a hazard or a problem from the day it was found to the day somebody else says it is gone. Pure.

A *hazard* (隐患) has a grade, a unit, a measure and a day, and is struck off when it was looked at again (验收销号); who
rectified it can't accept it (closed loop of registering, rectifying and checking: 安全生产法 art. 41; two grades:
安全生产事故隐患排查治理暂行规定 art. 3). A *problem* (问题清单, Zhuhai: issue 4) goes one step further: the residents are
asked, and only their word brings it to the list of satisfaction (满意清单); else it is open again.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from yiwang.contracts import (
    Actor,
    Category,
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
    MediaRef,
    Moment,
    Place,
)

from .refusals import Refused

HAZARD, PROBLEM = "hazard", "problem"
KINDS: Final = {HAZARD: "隐患", PROBLEM: "问题"}
STATES: Final = {
    "found": "待交办",
    "rectifying": "整改中",
    "rectified": "待验收",
    "accepted": "已验收",
    "satisfied": "群众满意",
    "reopened": "待重新整改",
    "withdrawn": "已撤销",
}
"""`accepted` is the end of a hazard (已销号); a problem waits in it for the residents' word"""
LONGEST: Final = dt.timedelta(days=3660)
"""The longest time to rectify: ten years"""
OPEN: Final = ("found", "rectifying", "reopened")
ACTIONS: Final = {
    "assign": ("交办", ("found", "rectifying", "reopened")),
    "rectify": ("整改反馈", ("rectifying",)),
    "accept": ("验收", ("rectified",)),
    "refuse": ("验收不合格", ("rectified",)),
    "confirm": ("群众确认", ("accepted",)),
    "recur": ("反弹", ("accepted", "satisfied")),
    "link": ("关联案件", OPEN),
    "withdraw": ("撤销登记", OPEN),
}
"""Action → its name, and the states in which it may be done"""


class Noted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an entry's history."""

    at: Moment
    what: str
    role: str = ""
    unit_id: str = ""
    person_ref: str = ""
    opinion: str = ""
    media: tuple[MediaRef, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a ledger."""

    entry_id: str
    kind: str
    grade: str
    area: str
    state: str = "found"
    summary_masked: str
    found_at: Moment
    found_by: str = "person"
    source_no: str = ""
    task_id: str = ""
    station_id: str = ""
    category: Category | None = None
    place: Place | None = None
    media: tuple[MediaRef, ...] = ()
    campaign_id: str = ""
    unit_id: str = ""
    unit_name: str = ""
    measure_masked: str = ""
    due_at: Moment | None = None
    late: bool = False
    """Late in this round, and said so"""
    overdue: bool = False
    """Late in some round"""
    round: int = 1
    rectified_by: str = ""
    """Pseudonym"""
    asked: int = 0
    content: int = 0
    case_id: str = ""
    case_no: str = ""
    purpose: str = "live"
    history: tuple[Noted, ...] = ()


class Told(msgspec.Struct, frozen=True):
    """The entry afterwards, and what is said."""

    entry: Entry
    events: tuple[LedgerEvent, ...]


def open_to(entry: Entry) -> list[str]:
    """The actions that its state allows; who may do them is another matter."""
    found = [name for name, (_, states) in ACTIONS.items() if entry.state in states]
    return [name for name in found if name != "confirm" or entry.kind == PROBLEM]


def enter(entry: Entry, by: Actor) -> Told:
    """It is written down. Raises Refused."""
    if not entry.summary_masked.strip():
        raise Refused("ledger_summary")
    return _told(
        entry, by, entry.found_at, "登记入账", LedgerEntered, grade=entry.grade, summary_masked=entry.summary_masked,
        found_at=entry.found_at, found_by=entry.found_by, source_no=entry.source_no, task_id=entry.task_id,
        station_id=entry.station_id, category=entry.category, place=entry.place, media=entry.media,
    )  # fmt: skip


def assign(
    entry: Entry, by: Actor, now: dt.datetime, *, unit_id: str, unit_name: str, measure_masked: str, due_at: dt.datetime
) -> Told:
    """A unit, a measure and a day. Raises Refused."""
    _may(entry, "assign")
    if not measure_masked.strip():
        raise Refused("ledger_measure")
    if not now < due_at < now + LONGEST:
        raise Refused("ledger_due")
    after = replace(
        entry, state="rectifying", unit_id=unit_id, unit_name=unit_name, measure_masked=measure_masked, due_at=due_at,
        late=False,
    )  # fmt: skip
    return _told(
        after, by, now, "交办", LedgerAssigned, unit_id=unit_id, unit_name=unit_name, measure_masked=measure_masked,
        due_at=due_at,
    )  # fmt: skip


def rectify(
    entry: Entry, by: Actor, now: dt.datetime, *, result_masked: str, media: tuple[MediaRef, ...] = (), case_id: str = ""
) -> Told:
    """The unit says that it is done, with a photo; or its case was closed (*case_id*). Raises Refused."""
    if case_id:
        if entry.state not in OPEN:
            raise Refused("ledger_state", state=STATES[entry.state], action="整改反馈")
    else:
        _may(entry, "rectify")
        if not result_masked.strip() or not media:
            raise Refused("ledger_result")
    late = entry.due_at is not None and now > entry.due_at
    after = replace(
        entry, state="rectified", rectified_by=by.person_ref, late=late or entry.late, overdue=late or entry.overdue
    )
    return _told(
        after, by, now, "整改反馈", LedgerRectified, opinion=result_masked, unit_id=entry.unit_id,
        timeliness="overdue" if late else "on_time", result_masked=result_masked, media=media, case_id=case_id,
    )  # fmt: skip


def accept(entry: Entry, by: Actor, now: dt.datetime, *, opinion: str, media: tuple[MediaRef, ...] = ()) -> Told:
    """Somebody else looked: it is gone (验收销号). Raises Refused."""
    _may(entry, "accept")
    if entry.rectified_by and by.person_ref == entry.rectified_by:
        raise Refused("ledger_own_work")
    return _told(replace(entry, state="accepted"), by, now, "验收", LedgerAccepted, opinion=opinion, media=media)


def refuse(entry: Entry, by: Actor, now: dt.datetime, *, opinion: str) -> Told:
    """It isn't gone (验收不合格). Raises Refused."""
    _may(entry, "refuse")
    return _again(entry, by, now, "not_accepted", "验收不合格", opinion)


def recur(entry: Entry, by: Actor, now: dt.datetime, *, opinion: str) -> Told:
    """It was gone and is back (反弹). Raises Refused."""
    _may(entry, "recur")
    return _again(entry, by, now, "recurred", "反弹", opinion)


def confirm(
    entry: Entry, by: Actor, now: dt.datetime, *, asked: int, content: int, share: float, least: int, opinion: str
) -> Told:
    """The residents' word on a problem: at least *least* asked, and *share* of them satisfied. Raises Refused."""
    _may(entry, "confirm")
    if entry.kind != PROBLEM:
        raise Refused("ledger_not_problem")
    if content > asked or asked < least:
        raise Refused("ledger_asked", least=least)
    enough = content >= share * asked
    if not enough and not opinion.strip():
        raise Refused("opinion_missing", action="群众不满意的确认")
    after = replace(entry, asked=asked, content=content, state="satisfied" if enough else entry.state)
    told = _told(
        after, by, now, "群众满意" if enough else "群众不满意", LedgerConfirmed, opinion=opinion, asked=asked,
        content=content, satisfied=enough,
    )  # fmt: skip
    if enough:
        return told
    again = _again(told.entry, by, now, "not_satisfied", "重新整改", opinion)
    return Told(again.entry, (*told.events, *again.events))


def link(entry: Entry, by: Actor, now: dt.datetime, *, case_id: str, case_no: str) -> Told:
    """A case does the work. Raises Refused."""
    _may(entry, "link")
    if entry.case_id:
        raise Refused("ledger_linked", no=entry.case_no or entry.case_id)
    after = replace(entry, case_id=case_id, case_no=case_no)
    return _told(after, by, now, f"关联案件 {case_no or case_id}", LedgerLinked, case_id=case_id, case_no=case_no)


def unlinked(entry: Entry, by: Actor, now: dt.datetime) -> Told:
    """The linked case is open again: so is the entry, where its closing had rectified it."""
    if entry.state not in ("rectified", "accepted", "satisfied"):
        return Told(entry, ())
    return _again(entry, by, now, "case", "关联案件重新办理", "关联案件重新办理")


def withdraw(entry: Entry, by: Actor, now: dt.datetime, *, opinion: str) -> Told:
    """Entered by mistake or twice. Raises Refused."""
    _may(entry, "withdraw")
    if not opinion.strip():
        raise Refused("opinion_missing", action="撤销登记")
    return _told(replace(entry, state="withdrawn"), by, now, "撤销登记", LedgerWithdrawn, opinion=opinion)


def ring(entry: Entry, now: dt.datetime) -> Told:
    """Its day has passed: said once a round."""
    if entry.state != "rectifying" or entry.late or entry.due_at is None or now <= entry.due_at:
        return Told(entry, ())
    after = replace(entry, late=True, overdue=True)
    return _told(after, Actor(), now, "整改超期", LedgerOverdue, unit_id=entry.unit_id, due_at=entry.due_at)


def _again(entry: Entry, by: Actor, now: dt.datetime, cause: str, what: str, opinion: str) -> Told:
    if not opinion.strip():
        raise Refused("opinion_missing", action=what)
    after = replace(entry, state="reopened", round=entry.round + 1, due_at=None, rectified_by="")
    return _told(after, by, now, what, LedgerReopened, opinion=opinion, cause=cause)


def _may(entry: Entry, action: str) -> None:
    name, states = ACTIONS[action]
    if entry.state not in states:
        raise Refused("ledger_state", state=STATES[entry.state], action=name)


def _told(
    entry: Entry, by: Actor, now: dt.datetime, what: str, make: type[Any], *, opinion: str = "", **fields: Any
) -> Told:
    """The entry with one more line of history, and the event."""
    noted = Noted(
        at=now, what=what, role=by.role, unit_id=by.unit_id, person_ref=by.person_ref, opinion=opinion,
        media=fields.get("media", ()),
    )  # fmt: skip
    after = replace(entry, history=(*entry.history, noted))
    said = {"opinion": opinion} if "opinion" in make.__struct_fields__ else {}
    event = make(
        entry_id=entry.entry_id, kind=entry.kind, area=entry.area, campaign_id=entry.campaign_id, round=entry.round,
        version=len(after.history), occurred_at=now, actor=by, purpose=entry.purpose, **said, **fields,
    )  # fmt: skip
    return Told(after, (event,))
