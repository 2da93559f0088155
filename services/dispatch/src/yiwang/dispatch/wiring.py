"""What dispatch hears and does because there are other nodes."""

from __future__ import annotations

from yiwang.contracts import (
    CaseDirected,
    ContactSettled,
    CopyWanted,
    CustodyAnswered,
    CustodyReleased,
    DirectiveApplied,
    DirectiveRefused,
    NumbersAsked,
    NumbersTold,
    ReferralClosed,
    VisitAnswered,
    VisitRequested,
)
from yiwang.kit import Context, Scope, Service

from . import (
    contacts,
    directing,
    handover,
    passing,
    pressing,
    pressing_timers,
    referrals,
    renumbering,
    visits,
    watching,
)


async def refused(event: DirectiveRefused, ctx: Context) -> None:
    """The custodian below did not do what we said; what a rule said is said again where the case had only moved on."""
    known = await directing.refused(event, ctx)
    if known is not None and event.reason_code == "stale":
        await pressing_timers.once_more(ctx, known.said)


def join_tiers(service: Service) -> None:
    """Hand-over, copies of others' cases, directives, visits, numbers after a restore."""
    for kind in watching.WATCHED:
        service.on_batch(kind, scope=Scope.BELOW)(watching.watch)
    service.on(CustodyAnswered, scope=Scope.BELOW)(handover.answered)
    service.on(CustodyReleased, scope=Scope.BELOW)(handover.released)
    service.on(CopyWanted, scope=Scope.BELOW)(watching.wanted)
    service.on(CaseDirected)(directing.directed)
    service.on(DirectiveApplied, scope=Scope.BELOW)(directing.applied)
    service.on(DirectiveRefused, scope=Scope.BELOW)(refused)
    service.on(NumbersAsked, scope=Scope.BELOW)(renumbering.asked)
    service.on(NumbersTold)(renumbering.told)
    service.on(VisitRequested, scope=Scope.BELOW)(visits.requested)
    service.on(ContactSettled)(contacts.settled)
    service.on(ReferralClosed, scope=Scope.BELOW)(referrals.told)
    service.on(VisitAnswered, scope=Scope.BELOW)(visits.answered)
    service.timer(directing.EXPIRY)(directing.nobody_answered)
    service.timer(directing.REPLY)(directing.reply_due)
    service.timer(pressing.PRESS)(pressing_timers.press)
    service.timer(passing.OFFER)(handover.nobody_answered)
    service.timer(handover.CLAIM)(handover.claim_again)
    service.timer(watching.GAP)(watching.ask_for_missing)
