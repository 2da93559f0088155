"""Keeps the read model: what was received here, and where each case stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from yiwang.contracts import (
    CaseAccepted,
    CaseChecked,
    CaseCheckRequested,
    CaseClosed,
    CaseDispatched,
    CaseEvent,
    CaseFiled,
    CaseHandled,
    CaseHandlingConfirmed,
    CaseHandlingStarted,
    CaseLocated,
    CaseMerged,
    CaseReopened,
    CaseReported,
    CaseResumed,
    CaseReturned,
    CaseReworked,
    CaseSnapshot,
    CaseSuspended,
    CaseVerified,
    CaseVerifyRequested,
    CaseVoided,
    ReportAnswered,
    ReportContact,
)
from yiwang.kit import Again, Context, Outcome, Scope, Service

from . import store
from .receive import Desk
from .store import Move

MOVES: Final[tuple[type[CaseEvent], ...]] = (
    CaseLocated, CaseVerifyRequested, CaseVerified, CaseAccepted, CaseFiled, CaseDispatched, CaseReturned,
    CaseHandlingStarted, CaseHandled, CaseHandlingConfirmed, CaseReworked, CaseCheckRequested, CaseChecked,
    CaseSuspended, CaseResumed, CaseClosed, CaseVoided, CaseReopened, CaseMerged, CaseSnapshot,
)  # fmt: skip
"""Events that may change what a reporter is told."""


async def follow(events: Sequence[CaseReported | Move], ctx: Context) -> Sequence[Outcome]:
    """Reports are here: remember their numbers and digests. Cases move on: the higher version wins.

    Hears both, so that a case whose report and first steps come in one batch is written once.
    """
    reports = [event for event in events if isinstance(event, CaseReported)]
    await store.add_reports(ctx.tx, reports)
    await store.add_photos(ctx.tx, reports)
    await store.advance(ctx.tx, events)
    _note(reports, ctx)
    return [None] * len(events)


def _note(reports: Sequence[CaseReported | ReportAnswered], ctx: Context) -> None:
    lookup = ctx.app.get(Desk).lookup
    for report in reports:
        lookup.note(report.report_id)


async def answered(events: Sequence[ReportAnswered], ctx: Context) -> Sequence[Outcome]:
    """A report that is no case was registered and answered."""
    await store.add_reports(ctx.tx, events)
    _note(events, ctx)
    return [None] * len(events)


async def reachable(events: Sequence[ReportContact], ctx: Context) -> Sequence[Outcome]:
    """A reporter can be reached; the contact stays sealed."""
    await store.add_contacts(ctx.tx, events)
    return [None] * len(events)


def register(service: Service) -> None:
    """Own reports are acted on; the course of a case is watched wherever in the subtree it is handled.

    Rows go by report, contact and case version, so that nothing heard twice counts twice.
    """
    service.on_batch(CaseReported, again=Again.KNOWN)(follow)
    service.on_batch(ReportAnswered, again=Again.KNOWN)(answered)
    service.on_batch(ReportContact, again=Again.KNOWN)(reachable)
    for event_type in MOVES:
        service.on_batch(event_type, scope=Scope.SUBTREE, again=Again.KNOWN, shape=Move)(follow)
