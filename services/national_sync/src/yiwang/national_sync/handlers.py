"""What the exchange hears: every event of every live case of the subtree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from yiwang.contracts import CaseEvent, CaseSnapshot, registry
from yiwang.kit import Context, Scope

from .links import Links
from .records import records_of
from .service import service
from .store import add_records, base_of_case, sql

OURS: Final = ("", "national_sync")
"""Readers whose snapshots concern us: everybody, and ourselves."""


def heard() -> Iterable[type[CaseEvent]]:
    """Every kind of event that can befall a case."""
    return (kind for kind in registry().values() if issubclass(kind, CaseEvent) and kind.flow == "up")


async def record(event: CaseEvent, ctx: Context) -> None:
    """Turn a live case's event into exchange records, in the same transaction as the position."""
    if event.purpose != "live":
        return
    if isinstance(event, CaseSnapshot) and event.reader not in OURS:
        return
    base = await base_of_case(ctx.tx, event.case.case_id)
    found = records_of(event, base)
    docked = event.origin is not None and event.origin.mode == "docked"
    came_from = event.origin.system_id if docked and event.origin else ""
    await add_records(ctx.tx, found, ctx.app.get(Links).wants, came_from=came_from, now=ctx.now())
    for one in found:
        if one.kind == "case_base":
            await sql.run(ctx.tx, "set_base", one.case_id, msgspec.json.encode(one.payload, order="sorted"))


for _kind in heard():
    service.on(_kind, scope=Scope.SUBTREE)(record)
