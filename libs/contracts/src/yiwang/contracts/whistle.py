"""Whistles (社区吹哨、部门报到): a community calls, named units report in, and arrival and result are timed and scored."""

from __future__ import annotations

from ._event import Event
from ._types import Moment, Place, Point, Value

__all__ = [
    "WhistleArrived", "WhistleBlown", "WhistleCall", "WhistleEvent", "WhistleOverdue", "WhistleResolved",
    "WhistleResponded", "WhistleScored", "WhistleWithdrawn",
]  # fmt: skip


class WhistleCall(Value, frozen=True, kw_only=True):
    """One unit that must report in."""

    unit_id: str
    unit_name: str = ""
    role: str = "co"
    """lead (牵头) or co (配合)"""
    respond_by: Moment
    """Until when it must say that it comes"""
    arrive_by: Moment
    """Until when it must be there"""


class WhistleEvent(Event, frozen=True, kw_only=True):
    """Something about one whistle; `whistle_id` is the order key."""

    whistle_id: str
    area: str
    """Code of the community, street or grid that called"""
    kind: str
    """enforcement (综合执法哨), key_work (重点工作哨), emergency (应急处置哨) or a word of the city's own"""

    @property
    def key(self) -> str:
        return self.whistle_id


class WhistleBlown(WhistleEvent, frozen=True, kw_only=True, tag="whistle.blown.v1"):
    """A community calls the units that have the power it lacks (吹哨)."""

    units: tuple[WhistleCall, ...]
    resolve_by: Moment
    """Until when the matter must be settled"""
    summary_masked: str = ""
    """What it is about, in the caller's words without persons"""
    place: Place | None = None
    within_m: int = 0
    """How near a unit's position must be to count as arrived; 0: its word is enough"""
    case_id: str = ""
    """The case that it is about, if any"""
    case_no: str = ""


class WhistleResponded(WhistleEvent, frozen=True, kw_only=True, tag="whistle.responded.v1"):
    """A unit says that it comes (响应)."""

    unit_id: str
    timeliness: str
    """on_time or overdue"""
    opinion: str = ""


class WhistleArrived(WhistleEvent, frozen=True, kw_only=True, tag="whistle.arrived.v1"):
    """A unit is at the place (报到)."""

    unit_id: str
    arrived_at: Moment
    """When it was there"""
    timeliness: str
    """on_time or overdue"""
    point: Point | None = None
    distance_m: float | None = None
    """From the place; None where it came by word"""
    statement: str = ""
    """What was said where no position proves it"""


class WhistleOverdue(WhistleEvent, frozen=True, kw_only=True, tag="whistle.overdue.v1"):
    """A unit hasn't come in time, or the matter isn't settled in time (吹哨超时)."""

    unit_id: str
    """Who is late; the lead unit where the matter itself is"""
    what: str
    """respond, arrive or resolve"""
    due_at: Moment


class WhistleResolved(WhistleEvent, frozen=True, kw_only=True, tag="whistle.resolved.v1"):
    """The lead unit says that the matter is settled (办结)."""

    unit_id: str
    """The lead unit"""
    timeliness: str
    """on_time or overdue"""
    result_masked: str = ""
    absent: tuple[str, ...] = ()
    """Units that never came"""
    absent_reason: str = ""


class WhistleScored(WhistleEvent, frozen=True, kw_only=True, tag="whistle.scored.v1"):
    """The community judges what came of it (评价), which ends the whistle."""

    called: int
    """Units that were called"""
    responded: int
    """Of them, that were there in time"""
    resolved: bool
    """Whether the matter was settled"""
    satisfied: bool
    score: int
    """0 to 100 by the city's weights"""
    dissatisfied_with: tuple[str, ...] = ()
    """Units with which the community wasn't satisfied"""
    opinion: str = ""


class WhistleWithdrawn(WhistleEvent, frozen=True, kw_only=True, tag="whistle.withdrawn.v1"):
    """The community takes its call back (撤哨)."""

    opinion: str
