"""From events to exchange records: the field lists of case management 6.3 (a proposal; no public standard text exists).

A record is a flat table of plain values. It holds what happened, where, by which unit and role, and nothing of any
person: fields are picked by name (`payloads`), so a new field of an event never leaks by itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final

import msgspec
from yiwang.contracts import (
    CaseClosed,
    CaseDispatched,
    CaseEvent,
    CaseFiled,
    CaseReported,
    CaseSnapshot,
    CaseVoided,
    MediaRef,
    areas,
)

from .payloads import (
    SHANGHAI,
    Payload,
    category_of,
    claimed_of,
    filled,
    flow_of,
    past_flow_of,
    place_of,
    result_of,
    summary_of,
)


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
    "task": _names(
        "task_id action kind title content issuer feedback_due figures_wanted case_nos opinion result round"
    ),
    "task_feedback": _names("task_id round result summary figures media timeliness answered_at"),
}
"""Every field that can ever leave, by kind of record."""
ONLY_IN: Final[dict[str, frozenset[str]]] = {"media_ref": _names("content")}
"""Fields that only come in, from places with another maker's platform: a small file's own bytes"""


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


def records_of(event: CaseEvent, base: Payload | None) -> list[Record]:
    """What *event* tells an upper platform; *base* is the case's base record as last told, None if never.

    A snapshot gives the base, the history that it holds and the result; every other event gives its flow step, and
    base, media, units and grid where they are new.
    """
    if isinstance(event, CaseSnapshot):
        return _of_snapshot(event, base)
    found = [_record(event, "case_flow", f"flow/{event.case.case_version}", flow_of(event))]
    found += _base_if_changed(event, base)
    found += [_media(event, m) for m in getattr(event, "media", ())]
    if isinstance(event, CaseDispatched):
        found += [_unit(event, a.unit_id, a.unit_name, a.unit_level) for a in event.assignments]
    if isinstance(event, (CaseClosed, CaseVoided)):
        found.append(_record(event, "case_result", f"result/{event.case.case_version}", result_of(event)))
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
    now |= category_of(head) | place_of(head.place)
    if isinstance(event, CaseReported):
        now |= claimed_of(event)
    if isinstance(event, CaseSnapshot):
        now |= {"description": event.body.description_masked, "reporter_type": event.body.reporter_kind}
    if isinstance(event, CaseFiled):
        now["condition_id"] = event.condition_id
    if not (base or {}).get("report_time"):
        now["report_time"] = event.occurred_at
    return (base or {}) | filled(now)


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


def _of_snapshot(event: CaseSnapshot, base: Payload | None) -> list[Record]:
    body = event.body
    found = _base_if_changed(event, base)
    for f in body.history:  # under the number that the live event gave it
        found.append(_record(event, "case_flow", f"flow/{f.version or f.seq}", past_flow_of(event, f), f.ended_at))
    found += [_media(event, m) for m in body.media]
    found += [_unit(event, a.unit_id, a.unit_name, a.unit_level) for a in body.assignments]
    if body.summary is not None:
        head = event.case
        payload = summary_of(body.summary) | {
            "case_id": head.case_id,
            "case_no": head.case_no,
            "outcome": head.state_after,
        }
        found.append(_record(event, "case_result", f"result/{head.case_version}", payload))
    return found
