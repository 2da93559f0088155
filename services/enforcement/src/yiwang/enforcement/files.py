"""The acts on a file: opening a clue (案源), recording, closing, erasing. Each is one leaf of the agency's log."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    CaseReferredToEnforcement,
    ClueOpened,
    EnforcementClosed,
    EnforcementEvent,
    EnforcementRecorded,
    Event,
    LogPosition,
    OfficerRef,
)
from yiwang.kit import Context, FieldError

from . import errors
from .codes import Codes
from .domain import SCHEMA, Draft, Officer, mistakes_of, record_of
from .ledger import Leaf, append
from .store import File, Log, Record, locked_log, sql

AGENCY: Final = re.compile(r"^[\w.:-]{1,64}$")


def file_id_of(referral_id: str) -> str:
    """A referral's file id: the same however often the referral arrives."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"yiwang:enforcement:{referral_id}"))


def leaf_of(draft: Draft, file: File, *, recorded_by: str, now: dt.datetime, purpose: str) -> Leaf:
    """*draft* as the leaf that seals it."""
    record_id = str(uuid.uuid4())
    body = record_of(
        draft,
        file_id=file.file_id,
        agency_id=file.agency_id,
        record_id=record_id,
        recorded_by=recorded_by,
        received_at=now,
    )
    return Leaf(
        record_id=record_id,
        file_id=file.file_id,
        node_code=draft.node_code,
        record_kind=draft.kind,
        officers=draft.officers,
        recorded_by=recorded_by,
        occurred_at=draft.occurred_at,
        received_at=now,
        purpose=purpose,
        body=body,
    )


def _event(kind: type[EnforcementEvent], file: File, leaf: Leaf, position: LogPosition, outcome: str = "") -> Event:
    return kind(
        jurisdiction=file.jurisdiction,
        file_id=file.file_id,
        agency_id=file.agency_id,
        referral_id=file.referral_id,
        case_id=file.case_id,
        officers=tuple(OfficerRef(ref=o.ref, cert_ref=o.cert_ref) for o in leaf.officers),
        log=position,
        node_code=leaf.node_code,
        record_kind=leaf.record_kind,
        outcome=outcome,
    )


async def open_file(
    ctx: Context, file: File, log: Log, *, opened_by: str, officers: tuple[Officer, ...], facts: Any
) -> list[Event]:
    """Register *file* as a clue, with *facts* (what is known at the start) sealed as its first record."""
    await sql.run(
        ctx.tx, "add_file", file.file_id, file.agency_id, file.log_id, file.referral_id or None, file.case_id,
        file.case_no, file.item_code, file.area, file.source, file.purpose, file.opened_at, file.jurisdiction,
    )  # fmt: skip
    record_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{file.file_id}/clue"))
    leaf = Leaf(
        record_id=record_id,
        file_id=file.file_id,
        node_code="clue",
        record_kind="clue",
        officers=officers,
        recorded_by=opened_by,
        occurred_at=file.opened_at,
        received_at=file.opened_at,
        purpose=file.purpose,
        body={"schema": SCHEMA, "record_id": record_id, "file": file, "officers": officers, "facts": facts},
    )
    position, heads = await append(ctx, log, leaf)
    return [_event(ClueOpened, file, leaf, position), *heads]


async def open_referred(ctx: Context, event: CaseReferredToEnforcement) -> list[Event]:
    """The clue of a referral; nothing when it is there already. Raises the Problem enforcement.bad_agency."""
    if not AGENCY.match(event.agency_id):
        raise errors.BAD_AGENCY(agency=event.agency_id[:64])
    file_id, head = file_id_of(event.referral_id), event.case
    if await sql.row(ctx.tx, "file", File, file_id) is not None:
        return []
    now = ctx.now()
    log = await locked_log(ctx.tx, event.agency_id, ctx.settings.suite, now)
    area = head.place.area if head.place else None
    file = File(
        file_id=file_id,
        agency_id=event.agency_id,
        log_id=log.log_id,
        referral_id=event.referral_id,
        case_id=head.case_id,
        case_no=head.case_no,
        item_code=event.item_code,
        area=(area and (area.street9 or area.county)) or event.jurisdiction,
        source="referral",
        purpose=event.purpose,
        opened_at=now,
        jurisdiction=event.jurisdiction if event.jurisdiction != ctx.node.jurisdiction else "",
    )
    facts = {
        "referred_at": event.occurred_at,
        "opinion": event.opinion,
        "material": event.material,
        "place": head.place,
    }
    return await open_file(ctx, file, log, opened_by=event.actor.person_ref, officers=(), facts=facts)


