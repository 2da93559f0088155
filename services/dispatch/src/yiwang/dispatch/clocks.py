"""The clocks of a case: starting, pausing, stopping, and when the next alarm is due. Pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import msgspec
from yiwang.contracts import Clock

from .calendar import WORK_SECONDS, Deadline, deadline, limit_seconds, micros, moment, used_seconds
from .case import ARRIVE, CO, DISPOSAL, STEP, Case, CaseClock, Pause

if TYPE_CHECKING:
    from .rules import Rules

BESIDE_WORK: Final = (CO, ARRIVE, STEP)
"""Clocks that stand and end with the disposal clock."""
_AFTER: Final = dt.timedelta(seconds=1)
"""An end at the very deadline is on time, so it is overdue one second later."""


def start(
    case: Case, stage: str, unit_kind: str, limit: int, at: dt.datetime, rules: Rules, owner: str = "", *, nth: int = 0
) -> Clock:
    """Start a clock of *stage* on *case* (the *nth* of several at once) and return it as events tell it."""
    due = rules.due(at, limit, unit_kind)
    clock = Clock(
        clock_id=f"{case.case_id}/{stage}/{case.version + 1}" + (f".{nth}" if nth else ""),
        stage=stage,
        owner_unit=owner,
        unit_kind=unit_kind,
        limit=limit,
        started_at=at,
        due_at=due.due_at,
        schedule_id=due.schedule_id,
        calendar_version=due.calendar_version,
        provisional=due.provisional,
    )
    case.clocks = (*case.clocks, CaseClock(clock=clock))
    return clock


def stop(case: Case, stage: str, at: dt.datetime, rules: Rules) -> CaseClock | None:
    """Stop the clock of *stage* at *at*; what it measured, or None where none was open.

    A disposal clock is kept with its pauses, and ends those beside it; what a stage clock measured stands in the flow
    record.
    """
    open_one = case.clock(stage)
    if open_one is None:
        return None
    if stage == DISPOSAL:
        case.clocks = tuple([c for c in case.clocks if c.clock.stage not in BESIDE_WORK])
    return stop_one(case, open_one, at, rules)


def stop_one(case: Case, open_one: CaseClock, at: dt.datetime, rules: Rules) -> CaseClock:
    """Stop this clock at *at*; what it measured."""
    clock = msgspec.structs.replace(open_one.clock, used_s=used_s(open_one, at, rules), paused_s=paused_s(open_one, at))
    stopped = msgspec.structs.replace(open_one, clock=clock, stopped_at=at, pauses=_ended(open_one.pauses, at))
    if open_one.clock.stage == DISPOSAL:
        _swap(case, open_one, stopped)
    else:
        case.clocks = tuple([c for c in case.clocks if c is not open_one])
    return stopped


def pause(case: Case, stage: str, at: dt.datetime) -> str:
    """Let the clock of *stage* stand still from *at* on; its id, or empty where none was running."""
    running = case.clock(stage)
    if running is None or not running.running:
        return ""
    for one in _beside(case, stage):
        if one.running:
            _swap(case, one, msgspec.structs.replace(one, pauses=(*one.pauses, Pause(start=at))))
    _swap(case, running, msgspec.structs.replace(running, pauses=(*running.pauses, Pause(start=at))))
    return running.clock.clock_id


def resume(case: Case, stage: str, at: dt.datetime, rules: Rules) -> dt.datetime | None:
    """Let the clock of *stage* run again; its new deadline, later by what the pause cost."""
    standing = case.clock(stage)
    if standing is None or standing.running:
        return None
    for one in _beside(case, stage):
        if not one.running:
            _go_on(case, one, at, rules)
    return _go_on(case, standing, at, rules).due_at


def _go_on(case: Case, standing: CaseClock, at: dt.datetime, rules: Rules) -> Clock:
    pauses = _ended(standing.pauses, at)
    clock = counted(msgspec.structs.replace(standing.clock, paused_s=paused_s(standing, at)), pauses, at, rules)
    _swap(case, standing, msgspec.structs.replace(standing, clock=clock, pauses=pauses))
    return clock


def counted(clock: Clock, pauses: tuple[Pause, ...], at: dt.datetime, rules: Rules) -> Clock:
    """*clock* with its deadlines, own and bundled, as they follow from start, limit, extension and *pauses*."""
    spans = [(p.start, p.end or at) for p in pauses]

    def due(start: dt.datetime) -> Deadline:
        return deadline(
            start, clock.limit, clock.unit_kind, rules.calendar, pauses=spans, extended_s=clock.extended_s
        )

    own = due(clock.started_at)
    begun = clock.bundle_started_at
    for halt, go_on in spans if begun else ():
        if begun and halt < begun:  # it stood before the upper unit's part of the bundle was used up
            begun += go_on - halt
    bundle = due(begun) if begun else None
    return msgspec.structs.replace(
        clock,
        due_at=own.due_at,
        bundle_due_at=bundle.due_at if bundle else None,
        schedule_id=own.schedule_id,
        calendar_version=own.calendar_version,
        provisional=own.provisional or bool(bundle and bundle.provisional),
    )


def _beside(case: Case, stage: str) -> list[CaseClock]:
    """The open clocks that stand and go on with that of *stage*."""
    if stage != DISPOSAL:
        return []
    return [c for c in case.clocks if c.clock.stage in BESIDE_WORK and c.stopped_at is None]


def extended(one: CaseClock, rules: Rules) -> CaseClock:
    """*one* with as many original limits more as one extension adds (延期), whatever it stood meanwhile."""
    old, times = one.clock, rules.policies.extension.times
    more = old.extended_s + limit_seconds(old.limit, old.unit_kind) * times
    clock = counted(msgspec.structs.replace(old, extended_s=more), one.pauses, old.started_at, rules)
    return msgspec.structs.replace(one, clock=clock, warned=False)


def extend(case: Case, one: CaseClock, rules: Rules) -> CaseClock:
    """Give *one* the time that an extension adds; it may be warned about anew."""
    longer = extended(one, rules)
    _swap(case, one, longer)
    return longer


def reopen(case: Case, stopped: CaseClock, at: dt.datetime, rules: Rules) -> None:
    """Let a stopped clock run on from *at*, as if it had been paused since it stopped."""
    since = Pause(start=stopped.stopped_at or at)
    standing = msgspec.structs.replace(stopped, stopped_at=None, pauses=(*stopped.pauses, since))
    _swap(case, stopped, standing)
    resume(case, standing.clock.stage, at, rules)


def relimit(case: Case, one: CaseClock, limit: int, unit_kind: str, at: dt.datetime, rules: Rules) -> CaseClock:
    """Give *one* another limit, counted from its old start; an extension stays one limit, of the new kind."""
    old = one.clock
    times = old.extended_s // limit_seconds(old.limit, old.unit_kind)
    changed = msgspec.structs.replace(
        old, limit=limit, unit_kind=unit_kind, extended_s=limit_seconds(limit, unit_kind) * times
    )
    other = msgspec.structs.replace(one, clock=counted(changed, one.pauses, at, rules), warned=False, overdue=False)
    _swap(case, one, other)
    return other


def again(case: Case, policy: str, first: Clock, at: dt.datetime, rules: Rules, owner: str) -> None:
    """Let the work be done again: its stopped clock runs on (*policy* resume), or as much time as at *first* anew."""
    last = next((c for c in reversed(case.clocks) if c.clock.stage == DISPOSAL), None)
    if policy == "resume" and last is not None and last.stopped_at is not None:
        reopen(case, last, at, rules)
    else:
        start(case, DISPOSAL, first.unit_kind, first.limit, at, rules, owner)


def used_s(one: CaseClock, at: dt.datetime, rules: Rules) -> int:
    """Seconds of its own kind of time that the clock used until *at*, its pauses taken out."""
    if at == one.clock.started_at:
        return 0
    spans = [(p.start, p.end or at) for p in one.pauses]
    return used_seconds(one.clock.started_at, at, spans, one.clock.unit_kind, rules.calendar)


def limit_s(clock: Clock) -> int:
    """The whole limit in seconds, extensions included."""
    return limit_seconds(clock.limit, clock.unit_kind) + clock.extended_s


def paused_s(one: CaseClock, at: dt.datetime) -> int:
    """Seconds on the wall clock in which it stood."""
    return int(sum(((p.end or at) - p.start).total_seconds() for p in one.pauses))


def warn_at(one: CaseClock, rules: Rules) -> dt.datetime:
    """When somebody should be told that the limit will soon pass: at the profile's share of its own time."""
    clock, share = one.clock, rules.warn_fraction
    if clock.unit_kind in WORK_SECONDS and not one.pauses:
        begun = clock.started_at if one.judged_by == clock.due_at else clock.bundle_started_at or clock.started_at
        return moment(rules.calendar.after_work(micros(begun), int(limit_s(clock) * share) * 1_000_000))
    return one.judged_by - (one.judged_by - clock.started_at) * (1 - share)


