"""Why a limit ends when it does: in a sentence, and by the stretches of working time that it counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import msgspec

from . import clocks
from .calendar import SHANGHAI, WORK_SECONDS, Calendar, Slot
from .case import CaseClock
from .draft import Record
from .rules import Rules

STAGES: Final = {
    "accept": "受理", "dispatch": "派遣", "disposal": "处置", "verify": "核实", "check": "核查", "arrive": "到场",
    "co": "协办", "step": "分步",
}  # fmt: skip
UNITS: Final = {
    "urgent_minute": "分钟",
    "urgent_hour": "紧急工作时",
    "urgent_day": "紧急工作日",
    "natural_day": "自然日",
    "work_hour": "工作时",
    "work_day": "工作日",
}
SHOWN_SLOTS: Final = 60
SAID_DAYS: Final = 6
"""So many days are told one by one in the sentence, then the last one"""
_DAY: Final = dt.timedelta(days=1)


class SlotView(msgspec.Struct, frozen=True):
    start: dt.datetime
    end: dt.datetime


class ClockView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit with the reason why it ends when it does: the stretches of working time that it counts."""

    clock_id: str
    stage: str
    stage_name: str
    owner_unit: str
    limit: int
    unit_kind: str
    unit_name: str
    started_at: dt.datetime
    due_at: dt.datetime
    bundle_due_at: dt.datetime | None
    judged_against: str
    """own or bundle"""
    stopped_at: dt.datetime | None
    used_s: int
    limit_s: int
    paused_s: int
    extended_s: int
    running: bool
    overdue: bool
    provisional: bool
    explanation: str
    slots: tuple[SlotView, ...]


def clock_view(one: CaseClock, rules: Rules, now: dt.datetime) -> ClockView:
    """The clock with its explanation in words and, for working time, the stretches it counts."""
    clock, until = one.clock, one.stopped_at or now
    slots = slots_of(one, rules, now)
    return ClockView(
        clock_id=clock.clock_id,
        stage=clock.stage,
        stage_name=STAGES.get(clock.stage, clock.stage) + (f"·{clock.step}" if clock.step else ""),
        owner_unit=clock.owner_unit,
        limit=clock.limit,
        unit_kind=clock.unit_kind,
        unit_name=UNITS.get(clock.unit_kind, clock.unit_kind),
        started_at=clock.started_at,
        due_at=clock.due_at,
        bundle_due_at=clock.bundle_due_at,
        judged_against=clock.policy or "own",
        stopped_at=one.stopped_at,
        used_s=clocks.used_s(one, until, rules),
        limit_s=clocks.limit_s(clock),
        paused_s=clocks.paused_s(one, until),
        extended_s=clock.extended_s,
        running=one.running,
        overdue=until > one.judged_by,
        provisional=clock.provisional,
        explanation=explain(one, slots, rules.calendar, now),
        slots=tuple(SlotView(s.start, s.end) for s in slots[:SHOWN_SLOTS]),
    )


def slots_of(one: CaseClock, rules: Rules, now: dt.datetime) -> list[Slot]:
    """The stretches of working time that the limit counts until its own end, its pauses taken out; none on the wall clock."""
    clock = one.clock
    if clock.unit_kind not in WORK_SECONDS:
        return []
    slots = rules.calendar.slots_between(clock.started_at, clock.due_at)
    for pause in one.pauses:
        slots = [part for slot in slots for part in _without(slot, pause.start, pause.end or max(now, pause.start))]
    return slots


def _without(slot: Slot, start: dt.datetime, end: dt.datetime) -> list[Slot]:
    parts = (Slot(slot.start, min(slot.end, start)), Slot(max(slot.start, end), slot.end))
    return [part for part in parts if part.start < part.end]


def explain(one: CaseClock, slots: Sequence[Slot], calendar: Calendar, now: dt.datetime) -> str:
    """Why it ends when it does, in one sentence."""
    clock = one.clock
    how = "昼夜连续计时"
    if clock.unit_kind in WORK_SECONDS:
        how = f"只计工作时间（作息表 {clock.schedule_id}，日历 {clock.calendar_version}），计入时段 {_said(slots)}"
    unit = UNITS.get(clock.unit_kind, clock.unit_kind)
    text = f"“{clock.step}”这一步" if clock.step else ""
    text += f"自 {_at(clock.started_at)} 起算，限 {clock.limit} {unit}，{how}，到 {_at(clock.due_at)} 止"
    if skipped := _skipped(clock.started_at, clock.due_at, calendar) if clock.unit_kind in WORK_SECONDS else "":
        text += f"；{skipped}不是工作日，不计"
    for pause in one.pauses:
        text += f"；{_at(pause.start)} 至 {_at(pause.end) if pause.end else '今'} 暂停，不计"
    if clock.extended_s:
        text += f"；经批准延长 {_duration(clock.extended_s)}"
    if clock.bundle_due_at and clock.bundle_started_at:
        judged = "按时与否以捆绑时限为准" if clock.policy == "bundle" else "捆绑时限仅供参考"
        text += f"；与上级环节捆绑计算：自 {_at(clock.bundle_started_at)} 起同样计时，到 {_at(clock.bundle_due_at)} 止，{judged}"
    if clock.provisional:
        text += "；期限跨入尚未公布放假安排的年份，为暂定期限，公布后重算"
    return text


def met(record: Record) -> str:
    """What a line of the history says about the limit of its stage, in words; empty where it had none."""
    if record.due_at is None or record.note:
        return ""
    verdict = "超时" if record.overdue else "未超时"
    ended = f"，{_at(record.ended_at)} 结束" if record.ended_at > record.started_at else ""
    return f"期限 {_at(record.due_at)}{ended}，计时 {_duration(record.used_s)}，{verdict}"


def _said(slots: Sequence[Slot]) -> str:
    """The stretches by day: ``3月6日 17:30–18:00、3月9日 08:00–12:00 14:00–17:30（共 3 段 8小时）``."""
    days = [
        f"{_date(day)} " + " ".join(f"{_hour(s.start)}–{_hour(s.end)}" for s in some)
        for day, some in groupby(slots, key=lambda s: s.start.astimezone(SHANGHAI).date())
    ]
    if len(days) > SAID_DAYS:
        days = [*days[: SAID_DAYS - 1], "…", days[-1]]
    total = sum((s.end - s.start).total_seconds() for s in slots)
    return f"{'、'.join(days)}（共 {len(slots)} 段 {_duration(int(total))}）"


def _skipped(start: dt.datetime, end: dt.datetime, calendar: Calendar) -> str:
    """The days between that aren't working days: ``2月15日至2月23日、2月28日``."""
    day, last = start.astimezone(SHANGHAI).date(), end.astimezone(SHANGHAI).date()
    runs: list[list[dt.date]] = []
    while day <= last:
        if not calendar.is_working_day(day):
            if runs and day - runs[-1][-1] == _DAY:
                runs[-1].append(day)
            else:
                runs.append([day])
        day += _DAY
    said = [_date(r[0]) if len(r) == 1 else f"{_date(r[0])}至{_date(r[-1])}" for r in runs]
    if len(said) > SAID_DAYS:
        said = [*said[:SAID_DAYS], "等"]
    return "、".join(said)


def _at(moment: dt.datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def _hour(moment: dt.datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime("%H:%M")


def _date(day: dt.date) -> str:
    return f"{day.month}月{day.day}日"


def _duration(seconds: int) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return (f"{hours}小时" if hours else "") + (f"{minutes}分钟" if minutes or not hours else "")
