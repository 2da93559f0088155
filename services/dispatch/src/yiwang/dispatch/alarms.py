"""What is said about a case when a moment comes: a limit will soon pass, has passed, or the suspension ends."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from yiwang.contracts import CaseDeadlineWarned, CaseEvent, CaseHead, CaseOverdue

from . import clocks
from .acts import Act, Body
from .case import DISPOSAL, Case, CaseClock, head_of
from .domain import Record, step
from .rules import Rules
from .states import SYSTEM


class Rung(msgspec.Struct, frozen=True):
    """The case afterwards, what was said, and the records of a resumption."""

    case: Case
    events: tuple[CaseEvent, ...]
    records: tuple[Record, ...] = ()


def ring(case: Case, rules: Rules, now: dt.datetime) -> Rung:
    """Everything that is due on *case* at *now*; nothing where the state has changed since the timer was set."""
    events: list[CaseEvent] = []
    records: list[Record] = []
    for action, at in (("to_stock", case.stock_on), ("resume", case.resume_on)):
        if case.state == "suspended" and at is not None and at <= now:
            done = step(case, Act(action=action, role=SYSTEM, at=now, body=Body()), rules)
            case = done.case
            events += done.events
            records.append(done.record)
    rung = _limits(case, rules, now)
    return Rung(rung.case, (*events, *rung.events), tuple(records))


def _limits(case: Case, rules: Rules, now: dt.datetime) -> Rung:
    case = msgspec.structs.replace(case)
    events: list[CaseEvent] = []
    for one in case.clocks:
        if not one.running or one.overdue:
            continue
        if now > one.judged_by:
            events.append(_overdue(case, one, rules, now))
        elif not one.warned and clocks.warn_at(one, rules) <= now:
            clocks.mark(case, one, warned=True)
            event = CaseDeadlineWarned(case=_next(case), **_about(one, now), purpose=case.purpose)
            events.append(event)
    return Rung(case, tuple(events))


def _overdue(case: Case, one: CaseClock, rules: Rules, now: dt.datetime) -> CaseOverdue:
    clocks.mark(case, one, warned=True, overdue=True)
    if one.clock.stage == DISPOSAL:
        case.flags = msgspec.structs.replace(case.flags, overdue=True)
    limit = clocks.limit_s(one.clock)
    beyond = round((clocks.used_s(one, now, rules) - limit) / limit, 2) if limit else 0.0
    return CaseOverdue(case=_next(case), overdue_multiple=max(0.0, beyond), **_about(one, now), purpose=case.purpose)


def _next(case: Case) -> CaseHead:
    case.version += 1
    return head_of(case, case.state)


def _about(one: CaseClock, now: dt.datetime) -> dict[str, Any]:
    return {
        "clock_id": one.clock.clock_id,
        "stage": one.clock.stage,
        "due_at": one.judged_by,
        "unit_id": one.clock.owner_unit,
        "occurred_at": now,
    }
