"""Drops notices that ended long ago."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Final

from yiwang.kit import App

from .service import service
from .store import sql

EVERY_S: Final = 3600.0


@service.background(leased=True)
async def drop_old(app: App) -> None:
    """Once an hour, in small steps: notices, their deliveries and attempts after `keep_days`."""
    while True:
        before = app.clock.now() - dt.timedelta(days=app.settings.keep_days)
        while await sql.run(app.pool, "drop_old", before) != "DELETE 0":
            pass
        await asyncio.sleep(EVERY_S)
