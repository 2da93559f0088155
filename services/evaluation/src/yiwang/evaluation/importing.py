"""The set-based way in for finished cases by the hundred thousand: facts, parts and sums a page at a time.

For a place that begins with years of history. What is known already is left alone; what comes in is as if its events had
been heard, so later events (an appeal, a reopening) go on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from .applying import Told
from .facts import Facts, encode
from .rules import Rules
from .store import Changes, add_hours, add_sums
from .vocabulary import NUMBER

PAGE: Final = 5000
CASES: Final = ("case_id", "case_no", "version", "due_at", "facts")
PARTS: Final = ("case_id", "purpose", "kind", "object", "alt", "day", "cls", "segments", "hits", "amounts")


def pages(cases: Sequence[Facts]) -> Iterator[Sequence[Facts]]:
    """*cases* in pages."""
    for start in range(0, len(cases), PAGE):
        yield cases[start : start + PAGE]


async def bring_in(db: Any, cases: Sequence[Facts], rules: Rules, root: str) -> int:
    """Take in *cases*, a transaction a page; returns how many were new. *db* is a connection in the service's schema.

    One import at a time: a page is worked out before its transaction begins.
    """
    taken = 0
    for page in pages(cases):
        there = await db.fetch("select case_id from cases where case_id = any($1::text[])", [f.case_id for f in page])
        known = {row["case_id"] for row in there}
        fresh = {facts.case_id: facts for facts in page if facts.case_id not in known}
        changes = Changes(Told(old=dict.fromkeys(fresh), new=fresh), rules, root)
        rows = [(f.case_id, f.case_no, f.version, f.waits_until(), encode(f)) for f in fresh.values()]
        parts = [
            (
                case_id, s.purpose, s.kind, s.object, s.alt, s.day, s.cls, " ".join(s.segments),
                [NUMBER[name] for name in hits], list(hits.values()),
            )
            for case_id, s, hits in changes.put
        ]  # fmt: skip
        async with db.transaction():
            await db.execute("set local idle_in_transaction_session_timeout = 0")  # a page may take long on a busy machine
            await db.copy_records_to_table("cases", columns=CASES, records=rows)
            await db.copy_records_to_table("parts", columns=PARTS, records=parts)
            await add_sums(db, changes.deltas)
            await add_hours(db, changes.hours)
        taken += len(fresh)
    return taken
