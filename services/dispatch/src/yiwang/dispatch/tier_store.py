"""Rows of what concerns several tiers: offers, copies, directives, visits. Every write of a batch is one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseEvent, areas, decode, encode, tag_of
from yiwang.kit import Sql

from .asking import Visit
from .case import Case
from .copies import MOMENTS, Copy, Told
from .directives import Directive
from .draft import Record
from .receiving import Incoming
from .store import Filter, below

sql: Final = Sql("yiwang.dispatch", "tiers.sql")
_case: Final = msgspec.json.Decoder(Case)
_record: Final = msgspec.json.Decoder(Record)
_directive: Final = msgspec.json.Decoder(Directive)
_visit: Final = msgspec.json.Decoder(Visit)
_incoming: Final = msgspec.json.Decoder(Incoming)


def text(value: Any) -> str:
    """*value* as the JSON that a column takes."""
    return msgspec.json.encode(value).decode()


class Seen(msgspec.Struct, frozen=True):
    """A case in a list of the subtree; `custodian` is empty and `as_of` None for one of this node's own."""

    case: Case
    due_at: dt.datetime | None
    custodian: str
    as_of: dt.datetime | None
    queue: str


# -- custody -----------------------------------------------------------------------------------------------------------


async def set_away(tx: Any, cases: Sequence[Case]) -> None:
    """Note which node has each of *cases* now."""
    await sql.run(tx, "set_away", [c.case_id for c in cases], [c.away for c in cases])


async def set_home(tx: Any, case_id: str) -> None:
    """Note that the case is here, and that its copy ends."""
    await sql.run(tx, "set_home", case_id)
    await forget_copies(tx, [case_id])


async def whereabouts(tx: Any, case_ids: Iterable[str]) -> dict[str, str]:
    """Of those of *case_ids* that ever were here: the node that has each now, empty for this one."""
    return {row["case_id"]: row["away"] for row in await tx.fetch(sql["whereabouts"], list(case_ids))}


async def lock_offer(tx: Any, offer_id: str) -> Incoming | None:
    doc = await sql.value(tx, "lock_offer", offer_id)
    return None if doc is None else _incoming.decode(doc)


async def save_offer(tx: Any, offer: Incoming) -> None:
    place = offer.offer.case.place if offer.offer else None
    area = (place.area.community12 or place.area.street9 or place.area.county or place.area.city) if place else ""
    await sql.run(
        tx, "save_offer", offer.offer_id, offer.case_id, offer.sender, offer.state, area, offer.changed_at, text(offer)
    )


async def open_offers(db: Any, seen: Sequence[str], limit: int) -> list[Incoming]:
    """Offers that wait, of places in the areas *seen*, oldest first."""
    rows = await db.fetch(sql["open_offers"], [below(a) for a in seen], limit)
    return [_incoming.decode(row["doc"]) for row in rows]


# -- copies ------------------------------------------------------------------------------------------------------------


async def lock_copies(tx: Any, case_ids: Iterable[str]) -> dict[str, Copy]:
    """Copies of those of *case_ids* that are known, locked until the transaction ends."""
    rows = await tx.fetch(sql["lock_copies"], sorted(set(case_ids)))
    found = (Copy(case=_case.decode(row["doc"]), as_of=row["as_of"]) for row in rows)
    return {copy.case.case_id: copy for copy in found}


async def find_copy(db: Any, no_or_id: str) -> Copy | None:
    row = await db.fetchrow(sql["copy_doc"], no_or_id)
    return None if row is None else Copy(case=_case.decode(row["doc"]), as_of=row["as_of"])


async def lines(db: Any, case_id: str) -> list[Record]:
    """The flow of a copy, in order."""
    return [_record.decode(row["doc"]) for row in await db.fetch(sql["lines_of"], case_id)]


async def waiting(tx: Any, case_ids: Iterable[str]) -> dict[str, dict[int, CaseEvent]]:
    """Events that wait for the ones before them: case → version → event."""
    found: dict[str, dict[int, CaseEvent]] = {}
    for row in await tx.fetch(sql["waiting_of"], list(case_ids)):
        event = decode(bytes(row["data"]), row["tag"])
        assert isinstance(event, CaseEvent)  # nothing else was put there
        found.setdefault(row["case_id"], {})[row["version"]] = event
    return found


async def write(tx: Any, told: Told, now: dt.datetime) -> None:
    """Keep what a batch of events did to the copies."""
    if told.renewed:
        await sql.run(tx, "forget_lines", list(told.renewed))
    if told.changed:
        rows = [copy_row(told.copies[case_id]) for case_id in told.changed]
        await sql.run(tx, "save_copies", text(rows))
        new = [
            {"case_id": case_id, "seq": record.seq, "doc": record}
            for case_id, records in told.lines.items()
            for record in records
        ]
        await sql.run(tx, "add_lines", text(new))
    if told.waited:
        await sql.run(tx, "waited", list(told.waited), list(told.waited.values()))
    if told.early:
        await sql.run(
            tx, "wait_for", [e.case.case_id for e in told.early], [e.case.case_version for e in told.early],
            [now] * len(told.early), [tag_of(type(e)) for e in told.early], [encode(e) for e in told.early],
        )  # fmt: skip


