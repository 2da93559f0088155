"""Takes away photos that were uploaded and that no accepted report came to name."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Final

from yiwang.kit import App

EVERY_S: Final = 3600.0


async def sweep_photos(app: App) -> None:
    """Once an hour, from where the last round left off: loose files older than `orphan_hours`, by real time."""
    age, at = dt.timedelta(hours=app.settings.orphan_hours), 0
    while True:
        swept = await app.media.sweep(age, at)
        at = swept.next_seq
        if swept.deleted:
            app.log.info("photos_swept", files=swept.deleted)
        await asyncio.sleep(EVERY_S)
