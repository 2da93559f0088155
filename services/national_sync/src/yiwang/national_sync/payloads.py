"""The fields of exchange records, taken from events by name: what isn't named here never leaves."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from yiwang.contracts import (
    CaseClosed,
    CaseEvent,
    CaseHandlingConfirmed,
    CaseHead,
    CaseReported,
    CaseSnapshot,
    CaseSummary,
    CaseVoided,
    Clock,
    FlowRecord,
    Place,
    tag_of,
)

SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))
Payload = dict[str, Any]

STAGE: Final = {
    "reported": "report",
    "verifying": "verify",
    "accepted": "accept",
    "filed": "file",
    "dispatched": "dispatch",
    "handling": "dispose",
    "feedback": "feedback",
    "checking": "check",
    "closing": "close",
    "closed": "close",
    "voided": "void",
    "suspended": "suspend",
}
"""Case state → stage of the exchange; a state that isn't here passes as it is."""


def filled(payload: Payload) -> Payload:
    """Without what is empty; moments as RFC 3339 in the zone of China, decimals as text of 7 places.

    So every language writes the same bytes, and a payload's hash can be checked by any receiver.
    """
    return {k: _value(v) for k, v in payload.items() if v not in (None, "", (), [])}


def _value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(SHANGHAI).isoformat(timespec="milliseconds")
    return f"{value:.7f}" if isinstance(value, float) else value


def claimed_of(event: CaseReported) -> Payload:
    claim = event.claimed_place
    found: Payload = {
        "report_time": event.occurred_at,
        "description": event.description_masked,
        "reporter_type": event.reporter_kind,
        "part_code": event.part_id,
        "address": claim.address_masked,
    }
    if event.case.place is None:
        found |= {"district": claim.county, "street": claim.street9, "community": claim.community12}
        if claim.point:
            found |= {"lon": claim.point.lon, "lat": claim.point.lat, "crs": claim.point.crs}
    return {k: v for k, v in found.items() if v not in (None, "")}


def category_of(head: CaseHead) -> Payload:
    c = head.category
    known = {"condition_id": head.condition_id}
    if c is None:
        return known
    return known | {
        "code_set": c.code_set,
        "code_version": c.version,
        "kind": c.kind,
        "major": c.major,
        "minor": c.minor,
        "class_key": f"{c.code_set}/{c.kind}/{c.major}",
    }


def place_of(place: Place | None) -> Payload:
    if place is None:
        return {}
    found: Payload = {
        "address": place.address_masked,
        "district": place.area.county,
        "street": place.area.street9,
        "community": place.area.community12,
        "cell_code": place.cell15,
        "duty_grid": place.duty_grid_id,
        "part_code": place.part_id16,
    }
    if place.point:
        found |= {"lon": place.point.lon, "lat": place.point.lat, "crs": place.point.crs}
    return found


def flow_of(event: CaseEvent) -> Payload:
    head = event.case
    clock: Clock | None = getattr(event, "clock", None) or next(iter(head.open_clocks), None)
    payload: Payload = {
        "case_id": head.case_id,
        "case_no": head.case_no,
        "step": head.case_version,
        "stage": STAGE.get(head.state_before or head.state_after, head.state_after),
        "action": action_of(event),
        "from_state": head.state_before,
        "to_state": head.state_after,
        "operator_unit": event.actor.unit_id,
        "operator_role": event.actor.role,
        "end": event.occurred_at,
        "overdue": head.flags.overdue,
        "opinion": getattr(event, "opinion", ""),
        "round": head.round,
    }
    if clock is not None:
        payload |= {"start": clock.started_at, "deadline": clock.due_at, "used_s": clock.used_s}
    if isinstance(event, CaseHandlingConfirmed):
        payload |= {"used_s": event.used_s, "limit_s": event.limit_s, "timeliness": event.timeliness}
    return payload


def action_of(event: CaseEvent) -> str:
    """``case.filed.v1`` → ``filed``."""
    return tag_of(type(event)).split(".")[1]


def result_of(event: CaseClosed | CaseVoided) -> Payload:
    head, payload = event.case, dict[str, Any]()
    payload |= {"case_id": head.case_id, "case_no": head.case_no}
    if event.summary is not None:
        payload |= summary_of(event.summary)
    if isinstance(event, CaseClosed):
        return payload | {"outcome": "closed", "archive_type": event.archive_type}
    payload |= {"outcome": event.void_kind, "reason_code": event.reason_code}
    return {"close_time": event.occurred_at} | payload


def summary_of(s: CaseSummary) -> Payload:
    return {
        "report_time": s.reported_at,
        "accept_time": s.accepted_at,
        "file_time": s.filed_at,
        "dispatch_time": s.dispatched_at,
        "dispose_begin": s.handling_started_at,
        "dispose_end": s.handled_at,
        "confirm_time": s.confirmed_at,
        "check_time": s.checked_at,
        "close_time": s.closed_at,
        "dispose_units": [u.unit_id for u in s.units],
        "rework_count": s.rework_count,
        "postpone_count": s.postpone_count,
        "hang_count": s.hang_count,
        "return_count": s.return_count,
        "timeliness": s.timeliness,
        "timeliness_source": s.timeliness_source,
        "self_disposed": s.self_disposed,
    }


def past_flow_of(event: CaseSnapshot, f: FlowRecord) -> Payload:
    head = event.case
    return {
        "case_id": head.case_id,
        "case_no": head.case_no,
        "step": f.version or f.seq,
        "stage": STAGE.get(f.state_before or f.state_after, f.state_after),
        "action": f.action,
        "from_state": f.state_before,
        "to_state": f.state_after,
        "operator_unit": f.unit_id,
        "operator_role": f.role,
        "start": f.started_at,
        "end": f.ended_at,
        "deadline": f.due_at,
        "used_s": f.used_s,
        "overdue": f.overdue,
        "opinion": f.opinion,
        "round": head.round,
    }
