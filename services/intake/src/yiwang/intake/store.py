"""Rows of the read model; one function for each named query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseReported, CaseSnapshot, Moment, ReportAnswered, ReportContact, tag_of
from yiwang.kit import Sql

sql: Final = Sql("yiwang.intake")
_encode: Final = msgspec.json.Encoder().encode
SEALED: Final = ("name", "phone", "openid", "text", "address")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A report and the state of its case."""

    report_id: str
    case_id: str
    channel: str
    nature: str
    jurisdiction: str
    county: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    answered: bool
    leading_case_id: str
    """The case itself, or the one that it was merged into"""
    state: str
    case_no: str
    changed_at: dt.datetime
    erased: bool


class StepRow(msgspec.Struct, frozen=True, array_like=True):
    """A change of state, as it lies in the course of a case."""

    state: str
    at: dt.datetime


class ContactRow(msgspec.Struct, frozen=True):
    sealed: str
    consent: str


async def secret(db: Any) -> bytes:
    return bytes(await sql.value(db, "secret"))


async def known(db: Any, ids: Sequence[str]) -> list[Any]:
    return list(await db.fetch(sql["known"], ids))


async def standing(db: Any, report_id: str) -> Standing | None:
    return await sql.row(db, "standing", Standing, report_id)


async def steps(db: Any, case_id: str) -> list[StepRow]:
    """The course of one case, oldest first."""
    text = await sql.value(db, "steps", case_id)
    course = _steps.decode(text or "{}")
    return [course[version] for version in sorted(course)]


async def contact(db: Any, report_id: str) -> ContactRow | None:
    return await sql.row(db, "contact", ContactRow, report_id)


async def look(db: Any, report_id: str, by: str, at: dt.datetime) -> None:
    await sql.run(db, "look", report_id, by, at)


async def erase(db: Any, report_id: str, by: str, reason: str, at: dt.datetime) -> None:
    await sql.run(db, "erase", report_id, by, reason, at)


async def forget_photos(db: Any, report_id: str) -> list[str]:
    """The report has no photos any more; gives those that came with no other report."""
    rows = await db.fetch(sql["photos_of"], report_id)
    await sql.run(db, "forget_photos", report_id)
    shared = {row["media_id"] for row in rows if row["report_id"] != report_id}
    return sorted({row["media_id"] for row in rows} - shared)


async def add_photos(db: Any, events: Sequence[CaseReported]) -> None:
    """Which photos came with which report."""
    if rows := [(event.report_id, media.media_id) for event in events for media in event.media]:
        await sql.run(db, "add_photos", *(list(column) for column in zip(*rows, strict=True)))


class _Report(msgspec.Struct, frozen=True, gc=False):
    """A row of `reports`; a batch is written as one JSON document, which is cheaper to send than a dozen arrays."""

    report_id: str
    case_id: str
    digest: str
    nature: str
    channel: str
    reporter_kind: str
    purpose: str
    jurisdiction: str
    county: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    answered: bool


async def add_reports(db: Any, events: Sequence[CaseReported | ReportAnswered]) -> None:
    """What intake received, one row a report."""
    if events:
        await sql.run(db, "add_reports", _encode([_report(event) for event in events]).decode())


def _report(event: CaseReported | ReportAnswered) -> _Report:
    if isinstance(event, CaseReported):
        case_id, kind, county = event.case.case_id, event.reporter_kind, event.claimed_place.county
        channel, answered = event.case.channel.code, False
    else:
        case_id, kind, county, channel, answered = "", "", "", event.channel.code, True
    return _Report(
        event.report_id, case_id, event.digest, event.nature, channel, kind, event.purpose, event.jurisdiction, county,
        event.occurred_at, event.recorded_at, answered,
    )  # fmt: skip


async def add_contacts(db: Any, events: Sequence[ReportContact]) -> None:
    """Sealed contacts, as they are in the event."""
    rows = [(e.report_id, e.case_id, e.digest, _sealed(e), e.consent, e.recorded_at) for e in events]
    if rows:
        await sql.run(db, "add_contacts", *(list(column) for column in zip(*rows, strict=True)))


def _sealed(event: ReportContact) -> str:
    return msgspec.json.encode({name: value for name in SEALED if (value := getattr(event, name))}).decode()


class _Area(msgspec.Struct, frozen=True, gc=False):
    county: str = ""


class _Place(msgspec.Struct, frozen=True, gc=False):
    area: _Area = _Area()


class _Head(msgspec.Struct, frozen=True, gc=False):
    case_id: str
    case_version: int
    state_before: str = ""
    state_after: str = ""
    case_no: str = ""
    merged_into: str = ""
    place: _Place | None = None


class Move(msgspec.Struct, frozen=True, gc=False):
    """What the course of a case needs of an event: a fifth of its text, so that it is read in a third of the time."""

    type: str
    id: str
    jurisdiction: str
    case: _Head
    occurred_at: Moment = msgspec.field(name="time")

    @property
    def key(self) -> str:
        return self.case.case_id


SNAPSHOT: Final = tag_of(CaseSnapshot)
_steps: Final = msgspec.json.Decoder(dict[int, StepRow])


async def advance(db: Any, events: Sequence[CaseReported | Move]) -> None:
    """Move cases on to their newest version, and note each change of state: one row a case."""
    newest: dict[str, CaseReported | Move] = {}
    steps: dict[str, dict[int, tuple[str, dt.datetime]]] = {}
    for event in events:
        head = event.case
        last = newest.get(head.case_id)
        if last is None or head.case_version >= last.case.case_version:
            newest[head.case_id] = event
        if last is None:
            steps[head.case_id] = {}
        if head.state_before != head.state_after and not (isinstance(event, Move) and event.type == SNAPSHOT):
            steps[head.case_id][head.case_version] = (head.state_after, event.occurred_at)
    rows = [_progress(newest[case_id], steps[case_id]) for case_id in sorted(newest)]
    if rows:
        await sql.run(db, "advance", _encode(rows).decode())


class _Progress(msgspec.Struct, frozen=True, gc=False):
    """A row of `progress`."""

    case_id: str
    version: int
    state: str
    case_no: str
    merged_into: str
    county: str
    changed_at: dt.datetime
    steps: dict[int, tuple[str, dt.datetime]]


def _progress(event: CaseReported | Move, steps: dict[int, tuple[str, dt.datetime]]) -> _Progress:
    head, at = event.case, event.occurred_at
    county = head.place.area.county if head.place else ""
    return _Progress(head.case_id, head.case_version, head.state_after, head.case_no, head.merged_into, county, at, steps)


async def report_ids(db: Any, after: int, limit: int) -> list[tuple[int, str]]:
    """(row number, report id) of the next *limit* reports after row *after*."""
    return [(row["n"], row["report_id"]) for row in await db.fetch(sql["reports_after"], after, limit)]
