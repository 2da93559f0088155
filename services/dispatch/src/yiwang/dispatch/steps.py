"""Limits in several steps (分步时限): each in its own time, one after the other. Pure.

A filing condition may name them, e.g. for building without a permit: stop within 4 working hours (停工), fine within 7
days (处罚), pull down within 20 days (拆除; domain notes 2.3, an unnamed district's manual). A step's clock starts when the
step before is told done; it stands and ends with the disposal clock, which judges the case as always.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace
from yiwang.contracts import CaseStepDone

from . import clocks
from .acts_shared import StepBody
from .case import STEP, Case
from .codes import LimitStep
from .draft import Draft, Record
from .explain import UNITS
from .refusals import Refused
from .rules import Rules


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the case's limit: waiting, running or done."""

    name: str
    limit: int
    unit_kind: str
    unit_name: str
    state: str
    due_at: dt.datetime | None = None
    done_at: dt.datetime | None = None
    overdue: bool = False


def of(case: Case, rules: Rules) -> tuple[LimitStep, ...]:
    """The steps of the condition under which the case is filed; none as a rule."""
    condition = rules.codes.condition(case.condition_id) if case.condition_id else None
    return condition.steps if condition is not None else ()


def begin(case: Case, at: dt.datetime, rules: Rules, unit_id: str) -> None:
    """A unit has just been given the case: the first step's time runs."""
    plan = of(case, rules)
    if plan and case.imported is None:
        _start(case, plan[0], at, rules, unit_id)


def _start(case: Case, one: LimitStep, at: dt.datetime, rules: Rules, unit_id: str) -> None:
    clock = clocks.start(case, STEP, one.unit_kind, one.limit, at, rules, unit_id)
    clocks.put(case, replace(clock, step=one.name))


def step_open(d: Draft) -> None:
    """Guard: a step's time runs, and it is the one that the actor means."""
    running = d.case.clock(STEP)
    if running is None:
        raise Refused("no_step")
    asked = getattr(d.act.body, "step", "")
    if asked not in ("", running.clock.step):
        raise Refused("other_step", step=running.clock.step)


def done(d: Draft, body: StepBody) -> None:
    """The running step is done; the next one's time begins this instant, also where this one was late."""
    case, running = d.case, d.case.clock(STEP)
    if running is None:
        raise Refused("no_step")
    name, plan = running.clock.step, of(case, d.rules)
    d.clock = clocks.stop_one(case, running, d.at, d.rules)
    d.note = name
    names = [one.name for one in plan]
    rest = plan[names.index(name) + 1 :] if name in names else ()  # the table may have changed since the step began
    following = rest[0] if rest else None
    if following is not None:
        _start(case, following, d.at, d.rules, running.clock.owner_unit)
    d.emit(
        CaseStepDone, step=name, unit_id=d.act.by.unit_id or running.clock.owner_unit,
        timeliness="on_time" if d.at <= running.judged_by else "overdue", next_step=following.name if following else "",
        opinion=body.opinion, media=body.media,
    )  # fmt: skip
    d.media = body.media


def shown(case: Case, flow: Sequence[Record], rules: Rules) -> tuple[StepView, ...]:
    """The steps in order, as they stand since the case was given to its unit."""
    plan, running = of(case, rules), case.clock(STEP)
    given = max((line.seq for line in flow if line.action == "dispatch"), default=0)
    told = {line.note: line for line in flow if line.action == "step_done" and line.seq > given}
    at = next((n for n, one in enumerate(plan) if running is not None and one.name == running.clock.step), 0)
    views = []
    for n, one in enumerate(plan):
        line, runs = told.get(one.name), running is not None and n == at
        views.append(
            StepView(
                name=one.name, limit=one.limit, unit_kind=one.unit_kind, unit_name=UNITS.get(one.unit_kind, one.unit_kind),
                state="running" if runs else "done" if line is not None or n < at else "waiting",
                due_at=running.judged_by if running is not None and runs else line.due_at if line is not None else None,
                done_at=line.ended_at if line is not None else None,
                overdue=line.overdue if line is not None else bool(runs and running is not None and running.overdue),
            )
        )  # fmt: skip
    return tuple(views)


def said(plan: Sequence[LimitStep]) -> str:
    """The steps in words, behind the whole limit: ``；其中停工 4 工作时，处罚 7 工作日``."""
    words = "，".join(f"{one.name} {one.limit} {UNITS.get(one.unit_kind, one.unit_kind)}" for one in plan)
    return f"；其中{words}" if words else ""
