"""What the grid hears: reports. What it says: where they lie."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter
from yiwang.contracts import CaseLocated, CaseReported
from yiwang.kit import Context

from .domain import claim_of, located
from .service import Grids, service
from .store import keep_unlocated

OUTCOMES = Counter("yiwang_grid_located_total", "Reports by outcome and method of their location", ["outcome", "method"])


@service.on_batch(CaseReported)
async def locate_reports(events: Sequence[CaseReported], ctx: Context) -> list[CaseLocated]:
    """Place all reports of a batch with one search; only those for a person are stored."""
    grid = ctx.app.get(Grids).current  # a version activated meanwhile counts from the next batch on
    found = grid.locate_many([claim_of(event) for event in events])
    pairs = list(zip(events, found, strict=True))
    await keep_unlocated(ctx.tx, [(event, answer) for event, answer in pairs if answer.outcome == "unlocated"])
    for answer in found:
        OUTCOMES.labels(answer.outcome, answer.place.method).inc()
    return [located(event, answer) for event, answer in pairs]
