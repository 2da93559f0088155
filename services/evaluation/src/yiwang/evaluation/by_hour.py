"""A day by its hours, for every counter: added up from the facts of the cases that count on that day.

Nothing is kept by the hour but what early warning needs (`hours.py`); a day of a big city has some thousands of cases.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Any

from .attribution import SHANGHAI, Spot, parts_of
from .facts import decode
from .figures import Sums, What, below, inside, where_of
from .rules import Rules


async def sums_by_hour(db: Any, rules: Rules, what: What, code: str) -> dict[int, Sums]:
    """hour (0 to 23 in Shanghai) → sums of one object; *what* is about one day."""
    where, args = where_of(rules, what, code)
    rows = await db.fetch(
        f"select facts from cases where case_id in (select p.case_id from parts p where {where})", *args
    )
    return await asyncio.to_thread(_added, [row["facts"] for row in rows], rules, what, code)


def _added(cases: Sequence[bytes], rules: Rules, what: What, code: str) -> dict[int, Sums]:
    found: dict[int, Sums] = {}
    units = {code, *below(rules, code)} if what.kind == "unit" else set()
    for data in cases:
        for spot, hits in parts_of(decode(data), rules, when=hour_of).items():
            at = spot.day
            if not isinstance(at, dt.datetime) or at.date() != what.first or not _belongs(spot, what, code, units):
                continue
            sums = found.setdefault(at.hour, {})
            for name, amount in hits.items():
                sums[name] = sums.get(name, 0) + amount
    return found


def hour_of(at: dt.datetime) -> dt.date:
    """The hour's beginning in Shanghai, where figures have the day."""
    return at.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)


def _belongs(spot: Spot, what: What, code: str, units: set[str]) -> bool:
    """The same as `figures.where_of` says to the database, but for the day."""
    kind = "person" if what.kind == "post" else what.kind
    if spot.kind != kind or spot.purpose not in what.purposes:
        return False
    if what.cls.startswith("@"):
        if what.cls not in spot.segments:
            return False
    elif what.cls and spot.cls != what.cls and not (what.cls.count("/") == 1 and spot.cls.startswith(what.cls + "/")):
        return False
    if what.kind == "area":
        return inside(code, spot.object)
    if what.kind == "unit":
        return spot.object in units
    return code == (spot.alt if what.kind == "post" else spot.object)
