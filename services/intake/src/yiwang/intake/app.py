"""Wiring: settings, caches, routes, handlers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from yiwang.kit import App, Service

from . import fast, handlers, profile, store
from .announcements import use_announced
from .domain import Keys
from .http import ROUTES
from .http_lending import LENDING
from .lending_handlers import lend
from .lookup import Lookup
from .reading import JSON_MAX
from .receive import Desk
from .sweeping import sweep_photos


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What intake is told (YIWANG_INTAKE_<FIELD>)."""

    secret_file: str = ""
    """File with at least 16 secret bytes from which the keys of digests and follow-up tokens derive; empty: the secret
    that the schema made for itself"""
    orphan_hours: Annotated[float, msgspec.Meta(ge=0)] = 72.0
    """Hours after which an uploaded photo that no accepted report named is deleted"""


service = Service("intake", package="yiwang.intake", settings=Settings, database=True, watches=True, handler_set=3)
handlers.register(service)
lend(service)
service.api(*LENDING, *ROUTES)
service.background(leased=True)(sweep_photos)
service.fast_route("POST", "/reports", most=JSON_MAX)(fast.post_reports)


@service.on_start
async def open_desk(app: App) -> None:
    """Load the place's rules and the node's secret. Refuses to start with a sentence when one of them is wrong."""
    secret = await _secret(app)
    app.resources[Desk] = Desk(profile.load(app.kit.profile), Keys.of(secret), Lookup(app))


use_announced(service)


@service.background()
async def follow_reports(app: App) -> None:
    """Keep in mind which numbers are here."""
    await app.get(Desk).lookup.keep_fresh()


async def _secret(app: App) -> bytes:
    if not app.settings.secret_file:
        return await store.secret(app.pool)
    secret = Path(app.settings.secret_file).read_bytes().strip()  # noqa: ASYNC240 - once, before anything runs
    if len(secret) < 16:
        raise ValueError("YIWANG_INTAKE_SECRET_FILE 中的密钥不足 16 字节，请管理员换一个更长的")
    return secret
