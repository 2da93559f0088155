"""What this node hears of the others: heartbeats, alarms, probes, and how many cases came in."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

import msgspec
from yiwang.contracts import CaseReported, MeshAlarmCleared, MeshAlarmRaised, MeshHeartbeat, MeshProbe, ResyncRequested
from yiwang.kit import Context, Outcome, Scope

from . import gaps
from .service import Page, service
from .store import sql
from .watch import DAY, wall


def _on_its_way_ms(recorded_at: dt.datetime, now: dt.datetime) -> float:
    return max(0.0, (now - recorded_at).total_seconds() * 1000)


@service.on(MeshHeartbeat, scope=Scope.SUBTREE)
async def hear_heartbeat(event: MeshHeartbeat, ctx: Context) -> list[ResyncRequested]:
    """Keep what a node below said last of itself; where it may have forgotten something unsent, ask for its cases again."""
    if event.node == ctx.node.node_id or event.node != event.jurisdiction:
        return []
    now, mesh = wall(), ctx.app.get(Page).mesh
    before = await sql.value(ctx.tx, "said", event.node)
    last = msgspec.json.decode(before, type=MeshHeartbeat) if before else None
    text = msgspec.json.encode(event).decode()
    await sql.run(ctx.tx, "set_peer", event.node, text, event.recorded_at, now, _on_its_way_ms(event.recorded_at, now))
    if mesh is None or last is None or mesh.branch(event.node) != event.node or not gaps.lost(last, event):
        return []
    asked = gaps.requests(mesh, last, event)
    log = ctx.app.log.bind(node=event.node, since=last.recorded_at.isoformat())
    log.warning("resync_asked", nodes=[one.addressee for one in asked])
    return asked


@service.on(MeshProbe)
async def hear_probe(event: MeshProbe, ctx: Context) -> None:
    """Keep how long the probe from above was on its way."""
    took_ms = _on_its_way_ms(event.recorded_at, wall())
    await sql.run(ctx.tx, "set_probe", event.node, event.recorded_at, took_ms, event.every_s)


@service.on(MeshAlarmRaised, scope=Scope.SUBTREE)
async def hear_alarm(event: MeshAlarmRaised, ctx: Context) -> None:
    """Keep an alarm of a node below."""
    if event.node != ctx.node.node_id and event.node == event.jurisdiction:
        await sql.value(ctx.tx, "raise", event.node, event.alarm, event.kind, event.sentence, event.since)


@service.on(MeshAlarmCleared, scope=Scope.SUBTREE)
async def hear_all_clear(event: MeshAlarmCleared, ctx: Context) -> None:
    """It is right again below."""
    if event.node != ctx.node.node_id and event.node == event.jurisdiction:
        await sql.value(ctx.tx, "clear", event.node, event.alarm, event.recorded_at, event.remedy)


@service.on_batch(CaseReported, scope=Scope.SUBTREE)
async def count_cases(events: Sequence[CaseReported], ctx: Context) -> Sequence[Outcome]:
    """Count the day's cases by the area in whose name they were taken."""
    counts: dict[tuple[dt.date, str], list[dt.datetime]] = defaultdict(list)
    for event in events:
        counts[(event.recorded_at + DAY).date(), event.jurisdiction].append(event.recorded_at)
    keys = sorted(counts)
    await sql.run(
        ctx.tx, "count_cases", [day for day, _ in keys], [area for _, area in keys],
        [len(counts[key]) for key in keys], [max(counts[key]) for key in keys],
    )  # fmt: skip
    return [None] * len(events)