def next_alarm(case: Case, rules: Rules) -> dt.datetime | None:
    """The earliest moment at which a clock of *case* must be warned about or is overdue, or the case resumes."""
    if case.purpose != "live" or case.state in ("closed", "voided") or case.away:
        return None
    moments = [at for at in (case.resume_on, case.stock_on) if at] if case.state == "suspended" else []
    for one in case.clocks:
        if not one.running or one.overdue:
            continue
        moments.append(one.judged_by + _AFTER if one.warned else warn_at(one, rules))
    return min(moments, default=None)


def mark(case: Case, one: CaseClock, *, warned: bool = False, overdue: bool = False) -> CaseClock:
    """Note that *one* was warned about or is overdue."""
    marked = msgspec.structs.replace(one, warned=one.warned or warned, overdue=one.overdue or overdue)
    _swap(case, one, marked)
    return marked


def put(case: Case, clock: Clock) -> None:
    """Let *clock* stand for the one of its id."""
    case.clocks = tuple([
        msgspec.structs.replace(c, clock=clock) if c.clock.clock_id == clock.clock_id else c for c in case.clocks
    ])  # fmt: skip


def _swap(case: Case, old: CaseClock, new: CaseClock) -> None:
    case.clocks = tuple([new if c is old else c for c in case.clocks])


def _ended(pauses: tuple[Pause, ...], at: dt.datetime) -> tuple[Pause, ...]:
    if pauses and pauses[-1].end is None:
        return (*pauses[:-1], Pause(start=pauses[-1].start, end=at))
    return pauses
