"""The service `identity`."""

from __future__ import annotations

import asyncio

from .._app import App
from .._service import Service
from . import domain, http, store
from .keys import SigningKeys

service = Service("identity", package="yiwang.kit.accounts", settings=domain.Settings, database=True)
service.api(*http.ROUTES)


@service.on_start
async def load(app: App) -> None:
    """The signing keys must be there and readable."""
    app.resources[store.Hasher] = store.Hasher(app.settings)
    app.resources[SigningKeys] = SigningKeys(app.pool, app.settings)
    await app.get(SigningKeys).ensure()


@service.background(leased=True)
async def sweep(app: App) -> None:
    """Forget attempts on logins that nobody has tried for a week."""
    while True:
        await store.sql.run(app.pool, "purge_attempts")
        await asyncio.sleep(3600)
