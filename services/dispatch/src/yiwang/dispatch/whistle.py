"""Whistles (社区吹哨、部门报到) as a small state machine: called, there, settled, judged. Pure.

A community has no power to enforce; it calls units that have it, which must say that they come, be there and settle the
matter, each in its time (Jiangmen, Pengjiang; kinds and the three rates as in Beijing: domain notes, 9).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from yiwang.contracts import (
    Actor,
    Moment,
    Place,
    Point,
    WhistleArrived,
    WhistleBlown,
    WhistleCall,
    WhistleEvent,
    WhistleOverdue,
    WhistleResolved,
    WhistleResponded,
    WhistleScored,
    WhistleWithdrawn,
)

from .near import metres
from .refusals import Refused

STATES: Final = {"called": "已吹哨", "resolved": "已办结", "scored": "已评价", "withdrawn": "已撤哨"}


class Called(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit and what it did."""

    call: WhistleCall
    responded_at: Moment | None = None
    arrived_at: Moment | None = None
    overdue: tuple[str, ...] = ()
    """What was already said to be late: respond, arrive"""

    @property
    def in_time(self) -> bool:
        return self.arrived_at is not None and self.arrived_at <= self.call.arrive_by


class Whistle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call."""

    whistle_id: str
    area: str
    kind: str
    state: str = "called"
    blown_at: Moment
    blown_by: str
    """Pseudonym of the caller"""
    units: tuple[Called, ...]
    resolve_by: Moment
    within_m: int = 0
    summary_masked: str = ""
    place: Place | None = None
    case_id: str = ""
    case_no: str = ""
    purpose: str = "live"
    resolved_at: Moment | None = None
    result_masked: str = ""
    absent_reason: str = ""
    resolve_overdue: bool = False
    satisfied: bool | None = None
    score: int = 0

    @property
    def lead(self) -> Called:
        return next((one for one in self.units if one.call.role == "lead"), self.units[0])

    def unit(self, unit_id: str) -> Called | None:
        return next((one for one in self.units if one.call.unit_id == unit_id), None)


class Told(msgspec.Struct, frozen=True):
    """The whistle afterwards, and what is said."""

    whistle: Whistle
    events: tuple[WhistleEvent, ...]


def blow(whistle: Whistle, by: Actor) -> Told:
    """The call goes out."""
    event = _event(
        WhistleBlown, whistle, by, whistle.blown_at, units=tuple(one.call for one in whistle.units),
        resolve_by=whistle.resolve_by, summary_masked=whistle.summary_masked, place=whistle.place,
        within_m=whistle.within_m, case_id=whistle.case_id, case_no=whistle.case_no,
    )  # fmt: skip
    return Told(whistle, (event,))


def respond(whistle: Whistle, unit_id: str, by: Actor, now: dt.datetime, opinion: str = "") -> Told:
    """A called unit says that it comes (响应). Raises Refused."""
    one = _called(whistle, unit_id)
    if one.responded_at is not None or one.arrived_at is not None:
        raise Refused("whistle_answered")
    timeliness = _judged(now, one.call.respond_by)
    event = _event(WhistleResponded, whistle, by, now, unit_id=unit_id, timeliness=timeliness, opinion=opinion)
    return Told(_with(whistle, replace(one, responded_at=now)), (event,))


def arrive(
    whistle: Whistle, unit_id: str, by: Actor, now: dt.datetime, *, at: dt.datetime, point: Point | None, statement: str
) -> Told:
    """A called unit is there (报到), by a position within the limit or by word. Raises Refused."""
    one = _called(whistle, unit_id)
    if one.arrived_at is not None:
        raise Refused("already_arrived")
    if not whistle.blown_at <= at <= now:
        raise Refused("arrival_time")
    away = _distance(whistle, point, statement)
    event = _event(
        WhistleArrived, whistle, by, now, unit_id=unit_id, arrived_at=at, timeliness=_judged(at, one.call.arrive_by),
        point=point, distance_m=away, statement=statement,
    )  # fmt: skip
    return Told(_with(whistle, replace(one, arrived_at=at, responded_at=one.responded_at or at)), (event,))


def _distance(whistle: Whistle, point: Point | None, statement: str) -> float | None:
    if point is None:
        if not statement.strip():
            raise Refused("arrival_not_shown")
        return None
    here = whistle.place.point if whistle.place else None
    if here is None:
        return None
    away = metres(point, here)
    if away is None:
        raise Refused("point_datum", crs=point.crs)
    if whistle.within_m and away > whistle.within_m:
        raise Refused("too_far", metres=int(away), within=whistle.within_m)
    return away


def resolve(whistle: Whistle, by: Actor, now: dt.datetime, *, result_masked: str, absent_reason: str) -> Told:
    """The lead unit says that the matter is settled; who never came is named with a reason. Raises Refused."""
    _is_open(whistle)
    lead = whistle.lead
    if lead.arrived_at is None:
        raise Refused("whistle_lead_absent")
    if not result_masked.strip():
        raise Refused("whistle_result_missing")
    absent = tuple(one.call.unit_id for one in whistle.units if one.arrived_at is None)
    if absent and not absent_reason.strip():
        names = "、".join(u.call.unit_name or u.call.unit_id for u in whistle.units if u.call.unit_id in absent)
        raise Refused("whistle_absent_reason", units=names)
    event = _event(
        WhistleResolved, whistle, by, now, unit_id=lead.call.unit_id, timeliness=_judged(now, whistle.resolve_by),
        result_masked=result_masked, absent=absent, absent_reason=absent_reason if absent else "",
    )  # fmt: skip
    after = replace(
        whistle, state="resolved", resolved_at=now, result_masked=result_masked, absent_reason=absent_reason
    )
    return Told(after, (event,))


def score(
    whistle: Whistle, by: Actor, now: dt.datetime, *, satisfied: bool, weights: tuple[int, int, int], opinion: str,
    dissatisfied_with: tuple[str, ...] = (),
) -> Told:  # fmt: skip
    """The community judges (响应、解决、满意), which ends the whistle. *weights* add up to 100. Raises Refused."""
    if whistle.state != "resolved":
        raise Refused("whistle_state", state=STATES[whistle.state])
    if not satisfied and not opinion.strip():
        raise Refused("opinion_missing", action="不满意的评价")
    if unknown := [unit for unit in dissatisfied_with if whistle.unit(unit) is None]:
        raise Refused("whistle_not_called", unit="、".join(unknown))
    responded = sum(one.in_time for one in whistle.units)
    came, settled, liked = weights
    in_time = whistle.resolved_at is not None and whistle.resolved_at <= whistle.resolve_by
    points = round(came * responded / len(whistle.units)) + settled * in_time + liked * satisfied
    event = _event(
        WhistleScored, whistle, by, now, called=len(whistle.units), responded=responded, resolved=True,
        satisfied=satisfied, score=points, dissatisfied_with=dissatisfied_with, opinion=opinion,
    )  # fmt: skip
    return Told(replace(whistle, state="scored", satisfied=satisfied, score=points), (event,))


def withdraw(whistle: Whistle, by: Actor, now: dt.datetime, opinion: str) -> Told:
    """The community takes its call back (撤哨). Raises Refused."""
    _is_open(whistle)
    if not opinion.strip():
        raise Refused("opinion_missing", action="撤哨")
    event = _event(WhistleWithdrawn, whistle, by, now, opinion=opinion)
    return Told(replace(whistle, state="withdrawn"), (event,))


def ring(whistle: Whistle, now: dt.datetime) -> Told:
    """Everything that is late at *now* and wasn't said yet."""
    if whistle.state != "called":
        return Told(whistle, ())
    events: list[WhistleEvent] = []
    units = []
    for one in whistle.units:
        for what, due, done in _dues(one):
            if done is None and now > due and what not in one.overdue:
                one = replace(one, overdue=(*one.overdue, what))
                events.append(_late(whistle, one.call.unit_id, what, due, now))
        units.append(one)
    late = now > whistle.resolve_by and not whistle.resolve_overdue
    if late:
        events.append(_late(whistle, whistle.lead.call.unit_id, "resolve", whistle.resolve_by, now))
    after = replace(whistle, units=tuple(units), resolve_overdue=whistle.resolve_overdue or late)
    return Told(after, tuple(events))


