"""Why a limit ends when it does: in a sentence, and by the stretches of working time that it counts."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from . import clocks
from .calendar import SHANGHAI, WORK_SECONDS
from .case import CaseClock
from .rules import Rules

STAGES: Final = {"accept": "受理", "dispatch": "派遣", "disposal": "处置", "verify": "核实", "check": "核查"}
UNITS: Final = {
    "urgent_minute": "分钟",
    "urgent_hour": "紧急工作时",
    "urgent_day": "紧急工作日",
    "natural_day": "自然日",
    "work_hour": "工作时",
    "work_day": "工作日",
}
SHOWN_SLOTS: Final = 60


class SlotView(msgspec.Struct, frozen=True):
    start: dt.datetime
    end: dt.datetime


class ClockView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit with the reason why it ends when it does: the stretches of working time that it counts."""

    clock_id: str
    stage: str
    stage_name: str
    limit: int
    unit_kind: str
    unit_name: str
    started_at: dt.datetime
    due_at: dt.datetime
    stopped_at: dt.datetime | None
    used_s: int
    limit_s: int
    paused_s: int
    running: bool
    overdue: bool
    provisional: bool
    explanation: str
    slots: tuple[SlotView, ...]


def clock_view(one: CaseClock, rules: Rules, now: dt.datetime) -> ClockView:
    """The clock with its explanation in words and, for working time, the stretches it counts."""
    clock, until = one.clock, one.stopped_at or now
    working = clock.unit_kind in WORK_SECONDS
    slots = rules.calendar.slots_between(clock.started_at, clock.due_at) if working else []
    return ClockView(
        clock_id=clock.clock_id,
        stage=clock.stage,
        stage_name=STAGES.get(clock.stage, clock.stage),
        limit=clock.limit,
        unit_kind=clock.unit_kind,
        unit_name=UNITS.get(clock.unit_kind, clock.unit_kind),
        started_at=clock.started_at,
        due_at=clock.due_at,
        stopped_at=one.stopped_at,
        used_s=clocks.used_s(one, until, rules),
        limit_s=clocks.limit_s(clock),
        paused_s=clocks.paused_s(one, until),
        running=one.running,
        overdue=until > one.judged_by,
        provisional=clock.provisional,
        explanation=explain(one, len(slots)),
        slots=tuple(SlotView(s.start, s.end) for s in slots[:SHOWN_SLOTS]),
    )


def explain(one: CaseClock, slots: int) -> str:
    """Why it ends when it does, in one sentence."""
    clock = one.clock
    begun, due = (t.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") for t in (clock.started_at, clock.due_at))
    how = (
        f"只计工作时间（作息表 {clock.schedule_id}，共 {slots} 段）"
        if clock.unit_kind in WORK_SECONDS
        else "昼夜连续计时"
    )
    text = f"自 {begun} 起算，限 {clock.limit} {UNITS.get(clock.unit_kind, clock.unit_kind)}，{how}，到 {due} 止"
    if one.pauses:
        text += f"；其间暂停 {len(one.pauses)} 次"
    if clock.provisional:
        text += "；期限跨入尚未公布放假安排的年份，为暂定期限"
    return text
