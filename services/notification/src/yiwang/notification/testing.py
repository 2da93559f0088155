"""Builders of events for tests of notification and of services that ask for notices."""

from __future__ import annotations

import datetime as dt
from typing import Any

from yiwang.contracts import Assignment, CaseClosed, CaseDispatched, CaseSummary, Clock, NoticeRequested
from yiwang.kit import VirtualClock
from yiwang.kit.testing import NOON, a_category, a_head, a_place


def daytime() -> VirtualClock:
    """Noon, and time goes on: outside the quiet hours, whatever the time of day at which the test runs."""
    return VirtualClock(NOON, 1)


def a_clock(**change: Any) -> Clock:
    """Four working hours from noon."""
    fields: dict[str, Any] = {
        "clock_id": "c1", "stage": "disposal", "unit_kind": "work_hour", "limit": 4, "started_at": NOON,
        "due_at": NOON + dt.timedelta(hours=6),
    }  # fmt: skip
    return Clock(**(fields | change))


def dispatched(*units: str, head: dict[str, Any] | None = None, **change: Any) -> CaseDispatched:
    """A case in Pingshan dispatched to *units*, the first of them lead."""
    fields: dict[str, Any] = {
        "case_version": 5, "state_before": "filed", "state_after": "dispatched", "case_no": "4403102026112300001",
        "category": a_category(minor_name="暴露垃圾"), "place": a_place(address_masked="坪山大道12号"),
    }  # fmt: skip
    assignments = tuple(
        Assignment(assignment_id=f"a{n}", unit_id=unit, unit_name="坪山街道执法队", clock=a_clock())
        for n, unit in enumerate(units or ("8508",))
    )
    own: dict[str, Any] = {
        "case": a_head(**(fields | (head or {}))),
        "assignments": assignments,
        "dispatch_level": "city",
    }
    return CaseDispatched(**(own | change))


def closed(case_id: str, **change: Any) -> CaseClosed:
    """The end of a case."""
    head = a_head(case_id=case_id, case_version=12, state_after="closed", category=a_category(minor_name="暴露垃圾"))
    return CaseClosed(case=head, archive_type=1, summary=CaseSummary(reported_at=NOON, closed_at=NOON), **change)


def a_wish(**change: Any) -> NoticeRequested:
    """Another service asks that a unit be told something."""
    fields: dict[str, Any] = {
        "business_id": "flood/1", "template": "message", "audience": "unit:8508",
        "params": {"title": "暴雨预警", "text": "请巡查低洼路段。"},
    }  # fmt: skip
    return NoticeRequested(**(fields | change))
