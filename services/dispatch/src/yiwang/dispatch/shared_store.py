"""Rows of co-units' parts (协办), beside the cases that hold them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts import SubTask
from yiwang.kit import Sql

from .auto import Work
from .case import Case
from .shared import clock_of, part_by_id

sql: Final = Sql("yiwang.dispatch", "shared.sql")
FIRST: Final = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_case: Final = msgspec.json.Decoder(Case)


class Part(msgspec.Struct, frozen=True):
    """One part with its case."""

    case: Case
    part: SubTask
    due_at: dt.datetime


async def keep(tx: Any, works: Sequence[Work]) -> None:
    """Write the parts of the cases that have some, or had some before."""
    some = [work.case for work in works if work.case.subtasks or work.had_parts]
    if not some:
        return
    await sql.run(tx, "forget_parts", [case.case_id for case in some])
    rows = [(case, part) for case in some for part in case.subtasks]
    if rows:
        await sql.run(
            tx, "add_parts", [p.assignment.assignment_id for _, p in rows], [c.case_id for c, _ in rows],
            [p.assignment.unit_id for _, p in rows], [p.state for _, p in rows], [due(c, p) for c, p in rows],
        )  # fmt: skip


def due(case: Case, part: SubTask) -> dt.datetime:
    """When the part must be done: by its running clock, else as it was given."""
    running = clock_of(case, part)
    return running.judged_by if running else part.assignment.clock.due_at


async def page(db: Any, units: Sequence[str], after: tuple[dt.datetime, str], limit: int) -> list[Part]:
    """At most *limit* open parts of *units*, the nearest deadline first."""
    found = []
    for row in await db.fetch(sql["parts_of_units"], list(units), *after, limit):
        case = _case.decode(row["doc"])
        part = part_by_id(case, row["assignment_id"])
        if part is not None:
            found.append(Part(case, part, due(case, part)))
    return found