async def _open_for_acts(ctx: Context, file_id: str) -> tuple[File, Log]:
    """The file and its log, both held. Raises the Problems enforcement.file_not_found and file_closed."""
    file = await sql.row(ctx.tx, "file_for_update", File, file_id)
    if file is None:
        raise errors.NO_FILE(file=file_id)
    if file.closed_at is not None:
        raise errors.FILE_CLOSED(file=file_id, outcome=file.outcome)
    log = await sql.row(ctx.tx, "lock_log_by_id", Log, file.log_id)
    if log is None:
        raise LookupError(f"file {file_id} names the log {file.log_id}, which is not there")
    return file, log


def refuse_mistakes(draft: Draft, codes: Codes, now: dt.datetime) -> None:
    """Raises the Problem enforcement.record_refused with every mistake in *draft*."""
    found = mistakes_of(draft, codes, now)
    if found:
        raise errors.RECORD_REFUSED(count=len(found), errors=[FieldError(m.path, m.message) for m in found])


async def add_record(ctx: Context, file_id: str, draft: Draft, *, recorded_by: str) -> tuple[Leaf, LogPosition]:
    """Seal *draft* as a record of the file and say so."""
    file, log = await _open_for_acts(ctx, file_id)
    leaf = leaf_of(draft, file, recorded_by=recorded_by, now=ctx.now(), purpose=file.purpose)
    position, heads = await append(ctx, log, leaf)
    ctx.emit(_event(EnforcementRecorded, file, leaf, position), *heads)
    return leaf, position


async def close_file(
    ctx: Context, file_id: str, draft: Draft, outcome: str, *, outcome_name: str = "", closed_by: str
) -> tuple[Leaf, LogPosition]:
    """End the file with *outcome*; the closing record tells why. The case hears it by `enforcement.closed`."""
    file, log = await _open_for_acts(ctx, file_id)
    leaf = leaf_of(draft, file, recorded_by=closed_by, now=ctx.now(), purpose=file.purpose)
    leaf = msgspec.structs.replace(leaf, body=leaf.body | {"outcome": outcome})
    position, heads = await append(ctx, log, leaf)
    await sql.run(ctx.tx, "add_closure", file_id, outcome, position.leaf_index, closed_by, leaf.received_at)
    closed = _event(EnforcementClosed, file, leaf, position, outcome)
    ctx.emit(msgspec.structs.replace(closed, outcome_name=outcome_name), *heads)
    return leaf, position


async def erase(ctx: Context, log: Log, record: Record, basis: str, *, erased_by: str) -> LogPosition:
    """Forget a record's content and salt, after a leaf of its own that says who did it and on what basis.

    Raises the Problems enforcement.already_erased and enforcement.not_erasable.
    """
    if record.body is None:
        raise errors.ALREADY_ERASED()
    if record.record_kind == "erasure":
        raise errors.NOT_ERASABLE()
    now, record_id = ctx.now(), str(uuid.uuid4())
    body = {
        "schema": SCHEMA,
        "record_id": record_id,
        "erased_leaf": record.leaf_index,
        "basis": basis,
        "erased_by": erased_by,
    }
    leaf = Leaf(
        record_id=record_id,
        file_id=record.file_id,
        node_code="erasure",
        record_kind="erasure",
        officers=(),
        recorded_by=erased_by,
        occurred_at=now,
        received_at=now,
        purpose="live",
        body=body | {"erased_at": now},
    )
    position, heads = await append(ctx, log, leaf)
    await sql.run(ctx.tx, "add_erasure", log.log_id, record.leaf_index, position.leaf_index, basis, erased_by, now)
    await sql.run(ctx.tx, "erase_content", log.log_id, record.leaf_index)
    file = await sql.row(ctx.tx, "file", File, record.file_id)
    if file is None:
        raise LookupError(f"record {record.record_id} names the file {record.file_id}, which is not there")
    ctx.emit(_event(EnforcementRecorded, file, leaf, position), *heads)
    return position


async def file_area(tx: Any, file_id: str) -> str:
    """The area of the file that a record belongs to."""
    file = await sql.row(tx, "file", File, file_id)
    if file is None:
        raise LookupError(f"a record names the file {file_id}, which is not there")
    return file.area
