"""Notices to people. All are local: they name whom to tell. "Delivered" never means "served" (送达)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from ._event import Event, Flow
from ._types import Moment, Personal


class NoticeEvent(Event, frozen=True, kw_only=True):
    """Something about one notice; `business_id` is the order key."""

    flow: ClassVar[Flow] = "local"
    personal: ClassVar[bool] = True

    business_id: str
    """What the notice is about, e.g. ``case_id/dispatched/assignment``"""
    version: int = 1
    template: str
    template_version: str = ""
    audience: Personal[str]
    """``person:``, ``post:``, ``unit:``, ``role@area`` or ``reporter:case``"""

    @property
    def key(self) -> str:
        return self.business_id


class NoticeRequested(NoticeEvent, frozen=True, kw_only=True, tag="notice.requested.v1"):
    """Somebody should be told something (通知申请)."""

    params: Personal[dict[str, str]] = msgspec.field(default_factory=dict)
    urgency: str = "normal"
    notice_purpose: str = "business"
    """business or legal_service; the latter needs a consent and allows no silent fallback"""
    consent_id: str = ""


class NoticeDelivered(NoticeEvent, frozen=True, kw_only=True, tag="notice.delivered.v1"):
    """A channel took the notice (通知送出)."""

    channel: str
    attempt: int
    provider_id: str = ""
    delivered_at: Moment
    receipt_hash: str = ""


class NoticeFailed(NoticeEvent, frozen=True, kw_only=True, tag="notice.failed.v1"):
    """A notice could not be brought to its audience (通知失败)."""

    channel: str
    attempt: int
    failure_class: str
    """permanent_recipient, permanent_template, auth, exhausted …"""
    reason: str = ""


class NoticeUnsent(NoticeEvent, frozen=True, kw_only=True, tag="notice.unsent.v1"):
    """No channel leads to the audience (通知未发，无可用渠道): nothing was tried, so nothing failed."""

    channels: tuple[str, ...] = ()
    """The channels that the template would have used"""
