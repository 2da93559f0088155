"""Arrival at the place (到场): who must be there how soon, as data; video finds 30 minutes (domain notes 2.3). Pure."""

from __future__ import annotations

import datetime as dt

from yiwang.contracts import CaseArrived

from . import clocks
from .acts_shared import ArriveBody
from .case import ARRIVE, Case
from .draft import Draft
from .practice import Arrival
from .rules import Rules


def expected(case: Case, rules: Rules) -> Arrival | None:
    """The rule by which somebody must come; None where nobody must."""
    category = case.category.key if case.category else ""
    covers = (one for one in rules.practice.arrivals if one.scope.covers(case.channel.code, category, case.area))
    return next(covers, None)


def expect(case: Case, at: dt.datetime, rules: Rules, unit_id: str) -> None:
    """A unit has just been given the case: nobody of it is there yet, and its arrival clock runs where there is one."""
    left(case)
    rule = expected(case, rules)
    if rule is not None and case.imported is None:
        clocks.start(case, ARRIVE, rule.unit_kind, rule.limit, at, rules, unit_id)


def left(case: Case) -> None:
    """Forget an earlier unit's arrival."""
    if "arrived" in case.times:
        case.times = {name: at for name, at in case.times.items() if name != "arrived"}
    case.arrival_timeliness = None


def arrive(d: Draft, body: ArriveBody) -> None:
    """Ends the arrival clock; an arrival not later than its end is on time."""
    case, at = d.case, body.arrived_at or d.at
    running = case.clock(ARRIVE)
    lead = case.lead
    if running is not None:
        case.arrival_timeliness = "on_time" if at <= running.judged_by else "overdue"
        d.clock = clocks.stop_one(case, running, at, d.rules)
    case.times = case.times | {"arrived": at}
    d.note = body.statement
    d.emit(
        CaseArrived,
        task_id=lead.assignment_id if lead else case.case_id,
        point=body.point,
        arrived_at=at,
        unit_id=d.act.by.unit_id or (lead.unit_id if lead else ""),
        timeliness=case.arrival_timeliness,
        distance_m=d.found,
        statement=body.statement,
    )
