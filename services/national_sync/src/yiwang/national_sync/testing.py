"""For tests: a profile with a nation, and the course of a case in events."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseClosed, CaseEvent, CaseLocated, CaseSummary
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON, a_case, a_head, a_place, a_report

from .payloads import SHANGHAI, Payload
from .protocol import Batch, Envelope
from .records import FIELDS, hash_of

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
REQUIRED: Final = {"case_base": {"case_id", "report_time"}, "case_flow": {"case_id", "step"}}


def a_platform(name: str = "nation", *, more: str = "", only: tuple[str, ...] = tuple(FIELDS)) -> str:
    """A platform file that takes our fields under our names; *more* are further lines at its top."""
    lines = [f'name = "{name}"', f'title = "{name}平台"', 'version = "1"', more]
    for kind in only:
        lines.append(f"[records.{kind}.fields]")
        for field in sorted(FIELDS[kind]):
            required = field in REQUIRED.get(kind, ())
            lines.append(f'{field} = {{ from = "{field}", required = true }}' if required else f'{field} = "{field}"')
    return "\n".join(lines) + "\n"


def a_profile(folder: Path, *platforms: str) -> Path:
    """A profile directory with these platform files."""
    (folder / "sync").mkdir(parents=True, exist_ok=True)
    for n, text in enumerate(platforms):
        (folder / "sync" / f"{n}.toml").write_text(text, "utf-8")
    return folder


def a_course(case_id: str = "", at: dt.datetime = NOON) -> list[CaseEvent]:
    """Reported, located, filed, closed: four events of one case, an hour apart."""
    case_id = case_id or str(uuid.uuid4())

    def head(version: int, before: str, after: str) -> Any:
        return a_head(case_id=case_id, case_version=version, state_before=before, state_after=after, place=a_place())

    report = a_report(head=a_head(case_id=case_id))
    located = CaseLocated(case=head(2, "reported", "reported"), place=a_place(), outcome="located")
    filed = a_case(head_change={"case_id": case_id, "case_version": 3})
    end = at + dt.timedelta(hours=3)
    summary = CaseSummary(reported_at=at, filed_at=at + dt.timedelta(hours=2), closed_at=end, timeliness="on_time")
    closed = CaseClosed(case=head(4, "closing", "closed"), archive_type=1, summary=summary)
    course: list[CaseEvent] = [report, located, filed, closed]
    return [msgspec.structs.replace(e, occurred_at=at + dt.timedelta(hours=n)) for n, e in enumerate(course)]


def an_envelope(seq: int, kind: str, payload: Payload, **change: Any) -> Envelope:
    """A record as another maker's platform sends it."""
    fields: dict[str, Any] = {
        "record_id": f"theirs/{seq}",
        "kind": kind,
        "district": "440304",
        "seq": seq,
        "day": NOON.astimezone(SHANGHAI).date(),
        "occurred_at": NOON,
        "payload": payload,
        "hash": hash_of(msgspec.json.encode(payload, order="sorted")),
    }
    return Envelope(**(fields | change))


def a_batch(*records: Envelope, **change: Any) -> Batch:
    """Records of Futian's own platform."""
    return Batch(**({"sender": "futian", "district": "440304", "records": list(records)} | change))


@asynccontextmanager
async def syncing(node: Any, profile: Path, **settings: Any) -> AsyncIterator[Any]:
    """The exchange on *node* with quick pauses."""
    from .app import service

    quick = {"poll_seconds": 0.02, "backoff_first_s": 0.02, "backoff_most_s": 0.05, "reconcile_minutes": 0.0005}
    clock = settings.pop("clock", None) or ManualClock(NOON + dt.timedelta(hours=4))
    async with node.running(service, settings=quick | settings, profile=profile, clock=clock) as app:
        yield app
