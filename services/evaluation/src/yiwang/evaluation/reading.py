"""From a question to numbers: sums with segments, values of formulas, names of objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from yiwang.kit import App

from . import figures, inputs
from .figures import What
from .formulas import Number
from .indicators import known_values, segments_in
from .periods import Period
from .profile import Book
from .rules import named


async def values_of(
    app: App, db: Any, what: What, objects: Sequence[str], period: Period, names: Iterable[str]
) -> dict[str, tuple[dict[str, int], dict[str, Number]]]:
    """object → its sums, and the values of *names* that formulas ask for."""
    book, wanted = app.get(Book), set(names)
    sums = await figures.with_segments(db, book.rules, what, objects, segments_in(wanted))
    others = await inputs.read(db, what.kind, objects, period)
    return {code: (sums[code], known_values(sums[code], wanted, others[code])) for code in objects}


async def names_of(app: App, db: Any, kind: str, codes: Sequence[str]) -> dict[str, str]:
    """code → what people call it, as far as events or the registry told; else the code."""
    book = app.get(Book)
    rows = await db.fetch(
        "select code, name from names where kind = $1 and code = any($2::text[])", kind, list(codes)
    )
    told = {row["code"]: row["name"] for row in rows}
    return {code: told.get(code) or named(book.rules.units if kind == "unit" else {}, code) for code in codes}
