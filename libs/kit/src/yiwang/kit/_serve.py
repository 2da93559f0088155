"""Serving: several services of one node in one process, or one each, with the same code."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

import asyncpg
import structlog

from . import _telemetry, fence
from ._app import App, Link
from ._clock import Clock
from ._config import Kit, load
from ._deliver import AWAY
from ._service import Service
from ._sql import migrate as migrate_schema

log: Final = structlog.get_logger("yiwang.serve")


async def migrate(services: Sequence[Service], database_url: str, phase: str = "post") -> list[str]:
    """Bring the schemas of *services* up to date; returns what was applied. Waits for a database that isn't there yet."""
    db = await _patiently(lambda: asyncpg.connect(database_url), "database")
    try:
        await fence.refuse_sealed(db)
        applied: list[str] = []
        for service in services:
            if service.database:
                packages = [__package__, *([service.package] if service.package else [])]
                applied += await migrate_schema(db, service.schema, packages, phase)
        return applied
    finally:
        await db.close()


async def _patiently(attempt: Callable[[], Any], what: str) -> Any:
    """Await *attempt* until the server answers; an absent server is waited for, a wrong password is not."""
    tries = 0
    while True:
        try:
            return await attempt()
        except (OSError, *AWAY) as error:
            tries += 1
            if tries % 20 == 1:
                log.warning("waits_for", what=what, error=repr(error)[:200])
            await asyncio.sleep(min(0.1 * tries, 1.0))


@contextlib.asynccontextmanager
async def running(
    *services: Service,
    kit: Kit | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    migrated: bool = False,
) -> AsyncIterator[list[App]]:
    """*services* of one node, started; drained at the end. Migrates first unless *migrated*."""
    environ = os.environ if environ is None else environ
    kit = kit or load(Kit, environ, "YIWANG")
    if not migrated and any(s.database for s in services):
        await _patiently(lambda: migrate(services, kit.database_url), "database")
    name = "+".join(service.name for service in services)
    link = await _patiently(lambda: Link.open(kit, name), "nats")
    apps = [App(service, kit, link, environ, clock) for service in services]
    started: list[App] = []
    try:
        for app in apps:
            started.append(app)
            await app.start()
        yield apps
    finally:
        for app in reversed(started):
            await app.stop()
        if not link.nc.is_closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    await link.nc.flush()
            await link.nc.close()


async def serve(
    *services: Service,
    environs: Sequence[Mapping[str, str]] = (),
    ready: Callable[[Sequence[App]], Any] | None = None,
    migrated: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT: handlers, loops and an HTTP listener a node; then drain.

    *environs*: one environment a node (several nodes share this process); this process's own if none is given.
    Raises ConfigError with every mistake of the configuration.
    """
    from ._http import build_http, serve_http
    from ._login import refuse_without_keys

    environs = environs or [os.environ]
    kits = [load(Kit, environ, "YIWANG") for environ in environs]
    for kit in kits:
        refuse_without_keys(services, kit)
    _telemetry.set_up(kits[0], "+".join(service.name for service in services))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with contextlib.AsyncExitStack() as nodes:
        listeners, apps = [], []
        for kit, environ in zip(kits, environs, strict=True):
            started = await nodes.enter_async_context(running(*services, kit=kit, environ=environ, migrated=migrated))
            listeners.append(asyncio.create_task(serve_http(build_http(started), kit.http_host, kit.http_port)))
            apps += started
        settle_memory()
        if ready is not None:
            ready(apps)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([*listeners, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for listener in listeners:
            if listener.done():
                listener.result()  # it failed: say why
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)


def settle_memory() -> None:
    """What is loaded stays: the collector leaves it alone from now on, and looks at new objects less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def main(*services: Service) -> None:
    """`python -m yiwang.<service>`: serve in a fresh event loop (uvloop where there is one)."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(*services))
    else:
        uvloop.run(serve(*services))
