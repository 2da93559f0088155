"""From events to exchange records: the field lists of case management 6.3 (a proposal; no public standard text exists).

A record is a flat table of plain values. It holds what happened, where, by which unit and role, and nothing of any
person: fields are picked by name here, so a new field of an event never leaks by itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    CaseClosed,
    CaseDispatched,
    CaseEvent,
    CaseFiled,
    CaseHandlingConfirmed,
    CaseHead,
    CaseReported,
    CaseSnapshot,
    CaseSummary,
    CaseVoided,
    Clock,
    FlowRecord,
    MediaRef,
    Place,
    areas,
    tag_of,
)

SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))
Payload = dict[str, Any]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIELDS: Final[dict[str, frozenset[str]]] = {
    "case_base": _names(
        "case_id case_no report_time source_code source_set nature code_set code_version kind major minor class_key"
        " condition_id part_code description address lon lat crs district street community cell_code duty_grid"
        " reporter_type level"
    ),
    "case_flow": _names(
        "case_id case_no step stage action from_state to_state operator_unit operator_role start end deadline used_s"
        " limit_s overdue timeliness opinion round"
    ),
    "case_result": _names(
        "case_id case_no outcome report_time accept_time file_time dispatch_time dispose_begin dispose_end confirm_time"
        " check_time close_time dispose_units rework_count postpone_count hang_count return_count archive_type"
        " timeliness timeliness_source self_disposed reason_code"
    ),
    "media_ref": _names("media_id case_id case_no stage photo_type hash size mime shot_time lon lat home_node"),
    "grid_ref": _names("cell_code duty_grid district street community grid_version"),
    "unit_ref": _names("unit_code name level"),
}
"""Every field that can ever leave, by kind of record."""

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


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange record. `record_id` names the fact: the same event always gives the same ids."""

    record_id: str
    kind: str
    case_id: str
    district: str
    occurred_at: dt.datetime
    payload: Payload

    @property
    def day(self) -> dt.date:
        """The day in China to which the record is reconciled."""
        return self.occurred_at.astimezone(SHANGHAI).date()

    @property
    def encoded(self) -> bytes:
        return msgspec.json.encode(self.payload, order="sorted")


def hash_of(encoded: bytes) -> str:
    """SHA-256 of a payload's canonical JSON."""
    return hashlib.sha256(encoded).hexdigest()


def filled(payload: Payload) -> Payload:
    """Without what is empty; moments as RFC 3339 in the zone of China, decimals as text of 7 places.

    So every language writes the same bytes, and a payload's hash can be checked by any receiver.
    """
    return {k: _value(v) for k, v in payload.items() if v not in (None, "", (), [])}


def _value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(SHANGHAI).isoformat(timespec="milliseconds")
    return f"{value:.7f}" if isinstance(value, float) else value


def records_of(event: CaseEvent, base: Payload | None) -> list[Record]:
    """What *event* tells an upper platform; *base* is the case's base record as last told, None if never.

    A snapshot gives the base, the history that it holds and the result; every other event gives its flow step, and
    base, media, units and grid where they are new.
    """
    if isinstance(event, CaseSnapshot):
        return _of_snapshot(event, base)
    found = [_record(event, "case_flow", f"flow/{event.case.case_version}", _flow(event))]
    found += _base_if_changed(event, base)
    found += [_media(event, m) for m in getattr(event, "media", ())]
    if isinstance(event, CaseDispatched):
        found += [_unit(event, a.unit_id, a.unit_name, a.unit_level) for a in event.assignments]
    if isinstance(event, (CaseClosed, CaseVoided)):
        found.append(_record(event, "case_result", f"result/{event.case.case_version}", _result(event)))
    return found


def _record(event: CaseEvent, kind: str, name: str, payload: Payload, at: dt.datetime | None = None) -> Record:
    return Record(
        record_id=f"{event.case.case_id}/{name}",
        kind=kind,
        case_id=event.case.case_id,
        district=areas.county_of(event.jurisdiction),
        occurred_at=at or event.occurred_at,
        payload=filled(payload),
    )


