"""What tiers say to each other about one case: acting on a child's case, and the passing of custody."""

from __future__ import annotations

from typing import ClassVar

from ._event import Event, Flow
from ._types import Moment
from .custody import CaseSnapshotBody

__all__ = [
    "CaseDirected", "CopyWanted", "CustodyAnswered", "CustodyReleased", "DirectiveApplied", "DirectiveExpired",
    "DirectiveRefused", "NumbersAsked", "NumbersTold", "ReferralClosed", "VisitAnswered", "VisitRequested",
]  # fmt: skip


class AboutCase(Event, frozen=True, kw_only=True):
    """Something said about a case by a node that need not be its custodian: it is no version of the case."""

    case_id: str
    case_no: str = ""

    @property
    def key(self) -> str:
        return self.case_id


class CaseDirected(AboutCase, frozen=True, kw_only=True, tag="case.directed.v1"):
    """An upper tier acts on a case whose custodian is below (指令): always answered by applied or refused."""

    flow: ClassVar[Flow] = "down"

    directive_id: str
    based_on: int
    """The case's version that the issuer saw; the custodian refuses when the case has moved on"""
    epoch: int
    """Custody as the issuer saw it"""
    action: str
    """supervise (督办), recall (收回) or assign (指定办理)"""
    kind: str = ""
    """Of a supervision: timeout, leader or important"""
    level: str = ""
    """Of a supervision: province, city or county"""
    target: str = ""
    """Of an assignment: the area whose node shall have the case"""
    opinion: str = ""
    """What is asked for, in an officer's words"""
    expires_at: Moment
    """Not applied after this moment"""
    reply_required: bool = False
    """Whether an answer in words is asked for"""
    reply_due: Moment | None = None


class DirectiveApplied(AboutCase, frozen=True, kw_only=True, tag="directive.applied.v1"):
    """The custodian did what it was told (指令已执行)."""

    directive_id: str
    action: str
    case_version: int
    """After the deed"""


class DirectiveRefused(AboutCase, frozen=True, kw_only=True, tag="directive.refused.v1"):
    """The custodian did not do it (指令被拒), with the reason as a sentence."""

    directive_id: str
    action: str
    reason_code: str
    """expired, stale, moved_away, unknown_case, finished, not_above, wrong_role, unknown_action or impossible"""
    reason: str
    case_version: int = 0
    """As it stands; 0 where the case isn't known"""


class DirectiveExpired(AboutCase, frozen=True, kw_only=True, tag="directive.expired.v1"):
    """No answer came until the directive's end (指令逾期未回): said by the issuer."""

    directive_id: str
    action: str
    expired_at: Moment
    """The end that it had"""


class CustodyAnswered(AboutCase, frozen=True, kw_only=True, tag="custody.answered.v1"):
    """The receiver of an offer would take the case, or refuses it (接收意见); until released it is the sender's."""

    offer_id: str
    from_jurisdiction: str
    to_jurisdiction: str
    epoch: int
    """Of the offer"""
    based_on: int
    """The case's version at which it was offered"""
    decision: str
    """accept or refuse"""
    reason_code: str = ""
    opinion: str = ""


class CustodyReleased(AboutCase, frozen=True, kw_only=True, tag="custody.released.v1"):
    """The sender let go (移出): from here on only the receiver writes."""

    offer_id: str
    from_jurisdiction: str
    to_jurisdiction: str
    epoch: int
    """The receiver's: one more than the sender's"""
    case_version: int
    """The last that the sender wrote"""
    snapshot: CaseSnapshotBody | None = None
    """The case as released; None where it is still as offered"""


class CopyWanted(AboutCase, frozen=True, kw_only=True, tag="copy.wanted.v1"):
    """A node whose copy of a case has a gap asks the custodian to tell it again (补案申请)."""

    from_version: int
    """The last version that the reader has, 0 if none"""


class VisitRequested(AboutCase, frozen=True, kw_only=True, tag="visit.requested.v1"):
    """A closed case's reporter is to be asked by the tier that holds the contact (请求回访)."""

    report_ids: tuple[str, ...]
    case_version: int


class VisitAnswered(AboutCase, frozen=True, kw_only=True, tag="visit.answered.v1"):
    """The tier that holds the contact has asked the reporter (回访结果)."""

    score: int
    """Code of the satisfaction table: 1 very satisfied … 5 very dissatisfied, 0 not reached"""
    satisfied: bool
    opinion: str = ""


class ReferralClosed(AboutCase, frozen=True, kw_only=True, tag="referral.closed.v1"):
    """What came of a referral, told by the node that referred to the one that has the case by now (转执法结果转告)."""

    referral_id: str
    file_id: str
    agency_id: str
    outcome: str
    """As the agency closed its file"""
    outcome_name: str = ""
    """What people call it"""
    closed_at: Moment
    """When the agency closed it"""


class NumbersAsked(Event, frozen=True, kw_only=True, tag="numbers.asked.v1"):
    """A node that was restored asks its parent for the highest case numbers seen (案号核对申请)."""

    @property
    def key(self) -> str:
        return f"numbers/{self.jurisdiction}"


class NumbersTold(Event, frozen=True, kw_only=True, tag="numbers.told.v1"):
    """The parent's answer (案号核对): no number up to these may be given again."""

    flow: ClassVar[Flow] = "down"

    for_incarnation: int
    """The restored node's incarnation, as it asked"""
    numbers: tuple[str, ...]
    """The highest case number of each day that the parent's copies know"""

    @property
    def key(self) -> str:
        return f"numbers/{self.addressee}"
