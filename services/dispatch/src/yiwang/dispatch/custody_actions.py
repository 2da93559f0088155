"""People's part in hand-overs: to offer a case, to take the offer back, to accept or refuse what is offered."""

from __future__ import annotations

from typing import Final

import msgspec
from yiwang.contracts import Actor, areas
from yiwang.kit import App, Caller, Context

from . import custody, receiving, store, tier_store
from .actions import Done, change
from .acts import Body, Key
from .authority import actor_among
from .auto import Work
from .custody import named
from .errors import NO_OFFER
from .handover import wait_for_release
from .people import acting, over
from .receiving import Incoming
from .refusals import Refused
from .rules import Rules

SENDERS: Final = ("acceptor", "shift_leader", "dispatcher", "leader")
"""Roles that may offer a case of theirs to another node, and take the offer back."""
RECEIVERS: Final = ("acceptor", "shift_leader", "dispatcher", "leader")
"""Roles that may accept or refuse what another node offers."""


class HandOverBody(Body, frozen=True, kw_only=True):
    """To which area's node; empty: to the one that shall have it as the city governs. An opinion says why."""

    area: Key = ""


class WithdrawBody(Body, frozen=True, kw_only=True):
    """Why the offer is taken back."""


class AnswerBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A refusal says why."""

    role: Key = ""
    reason_code: Key = ""
    opinion: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """How the offer stands now."""

    offer_id: str
    case_id: str
    state: str
    state_name: str


async def hand_over(app: App, caller: Caller, no: str, body: HandOverBody) -> Done:
    """Offer the case to another node. Raises the Problems of `errors`."""

    async def do(ctx: Context, work: Work) -> None:
        by = actor_among(caller, work.case, "移交", SENDERS, body.role, work.rules)
        if not body.opinion.strip():
            raise Refused("opinion_missing", action="移交")
        to, cause = _target(work, body.area)
        flow = await store.history(ctx.tx, work.case.case_id)
        custody.offer(work, to, cause, by, flow, body.opinion)

    return await change(app, caller, no, body.version, do)


def _target(work: Work, area: str) -> tuple[str, str]:
    """The node that shall have the case, and the cause of the offer. Raises Refused."""
    rules = work.rules
    if not area:
        where = rules.elsewhere(work.case)
        if where is None:
            raise Refused("handover_nowhere", area="按本市管理模式，此环节")
        return where
    try:
        areas.level_of(area)
    except ValueError:
        raise Refused("area_malformed", area=area) from None
    to = rules.tiers.node_for(area) if rules.tiers else ""
    if not to or (rules.tiers and to in rules.tiers.mine):
        raise Refused("handover_nowhere", area=area)
    return to, "assignment"


async def withdraw(app: App, caller: Caller, no: str, body: WithdrawBody) -> Done:
    """Take the open offer back. Raises the Problems of `errors`."""

    async def do(ctx: Context, work: Work) -> None:
        by = actor_among(caller, work.case, "撤回移交", SENDERS, body.role, work.rules)
        custody.withdraw(work, by, opinion=body.opinion)

    return await change(app, caller, no, body.version, do)


async def answer(app: App, caller: Caller, offer_id: str, decision: str, body: AnswerBody) -> Answered:
    """Accept or refuse what another node offers. Raises the Problems of `errors`."""

    async def once(ctx: Context) -> Answered:
        offer = await tier_store.lock_offer(ctx.tx, offer_id)
        rules = app.get(Rules)
        if offer is None or offer.offer is None or rules.tiers is None:
            raise NO_OFFER(offer=offer_id)
        by = _receiver(caller, offer, rules, body.role)
        offer, said = receiving.answer(offer, decision, by, ctx.now(), body.opinion, body.reason_code)
        await tier_store.save_offer(ctx.tx, offer)
        if decision == "accept":
            await wait_for_release(ctx, offer)
        ctx.emit(said)
        return Answered(
            offer_id=offer_id, case_id=offer.case_id, state=offer.state, state_name=receiving.STATES[offer.state]
        )

    return await acting(app, caller, once, purpose="")


def _receiver(caller: Caller, offer: Incoming, rules: Rules, wanted: str) -> Actor:
    """The caller as one who may answer for this node. Raises Refused."""
    assert offer.offer is not None
    assert rules.tiers is not None
    place, mine = offer.offer.case.place, offer.offer.to_jurisdiction
    at = (place.area.street9 or place.area.county) if place else ""
    area = at if at and areas.contains(mine, at) else mine
    return over(caller, RECEIVERS, area, "接收移交", wanted=wanted, area_name=named(rules, area))
