"""Rows ↔ cases. Every write is one statement per table for however many cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts import MediaRef
from yiwang.kit import Sql

from .calendar import SHANGHAI
from .case import Case
from .draft import Record
from .queues import queue_of, side_of
from .turns import turns_of

sql: Final = Sql("yiwang.dispatch")
LAST_NUMBER: Final = 99_999
"""Five digits of a day's sequence (19 digits: 6 jurisdiction, 8 date, 5)."""

_case: Final = msgspec.json.Decoder(Case)
_media: Final = msgspec.json.Decoder(tuple[MediaRef, ...])
_lines: Final = msgspec.json.Decoder(list[Record])
_encode: Final = msgspec.json.Encoder().encode


class CaseRow(msgspec.Struct, frozen=True, gc=False):
    """One line of `cases`, its fields in the order in which the statements take them."""

    case_id: str
    case_no: str
    version: int
    state: str
    queue: str
    created_at: dt.datetime
    updated_at: dt.datetime
    area: str
    unit_id: str
    category: str
    due_at: dt.datetime | None
    overdue: bool
    side: str | None
    turns: str | None
    doc: str


class Listed(msgspec.Struct, frozen=True):
    """A case in a list, with the queue in which it waits and its nearest deadline."""

    case: Case
    queue: str
    due_at: dt.datetime | None


