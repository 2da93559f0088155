"""The service's name and settings."""

from __future__ import annotations

from yiwang.kit import App, Service

from .codes import Codes, load_codes
from .merkle import suite_of
from .settings import Settings

service = Service("enforcement", package="yiwang.enforcement", settings=Settings, database=True)


@service.on_start
async def load(app: App) -> None:
    """Load the words and refuse to start with an unknown hash suite."""
    suite_of(app.settings.suite)
    app.resources[Codes] = load_codes(app.kit.profile)
