"""For tests: builders of reports. Nobody in them is real."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from .domain import Keys, Ticket, channel_of, ticket_of
from .profile import load
from .rules import Rules
from .submission import Source, Submission

NOW = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
KEYS = Keys.of(b"a secret for tests")
RULES: Rules = load()
POINT = {"lon": 114.3461, "lat": 22.6908, "crs": "cgcs2000"}


def a_body(**change: Any) -> dict[str, Any]:
    """A report of an inspector, as JSON data."""
    body: dict[str, Any] = {
        "channel": "1",
        "occurred_at": "2026-11-23T11:50:00+08:00",
        "description": "兴华路人行道破损，影响通行",
        "place": {"point": POINT, "address": "坪山区龙田街道兴华路"},
        "category": {"code_set": "cjj-events", "version": "1", "kind": "event", "major": "01", "minor": "13"},
    }
    return {name: value for name, value in (body | change).items() if value is not None}


def a_citizen_body(**change: Any) -> dict[str, Any]:
    """A report of a citizen who can be reached."""
    citizen = {
        "channel": "33",
        "description": "我叫张三丰，电话 138 0013 8000，住金田花园3栋2单元501房，楼下垃圾没人收",
        "contact": {"name": "张三丰", "phone": "13800138000", "openid": "o-test-openid", "consent": "call"},
        "wants_reply": True,
        "category": None,
    }
    return a_body(**(citizen | change))


def a_submission(**change: Any) -> Submission:
    return msgspec.convert(a_body(**change), Submission)


def a_ticket(submission: Submission, *, source: Source | None = None) -> Ticket:
    found = channel_of(submission, RULES)
    assert found is not None
    source = source or submission.source
    return ticket_of(submission, *found, RULES, KEYS, source=source, fresh_id="01900000-0000-7000-8000-000000000001")
