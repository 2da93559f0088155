"""Rows of the exchange."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.kit import Sql

from .records import Payload, Record

sql: Final = Sql("yiwang.national_sync")


class Unnumbered(msgspec.Struct, frozen=True, kw_only=True):
    n: int
    district: str
    record_id: str
    kind: str
    payload: bytes


class Due(msgspec.Struct, frozen=True, kw_only=True):
    n: int
    seq: int
    record_id: str
    kind: str
    day: dt.date
    occurred_at: dt.datetime
    payload: bytes


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's books: flows = flows_delivered + flows_refused + flows_pending."""

    platform: str
    failures: int
    next_try_at: dt.datetime | None
    last_ok_at: dt.datetime | None
    last_error: str
    pending: int
    delivered: int
    refused: int
    flows: int
    flows_pending: int
    flows_delivered: int
    flows_refused: int
    oldest_pending: dt.datetime | None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    pending: int
    oldest: dt.datetime | None


class LastNumber(msgspec.Struct, frozen=True, kw_only=True):
    platform: str
    district: str
    last: int


class RefusedRow(msgspec.Struct, frozen=True, kw_only=True):
    platform: str
    n: int
    record_id: str
    kind: str
    case_id: str
    district: str
    seq: int
    reason: str
    attempts: int
    decided_at: dt.datetime | None
    payload: bytes


class Day(msgspec.Struct, frozen=True, kw_only=True):
    district: str
    day: dt.date


class HashRow(msgspec.Struct, frozen=True, kw_only=True):
    record_id: str
    hash: str


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison: equal when both digests are."""

    platform: str
    district: str
    day: dt.date
    compared_at: dt.datetime
    our_count: int
    our_digest: str
    their_count: int
    their_digest: str
    missing: list[str]
    foreign_ids: list[str]


class DockedRow(msgspec.Struct, frozen=True, kw_only=True):
    case_id: str
    version: int
    body: bytes


async def base_of_case(tx: Any, case_id: str) -> Payload | None:
    """The case's base record as last told."""
    stored = await sql.value(tx, "base", case_id)
    return None if stored is None else msgspec.json.decode(stored, type=dict[str, Any])


async def add_records(
    tx: Any, records: Sequence[Record], wants: Sequence[tuple[str, str]], *, came_from: str, now: dt.datetime
) -> None:
    """Store *records*, and a delivery for each of *wants* (platform, kind). What is there already stays."""
    await sql.run(
        tx, "add_records", [r.record_id for r in records], [r.kind for r in records], [r.case_id for r in records],
        [r.district for r in records], [r.day for r in records], [r.occurred_at for r in records], came_from,
        [r.encoded for r in records], now, [p for p, _ in wants], [k for _, k in wants],
    )  # fmt: skip


async def hashes(tx: Any, query: str, *args: Any) -> list[tuple[str, str]]:
    """(record id, hash) rows of *query*."""
    return [(row.record_id, row.hash) for row in await sql.rows(tx, query, HashRow, *args)]
