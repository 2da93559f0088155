"""Campaigns (专项行动、三年行动): a plan with targets by area and unit, and what came of it, from every tier upward."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from ._event import Event, Flow
from ._types import Moment, Value

__all__ = [
    "CampaignAmended", "CampaignAnnounced", "CampaignCaseJoined", "CampaignCaseLeft", "CampaignCount", "CampaignEnded",
    "CampaignEvent", "CampaignOpened", "CampaignPlan", "CampaignProgress", "CampaignScope", "CampaignTarget",
]  # fmt: skip


class CampaignScope(Value, frozen=True, kw_only=True):
    """Which cases a campaign takes in by rule; within a list any, between the lists all."""

    code_set: str = ""
    """Of the categories; a case of another set is translated first (04 and 05 change places between sets)"""
    categories: tuple[str, ...] = ()
    """``event/04/10``, ``event/04/*`` or ``*``; empty: no case joins by rule, only by hand"""
    conditions: tuple[str, ...] = ()
    """Filing conditions; empty: any"""
    areas: tuple[str, ...] = ()
    """Area codes; empty: the issuer's whole area"""


class CampaignTarget(Value, frozen=True, kw_only=True):
    """What an area or a unit shall reach; a number that isn't asked for is 0."""

    area: str = ""
    """Area code; empty: everywhere"""
    unit_id: str = ""
    """Empty: all units"""
    year: int = 0
    """Of a plan over several years: which one (of what was found in it); 0: the whole campaign"""
    found: int = 0
    """At least so many found (排查)"""
    rectified: int = 0
    """At least so many rectified (整改)"""
    rate_pct: float = 0.0
    """Rectified of found, in per cent"""
    due_on: dt.date | None = None
    """Until when (inclusive); none: the campaign's last day"""


class CampaignEvent(Event, frozen=True, kw_only=True):
    """Something about one campaign; `campaign_id` is the order key."""

    campaign_id: str
    issuer: str
    """Area code of the node that leads it"""

    @property
    def key(self) -> str:
        return self.campaign_id


class CampaignPlan(CampaignEvent, frozen=True, kw_only=True):
    """What a campaign is."""

    title: str
    """What it is called"""
    kind: str = "special"
    """special (专项行动), multi_year (三年行动等多年计划) or a word of the city's own"""
    basis: str = ""
    """The plan or law on which it rests (方案、文号)"""
    begins_on: dt.date
    """First day, in Shanghai"""
    ends_on: dt.date
    """Last day, inclusive"""
    scope: CampaignScope = CampaignScope()
    targets: tuple[CampaignTarget, ...] = ()
    revision: int = 1
    """Grows with each amendment"""


class CampaignOpened(CampaignPlan, frozen=True, kw_only=True, tag="campaign.opened.v1"):
    """A campaign begins to count (专项启动); cases filed before within its days join by rule, one after the other."""

    spread: bool = False
    """The nodes below take part (专项部署)"""


class CampaignAmended(CampaignPlan, frozen=True, kw_only=True, tag="campaign.amended.v1"):
    """Its span, scope or targets are others from now on (专项调整).

    Cases that belong no more leave, cases filed before that belong now join, one after the other, each with its event.
    """

    opinion: str = ""


class CampaignAnnounced(CampaignPlan, frozen=True, kw_only=True, tag="campaign.announced.v1"):
    """The nodes below shall take part (专项部署): they count their own cases and ledgers in it, and tell upward."""

    flow: ClassVar[Flow] = "down"

    state: str = "open"
    """open, or ended"""


class CampaignEnded(CampaignEvent, frozen=True, kw_only=True, tag="campaign.ended.v1"):
    """A campaign ends (专项结束); its counts stay as they are."""

    opinion: str = ""


class CampaignCaseJoined(CampaignEvent, frozen=True, kw_only=True, tag="campaign.case_joined.v1"):
    """A case counts in a campaign (案件纳入专项); the case itself doesn't change."""

    case_id: str
    case_no: str = ""
    how: str
    """rule, hand, or report (it was reported as part of the campaign)"""


class CampaignCaseLeft(CampaignEvent, frozen=True, kw_only=True, tag="campaign.case_left.v1"):
    """A case counts in the campaign no more (案件移出专项)."""

    case_id: str
    case_no: str = ""
    why: str
    """hand, rule (corrected to another class or place), voided, moved (another node has it) or ledger (counted there)"""
    opinion: str = ""


class CampaignCount(Value, frozen=True, kw_only=True):
    """Sums of one area, unit and year; they add up over areas, units, years and nodes."""

    area: str
    """County, or town of a city without counties"""
    unit_id: str = ""
    """Empty: no unit is responsible yet"""
    year: int
    """In which they were found"""
    found: int = 0
    """Found (排查): cases filed, entries written down"""
    rectified: int = 0
    """Rectified (整改): said so by the unit"""
    accepted: int = 0
    """Rectified and accepted by somebody else (验收销号); of cases: closed"""
    satisfied: int = 0
    """Confirmed by residents (满意)"""
    reopened: int = 0
    """At least once not accepted, or come back"""
    overdue: int = 0
    """Not rectified in time"""


class CampaignProgress(CampaignEvent, frozen=True, kw_only=True, tag="campaign.progress.v1"):
    """What one node's own cases and ledgers amount to (专项进展): whole sums, of which the latest counts."""

    revision: int
    """Grows with each; a smaller one that comes later is old"""
    as_of: Moment
    """When it was counted"""
    counts: tuple[CampaignCount, ...] = ()
    """By area, unit and year; what isn't there is nought"""
