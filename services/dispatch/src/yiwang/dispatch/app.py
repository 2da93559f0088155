"""Wiring: settings, the city's rules, handlers, routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from yiwang.contracts import CaseLocated, CaseReported, EnforcementClosed, SnapshotRequested
from yiwang.kit import Again, App, Scope, Service

from . import handlers, inspectors, recomputing, recover, referrals, watching, whistling
from .announcements import use_announced
from .around import with_tiers
from .campaign_wiring import join_campaigns
from .http import ROUTES
from .http_inspectors import INSPECTORS
from .http_queues import QUEUE_ROUTES
from .http_shared import SHARED_ROUTES
from .http_similar import SIMILAR
from .http_tiers import TIERS
from .http_whistle import WHISTLES
from .profile import load_profile
from .queue_store import keep_tidy
from .resync import answer_resync
from .rules import Rules
from .wiring import join_tiers
from .worklist import WORKLIST


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What dispatch is told (YIWANG_DISPATCH_<FIELD>)."""

    positions_hours: Annotated[float, msgspec.Meta(gt=0, le=720)] = 72.0
    """Hours for which inspectors' positions are kept"""
    progress_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 10
    """Minutes between two words upward about a campaign (专项) in which something changed"""
    campaign_page: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 1000
    """Cases looked at in one transaction when a campaign takes in those that were filed before it"""
    claim_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 30
    """Minutes for which a person who claims a waiting case has it to themselves"""
    snapshot_page: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200
    """Cases told in one transaction when a reader asks for them again"""
    numbers_at_parent: str = ""
    """After a restore of the whole node: the highest case numbers that the parent shows, comma-separated"""
    gap_patience_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 5.0
    """Seconds that a copy waits for a missing version before its custodian is asked"""
    release_patience_s: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 60.0
    """Seconds that a case accepted from another node waits for its release before it is asked for again"""


def from_profile(app: App) -> Rules:
    """The rules of the place whose profile this process was given. Raises BadProfile with every mistake in it."""
    return load_profile(app.kit.profile).rules


def make_service(rules: Callable[[App], Rules] = from_profile) -> Service:
    """The service, with its rules from the profile or (in tests) from elsewhere."""
    service = Service("dispatch", package="yiwang.dispatch", settings=Settings, database=True, handler_set=4)
    # A report says nothing here until its place is known, and both together are one row.
    service.on_batch(CaseReported, scope=Scope.SUBTREE, again=Again.KNOWN, company_s=0.25)(watching.hear)
    service.on_batch(CaseLocated, scope=Scope.SUBTREE, again=Again.KNOWN)(watching.hear)
    service.on(EnforcementClosed)(referrals.closed)
    service.on(SnapshotRequested)(handlers.snapshots)
    service.timer(handlers.ALARM)(handlers.alarm)
    service.timer(recomputing.RECOMPUTE)(recomputing.recompute)
    service.timer(whistling.TIMER)(whistling.late)
    service.api(*TIERS, *SIMILAR, *QUEUE_ROUTES, *INSPECTORS, *SHARED_ROUTES, *WHISTLES, *ROUTES, *WORKLIST)

    @service.on_start
    async def begin(app: App) -> None:
        app.resources[Rules] = with_tiers(rules(app), app)
        await recover.reconcile(app)
        await recomputing.at_start(app)

    service.timer(inspectors.PATROL)(inspectors.expire)
    service.background(leased=True)(keep_tidy)
    use_announced(service)
    join_tiers(service)
    join_campaigns(service)
    answer_resync(service)
    return service


service: Final = make_service()
