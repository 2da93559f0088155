"""What this node hears of others' cases: copies kept up to date, gaps mended, and offers that are meant for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    CaseEvent,
    CaseHandoverOffered,
    CaseHandoverWithdrawn,
    CaseLocated,
    CaseReported,
    CopyWanted,
    registry,
)
from yiwang.kit import Context, Event, Timer

from . import handlers, handover, passing, store, tier_store
from .copies import tell
from .rules import Rules
from .snapshot import snapshot_of

GAP: Final = "gap"
"""Timer of a copy whose next version is missing."""
LONGEST_S: Final = 3600.0
"""Asking again for a missing version is put off up to an hour."""
WATCHED: Final = tuple(
    kind for kind in registry().values() if issubclass(kind, CaseEvent) and kind not in (CaseReported, CaseLocated)
)
"""Every event of a case, besides the two on which this service acts."""


async def hear(events: Sequence[CaseReported | CaseLocated], ctx: Context) -> list[list[Event]]:
    """Reports and places: this node's own are acted on, those of others go into their copies."""
    mine = ctx.app.acts_for
    others = [n for n, event in enumerate(events) if event.jurisdiction not in mine]
    if not others:
        return await handlers.arrive(events, ctx)
    answers: list[list[Event]] = [[] for _ in events]
    own = [n for n in range(len(events)) if n not in set(others)]
    if own:
        said = await handlers.arrive([events[n] for n in own], ctx)
        for n, answer in zip(own, said, strict=True):
            answers[n] = list(answer)
    if ctx.app.mesh is not None:
        await watch([events[n] for n in others], ctx)
    return answers


async def watch(events: Sequence[CaseEvent], ctx: Context) -> list[list[Event]]:
    """Apply others' events to the copies; answer offers to this node."""
    mine = ctx.app.acts_for
    others = [event for event in events if event.jurisdiction not in mine]
    ids = {event.case.case_id for event in others}
    if not ids:
        return [[] for _ in events]
    places = await tier_store.whereabouts(ctx.tx, ids)
    ids -= {case_id for case_id, away in places.items() if not away}
    copies = await tier_store.lock_copies(ctx.tx, ids)
    waiting = await tier_store.waiting(ctx.tx, ids)
    had_gap = set(waiting)
    told = tell(copies, waiting, [event for event in others if event.case.case_id in ids])
    await tier_store.write(ctx.tx, told, ctx.now())
    await _mend(ctx, {event.case.case_id for event in told.early} - had_gap)
    await passing.press_later(ctx, others, ctx.app.get(Rules))
    answers: list[list[Event]] = []
    for event in events:
        answer: list[Event] = []
        if isinstance(event, CaseHandoverOffered) and event.to_jurisdiction in mine:
            answer = await handover.offered(event, ctx)
        elif isinstance(event, CaseHandoverWithdrawn) and event.to_jurisdiction in mine:
            await handover.withdrawn(event, ctx)
        answers.append(answer)
    return answers


async def _mend(ctx: Context, case_ids: set[str]) -> None:
    """Look again at new gaps a little later: what is missing may only be late."""
    due = ctx.now() + dt.timedelta(seconds=ctx.settings.gap_patience_s * ctx.app.clock.speed)
    rows: list[tuple[str, dt.datetime, dict[str, Any]]] = [(case_id, due, {}) for case_id in sorted(case_ids)]
    await ctx.set_timers(GAP, rows)


async def ask_for_missing(timer: Timer, ctx: Context) -> Event | None:
    """A copy still has its gap: ask the custodian to tell the case, and again later until it is mended."""
    gap = await tier_store.gap_of(ctx.tx, timer.key)
    if gap is None:
        return None
    events = (await tier_store.waiting(ctx.tx, [timer.key]))[timer.key]
    latest = events[max(events)].case
    tries = int(timer.data.get("tries", 0)) + 1
    after = min(ctx.settings.gap_patience_s * 2.0**tries, LONGEST_S) * ctx.app.clock.speed
    await ctx.set_timer(GAP, timer.key, ctx.now() + dt.timedelta(seconds=after), {"tries": tries})
    return CopyWanted(
        case_id=timer.key, case_no=latest.case_no, from_version=gap[0], addressee=latest.custody.jurisdiction
    )


async def wanted(event: CopyWanted, ctx: Context) -> Event | None:
    """Another node's copy has a gap: tell the case, if it is ours."""
    if event.addressee not in ctx.app.acts_for:
        return None
    case = await store.find(ctx.tx, event.case_id)
    if case is None or case.away:
        return None
    flow = await store.history(ctx.tx, case.case_id)
    said = snapshot_of(case, flow, event.jurisdiction)
    return msgspec.structs.replace(said, addressee=event.jurisdiction, jurisdiction=case.custody.jurisdiction)
