"""Looking through the cases that were filed before their campaign: pages by key, each one short transaction.

A page locks the walk's row, then its cases in the order of their ids, then sums: the order in which a case's own step
takes them. So a case counts once whoever comes first, and the sums equal a recount between any two pages. A case that is
filed meanwhile counts by itself; one whose filing had begun before the campaign was there is waited for.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from yiwang.kit import App, Context, Event

from . import campaign_store, campaigning, store
from .campaign import Campaign, Item, case_item
from .rules import Rules
from .store import below
from .taking_in import DONE, JOINING, LEAVING, classes, sql

IDLE_S: Final = 1.0
"""How often it is asked whether there is anything to look through"""
FENCE_S: Final = 0.1
"""How often it is asked whether an older transaction is over"""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Cases to look at, and where the next page begins; the last page ends its phase."""

    looked: int
    ids: tuple[str, ...]
    at: dt.datetime
    after_id: str
    last: bool


async def take_in(app: App) -> None:
    """For as long as the service runs, in one replica: whatever waits to be looked through, at half speed."""
    while True:
        waiting = await app.pool.fetchrow(sql["waiting_walk"])
        if waiting is None or app.sealed:
            await asyncio.sleep(IDLE_S)
            continue
        await _older_are_over(app)
        one, more = await campaign_store.find(app.pool, waiting["campaign_id"]), True
        while more and not app.sealed:
            begun = asyncio.get_running_loop().time()
            more = await app.act(None, _page_of(waiting["campaign_id"], waiting["round"]), purpose=one.purpose if one else "live")
            await asyncio.sleep(asyncio.get_running_loop().time() - begun)


async def _older_are_over(app: App) -> None:
    """Wait for the transactions that may have filed a case without having seen the campaign.

    Such a transaction had written its case (and so had its number) before it looked for campaigns and saw none; whoever
    begins from now on sees the campaign.
    """
    fence = await sql.value(app.pool, "begun_now")
    while True:
        if await sql.value(app.pool, "all_over", fence):
            return
        await asyncio.sleep(FENCE_S)


def _page_of(campaign_id: str, round_: int) -> Callable[[Context], Awaitable[bool]]:
    async def once(ctx: Context) -> bool:
        return await one_page(ctx, campaign_id, round_)

    return once


async def one_page(ctx: Context, campaign_id: str, round_: int) -> bool:
    """Look at the next page. False: it is through, was ended, or began anew."""
    walk = await ctx.tx.fetchrow(sql["lock_walk"], campaign_id, round_)
    one = await campaign_store.find(ctx.tx, campaign_id)
    if walk is None or one is None:
        return False
    phase: str = walk["phase"]
    page = await (_by_rule if phase == LEAVING else _by_age)(ctx, one, walk["at"], walk["after_id"])
    joined, gone = await weighed(ctx, one, page.ids)
    if phase == LEAVING and page.last:
        phase, page = JOINING, msgspec.structs.replace(page, at=walk["at"], after_id="", last=not one.scope.categories)
    if page.last:
        phase = DONE
    done_at = ctx.now() if phase == DONE else None
    await sql.run(ctx.tx, "walk_on", campaign_id, phase, page.at, page.after_id, page.looked, joined, gone, done_at)
    return phase != DONE


async def weighed(ctx: Context, one: Campaign, ids: Sequence[str]) -> tuple[int, int]:
    """Count some cases anew in one campaign; how many came in, and how many went out."""
    if not ids:
        return 0, 0
    rules = ctx.app.get(Rules)
    cases = await store.lock_all(ctx.tx, ids)
    known = await campaign_store.items_of(ctx.tx, list(cases))
    changed, events = list[Item](), list[Event]()
    joined = gone = 0
    for case in cases.values():
        old = known.get((one.campaign_id, case.case_id))
        new = case_item(one, case, old, rules.of(case).codes.translate) if case.case_no else None
        if new is None or new == old:
            continue
        changed.append(new)
        before = old.found if old else 0
        joined, gone = joined + (new.found > before), gone + (new.found < before)
        events += campaigning.moved(one, case, old, new, ctx.now())
    await campaign_store.weigh(ctx.tx, changed)
    ctx.emit(*events)
    if changed:
        await campaigning.soon(ctx, [one.campaign_id])
    return joined, gone


async def _by_rule(ctx: Context, one: Campaign, at: dt.datetime, after_id: str) -> Page:
    """Those that count by rule already."""
    size = ctx.settings.campaign_page
    rows = await ctx.tx.fetch(sql["page_by_rule"], one.campaign_id, after_id, size)
    ids = tuple(row["case_id"] for row in rows)
    return Page(looked=len(ids), ids=ids, at=at, after_id=ids[-1] if ids else "", last=len(ids) < size)


async def _by_age(ctx: Context, one: Campaign, at: dt.datetime, after_id: str) -> Page:
    """The next older cases, of which those are opened that may belong by class and place, or were reported for it."""
    rules, size = ctx.app.get(Rules), ctx.settings.campaign_page
    every = [rules.codes, *(past.codes for past in rules.past)]
    areas = [below(area) for area in one.scope.areas or (one.issuer,)]
    named = f'%"campaign_id":"{one.campaign_id}"%'
    rows = await ctx.tx.fetch(
        sql["page_by_age"], at, after_id, size, areas, classes(one.scope, every), named
    )
    ids = tuple(row["case_id"] for row in rows if row["may"])
    last = rows[-1] if rows else None
    return Page(
        looked=len(rows), ids=ids, at=last["created_at"] if last else at, after_id=last["case_id"] if last else after_id,
        last=len(rows) < size,
    )  # fmt: skip
