"""A step in the making: the next shape of a case, its events, and its line in the flow. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from yiwang.contracts import CaseEvent, MediaRef, Moment

from .acts import Act
from .case import Case, CaseClock, head_of
from .clocks import used_s
from .rules import Rules
from .states import Row


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One immutable line of the case's flow (流转记录); a page of `flow_pages` holds those of one transaction."""

    case_id: str
    seq: int
    version: int
    """The case's version after the step; equal to the one before where a step is no event"""
    action: str
    result: str = ""
    state_before: str
    state_after: str
    role: str
    unit_id: str = ""
    person_ref: str = ""
    opinion: str = ""
    receiver: str = ""
    started_at: Moment
    ended_at: Moment
    due_at: Moment | None = None
    used_s: int = 0
    overdue: bool = False
    media: tuple[MediaRef, ...] = ()
    note: str = ""


class Step(msgspec.Struct, frozen=True, gc=False):
    """What one action did."""

    case: Case
    events: tuple[CaseEvent, ...]
    record: Record


class Draft:
    """A step in the making: the case's next shape, changed in place, and the events said so far."""

    __slots__ = ("act", "before", "case", "clock", "events", "found", "media", "note", "receiver", "row", "rules")

    def __init__(self, case: Case, act: Act, rules: Rules, row: Row) -> None:
        self.before = case
        self.case: Case = msgspec.structs.replace(case)
        self.act, self.rules, self.row = act, rules, row
        self.events: list[CaseEvent] = []
        self.clock: CaseClock | None = None
        """The limit that this step met or missed, for the record"""
        self.found: Any = None
        """What a guard looked up and the effect needs: the condition, or the units"""
        self.receiver = self.note = ""
        self.media: tuple[MediaRef, ...] = ()

    @property
    def at(self) -> dt.datetime:
        return self.act.at

    def emit(self, make: type[CaseEvent], /, *, last: bool = True, **fields: Any) -> None:
        """Say *make*: the case's next version. The state moves with the *last* event of the step."""
        case = self.case
        before = case.state
        case.version += 1
        if last:
            case.state = self.row.to
        act = self.act
        event = make(case=head_of(case, before), occurred_at=act.at, purpose=case.purpose, actor=act.by, **fields)
        self.events.append(event)


def record_of(draft: Draft) -> Record:
    """The flow record of the finished *draft*."""
    old, new, act = draft.before, draft.case, draft.act
    due: dt.datetime | None
    new.seq = old.seq + 1
    if new.state != old.state or draft.events:
        new.since = act.at
    met = draft.clock
    if met is None:
        used, due, late = max(0, int((act.at - old.since).total_seconds())), None, False
    else:
        used, due = met.clock.used_s if met.stopped_at else used_s(met, act.at, draft.rules), met.judged_by
        late = act.at > due
    return Record(
        case_id=new.case_id,
        seq=new.seq,
        version=new.version,
        action=act.action,
        result=act.result,
        state_before=old.state,
        state_after=new.state,
        role=act.role,
        unit_id=act.by.unit_id,
        person_ref=act.by.person_ref,
        opinion=act.body.opinion,
        receiver=draft.receiver,
        started_at=old.since,
        ended_at=act.at,
        due_at=due,
        used_s=used,
        overdue=late,
        media=draft.media,
        note=draft.note,
    )
