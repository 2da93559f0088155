"""What enforcement shows: files, records, logs, proofs. Content and party only to those who work on the file."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
from yiwang.contracts import LogPosition
from yiwang.kit import Caller, Role

from .codes import Codes
from .merkle import suite_of
from .store import Cosignature, Entry, File, Head, Record

READERS: Final = (Role.ENFORCEMENT_OFFICER, Role.LEGAL_REVIEWER, Role.AGENCY_HEAD, Role.AUDITOR)
CONTENT_READERS: Final = frozenset({Role.ENFORCEMENT_OFFICER, Role.LEGAL_REVIEWER, Role.AGENCY_HEAD})
NO_WITNESS: Final = "没有上级平台见证：本机关的日志头尚未被上级节点联署，只能自证"
BEHIND: Final = "上级平台已见证到第 {size} 条，其后的记录等待联署"
WITNESSED: Final = "最新签名的日志头已由上级平台联署"


class FileView(File, frozen=True, kw_only=True):
    """A clue (案源); `state` is open or closed."""

    state: str
    outcome_name: str = ""


class RecordView(msgspec.Struct, frozen=True, kw_only=True):
    """One record; `content` only for those who work on the file, and None once erased."""

    leaf_index: int
    leaf_hash: str
    record_id: str
    node_code: str
    node_name: str
    kind: str
    kind_name: str
    officers: Any
    recorded_by: str
    occurred_at: dt.datetime
    received_at: dt.datetime
    content: Any = None
    erased_at: dt.datetime | None = None
    erasure_basis: str = ""


class FileDetail(FileView, frozen=True, kw_only=True):
    records: list[RecordView]


class FilePage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[FileView]
    next: str = ""
    """Cursor of the next page; empty at the end"""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Where the record stands in the log: keep it, it proves that the record existed."""

    file_id: str
    record_id: str
    log_id: str
    leaf_index: int
    leaf_hash: str
    received_at: dt.datetime


class WitnessState(msgspec.Struct, frozen=True, kw_only=True):
    state: str
    """absent, behind or current"""
    say: str
    cosignatures: list[Cosignature] = []


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    log_id: str
    agency_id: str
    suite: str
    size: int
    opened_at: dt.datetime


class HeadView(msgspec.Struct, frozen=True, kw_only=True):
    """The log as it is (`size`, `root`), its newest signed head, and who above countersigned."""

    log_id: str
    size: int
    root: str
    alg: str
    signed: Head | None
    witness: WitnessState


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    leaf_index: int
    leaf_hash: str
    commitment: str
    node_code: str
    record_kind: str
    received_at: dt.datetime


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6962 audit path; all hashes in hex."""

    log_id: str
    alg: str
    leaf_index: int
    leaf_hash: str
    tree_size: int
    root: str
    path: list[str]


class ConsistencyProof(msgspec.Struct, frozen=True, kw_only=True):
    log_id: str
    alg: str
    first: int
    second: int
    first_root: str
    second_root: str
    path: list[str]


def file_view(file: File, codes: Codes) -> FileView:
    closed = file.closed_at is not None
    return FileView(
        **msgspec.structs.asdict(file),
        state="closed" if closed else "open",
        outcome_name=codes.outcomes.get(file.outcome, file.outcome),
    )


def file_detail(file: File, records: list[Record], suite: str, codes: Codes, *, content: bool) -> FileDetail:
    shown = [record_view(r, suite, codes, content=content) for r in records]
    return FileDetail(**msgspec.structs.asdict(file_view(file, codes)), records=shown)


def record_view(record: Record, suite: str, codes: Codes, *, content: bool) -> RecordView:
    kind = codes.kinds.get(record.record_kind)
    return RecordView(
        leaf_index=record.leaf_index,
        leaf_hash=suite_of(suite).leaf(record.commitment).hex(),
        record_id=record.record_id,
        node_code=record.node_code,
        node_name=codes.nodes.get(record.node_code, record.node_code),
        kind=record.record_kind,
        kind_name=kind.name if kind else record.record_kind,
        officers=msgspec.json.decode(record.officers),
        recorded_by=record.recorded_by,
        occurred_at=record.occurred_at,
        received_at=record.received_at,
        content=msgspec.json.decode(record.body) if content and record.body else None,
        erased_at=record.erased_at,
        erasure_basis=record.erasure_basis,
    )


def receipt(file_id: str, record_id: str, received_at: dt.datetime, position: LogPosition) -> Receipt:
    return Receipt(
        file_id=file_id,
        record_id=record_id,
        log_id=position.log_id,
        leaf_index=position.leaf_index,
        leaf_hash=position.leaf_hash,
        received_at=received_at,
    )


def entry_view(entry: Entry) -> EntryView:
    return EntryView(
        leaf_index=entry.leaf_index,
        leaf_hash=entry.leaf_hash.hex(),
        commitment=entry.commitment.hex(),
        node_code=entry.node_code,
        record_kind=entry.record_kind,
        received_at=entry.received_at,
    )


def witness_state(signed: Head | None, cosignatures: list[Cosignature]) -> WitnessState:
    """Whether somebody above holds our newest head."""
    good = [c for c in cosignatures if c.verified]
    if not good:
        return WitnessState(state="absent", say=NO_WITNESS, cosignatures=cosignatures)
    size = max(c.size for c in good)
    if signed is not None and size < signed.size:
        return WitnessState(state="behind", say=BEHIND.format(size=size), cosignatures=cosignatures)
    return WitnessState(state="current", say=WITNESSED, cosignatures=cosignatures)


def sees_content(caller: Caller, area: str) -> bool:
    """Whether the caller works on files of *area* and so may read text and party."""
    return any(caller.may(role, area) for role in CONTENT_READERS)
