"""Events in, counters up to date. It says nothing about cases: it only counts."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

from yiwang.contracts import MeshHeartbeat
from yiwang.kit import Again, App, Context, Outcome, Scope

from . import store, whistles
from .applying import Told, tell
from .facts import decode, elapse
from .heard import Seen, heard
from .profile import Book
from .service import service
from .store import sql
from .whistles import WhistleSeen

OURS = ("", "evaluation")
"""Readers whose snapshots concern us: everybody, and ourselves."""
AT_ONCE = 500
"""Cases that become overdue by themselves in one transaction"""


async def count(events: Sequence[Seen], ctx: Context) -> Sequence[Outcome]:
    """Fold a batch into its cases and add the differences to the figures, all in the position's transaction."""
    ours = [e for e in events if e.type != "case.snapshot.v1" or e.reader in OURS]
    ids = {e.case.case_id for e in ours}
    known = await store.known(ctx.tx, sorted(ids))
    waiting = await store.waiting(ctx.tx, ids)
    told = tell(known, waiting, ours, ctx.now())
    await store.write(ctx.tx, told, ctx.app.get(Book).rules, ctx.node.jurisdiction, ctx.now())
    names: dict[tuple[str, str], str] = {}
    for event in events:
        _names_of(event, names)
    await _note(events, names, ctx)
    return [None] * len(events)


async def count_whistles(events: Sequence[WhistleSeen], ctx: Context) -> Sequence[Outcome]:
    """The same for whistles: their facts are of their own, their figures among the others."""
    known = await store.known(ctx.tx, sorted({whistles.PREFIX + e.whistle_id for e in events}))
    told = whistles.tell(known, list(events))
    await store.write(ctx.tx, told, ctx.app.get(Book).rules, ctx.node.jurisdiction, ctx.now())
    names = {("unit", one.unit_id): one.unit_name for event in events for one in event.units}
    await _note(events, names, ctx)
    return [None] * len(events)


async def _note(events: Sequence[Seen | WhistleSeen], names: dict[tuple[str, str], str], ctx: Context) -> None:
    """Keep until when each node has been heard, and the names that its events give."""
    last: dict[str, dt.datetime] = {}
    for event in events:
        node = event.source.partition("/")[0] or event.jurisdiction
        last[node] = max(event.recorded_at, last.get(node, event.recorded_at))
    await store.note(ctx.tx, last, {key: name for key, name in names.items() if name})


def _names_of(event: Seen, names: dict[tuple[str, str], str]) -> None:
    if event.case.place is not None:
        names.update({("area", code): name for code, name in event.case.place.area.names.items()})
    for unit in event.assignments:
        names["unit", unit.unit_id] = unit.unit_name
    one = event.case.category
    if one is not None:
        names["class", f"{one.kind}/{one.major}"] = one.major_name
        names["class", f"{one.kind}/{one.major}/{one.minor}"] = one.minor_name


for _kind in heard():
    service.on_batch(_kind, scope=Scope.SUBTREE, again=Again.KNOWN, shape=Seen)(count)


for _blown in whistles.heard():
    service.on_batch(_blown, scope=Scope.SUBTREE, again=Again.KNOWN, shape=WhistleSeen)(count_whistles)


@service.on(MeshHeartbeat, scope=Scope.SUBTREE)
async def hear_heartbeat(event: MeshHeartbeat, ctx: Context) -> None:
    """A node below is alive: its figures are of now, even if nothing happens there."""
    await sql.run(ctx.tx, "heard_beat", event.node, event.recorded_at)


async def pass_limits(app: App) -> int:
    """Count disposals as overdue whose limit has passed; returns how many. The index of due moments finds them."""

    async def act(ctx: Context) -> int:
        now = ctx.now()
        rows = await ctx.tx.fetch(sql["due"], now, AT_ONCE)
        told = Told()
        for row in rows:
            old = decode(row["facts"])
            new = elapse(old, now)
            if new is not old:
                told.old[old.case_id], told.new[old.case_id] = old, new
        await store.write(ctx.tx, told, app.get(Book).rules, app.node.jurisdiction, now)
        return len(told.new)

    done: int = await app.act(None, act)
    return done


@service.background(leased=True)
async def watch_limits(app: App) -> None:
    """Look at the index of due moments now and then."""
    while True:
        try:
            while await pass_limits(app) == AT_ONCE:
                pass
        except Exception as error:
            if not app.is_outage(error):
                raise
        await asyncio.sleep(app.settings.due_seconds)
