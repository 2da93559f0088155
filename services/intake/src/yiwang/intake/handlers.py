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
from yiwang.kit import Context, Outcome, Scope, Service

from . import store

MOVES: Final[tuple[type[CaseEvent], ...]] = (
    CaseLocated, CaseVerifyRequested, CaseVerified, CaseAccepted, CaseFiled, CaseDispatched, CaseReturned,
    CaseHandlingStarted, CaseHandled, CaseHandlingConfirmed, CaseReworked, CaseCheckRequested, CaseChecked,
    CaseSuspended, CaseResumed, CaseClosed, CaseVoided, CaseReopened, CaseMerged, CaseSnapshot,
)  # fmt: skip
"""Events that may change what a reporter is told."""


async def received(events: Sequence[CaseReported], ctx: Context) -> Sequence[Outcome]:
    """A report is here: remember its number and digest, and where its case begins."""
    await store.add_reports(ctx.tx, events)
    await store.add_photos(ctx.tx, events)
    await store.advance(ctx.tx, events)
    return [None] * len(events)


async def answered(events: Sequence[ReportAnswered], ctx: Context) -> Sequence[Outcome]:
    """A report that is no case was registered and answered."""
    await store.add_reports(ctx.tx, events)
    return [None] * len(events)


async def reachable(events: Sequence[ReportContact], ctx: Context) -> Sequence[Outcome]:
    """A reporter can be reached; the contact stays sealed."""
    await store.add_contacts(ctx.tx, events)
    return [None] * len(events)


async def moved(events: Sequence[CaseEvent], ctx: Context) -> Sequence[Outcome]:
    """A case moved on; the higher version wins."""
    await store.advance(ctx.tx, events)
    return [None] * len(events)


def register(service: Service) -> None:
    """Own reports are acted on; the course of a case is watched wherever in the subtree it is handled."""
    service.on_batch(CaseReported)(received)
    service.on_batch(ReportAnswered)(answered)
    service.on_batch(ReportContact)(reachable)
    for event_type in MOVES:
        service.on_batch(event_type, scope=Scope.SUBTREE)(moved)
