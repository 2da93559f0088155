"""What people do with campaigns (专项), and what is told between tiers about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec.structs import replace
from yiwang.contracts import (
    CampaignAmended,
    CampaignAnnounced,
    CampaignCaseJoined,
    CampaignCaseLeft,
    CampaignEnded,
    CampaignOpened,
    CampaignPlan,
    CampaignProgress,
    CampaignScope,
    CampaignTarget,
)
from yiwang.kit import App, Caller, Context, Event, Timer

from . import campaign_store, store, taking_in
from .acts_base import Key, Text
from .campaign import HAND, REMOVED, Campaign, Item, by_county, case_item, why_left, within
from .campaign_checks import checked
from .case import Case
from .errors_ground import NO_CAMPAIGN
from .people import acting, over_all
from .refusals import Refused
from .rules import Rules

PROGRESS: Final = "campaign"
"""Timer: what a campaign amounts to is told upward"""
LEADS: Final = ("leader", "supervisor")
"""Who opens, changes and ends a campaign"""
JOINERS: Final = ("leader", "supervisor", "shift_leader", "dispatcher")
"""Who takes a case in or out by hand"""
EPOCH: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
PLAN: Final = ("title", "kind", "basis", "begins_on", "ends_on", "scope", "targets", "revision")
Numbers = Annotated[tuple[Key, ...], msgspec.Meta(min_length=1, max_length=100)]


class PlanBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """立项: what it is called, on what it rests, from when to when, which cases it takes in, and what shall be reached."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    kind: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,30}$")] = "special"
    basis: Text = ""
    begins_on: dt.date
    ends_on: dt.date
    scope: CampaignScope = CampaignScope()
    targets: Annotated[tuple[CampaignTarget, ...], msgspec.Meta(max_length=1000)] = ()


