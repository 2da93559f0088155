"""Directives as events and timers: given to a node below, applied or refused by it, and what is told when it is silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from yiwang.contracts import CaseDirected, DirectiveApplied, DirectiveExpired, DirectiveRefused
from yiwang.kit import Context, Event, Retry, Timer

from . import directives, handlers, store, tier_store
from .auto import Work
from .case import Case
from .directives import Directive
from .refusals import Refused
from .rules import Rules

EXPIRY: Final = "directive"
"""Timer of a directive that nobody answered."""
REPLY: Final = "reply"
"""Timer of a supervision whose reply is due."""


async def directed(event: CaseDirected, ctx: Context) -> list[Event]:
    """An upper tier tells us what to do with a case of ours: once, and always answered."""
    if event.addressee not in ctx.app.acts_for or await tier_store.lock_directive(ctx.tx, event.directive_id):
        return []
    rules, now = ctx.app.get(Rules), ctx.now()
    case = await store.lock(ctx.tx, event.case_id)
    taken = Directive(said=event, issuer=event.jurisdiction, side="taken", answered_at=now)
    refused = directives.judge(event, case, rules, now)
    if refused is None:
        assert case is not None  # judge refuses an unknown one
        work = Work(case, rules.of(case), now)
        try:
            directives.apply(work, event, await store.history(ctx.tx, case.case_id))
        except Refused as impossible:
            refused = impossible
        else:
            return await _applied(ctx, work, taken)
    code, sentence = directives.code_and_sentence(refused)
    await tier_store.save_directive(
        ctx.tx, msgspec.structs.replace(taken, state="refused", reason_code=code, reason=sentence), now
    )
    return [
        DirectiveRefused(
            case_id=event.case_id, case_no=event.case_no, directive_id=event.directive_id, action=event.action,
            reason_code=code, reason=sentence, case_version=case.version if case else 0, addressee=event.jurisdiction,
            purpose=event.purpose,
        )
    ]


async def _applied(ctx: Context, work: Work, taken: Directive) -> list[Event]:
    event = taken.said
    await handlers.keep(ctx, [work])
    version = work.case.version
    await tier_store.save_directive(
        ctx.tx, msgspec.structs.replace(taken, state="applied", version=version), ctx.now()
    )
    await watch_replies(ctx, work.case)
    return [
        *work.events,
        DirectiveApplied(
            case_id=event.case_id, case_no=work.case.case_no, directive_id=event.directive_id, action=event.action,
            case_version=version, addressee=event.jurisdiction, purpose=event.purpose,
        ),
    ]  # fmt: skip


async def watch_replies(ctx: Context, case: Case) -> None:
    """Remember when the replies that *case* owes are due."""
    await ctx.set_timers(
        REPLY,
        [
            (one.directive_id, one.reply_due, {"case_id": case.case_id})
            for one in case.supervisions
            if one.reply_required and one.reply_due and not (one.replied_at or one.overdue)
        ],
    )


async def reply_due(timer: Timer, ctx: Context) -> Sequence[Event]:
    """A reply that was due hasn't come."""
    case_id = str(timer.data["case_id"])
    case = await store.lock_idle(ctx.tx, case_id)
    if case is None and await store.find(ctx.tx, case_id) is not None:
        raise Retry("the case is in somebody's hands", after=1)
    if case is None or case.away:
        return ()
    work = Work(case, ctx.app.get(Rules).of(case), ctx.now())
    directives.ring(work, timer.key)
    await handlers.keep(ctx, [work])
    return tuple(work.events)


async def applied(event: DirectiveApplied, ctx: Context) -> None:
    """The custodian below did what we said."""
    await _answered(ctx, event.addressee, event.directive_id, state="applied", version=event.case_version)


async def refused(event: DirectiveRefused, ctx: Context) -> Directive | None:
    """The custodian below did not do what we said; the directive where it waited for that."""
    return await _answered(
        ctx, event.addressee, event.directive_id, state="refused", version=event.case_version,
        reason_code=event.reason_code, reason=event.reason,
    )  # fmt: skip


async def _answered(ctx: Context, addressee: str, directive_id: str, **change: object) -> Directive | None:
    if addressee not in ctx.app.acts_for:
        return None
    known = await tier_store.lock_directive(ctx.tx, directive_id)
    if known is None or known.state not in ("issued", "expired"):
        return None
    await tier_store.save_directive(
        ctx.tx, msgspec.structs.replace(known, answered_at=ctx.now(), **change), ctx.now()
    )
    await ctx.cancel_timer(EXPIRY, directive_id)
    return known


async def nobody_answered(timer: Timer, ctx: Context) -> Event | None:
    """A directive of ours has come to its end without an answer."""
    known = await tier_store.lock_directive(ctx.tx, timer.key)
    if known is None or known.state != "issued":
        return None
    await tier_store.save_directive(ctx.tx, msgspec.structs.replace(known, state="expired"), ctx.now())
    said = known.said
    return DirectiveExpired(
        case_id=said.case_id, case_no=said.case_no, directive_id=said.directive_id, action=said.action,
        expired_at=said.expires_at, purpose=said.purpose,
    )  # fmt: skip