def base_of(event: CaseEvent, base: Payload | None) -> Payload:
    """The case's base record after *event*: what is known now over what was known before."""
    head = event.case
    now: Payload = {"case_id": head.case_id, "case_no": head.case_no, "nature": head.nature, "level": head.urgency}
    now |= {"source_code": head.channel.code, "source_set": head.channel.code_set}
    now |= _category(head) | _place(head.place)
    if isinstance(event, CaseReported):
        now |= _claimed(event)
    if isinstance(event, CaseSnapshot):
        now |= {"description": event.body.description_masked, "reporter_type": event.body.reporter_kind}
    if isinstance(event, CaseFiled):
        now["condition_id"] = event.condition_id
    if not (base or {}).get("report_time"):
        now["report_time"] = event.occurred_at
    return (base or {}) | filled(now)


def _claimed(event: CaseReported) -> Payload:
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


def _category(head: CaseHead) -> Payload:
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


def _place(place: Place | None) -> Payload:
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


def _base_if_changed(event: CaseEvent, base: Payload | None) -> list[Record]:
    new = base_of(event, base)
    if new == base:
        return []
    found = [_record(event, "case_base", f"base/{event.case.case_version}", new)]
    place = event.case.place
    if place and place.cell15 and (base or {}).get("cell_code") != place.cell15:
        grid = {k: new.get(k) for k in ("cell_code", "duty_grid", "district", "street", "community")}
        found.append(_shared(event, "grid_ref", place.cell15, grid | {"grid_version": place.grid_version}))
    return found


def _shared(event: CaseEvent, kind: str, code: str, payload: Payload) -> Record:
    """A reference that several cases share: told once for each content."""
    plain = filled(payload)
    digest = hash_of(msgspec.json.encode(plain, order="sorted"))[:12]
    record = _record(event, kind, "", plain)
    return msgspec.structs.replace(record, record_id=f"{kind}/{record.district}/{code}/{digest}", case_id="")


def _unit(event: CaseEvent, unit_id: str, name: str, level: int) -> Record:
    return _shared(event, "unit_ref", unit_id, {"unit_code": unit_id, "name": name, "level": level})


def _media(event: CaseEvent, m: MediaRef) -> Record:
    payload: Payload = {
        "media_id": m.media_id,
        "case_id": event.case.case_id,
        "case_no": event.case.case_no,
        "stage": m.stage,
        "photo_type": m.photo_type,
        "hash": m.sha256,
        "size": m.size,
        "mime": m.mime,
        "shot_time": m.shot_at,
        "home_node": m.home_node,
    }
    if m.point:
        payload |= {"lon": m.point.lon, "lat": m.point.lat}
    return _record(event, "media_ref", f"media/{m.stage}/{m.media_id}", payload)


def _flow(event: CaseEvent) -> Payload:
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


def _result(event: CaseClosed | CaseVoided) -> Payload:
    head, payload = event.case, dict[str, Any]()
    payload |= {"case_id": head.case_id, "case_no": head.case_no}
    if event.summary is not None:
        payload |= _summary(event.summary)
    if isinstance(event, CaseClosed):
        return payload | {"outcome": "closed", "archive_type": event.archive_type}
    payload |= {"outcome": event.void_kind, "reason_code": event.reason_code}
    return {"close_time": event.occurred_at} | payload


def _summary(s: CaseSummary) -> Payload:
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


def _of_snapshot(event: CaseSnapshot, base: Payload | None) -> list[Record]:
    body = event.body
    found = _base_if_changed(event, base)
    found += [_record(event, "case_flow", f"flow/{f.seq}", _past_flow(event, f), f.ended_at) for f in body.history]
    found += [_media(event, m) for m in body.media]
    found += [_unit(event, a.unit_id, a.unit_name, a.unit_level) for a in body.assignments]
    if body.summary is not None:
        head = event.case
        payload = _summary(body.summary) | {
            "case_id": head.case_id,
            "case_no": head.case_no,
            "outcome": head.state_after,
        }
        found.append(_record(event, "case_result", f"result/{head.case_version}", payload))
    return found


def _past_flow(event: CaseSnapshot, f: FlowRecord) -> Payload:
    head = event.case
    return {
        "case_id": head.case_id,
        "case_no": head.case_no,
        "step": f.seq,
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