class QueueCount(msgspec.Struct, frozen=True):
    queue: str
    in_area: int
    in_unit: int
    late_in_area: int
    late_in_unit: int


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of cases asks for; empty means any. `areas` and `units` are what the caller may see."""

    state: str = ""
    queue: str = ""
    area: str = ""
    unit_id: str = ""
    category: str = ""
    q: str = ""
    overdue: bool | None = None
    areas: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


def row_of(case: Case, now: dt.datetime) -> CaseRow:
    """The columns by which lists and queues find *case*."""
    dues = [c.judged_by for c in case.clocks if c.running]
    lead = case.assignments[0] if case.assignments else None
    return CaseRow(
        case_id=case.case_id,
        case_no=case.case_no,
        version=case.version,
        state=case.state,
        queue=queue_of(case),
        created_at=case.created_at,
        updated_at=now,
        area=case.area,
        unit_id=lead.unit_id if lead else "",
        category=case.category.key if case.category else "",
        due_at=min(dues) if dues else None,
        overdue=case.flags.overdue,
        side=" ".join(side_of(case)) or None,
        turns=_encode(turns).decode() if (turns := turns_of(case)) else None,
        doc=_encode(case).decode(),
    )


def _columns(cases: Sequence[Case], now: dt.datetime) -> list[Any]:
    """Arrays of the columns, but the documents as lines of one text: JSON has none, and a long array is dear to send."""
    *columns, docs = zip(*[msgspec.structs.astuple(row_of(case, now)) for case in cases], strict=True)
    return [*map(list, columns), "\n".join(docs)]


async def add(tx: Any, cases: Sequence[Case], records: Sequence[Record], now: dt.datetime) -> None:
    """Keep new cases with the first line of their flow."""
    if cases:
        await sql.run(tx, "add_cases", *_columns(cases, now))
    await _add_lines(tx, records)


async def save(tx: Any, cases: Sequence[Case], records: Sequence[Record], now: dt.datetime) -> None:
    """Keep the next shape of locked cases and the lines that their flow grew by."""
    if cases:
        await sql.run(tx, "save_cases", *_columns(cases, now))
    await _add_lines(tx, records)


async def _add_lines(tx: Any, records: Sequence[Record]) -> None:
    """Lines of the flow, one page a case."""
    pages: dict[str, list[Record]] = {}
    for record in records:
        pages.setdefault(record.case_id, []).append(record)
    if pages:
        lines = b"\n".join([_encode(page) for page in pages.values()]).decode()
        await sql.run(tx, "add_pages", list(pages), [page[0].seq for page in pages.values()], lines)


async def lock_all(tx: Any, case_ids: Iterable[str]) -> dict[str, Case]:
    """Those of *case_ids* that are known, locked until the transaction ends."""
    found = await tx.fetch(sql["lock_cases"], list(case_ids))
    cases = (_case.decode(row["doc"]) for row in found)
    return {case.case_id: case for case in cases}


async def lock(tx: Any, no_or_id: str) -> Case | None:
    """The case of that number or id, locked until the transaction ends."""
    doc = await sql.value(tx, "lock_case", no_or_id)
    return None if doc is None else _case.decode(doc)


async def lock_idle(tx: Any, case_id: str) -> Case | None:
    """The case, locked; None when somebody else has it in hand (or it doesn't exist)."""
    doc = await sql.value(tx, "lock_idle_case", case_id)
    return None if doc is None else _case.decode(doc)


async def find(db: Any, no_or_id: str) -> Case | None:
    doc = await sql.value(db, "case_doc", no_or_id)
    return None if doc is None else _case.decode(doc)


async def history(db: Any, case_id: str) -> list[Record]:
    """The whole flow of a case, in order."""
    return (await histories(db, [case_id]))[case_id]


async def histories(db: Any, case_ids: Sequence[str]) -> dict[str, list[Record]]:
    """The whole flow of each of the cases, in order."""
    flows: dict[str, dict[int, Record]] = {case_id: {} for case_id in case_ids}
    for row in await db.fetch(sql["flow_of_cases"], list(case_ids)):
        flows[row["case_id"]][row["seq"]] = _record(row)
    for row in await db.fetch(sql["pages_of_cases"], list(case_ids)):
        for record in _lines.decode(row["lines"]):
            flows[row["case_id"]].setdefault(record.seq, record)
    return {case_id: [flow[seq] for seq in sorted(flow)] for case_id, flow in flows.items()}


def _record(row: Any) -> Record:
    return Record(**{**row, "media": _media.decode(row["media"])})


async def page(db: Any, asked: Filter, now: dt.datetime, after: tuple[dt.datetime, str], limit: int) -> list[Listed]:
    """At most *limit* cases older than *after*, newest first. *db* is inside a transaction."""
    # Plan for these very filters: a plan for any filters would read the whole table for rare ones.
    await db.execute("set local plan_cache_mode = force_custom_plan")
    # Who may see one unit's cases alone asks for that unit: its index then gives them in order.
    unit = asked.unit_id or (asked.units[0] if len(asked.units) == 1 and not asked.areas else "")
    found = await db.fetch(
        sql["page_of_cases"], *after, asked.state, asked.queue, below(asked.area), unit, asked.category,
        f"{asked.q}%" if asked.q else "", asked.overdue, now, [below(a) for a in asked.areas], list(asked.units),
        limit,
    )  # fmt: skip
    return [Listed(_case.decode(row["doc"]), row["queue"], row["due_at"]) for row in found]


async def queue_counts(db: Any, seen: Sequence[str], units: Sequence[str], now: dt.datetime) -> list[QueueCount]:
    return await sql.rows(db, "queue_counts", QueueCount, [below(a) for a in seen], list(units), now)


async def changed_since(db: Any, since: dt.datetime, after: str, limit: int) -> list[Case]:
    """Cases changed since a moment, by id, for a reader that fills its copy."""
    return [_case.decode(row["doc"]) for row in await db.fetch(sql["page_for_snapshot"], since, after, limit)]


def below(area: str) -> str:
    """The pattern that the codes of *area*'s subtree match; empty for no area."""
    if len(area) == 6 and area.endswith("00"):
        area = area[:2] if area.endswith("0000") else area[:4]
    return f"{area}%" if area else ""


async def take_numbers(tx: Any, wanted: Sequence[tuple[str, dt.datetime]]) -> list[str]:
    """A case number for each (jurisdiction, moment of filing), gap-free: call it last, after every other lock.

    The number is the jurisdiction's code, the Shanghai date and a five-digit sequence. A town that registers by
    itself has a nine-digit code. Where a day has no more than 99,999 left for all that want one, theirs are empty.
    """
    days = [(jurisdiction, at.astimezone(SHANGHAI).date()) for jurisdiction, at in wanted]
    counts: dict[tuple[str, dt.date], int] = {}
    for key in days:
        counts[key] = counts.get(key, 0) + 1
    keys = sorted(counts)
    rows = await tx.fetch(
        sql["take_numbers"], [k[0] for k in keys], [k[1] for k in keys], [counts[k] for k in keys], LAST_NUMBER
    )
    following = {(key := (r["jurisdiction"], r["day"])): r["last"] - counts[key] for r in rows}
    numbers = []
    for key in days:
        if key not in following:
            numbers.append("")
            continue
        following[key] += 1
        numbers.append(f"{key[0]}{key[1]:%Y%m%d}{following[key]:05d}")
    return numbers


def parse_number(case_no: str) -> tuple[str, dt.date, int] | None:
    """Jurisdiction, day and sequence of a number of ours; None for another maker's."""
    head, tail = case_no[:-13], case_no[-13:]
    if not (head and tail.isdigit() and len(tail) == 13):
        return None
    try:
        return head, dt.datetime.strptime(tail[:8], "%Y%m%d").replace(tzinfo=SHANGHAI).date(), int(tail[8:])
    except ValueError:
        return None


async def raise_numbers(tx: Any, seen: Iterable[str]) -> None:
    """Let no number follow that is not above all that were *seen*."""
    highest: dict[tuple[str, dt.date], int] = {}
    for parsed in filter(None, map(parse_number, seen)):
        key = parsed[:2]
        highest[key] = max(highest.get(key, 0), parsed[2])
    keys = sorted(highest)
    await sql.run(tx, "raise_numbers", [k[0] for k in keys], [k[1] for k in keys], [highest[k] for k in keys])
