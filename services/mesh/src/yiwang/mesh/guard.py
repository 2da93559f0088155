"""The guard at each landing stream: what a child sends for areas that aren't its own is kept apart and counted.

Such events never enter UP: UP takes of a landing stream only the subjects of the child's own area, and the server sees to
that. The guard makes it known, and looks into the bodies too.
"""

from __future__ import annotations

import asyncio
import time

from yiwang.kit import App, links, names
from yiwang.kit.link import Raw, api

from .domain import refusal
from .service import Page, service
from .store import sql
from .tail import Tail

SWEEP_S = 60.0


@service.background(leased=True)
async def guard(app: App) -> None:
    """Watch the landing streams of all children that the page names."""
    page = app.get(Page)
    while True:
        children = _children(page)
        tasks = [asyncio.create_task(_watch(app, page, child)) for child in children]
        try:
            await _changed(app, page, children)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _changed(app: App, page: Page, children: list[str]) -> None:
    """Return when the page names other children than these."""
    while True:
        await asyncio.sleep(app.settings.watch_seconds)
        if _children(page) != children:
            return


def _children(page: Page) -> list[str]:
    mesh = page.refresh()
    return links.linked_children(mesh.page.by_code, mesh.code) if mesh else []


async def _watch(app: App, page: Page, child: str) -> None:
    while True:
        try:
            await _read(app, page, child)
        except Exception as error:  # noqa: BLE001 - an outage is waited out; the mark says where to go on
            app.log.warning("guard_waits", child=child, error=repr(error)[:200])
            await asyncio.sleep(1)


async def _read(app: App, page: Page, child: str) -> None:
    landing = Tail(app, f"guard/{child}", links.landing(child))
    swept = time.monotonic()
    async with landing.batches() as batches:
        async for batch in batches:
            mesh = page.refresh()
            bad = [(raw, why) for raw in batch if (why := refusal(mesh, child, raw.subject, raw.data))] if mesh else []
            landing.seq = batch[-1].seq
            if bad:
                await _keep(app, landing, child, bad)
            await landing.reached(batch[-1].seq)
            if time.monotonic() - swept > SWEEP_S:
                swept = time.monotonic()
                await sweep(app, landing)


async def _keep(app: App, landing: Tail, child: str, bad: list[tuple[Raw, str]]) -> None:
    now = app.clock.now()
    async with app.pool.acquire() as db, db.transaction():
        for raw, why in bad:
            await sql.run(
                db, "keep", child, landing.created, raw.seq, raw.subject, why[:500], raw.data[:65_536], now,
                app.settings.quarantine_keep,
            )  # fmt: skip
        await sql.run(db, "count_refused", child, len(bad), now)
        await landing.mark(db)
    names.MESH_REFUSED.labels(app.node.node_id, child).inc(len(bad))
    app.log.warning("quarantined", child=child, events=len(bad), first=bad[0][1][:200])


async def sweep(app: App, landing: Tail) -> None:
    """Drop from the landing stream what UP has and the guard has seen, but for the newest `landing_keep`."""
    up = await api(app.nc, "STREAM.INFO.UP")
    taken = next((int(s.get("seq") or 0) for s in up.get("sources") or () if s["name"] == landing.stream), 0)
    before = min(taken, landing.seq) - app.settings.landing_keep
    if before > 0:
        await api(app.nc, f"STREAM.PURGE.{landing.stream}", {"seq": before})
