"""Hand-over between nodes as events and timers: offers by rule, answers, releases, and what is told when nobody answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec
from yiwang.contracts import (
    CaseHandoverOffered,
    CaseHandoverWithdrawn,
    CustodyAnswered,
    CustodyReleased,
)
from yiwang.kit import Context, Event, Reject, Retry, Timer

from . import custody, directing, handlers, receiving, store, tier_store
from .auto import Work
from .case import Case
from .custody import SYSTEM_ACTOR
from .passing import OFFER
from .receiving import Incoming
from .rules import Rules

CLAIM: Final = "claim"
"""Timer of an accepted offer: its release doesn't come."""


# -- the receiver ----------------------------------------------------------------------------------------------------


async def offered(event: CaseHandoverOffered, ctx: Context) -> list[Event]:
    """Another node offers us a case."""
    rules = ctx.app.get(Rules)
    assert rules.tiers is not None  # offers come over the mesh
    if sentence := receiving.unsound(event, rules.tiers):
        raise Reject(sentence)
    known = await tier_store.lock_offer(ctx.tx, event.offer_id)
    offer = receiving.received(known, event, ctx.now())
    said: list[Event] = []
    if offer.state == "offered" and receiving.takes_by_rule(event, rules, rules.tiers):
        offer, answer = receiving.answer(offer, "accept", SYSTEM_ACTOR, ctx.now())
        said.append(answer)
        await wait_for_release(ctx, offer)
    await tier_store.save_offer(ctx.tx, offer)
    return said


async def withdrawn(event: CaseHandoverWithdrawn, ctx: Context) -> None:
    """The other node took its offer back."""
    known = await tier_store.lock_offer(ctx.tx, event.offer_id)
    await tier_store.save_offer(ctx.tx, receiving.taken_back(known, event, ctx.now()))
    await ctx.cancel_timer(CLAIM, event.offer_id)


async def wait_for_release(ctx: Context, offer: Incoming) -> None:
    """Ask again when the release of an accepted offer doesn't come."""
    due = ctx.now() + dt.timedelta(seconds=ctx.settings.release_patience_s * ctx.app.clock.speed)
    await ctx.set_timer(CLAIM, offer.offer_id, due)


async def claim_again(timer: Timer, ctx: Context) -> Event | None:
    """The release of an offer that we accepted hasn't come: say the answer again."""
    offer = await tier_store.lock_offer(ctx.tx, timer.key)
    if offer is None or offer.state != "claimed":
        return None
    await wait_for_release(ctx, offer)
    return receiving.saying(offer)


async def released(event: CustodyReleased, ctx: Context) -> list[Event]:
    """The sender let the case go: from here on it is ours."""
    rules, now = ctx.app.get(Rules), ctx.now()
    if rules.tiers is None or event.to_jurisdiction not in rules.tiers.mine:
        return []
    offer = await tier_store.lock_offer(ctx.tx, event.offer_id)
    mine = await store.lock(ctx.tx, event.case_id)
    work = receiving.take(offer, event, mine, rules, rules.tiers, now)
    if work is None:
        if mine is not None and mine.custody.epoch >= event.epoch:
            return []
        return [_ask_for_everything(event)]
    if offer is not None:
        await tier_store.save_offer(ctx.tx, msgspec.structs.replace(offer, state="taken", changed_at=now))
    await ctx.cancel_timer(CLAIM, event.offer_id)
    if work.run():
        await handlers.number_and_go_on(ctx, [work])
    await handlers.keep(ctx, [work])
    await tier_store.set_home(ctx.tx, event.case_id)
    await directing.watch_replies(ctx, work.case)
    return list(work.events)


def _ask_for_everything(event: CustodyReleased) -> CustodyAnswered:
    """A release of an offer that this node no longer knows (it was restored): the sender tells the whole case."""
    return CustodyAnswered(
        case_id=event.case_id, case_no=event.case_no, offer_id=event.offer_id, addressee=event.from_jurisdiction,
        from_jurisdiction=event.from_jurisdiction, to_jurisdiction=event.to_jurisdiction, epoch=event.epoch - 1,
        based_on=event.case_version, decision="accept", reason_code="unknown_here",
    )  # fmt: skip


# -- the sender ------------------------------------------------------------------------------------------------------


async def answered(event: CustodyAnswered, ctx: Context) -> list[Event]:
    """The receiver of our offer would take the case, or refuses it."""
    rules = ctx.app.get(Rules)
    if rules.tiers is None or event.from_jurisdiction not in rules.tiers.mine:
        return []
    case = await store.lock(ctx.tx, event.case_id)
    if case is None:
        return []
    flow = await store.history(ctx.tx, case.case_id)
    work = Work(case, rules, ctx.now())
    release = custody.answered(work, event, flow)
    if work.touched:
        await handlers.keep(ctx, [work])
        await ctx.cancel_timer(OFFER, case.case_id)
    if release is not None and not case.away:
        await _let_go(ctx, work.case)
    return [*work.events, *([release] if release else [])]


async def _let_go(ctx: Context, case: Case) -> None:
    """The row stays as it was released; what happens now is followed by a copy."""
    await tier_store.set_away(ctx.tx, [case])
    flow = await store.history(ctx.tx, case.case_id)
    copy = msgspec.structs.replace(case, away="", kept="", watcher="")
    await tier_store.start_copy(ctx.tx, copy, flow, ctx.now())


async def nobody_answered(timer: Timer, ctx: Context) -> Sequence[Event]:
    """An offer is open for too long: say it once; the case stays here."""
    case = await store.lock_idle(ctx.tx, timer.key)
    if case is None and await store.find(ctx.tx, timer.key) is not None:
        raise Retry("the case is in somebody's hands", after=1)
    if case is None or case.offer is None or case.away:
        return ()
    work = Work(case, ctx.app.get(Rules), ctx.now())
    custody.ring(work)
    await handlers.keep(ctx, [work])
    return tuple(work.events)
