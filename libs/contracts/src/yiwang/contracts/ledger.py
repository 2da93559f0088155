"""Ledgers of hazards (隐患台账) and lists of problems that become lists of satisfaction (问题清单、满意清单)."""

from __future__ import annotations

from ._event import Event
from ._types import Category, MediaRef, Moment, Place

__all__ = [
    "LedgerAccepted", "LedgerAssigned", "LedgerConfirmed", "LedgerEntered", "LedgerEvent", "LedgerLinked", "LedgerOverdue",
    "LedgerRectified", "LedgerReopened", "LedgerWithdrawn",
]  # fmt: skip


class LedgerEvent(Event, frozen=True, kw_only=True):
    """Something about one entry; `entry_id` is the order key."""

    entry_id: str
    kind: str
    """hazard (隐患: ends when accepted) or problem (问题: ends when the residents are satisfied)"""
    area: str
    """Deepest area code known"""
    campaign_id: str = ""
    """The campaign in which it counts"""
    round: int = 1
    """1 + how often it was reopened"""
    version: int = 0
    """Which word on this entry it is, from 1 without a gap; 0: said before words were counted"""

    @property
    def key(self) -> str:
        return self.entry_id


class LedgerEntered(LedgerEvent, frozen=True, kw_only=True, tag="ledger.entered.v1"):
    """A hazard or problem was found and written down (登记入账)."""

    grade: str
    """general (一般), major (重大) or a word of the city's own"""
    summary_masked: str
    """What it is, in an officer's words, without persons"""
    found_at: Moment
    found_by: str = "person"
    """person, patrol (巡查), import (导入) or station (驿站)"""
    source_no: str = ""
    """The number in the ledger from which it was imported"""
    task_id: str = ""
    """The patrol on which it was found"""
    station_id: str = ""
    category: Category | None = None
    place: Place | None = None
    media: tuple[MediaRef, ...] = ()


class LedgerAssigned(LedgerEvent, frozen=True, kw_only=True, tag="ledger.assigned.v1"):
    """A unit must rectify it by a measure and a day (交办: 责任单位、措施、期限)."""

    unit_id: str
    unit_name: str = ""
    measure_masked: str
    due_at: Moment


class LedgerRectified(LedgerEvent, frozen=True, kw_only=True, tag="ledger.rectified.v1"):
    """The unit says that it is rectified (整改完成), or the linked case was closed."""

    unit_id: str
    timeliness: str
    """on_time or overdue"""
    result_masked: str = ""
    case_id: str = ""
    """The linked case whose closing it was"""
    media: tuple[MediaRef, ...] = ()


class LedgerAccepted(LedgerEvent, frozen=True, kw_only=True, tag="ledger.accepted.v1"):
    """Somebody else looked and accepts it (验收销号); a problem now waits for the residents' word."""

    opinion: str = ""
    media: tuple[MediaRef, ...] = ()


class LedgerConfirmed(LedgerEvent, frozen=True, kw_only=True, tag="ledger.confirmed.v1"):
    """Residents were asked (群众确认): satisfied moves it to the list of satisfaction (满意清单)."""

    asked: int
    """How many residents"""
    content: int
    """How many of them are satisfied"""
    satisfied: bool
    """Whether that is enough by the city's rule"""
    opinion: str = ""


class LedgerReopened(LedgerEvent, frozen=True, kw_only=True, tag="ledger.reopened.v1"):
    """It isn't done: `round` is the new one (重新整改)."""

    cause: str
    """not_accepted (验收不合格), not_satisfied (群众不满意), recurred (反弹) or case (关联案件重新办理)"""
    opinion: str = ""


class LedgerLinked(LedgerEvent, frozen=True, kw_only=True, tag="ledger.linked.v1"):
    """A case does the work (关联案件): its closing rectifies the entry."""

    case_id: str
    case_no: str = ""


class LedgerOverdue(LedgerEvent, frozen=True, kw_only=True, tag="ledger.overdue.v1"):
    """It wasn't rectified in time (整改超期)."""

    unit_id: str
    due_at: Moment


class LedgerWithdrawn(LedgerEvent, frozen=True, kw_only=True, tag="ledger.withdrawn.v1"):
    """It was entered by mistake or twice (撤销登记)."""

    opinion: str
