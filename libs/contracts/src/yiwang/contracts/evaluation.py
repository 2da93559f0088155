"""Evaluation (考核评价): early warnings with their explanation, and published reports."""

from __future__ import annotations

from ._event import Event
from ._types import Moment

__all__ = ["EvaluationAlertCleared", "EvaluationAlertRaised", "EvaluationPublished"]


class EvaluationAlertRaised(Event, frozen=True, kw_only=True, tag="evaluation.alert_raised.v1"):
    """Figures of an area are unusual (预警): what was counted, what is usual, and why that is an alert."""

    alert: str
    """A stable name of rule, area and class, e.g. ``surge/440310/event/01``"""
    rule: str
    """Code of the rule (data)"""
    kind: str
    """surge (sudden rise), overdue_wave or silent"""
    area: str
    """Area code"""
    category: str = ""
    """Class as kind/major, empty: all cases"""
    from_at: Moment
    """Beginning of the hours that were looked at"""
    to_at: Moment
    """Their end"""
    count: int
    """What was counted in them"""
    usual: float
    """What is usual at these hours of such a day"""
    bound: float
    """Up to (or, for silence, down to) which it would still be usual"""
    sentence: str
    """The explanation, in Chinese"""

    @property
    def key(self) -> str:
        return f"evaluation/{self.area}"


class EvaluationAlertCleared(Event, frozen=True, kw_only=True, tag="evaluation.alert_cleared.v1"):
    """It is as usual again (预警解除)."""

    alert: str
    """The name under which it was raised"""
    rule: str
    """As raised"""
    area: str
    """As raised"""
    since: Moment
    """When it was raised"""
    sentence: str = ""
    """In Chinese"""

    @property
    def key(self) -> str:
        return f"evaluation/{self.area}"


class EvaluationPublished(Event, frozen=True, kw_only=True, tag="evaluation.published.v1"):
    """A report was frozen, signed and published (考核通报发布); its numbers stay with the node that made it."""

    report_id: str
    version: int
    """1, 2, …: a correction is a new version"""
    title: str
    """What stands over the report"""
    object: str
    """Area code that it is about"""
    period: str
    """Such as 2026-11"""
    digest: str
    """SHA-256 of the frozen report, in hex"""
    key_id: str
    """The public key"""
    signature: str
    """Ed25519 over the text that names report, version and digest, in Base64"""

    @property
    def key(self) -> str:
        return f"evaluation/{self.report_id}"
