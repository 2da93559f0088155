"""Wiring: settings, the city's rules, handlers, routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from yiwang.contracts import CaseLocated, CaseReported, EnforcementClosed, SnapshotRequested
from yiwang.kit import Again, App, Service

from . import handlers, recover
from .http import ROUTES
from .profile import load_profile
from .rules import Rules
from .worklist import WORKLIST


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What dispatch is told (YIWANG_DISPATCH_<FIELD>)."""

    snapshot_page: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200
    """Cases told in one transaction when a reader asks for them again"""
    numbers_at_parent: str = ""
    """After a restore of the whole node: the highest case numbers that the parent shows, comma-separated"""


def from_profile(app: App) -> Rules:
    """The rules of the place whose profile this process was given. Raises BadProfile with every mistake in it."""
    return load_profile(app.kit.profile).rules


def make_service(rules: Callable[[App], Rules] = from_profile) -> Service:
    """The service, with its rules from the profile or (in tests) from elsewhere."""
    service = Service("dispatch", package="yiwang.dispatch", settings=Settings, database=True)
    service.on_batch(CaseReported, again=Again.KNOWN)(handlers.arrive)
    service.on_batch(CaseLocated, again=Again.KNOWN)(handlers.arrive)
    service.on(EnforcementClosed)(handlers.enforcement_closed)
    service.on(SnapshotRequested)(handlers.snapshots)
    service.timer(handlers.ALARM)(handlers.alarm)
    service.api(*ROUTES, *WORKLIST)

    @service.on_start
    async def begin(app: App) -> None:
        app.resources[Rules] = rules(app)
        await recover.reconcile(app)

    return service


service: Final = make_service()
