"""The loop that pushes to every platform at once, so that a slow one holds up nobody."""

from __future__ import annotations

import asyncio

import httpx
from prometheus_client import Gauge
from yiwang.kit import App

from .dropping import fetched, keep_fetching
from .links import Link, Links
from .pusher import Pusher
from .reconcile import compare_ended
from .service import service
from .store import Waiting, sql
from .transport import Down, Transport, transport_of

PENDING = Gauge("yiwang_sync_pending_records", "Records that wait for an upper platform", ["platform"])
LAG = Gauge("yiwang_sync_lag_seconds", "Age of the oldest record that waits for an upper platform", ["platform"])
GAUGE_S = 10.0
OUTAGE_S = 2.0
"""Pause while the database is away"""


@service.background(leased=True)
async def push(app: App) -> None:
    """Push, fetch, compare and measure, in one replica at a time."""
    links = app.get(Links).outgoing
    async with httpx.AsyncClient(timeout=app.settings.timeout_s) as client, asyncio.TaskGroup() as group:
        group.create_task(measure(app, links))
        for link in links:
            if link.platform.pushed and not link.missing:
                group.create_task(keep_pushing(app, link, transport_of(link, client)))
        for link in app.get(Links).by_name.values():
            if fetched(link):
                group.create_task(keep_fetching(app, link, client))


async def keep_pushing(app: App, link: Link, transport: Transport) -> None:
    """Push whatever comes; when nothing comes, compare the days that ended."""
    pusher, settings = Pusher(app, link, transport), app.settings
    compare_at = 0.0
    while True:
        try:
            if await pusher.turn():
                continue
            now = asyncio.get_running_loop().time()
            if now >= compare_at:
                compare_at = now + settings.reconcile_minutes * 60
                await compare_ended(app, link, transport)
        except Down as down:
            await asyncio.sleep(await pusher.wait_after(down))
        except Exception as error:
            if not app.is_outage(error):
                raise
            app.log.warning("push_waits_for_the_database", platform=link.platform.name, error=repr(error)[:200])
            await asyncio.sleep(OUTAGE_S)
        else:
            await asyncio.sleep(settings.poll_seconds)


async def measure(app: App, links: list[Link]) -> None:
    """Keep the gauges fresh."""
    while True:
        try:
            for link in links:
                name = link.platform.name
                waiting = await sql.row(app.pool, "waiting", Waiting, name) or Waiting(pending=0, oldest=None)
                age = (app.clock.now() - waiting.oldest).total_seconds() if waiting.oldest else 0.0
                PENDING.labels(name).set(waiting.pending)
                LAG.labels(name).set(max(0.0, age))
        except Exception as error:
            if not app.is_outage(error):
                raise
        await asyncio.sleep(GAUGE_S)
