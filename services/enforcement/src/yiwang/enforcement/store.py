"""Reading and writing evidence: one function for each named query that more than one place uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.kit import Sql

from .merkle import Node

sql: Final = Sql("yiwang.enforcement")


class Log(msgspec.Struct, frozen=True, kw_only=True):
    log_id: str
    agency_id: str
    suite: str
    opened_at: dt.datetime


class LogSize(Log, frozen=True, kw_only=True):
    size: int


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A clue (案源) with how it ended; `closed_at` None while it is open."""

    file_id: str
    agency_id: str
    log_id: str
    referral_id: str
    case_id: str
    case_no: str
    item_code: str
    area: str
    source: str
    purpose: str
    opened_at: dt.datetime
    jurisdiction: str = ""
    """In whose name: a county for which this node's agency acts; empty: the node's own"""
    outcome: str = ""
    closed_at: dt.datetime | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf with its content; `salt` and `body` are None after an erasure."""

    log_id: str
    leaf_index: int
    commitment: bytes
    record_id: str
    file_id: str
    node_code: str
    record_kind: str
    officers: str
    recorded_by: str
    occurred_at: dt.datetime
    received_at: dt.datetime
    salt: bytes | None
    body: bytes | None
    erased_at: dt.datetime | None
    erasure_basis: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    leaf_index: int
    leaf_hash: bytes
    commitment: bytes
    node_code: str
    record_kind: str
    received_at: dt.datetime


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A signed head; `root` in hex."""

    size: int
    root: str
    alg: str
    key_id: str
    signature: str
    signed_at: dt.datetime


class Cosignature(Head, frozen=True, kw_only=True):
    witness: str
    verified: bool


class Key(msgspec.Struct, frozen=True, kw_only=True):
    key_id: str
    secret: bytes | None


class SeenRow(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    root: str
    key_id: str


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    log_id: str
    size: int | None
    seen_at: dt.datetime
    disputed: int


class Disputed(msgspec.Struct, frozen=True, kw_only=True):
    log_id: str
    size: int
    root: str
    key_id: str
    node_id: str
    reason: str
    seen_at: dt.datetime


async def locked_log(tx: Any, agency_id: str, suite: str, now: dt.datetime) -> Log:
    """The agency's log, made if this is its first record; held until the end of the transaction."""
    found = await sql.row(tx, "lock_log", Log, agency_id)
    if found is None:
        await sql.run(tx, "open_log", agency_id, agency_id, suite, now)
        found = await sql.row(tx, "lock_log", Log, agency_id)
    if found is None:
        raise LookupError(f"the log of agency {agency_id} was made and is not there")
    return found


async def nodes(tx: Any, log_id: str, wanted: Sequence[Node]) -> dict[Node, bytes]:
    """The hashes of *wanted* nodes; one that is missing means a damaged table, and raises LookupError."""
    rows = await tx.fetch(sql["nodes"], log_id, [n.level for n in wanted], [n.at for n in wanted])
    found = {Node(row["level"], row["at"]): bytes(row["hash"]) for row in rows}
    if missing := set(wanted) - set(found):
        raise LookupError(
            f"log {log_id} lacks {len(missing)} nodes of its tree, first {min(missing)}: restore the table"
        )
    return found


async def add_nodes(tx: Any, log_id: str, new: dict[Node, bytes]) -> None:
    """Store nodes that appeared."""
    await sql.run(tx, "add_nodes", log_id, [n.level for n in new], [n.at for n in new], list(new.values()))
