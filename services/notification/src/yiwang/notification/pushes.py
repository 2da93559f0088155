"""A push: one notice on its way to one endpoint, and what it carries."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import msgspec


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One claimed push with its notice and its endpoint."""

    delivery_id: uuid.UUID
    attempts: int
    due_at: dt.datetime
    channel: str
    step: int
    notice_id: uuid.UUID
    audience: str
    kind: str
    role: str
    area: str
    business_id: str
    version: int
    template: str
    template_version: str
    title: str
    body: str
    urgency: str
    purpose: str
    case_id: str
    case_no: str
    steps: str
    created_at: dt.datetime
    endpoint_id: uuid.UUID
    name: str
    target: str
    receives_contact: bool
    secret: str
    old_secret: str
    old_until: dt.datetime | None
    enabled: bool


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A reporter's contact, sealed."""

    report_id: str
    name: str
    phone: str
    openid: str


def payload(push: Push, contacts: list[dict[str, str]]) -> bytes:
    """The body: ``{type, timestamp, data}`` as Standard Webhooks has it."""
    names = ("audience", "business_id", "version", "title", "body", "urgency", "purpose", "case_id", "case_no")
    data: dict[str, Any] = {"notice_id": push.notice_id} | {name: getattr(push, name) for name in names}
    if contacts:
        data["contacts"] = contacts
    return msgspec.json.encode({"type": f"notice.{push.template}", "timestamp": push.created_at, "data": data})
