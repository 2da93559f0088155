"""Rows of sealed hand-overs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from yiwang.kit import Sql

from .lending import Lending

sql: Final = Sql("yiwang.intake", "lending.sql")
_line: Final = msgspec.json.Decoder(Lending)
OVER: Final = frozenset({"refused", "silent", "ended"})


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A line with what only the vault can read."""

    line: Lending
    public_key: str
    private: str
    sealed: dict[str, str]


async def start(tx: Any, line: Lending, public_key: str, private: str = "") -> None:
    await sql.run(
        tx, "start", line.ask_id, line.side, line.state, line.case_id, line.report_id, line.other, line.area,
        line.asked_at, public_key, private, _text(line),
    )  # fmt: skip


async def save(tx: Any, line: Lending, now: dt.datetime, sealed: Mapping[str, str] | None = None) -> None:
    """How *line* stands now. Of one that is over nothing but the books is left."""
    contact = None if sealed is None else msgspec.json.encode(dict(sealed)).decode()
    await sql.run(tx, "save", line.ask_id, line.state, now, _text(line), line.state in OVER, contact)


async def lock(tx: Any, ask_id: str) -> Kept | None:
    row = await tx.fetchrow(sql["lock"], ask_id)
    if row is None:
        return None
    return Kept(
        line=_line.decode(row["doc"]), public_key=row["public_key"], private=row["private"],
        sealed=msgspec.json.decode(row["sealed"], type=dict[str, str]),
    )  # fmt: skip


async def of_case(tx: Any, case_id: str, *states: str) -> list[Lending]:
    """What this node asked for about a case."""
    return [_line.decode(row["doc"]) for row in await tx.fetch(sql["of_case"], case_id, list(states))]


async def given_of_report(tx: Any, report_id: str) -> list[Lending]:
    return [_line.decode(row["doc"]) for row in await tx.fetch(sql["given_of_report"], report_id)]


async def listed(db: Any, patterns: Sequence[str], limit: int) -> list[Lending]:
    return [_line.decode(row["doc"]) for row in await db.fetch(sql["listed"], list(patterns), limit)]


async def note_custodian(tx: Any, case_id: str, jurisdiction: str, epoch: int) -> None:
    await sql.run(tx, "note_custodian", case_id, jurisdiction, epoch)


async def custodian(tx: Any, case_id: str) -> str:
    """Who has the case, as far as this node heard; empty where it heard nothing."""
    return await sql.value(tx, "custodian", case_id) or ""


def _text(line: Lending) -> str:
    return msgspec.json.encode(line).decode()
