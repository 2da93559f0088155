"""What the grid hears: reports. What it says: where they lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import prometheus_client
from yiwang.contracts import CaseCorrected, CaseLocated, CaseReported, CaseVoided
from yiwang.kit import Again, Context

from .domain import claim_of, located
from .parts_store import attach
from .service import Grids, service
from .store import keep_unlocated, sql

OUTCOMES = prometheus_client.Counter(
    "yiwang_grid_located_total", "Reports by outcome and method of their location", ["outcome", "method"]
)


@service.on_batch(CaseReported, again=Again.SAME)
async def locate_reports(events: Sequence[CaseReported], ctx: Context) -> list[CaseLocated]:
    """Place all reports of a batch with one search; only those for a person are stored.

    A report that comes again gets the same place, or that of a newer version: who hears it goes by the first.
    """
    grid = ctx.app.get(Grids).current  # a version activated meanwhile counts from the next batch on
    found = grid.locate_many([claim_of(event) for event in events])
    found = await attach(ctx.tx, list(zip(events, found, strict=True)), ctx.settings.part_within_m)
    pairs = list(zip(events, found, strict=True))
    await keep_unlocated(ctx.tx, [(event, answer) for event, answer in pairs if answer.outcome == "unlocated"])
    for said, n in Counter((answer.outcome, answer.place.method) for answer in found).items():
        OUTCOMES.labels(*said).inc(n)
    return [located(event, answer) for event, answer in pairs]


@service.on(CaseCorrected)
async def forget_relocated(event: CaseCorrected, ctx: Context) -> None:
    """Somebody placed the case elsewhere: nobody has to place it here any more."""
    if event.reason_code == "relocate":
        await sql.run(ctx.tx, "withdraw", event.case.case_id, ctx.now())


@service.on(CaseVoided)
async def forget_voided(event: CaseVoided, ctx: Context) -> None:
    """A voided report needs no place."""
    await sql.run(ctx.tx, "withdraw", event.case.case_id, ctx.now())