def copy_row(copy: Copy) -> dict[str, Any]:
    """The columns of `copies`: what lists and the evaluation (考核) ask for without opening the document."""
    case = copy.case
    dues = [c.clock.due_at for c in case.clocks if c.running]
    row: dict[str, Any] = {name: getattr(case, name) for name in COPIED} | {
        f"{name}_at": case.times.get(name) for name in MOMENTS
    }
    return row | {
        "custodian": case.custody.jurisdiction,
        "epoch": case.custody.epoch,
        "taken_by": case.taken_by or case.custody.jurisdiction,
        "as_of": copy.as_of,
        "unit_id": case.lead.unit_id if case.lead else "",
        "category": case.category.key if case.category else "",
        "due_at": min(dues) if dues else None,
        "overdue": case.flags.overdue,
        "supervised": case.flags.supervised,
        "self_disposed": case.flags.self_disposed,
        "doc": case,
    }


COPIED: Final = (
    "case_id", "case_no", "version", "state", "created_at", "area", "timeliness", "timeliness_source", "rework_count",
    "return_count", "hang_count", "resolution_mode", "purpose",
)  # fmt: skip


async def start_copy(tx: Any, case: Case, flow: Sequence[Record], now: dt.datetime) -> None:
    """Watch a case from here on that was just handed over."""
    told = Told(copies={case.case_id: Copy(case=case, as_of=now)}, changed={case.case_id: None})
    told.renewed, told.lines = {case.case_id: None}, {case.case_id: list(flow)}
    await write(tx, told, now)


async def forget_copies(tx: Any, case_ids: Sequence[str]) -> None:
    """The cases are here now: their copies end."""
    await sql.run(tx, "forget_copies", list(case_ids))
    await sql.run(tx, "forget_lines", list(case_ids))


async def gap_of(tx: Any, case_id: str) -> tuple[int, int] | None:
    """The last version known and the next one that waits; None where there is no gap."""
    row = await tx.fetchrow(sql["gap_of"], case_id)
    if row is None or row["next"] is None:
        return None
    return (row["known"] or 0, row["next"])


async def page_of_subtree(
    db: Any, asked: Filter, now: dt.datetime, after: tuple[dt.datetime, str], limit: int, whole: bool
) -> list[Seen]:
    """Own cases and copies older than *after*, newest first, at most *limit*; *whole*: whatever was ever here too."""
    rows = await db.fetch(
        sql["page_of_subtree"], *after, asked.state, below(asked.area), asked.category, f"{asked.q}%" if asked.q else "",
        asked.unit_id, asked.overdue, now, [below(a) for a in asked.areas], limit, whole,
    )  # fmt: skip
    return [
        Seen(_case.decode(row["doc"]), row["due_at"], row["custodian"], row["as_of"], row["queue"]) for row in rows
    ]


async def highest_numbers(tx: Any, jurisdiction: str) -> list[str]:
    """The highest case number of each day that was given by *jurisdiction*, as far as this node saw."""
    areas.level_of(jurisdiction)
    rows = await tx.fetch(sql["highest_numbers"], f"{jurisdiction}%")
    return [row["case_no"] for row in rows]


# -- directives --------------------------------------------------------------------------------------------------------


async def lock_directive(tx: Any, directive_id: str) -> Directive | None:
    doc = await sql.value(tx, "lock_directive", directive_id)
    return None if doc is None else _directive.decode(doc)


async def save_directive(tx: Any, one: Directive, now: dt.datetime) -> None:
    said = one.said
    await sql.run(tx, "save_directive", said.directive_id, said.case_id, one.side, one.state, now, text(one))


async def directives_of(db: Any, case_id: str) -> list[Directive]:
    """The directives of a case that this node gave or was given, newest first."""
    return [_directive.decode(row["doc"]) for row in await db.fetch(sql["directives_of"], case_id)]


async def open_directives(db: Any, limit: int) -> list[Directive]:
    """Directives that wait for an answer, oldest first."""
    return [_directive.decode(row["doc"]) for row in await db.fetch(sql["open_directives"], limit)]


# -- visits ------------------------------------------------------------------------------------------------------------


async def save_visit(tx: Any, one: Visit) -> None:
    await sql.run(
        tx, "save_visit", one.case_id, one.case_no, one.asked_by, one.state, one.asked_at, one.area, text(one)
    )


async def lock_visit(tx: Any, no_or_id: str) -> Visit | None:
    doc = await sql.value(tx, "lock_visit", no_or_id)
    return None if doc is None else _visit.decode(doc)


async def open_visits(db: Any, seen: Sequence[str], limit: int) -> list[Visit]:
    """Reporters to be asked, oldest first."""
    return [_visit.decode(row["doc"]) for row in await db.fetch(sql["open_visits"], [below(a) for a in seen], limit)]
