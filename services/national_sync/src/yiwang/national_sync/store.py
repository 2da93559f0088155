"""Rows of the exchange."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.kit import Sql

from .payloads import Payload
from .records import Record

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


async def bases_of(tx: Any, case_ids: Sequence[str]) -> dict[str, Payload]:
    """case id → its base record as last told, of those that were told."""
    rows = await tx.fetch(sql["bases"], list(case_ids))
    return {row["case_id"]: msgspec.json.decode(row["payload"], type=dict[str, Any]) for row in rows}


async def add_records(
    tx: Any, records: Sequence[tuple[Record, str]], wants: Sequence[tuple[str, str]], now: dt.datetime
) -> None:
    """Store (record, docked platform that it came from or "") and a delivery for each of *wants* (platform, kind).

    What is there already stays; the newest base record of each case is kept for the next event.
    """
    bases = {r.case_id: r.encoded for r, _ in records if r.kind == "case_base"}
    found = [r for r, _ in records]
    await sql.run(
        tx, "add_records", [r.record_id for r in found], [r.kind for r in found], [r.case_id for r in found],
        [r.district for r in found], [r.day for r in found], [r.occurred_at for r in found],
        [came_from for _, came_from in records], [r.encoded for r in found], now, [p for p, _ in wants],
        [k for _, k in wants], list(bases), list(bases.values()),
    )  # fmt: skip


async def hashes(tx: Any, query: str, *args: Any) -> list[tuple[str, str]]:
    """(record id, hash) rows of *query*."""
    return [(row.record_id, row.hash) for row in await sql.rows(tx, query, HashRow, *args)]
