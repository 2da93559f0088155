"""Rows of the grid: whole versions in and out, and reports without a place."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import astuple, replace
from yiwang.contracts import CaseHead, CaseReported, ClaimedPlace, Place
from yiwang.kit import Sql, Tx

from .domain import Located
from .findings import Report
from .layers import Address, Area, Cell, DutyGrid, GridData

sql: Final = Sql("yiwang.grid")
CHANNEL: Final = "grid_activated"
_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version without its layers."""

    version: str
    state: str
    created_at: dt.datetime
    created_by: str
    valid_from: dt.datetime | None
    valid_to: dt.datetime | None
    digest: str
    report: str


class Unlocated(msgspec.Struct, frozen=True, kw_only=True):
    """A report that a person has to place, or has placed."""

    case_id: str
    report_id: str
    head: str
    claim: str
    part_id: str
    candidates: str
    reason: str
    purpose: str
    reported_at: dt.datetime
    state: str
    version: int
    place: str | None
    resolved_at: dt.datetime | None

    @property
    def case(self) -> CaseHead:
        return msgspec.json.decode(self.head, type=CaseHead)

    @property
    def claimed(self) -> ClaimedPlace:
        return msgspec.json.decode(self.claim, type=ClaimedPlace)


def digest_of(data: GridData) -> str:
    """SHA-256 of a version's content, without its name."""
    return hashlib.sha256(msgspec.msgpack.encode(replace(data, version=""))).hexdigest()


async def save(
    tx: Tx, data: GridData, report: Report, *, state: str, at: dt.datetime, by: str = "", valid_from: dt.datetime | None = None
) -> bool:
    """Store a whole version; False when the name is taken, and nothing was stored."""
    found = msgspec.json.encode(report).decode()
    done = await sql.run(tx, "add_version", data.version, state, at, by, valid_from, digest_of(data), found)
    if not done.endswith(" 1"):
        return False
    for table, rows, columns in _tables(data):
        await tx.copy_records_to_table(table, records=[(data.version, *row) for row in rows], columns=["version", *columns])
    return True


def _tables(data: GridData) -> list[tuple[str, list[tuple[Any, ...]], tuple[str, ...]]]:
    layers: list[tuple[str, Sequence[msgspec.Struct], type[msgspec.Struct]]] = [
        ("grid_area", data.areas, Area),
        ("grid_cell", data.cells, Cell),
        ("grid_duty", data.duty_grids, DutyGrid),
        ("grid_address", data.addresses, Address),
    ]
    return [
        (table, [astuple(row) for row in rows], tuple("full_text" if f == "full" else f for f in kind.__struct_fields__))
        for table, rows, kind in layers
    ]


async def load(db: Any, version: str) -> GridData:
    """A whole version."""
    duties = await sql.rows(db, "duties", DutyGrid, version)
    return GridData(
        version=version,
        areas=tuple(await sql.rows(db, "areas", Area, version)),
        cells=tuple(await sql.rows(db, "cells", Cell, version)),
        duty_grids=tuple(replace(duty, cells=tuple(duty.cells)) for duty in duties),
        addresses=tuple(await sql.rows(db, "addresses", Address, version)),
    )


async def keep_unlocated(tx: Tx, found: Sequence[tuple[CaseReported, Located]]) -> None:
    """Write down what a person has to place."""
    if not found:
        return
    events = [event for event, _ in found]
    await sql.run(
        tx,
        "keep_unlocated",
        [event.case.case_id for event in events],
        [event.report_id for event in events],
        [_json(event.case) for event in events],
        [_json(event.claimed_place) for event in events],
        [event.part_id.replace("\0", "") for event in events],
        [_json(located.candidates) for _, located in found],
        [located.reason.replace("\0", "") for _, located in found],
        [event.purpose for event in events],
        [event.occurred_at for event in events],
    )


async def mark_resolved(tx: Tx, case_id: str, place: Place, at: dt.datetime, by: str) -> None:
    """Note the place that a person found."""
    await sql.run(tx, "resolve", case_id, _json(place), at, by)


def _json(value: object) -> str:
    """As jsonb takes it: PostgreSQL knows no NUL character, and a docked platform may send one."""
    return _NUL.sub(r"\1", msgspec.json.encode(value).decode())
