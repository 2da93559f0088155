"""The service's name, settings and platforms."""

from __future__ import annotations

from yiwang.kit import App, Service

from .links import Links, load_links
from .settings import Settings
from .store import sql

service = Service("national_sync", package="yiwang.national_sync", settings=Settings, database=True, handler_set=3)


@service.on_start
async def load(app: App) -> None:
    """Load the platforms; one that is new gets everything that was recorded before it."""
    links = load_links(app.kit.profile, app.settings)
    app.resources[Links] = links
    for link in links.outgoing:
        name = link.platform.name
        async with app.pool.acquire() as db, db.transaction():
            if await sql.value(db, "new_platform", name, app.clock.now()):
                await sql.run(db, "backfill", name, link.platform.kinds)