class OpenBody(PlanBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """专项启动. `spread`: the nodes below take part."""

    spread: bool = False


class AmendBody(PlanBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """专项调整: the whole plan anew, and why."""

    opinion: Text = ""


class EndBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """专项结束: what came of it."""

    opinion: Text = ""


class JoinBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """案件纳入或移出专项, by their numbers."""

    nos: Numbers
    opinion: Text = ""


async def open_one(app: App, caller: Caller, body: OpenBody) -> Campaign:
    """A campaign begins. Raises the Problems of `errors`."""

    async def once(ctx: Context) -> Campaign:
        rules, here = app.get(Rules), app.node.jurisdiction
        scope, targets = checked(body, rules, here)
        by = over_all(caller, LEADS, scope.areas or (here,), "专项启动")
        one = Campaign(
            campaign_id=f"campaign-{ctx.parent}", issuer=here, title=body.title, kind=body.kind, basis=body.basis,
            begins_on=body.begins_on, ends_on=body.ends_on, scope=scope, targets=targets, opened_at=ctx.now(),
            purpose=ctx.purpose or "live", spread=body.spread,
        )  # fmt: skip
        await campaign_store.add(ctx.tx, one, mine=True)
        await taking_in.begin(ctx.tx, one, ctx.now(), anew=False)
        ctx.emit(CampaignOpened(**said(one), spread=one.spread, occurred_at=one.opened_at, actor=by), *announced_of(one))
        return one

    return await acting(app, caller, once)


async def amend_one(app: App, caller: Caller, campaign_id: str, body: AmendBody) -> Campaign:
    """Another span, scope or targets from now on."""

    async def once(ctx: Context) -> Campaign:
        rules, old = app.get(Rules), await own(ctx, campaign_id)
        scope, targets = checked(body, rules, old.issuer)
        areas = dict.fromkeys((*(old.scope.areas or (old.issuer,)), *(scope.areas or (old.issuer,))))
        by = over_all(caller, LEADS, tuple(areas), "专项调整")
        one = replace(
            old, title=body.title, kind=body.kind, basis=body.basis, begins_on=body.begins_on, ends_on=body.ends_on,
            scope=scope, targets=targets, revision=old.revision + 1,
        )  # fmt: skip
        await campaign_store.save(ctx.tx, one)
        if taking_in.differs(old, one):
            await taking_in.begin(ctx.tx, one, ctx.now(), anew=True)
        ctx.emit(CampaignAmended(**said(one), opinion=body.opinion, actor=by), *announced_of(one))
        return one

    return await acting(app, caller, once)


async def end_one(app: App, caller: Caller, campaign_id: str, body: EndBody) -> Campaign:
    """It counts no more; what it counted stays."""

    async def once(ctx: Context) -> Campaign:
        old = await own(ctx, campaign_id)
        by = over_all(caller, LEADS, old.scope.areas or (old.issuer,), "专项结束")
        one = replace(old, state="ended", revision=old.revision + 1)
        await campaign_store.save(ctx.tx, one)
        await taking_in.end(ctx.tx, campaign_id, ctx.now())
        ended = CampaignEnded(campaign_id=one.campaign_id, issuer=one.issuer, opinion=body.opinion, actor=by)
        ctx.emit(ended, *announced_of(one))
        await soon(ctx, [campaign_id])
        return one

    return await acting(app, caller, once)


async def own(ctx: Context, campaign_id: str) -> Campaign:
    """The campaign, locked, if this node leads it and it runs. Raises the Problem NO_CAMPAIGN, or Refused."""
    one = await campaign_store.lock(ctx.tx, campaign_id)
    if one is None:
        raise NO_CAMPAIGN(campaign=campaign_id)
    if one.issuer != ctx.node.jurisdiction:
        raise Refused("campaign_not_yours", title=one.title, issuer=one.issuer)
    if one.state != "open":
        raise Refused("campaign_over", title=one.title)
    return one


async def running_one(ctx: Context, campaign_id: str) -> Campaign:
    """The campaign, if this node counts in it and it runs. Raises the Problem NO_CAMPAIGN, or Refused."""
    one = await campaign_store.find(ctx.tx, campaign_id)
    if one is None or not await campaign_store.is_mine(ctx.tx, campaign_id):
        raise NO_CAMPAIGN(campaign=campaign_id)
    if one.state != "open":
        raise Refused("campaign_over", title=one.title)
    return one


async def move_cases(app: App, caller: Caller, campaign_id: str, body: JoinBody, *, into: bool) -> int:
    """Take cases in or out by hand; how many changed. All or none."""

    async def once(ctx: Context) -> int:
        one, rules = await running_one(ctx, campaign_id), app.get(Rules)
        changed, events = list[Item](), list[Event]()
        for no in sorted(set(body.nos)):
            case = await store.lock(ctx.tx, no)
            if case is None or case.away or not within(ctx.node.jurisdiction, case.area):
                raise Refused("campaign_case", no=no, why="不在本级")
            by = over_all(caller, JOINERS, (case.area,), "案件纳入专项" if into else "案件移出专项")
            old = (await campaign_store.items_of(ctx.tx, [case.case_id])).get((campaign_id, case.case_id))
            if into and case.state == "voided":
                raise Refused("campaign_case", no=no, why="已作废")
            given = old or _nothing(campaign_id, case.case_id)
            item = case_item(one, case, replace(given, how=HAND if into else REMOVED), rules.codes.translate)
            if item is None or item.found == given.found:
                continue
            changed.append(item)
            facts: dict[str, Any] = {
                "campaign_id": campaign_id, "issuer": one.issuer, "case_id": case.case_id, "case_no": case.case_no,
            }  # fmt: skip
            said_of = (
                CampaignCaseJoined(**facts, how="hand", actor=by)
                if into
                else CampaignCaseLeft(**facts, why="hand", opinion=body.opinion, actor=by)
            )
            events.append(said_of)
        await campaign_store.weigh(ctx.tx, changed)
        ctx.emit(*events)
        if changed:
            await soon(ctx, [campaign_id])
        return len(changed)

    return await acting(app, caller, once)


def _nothing(campaign_id: str, case_id: str) -> Item:
    return Item(campaign_id=campaign_id, item_id=case_id, kind="case", how=HAND, area="", unit_id="", year=0)


def moved(one: Campaign, case: Case, old: Item | None, new: Item, now: dt.datetime) -> list[Event]:
    """What is said where a case comes to count or counts no more."""
    before = old.found if old else 0
    facts: dict[str, Any] = {
        "campaign_id": one.campaign_id, "issuer": one.issuer, "case_id": case.case_id, "case_no": case.case_no,
        "occurred_at": now, "purpose": case.purpose,
    }  # fmt: skip
    if new.found > before:
        return [CampaignCaseJoined(**facts, how=new.how)]
    if new.found < before:
        return [CampaignCaseLeft(**facts, why=why_left(case, new))]
    return []


def said(one: Campaign) -> dict[str, Any]:
    """The fields of an event that tells the plan."""
    return {name: getattr(one, name) for name in ("campaign_id", "issuer", *PLAN, "purpose")}


def announced_of(one: Campaign) -> Iterable[CampaignAnnounced]:
    """What the nodes below are told, where they take part."""
    return [CampaignAnnounced(**said(one), state=one.state)] if one.spread else []


async def soon(ctx: Context, campaigns: Sequence[str]) -> None:
    """Tell upward at the next full span of `progress_minutes`: many changes make one word."""
    span = dt.timedelta(minutes=ctx.settings.progress_minutes)
    due = EPOCH + ((ctx.now() - EPOCH) // span + 1) * span
    await ctx.set_timers(PROGRESS, [(one, due, {}) for one in sorted(set(campaigns))])


async def progress(timer: Timer, ctx: Context) -> list[Event]:
    """What this node's own cases and ledgers amount to, by county or town."""
    one, number = await campaign_store.find(ctx.tx, timer.key), await campaign_store.next_said(ctx.tx, timer.key)
    if one is None or number is None:
        return []
    counts = by_county(await campaign_store.sums(ctx.tx, timer.key))
    return [
        CampaignProgress(
            campaign_id=one.campaign_id, issuer=one.issuer, revision=number, as_of=ctx.now(), counts=counts,
            purpose=one.purpose,
        )
    ]  # fmt: skip


async def announced(event: CampaignAnnounced, ctx: Context) -> None:
    """A tier above has a campaign in which this node takes part, or changed or ended it."""
    if event.issuer != ctx.node.jurisdiction:
        await _learn(event, ctx, mine=True, state=event.state)


async def heard_below(event: CampaignOpened | CampaignAmended, ctx: Context) -> None:
    """A node below has a campaign of its own: it is shown here, with what it tells."""
    if event.issuer != ctx.node.jurisdiction:
        await _learn(event, ctx, mine=False, state="open")


async def _learn(event: CampaignPlan, ctx: Context, *, mine: bool, state: str) -> None:
    plan: dict[str, Any] = {name: getattr(event, name) for name in ("campaign_id", "issuer", *PLAN)}
    new = Campaign(**plan, state=state, opened_at=event.occurred_at, purpose=event.purpose)
    old = await campaign_store.lock(ctx.tx, event.campaign_id)
    if old is None:
        await campaign_store.add(ctx.tx, new, mine=mine)
    elif old.revision < new.revision:
        await campaign_store.save(ctx.tx, replace(new, opened_at=old.opened_at))
    else:
        return
    if mine and state != "open":
        await taking_in.end(ctx.tx, event.campaign_id, ctx.now())
    elif mine and (old is None or taking_in.differs(old, new)):
        await taking_in.begin(ctx.tx, new, ctx.now(), anew=old is not None)


async def ended_below(event: CampaignEnded, ctx: Context) -> None:
    """A node below ended a campaign of its own."""
    old = await campaign_store.lock(ctx.tx, event.campaign_id)
    if old is not None and event.issuer != ctx.node.jurisdiction and not await campaign_store.is_mine(
        ctx.tx, event.campaign_id
    ):
        await campaign_store.save(ctx.tx, replace(old, state="ended"))


async def told(event: CampaignProgress, ctx: Context) -> None:
    """What a node below counts; the latest word is kept."""
    if event.jurisdiction != ctx.node.jurisdiction:
        await campaign_store.tell(
            ctx.tx, event.campaign_id, event.jurisdiction, event.revision, event.as_of, event.counts
        )
