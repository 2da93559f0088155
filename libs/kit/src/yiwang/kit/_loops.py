"""Loops beside the handlers: those a service brings, hearing of other replicas' commits, and housekeeping."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import structlog

from . import names
from ._ears import listening

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.loops")


async def background(app: App, loop: Callable[[App], Awaitable[None]], leased: bool) -> None:
    name = loop.__name__
    while not app.stopping:
        try:
            if leased:
                await _leased(app, loop, name)
            else:
                await loop(app)
                return
        except Exception as error:
            if app.is_outage(error):
                log.warning("loop_waits", service=app.service.name, loop=name, error=repr(error)[:200])
            else:
                log.error("loop_failed", service=app.service.name, loop=name, error=repr(error)[:500], exc_info=error)
        await asyncio.sleep(1.0)


async def _leased(app: App, loop: Callable[[App], Awaitable[None]], name: str) -> None:
    """Run *loop* while its row in kit_loop is ours."""
    ttl = app.kit.lease_seconds

    async def mine() -> bool:
        return bool(
            await app.pool.fetchval(
                "insert into kit_loop (name, owner, until) values ($1, $2, now() + $3 * interval '1 s') on conflict (name)"
                " do update set owner = $2, until = now() + $3 * interval '1 s'"
                " where kit_loop.owner = $2 or kit_loop.until < now() returning true",
                name, app.replica, ttl,
            )
        )  # fmt: skip

    if app.sealed or not await mine():
        await asyncio.sleep(ttl / 3)
        return
    task: asyncio.Task[None] = asyncio.create_task(loop(app), name=f"{app.service.name}/{name}")  # type: ignore[arg-type]
    try:
        while not task.done():
            await asyncio.wait([task], timeout=ttl / 3)
            if not task.done() and (app.sealed or not await mine()):
                return
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with contextlib.suppress(Exception):  # the database may be down: the row expires by itself
            await app.pool.execute(
                "update kit_loop set until = '-infinity' where name = $1 and owner = $2", name, app.replica
            )


async def listen(app: App) -> None:
    """Hear what is committed here by all replicas (NOTIFY): outputs to publish, keys to try again, sets in use."""

    def heard(said: str) -> None:
        if said in ("held", ""):
            for worker in app.work.workers.values():
                worker.look_again()
        if said in ("announced", ""):
            app.announced.set()
        if said in ("outbox", ""):
            app.outbox.wake()

    async with listening(app, f"kit_{app.service.schema}", heard):
        await asyncio.Event().wait()


async def sweep(app: App) -> None:
    """Keep the gauges fresh and drop what is past its time."""
    rounds = 0
    while not app.stopping:
        try:
            names.OUTBOX.labels(app.service.name).set(await app.outbox.size())
            names.HELD.labels(app.service.name).set(sum(len(w.held) for w in app.work.workers.values()))
            if rounds % 720 == 0 and not app.sealed:
                await app.inbox.sweep(app.kit.stream_max_age_days + 2)
                await app.pool.execute("delete from kit_replica where seen < now() - interval '1 day'")
        except Exception as error:  # noqa: BLE001 - an outage is waited out
            log.warning("sweep_waits", service=app.service.name, error=repr(error)[:200])
        rounds += 1
        await asyncio.sleep(max(5.0, app.kit.poll_seconds))
