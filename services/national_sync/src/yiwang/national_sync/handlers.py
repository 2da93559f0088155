"""What the exchange hears: every event of every live case of the subtree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from yiwang.contracts import CaseEvent, CaseSnapshot, registry
from yiwang.kit import Context, Scope

from .links import Links
from .media import note_refs
from .records import Record, records_of
from .service import service
from .store import add_records, bases_of

OURS: Final = ("", "national_sync")
"""Readers whose snapshots concern us: everybody, and ourselves."""


def heard() -> Iterable[type[CaseEvent]]:
    """Every kind of event that can befall a case."""
    return (kind for kind in registry().values() if issubclass(kind, CaseEvent) and kind.flow == "up")


def concerns_us(event: CaseEvent) -> bool:
    """Whether *event* is of a live case, and no snapshot for another reader."""
    return event.purpose == "live" and not (isinstance(event, CaseSnapshot) and event.reader not in OURS)


def docked_from(event: CaseEvent) -> str:
    """The docked platform that told us, which isn't told again; empty for our own."""
    return event.origin.system_id if event.origin is not None and event.origin.mode == "docked" else ""


async def record(events: Sequence[CaseEvent], ctx: Context) -> Sequence[None]:
    """Turn events of live cases into exchange records, in the same transaction as the position."""
    live = [e for e in events if concerns_us(e)]
    if live:
        await note_refs(ctx, live)
        bases = await bases_of(ctx.tx, [e.case.case_id for e in live])
        found: list[tuple[Record, str]] = []
        for event in live:
            told = records_of(event, bases.get(event.case.case_id))
            bases |= {r.case_id: r.payload for r in told if r.kind == "case_base"}
            found += [(r, docked_from(event)) for r in told]
        await add_records(ctx.tx, found, ctx.app.get(Links).wants, ctx.now())
    return [None] * len(events)


for _kind in heard():
    service.on_batch(_kind, scope=Scope.SUBTREE)(record)
