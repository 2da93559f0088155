"""Another maker's case as its records told it, and the event that tells it to our services."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    Actor,
    AreaRef,
    CaseHead,
    CaseReported,
    CaseSnapshot,
    CaseSnapshotBody,
    CaseSummary,
    Category,
    Code,
    Custody,
    Event,
    ExternalId,
    Flags,
    FlowRecord,
    Origin,
    Place,
    Point,
    UnitRef,
)

from .docked_media import MEDIA, reference
from .payloads import Payload

TIMES: Final = frozenset(
    {
        *("report_time", "accept_time", "file_time", "dispatch_time", "dispose_begin", "dispose_end", "confirm_time"),
        *("check_time", "close_time", "start", "end", "deadline", "shot_time"),
    }
)
"""Fields that hold a moment."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the newest record of a docked case came from."""

    platform: str
    their_case: str
    case_id: str
    district: str
    record_id: str
    seq: int


class Docked(msgspec.Struct, frozen=True, kw_only=True):
    """The newest base, every step by its number, the result, every file by its hash."""

    base: Payload = {}
    flows: dict[int, Payload] = {}
    result: Payload = {}
    media: dict[str, Payload] = {}

    def after(self, kind: str, payload: Payload) -> Docked:
        """The case once this record is known; later records fill in, an older step stays where it is."""
        if kind == "case_base":
            return msgspec.structs.replace(self, base=self.base | payload)
        if kind == "case_flow":
            return msgspec.structs.replace(self, flows=self.flows | {payload["step"]: payload})
        if kind == "case_result":
            return msgspec.structs.replace(self, result=self.result | payload)
        if kind == MEDIA:
            return msgspec.structs.replace(self, media=self.media | {payload["media_id"]: payload})
        return self

    @property
    def state(self) -> str:
        """As far as it is told; stages may be missing."""
        if self.result:
            outcome = str(self.result.get("outcome", "closed"))
            return outcome if outcome == "closed" else "voided"
        if self.flows:
            return str(self.flows[max(self.flows)].get("to_state") or "reported")
        return "reported"


def docked_event(docked: Docked, source: Source, version: int, now: dt.datetime) -> Event:
    """`case.reported` for a case that is new and has only a base; otherwise a snapshot of all that is known."""
    head, base = _head(docked, source, version), docked.base
    envelope: dict[str, Any] = {
        "jurisdiction": source.district,
        "actor": Actor(role="system", kind="docked", via=source.platform),
        "origin": Origin(system_id=source.platform, record_id=source.record_id, seq=source.seq, mode="docked"),
    }
    if version == 1 and base and not (docked.flows or docked.result or docked.media):
        return CaseReported(
            case=head,
            occurred_at=_time(base, "report_time") or now,
            report_id=head.report_ids[0],
            nature=head.nature,
            description_masked=_text(base, "description"),
            reporter_kind=_text(base, "reporter_type") or "system",
            part_id=_text(base, "part_code"),
            verify_policy="skip",
            **envelope,
        )
    history = tuple(_step(step, f, now) for step, f in sorted(docked.flows.items()))
    body = CaseSnapshotBody(
        head=head,
        description_masked=_text(base, "description"),
        reporter_kind=_text(base, "reporter_type"),
        verify_policy="skip",
        history=history,
        summary=_summary(docked),
        media=tuple(reference(one, source.district) for _, one in sorted(docked.media.items())),
    )
    at = history[-1].ended_at if history else _time(base, "report_time")
    return CaseSnapshot(case=head, occurred_at=at or now, reader="", body=body, **envelope)


def _head(docked: Docked, source: Source, version: int) -> CaseHead:
    base, platform = docked.base, source.platform
    return CaseHead(
        case_id=source.case_id,
        case_no=_text(base, "case_no"),
        case_version=version,
        state_after=docked.state,
        custody=Custody(jurisdiction=source.district),
        report_ids=(f"{platform}/{source.their_case}",),
        external_ids=(ExternalId(system=platform, id=source.their_case),),
        nature=_text(base, "nature"),
        channel=Code(
            code_set=_text(base, "source_set") or platform,
            version="docked",
            code=_text(base, "source_code") or "unknown",
        ),
        category=_category(base),
        condition_id=_text(base, "condition_id"),
        urgency=_text(base, "level") or "normal",
        place=_place(base, source.district),
        flags=Flags(overdue=any(f.get("overdue") is True for f in docked.flows.values())),
    )


def _text(payload: Payload, name: str) -> str:
    value = payload.get(name)
    return "" if value is None else str(value)


def _time(payload: Payload, name: str) -> dt.datetime | None:
    value = payload.get(name)
    return dt.datetime.fromisoformat(value) if isinstance(value, str) and value else None


def _count(payload: Payload, name: str) -> int:
    value = payload.get(name, 0)
    return value if isinstance(value, int) else 0


def _category(base: Payload) -> Category | None:
    parts = {k: _text(base, k) for k in ("code_set", "kind", "major", "minor")}
    return Category(version=_text(base, "code_version") or "docked", **parts) if all(parts.values()) else None


def _place(base: Payload, district: str) -> Place | None:
    point = None
    try:
        point = Point(
            lon=float(base["lon"]), lat=float(base["lat"]), crs=_text(base, "crs") or "cgcs2000", source="docked"
        )
    except (KeyError, TypeError, ValueError):
        point = None  # no position was told
    county = _text(base, "district") or district
    return Place(
        area=AreaRef(county=county, street9=_text(base, "street"), community12=_text(base, "community")),
        cell15=_text(base, "cell_code"),
        duty_grid_id=_text(base, "duty_grid"),
        part_id16=_text(base, "part_code"),
        point=point,
        address_masked=_text(base, "address"),
        method="docked",
    )


def _step(step: int, flow: Payload, now: dt.datetime) -> FlowRecord:
    end = _time(flow, "end") or _time(flow, "start") or now
    return FlowRecord(
        seq=step,
        action=_text(flow, "action"),
        state_before=_text(flow, "from_state"),
        state_after=_text(flow, "to_state"),
        role=_text(flow, "operator_role"),
        unit_id=_text(flow, "operator_unit"),
        opinion=_text(flow, "opinion"),
        started_at=_time(flow, "start") or end,
        ended_at=end,
        due_at=_time(flow, "deadline"),
        used_s=_count(flow, "used_s"),
        overdue=flow.get("overdue") is True,
    )


def _summary(docked: Docked) -> CaseSummary | None:
    result = docked.result
    closed, reported = _time(result, "close_time"), _time(result, "report_time") or _time(docked.base, "report_time")
    if closed is None or reported is None:
        return None
    units = result.get("dispose_units")
    return CaseSummary(
        reported_at=reported,
        accepted_at=_time(result, "accept_time"),
        filed_at=_time(result, "file_time"),
        dispatched_at=_time(result, "dispatch_time"),
        handling_started_at=_time(result, "dispose_begin"),
        handled_at=_time(result, "dispose_end"),
        confirmed_at=_time(result, "confirm_time"),
        checked_at=_time(result, "check_time"),
        closed_at=closed,
        units=tuple(UnitRef(unit_id=str(u)) for u in units) if isinstance(units, list) else (),
        rework_count=_count(result, "rework_count"),
        postpone_count=_count(result, "postpone_count"),
        hang_count=_count(result, "hang_count"),
        return_count=_count(result, "return_count"),
        timeliness=_text(result, "timeliness") or None,
        timeliness_source="imported",
    )