def next_alarm(whistle: Whistle) -> dt.datetime | None:
    """The next moment at which something is late; None where nothing is waited for."""
    if whistle.state != "called":
        return None
    waits = [
        due for one in whistle.units for what, due, done in _dues(one) if done is None and what not in one.overdue
    ]
    if not whistle.resolve_overdue:
        waits.append(whistle.resolve_by)
    return min(waits) + dt.timedelta(seconds=1) if waits else None


def _dues(one: Called) -> tuple[tuple[str, dt.datetime, dt.datetime | None], ...]:
    return (
        ("respond", one.call.respond_by, one.responded_at),
        ("arrive", one.call.arrive_by, one.arrived_at),
    )


def _late(whistle: Whistle, unit_id: str, what: str, due: dt.datetime, now: dt.datetime) -> WhistleEvent:
    late: WhistleEvent = _event(WhistleOverdue, whistle, Actor(), now, unit_id=unit_id, what=what, due_at=due)
    return late


def _called(whistle: Whistle, unit_id: str) -> Called:
    _is_open(whistle)
    one = whistle.unit(unit_id)
    if one is None:
        raise Refused("whistle_not_called", unit=unit_id)
    return one


def _is_open(whistle: Whistle) -> None:
    if whistle.state != "called":
        raise Refused("whistle_state", state=STATES[whistle.state])


def _judged(at: dt.datetime, due: dt.datetime) -> str:
    return "on_time" if at <= due else "overdue"


def _with(whistle: Whistle, one: Called) -> Whistle:
    units = tuple(one if u.call.unit_id == one.call.unit_id else u for u in whistle.units)
    return replace(whistle, units=units)


def _event(make: type[Any], whistle: Whistle, by: Actor, now: dt.datetime, **fields: Any) -> Any:
    return make(
        whistle_id=whistle.whistle_id, area=whistle.area, kind=whistle.kind, occurred_at=now, actor=by,
        purpose=whistle.purpose, **fields,
    )  # fmt: skip
