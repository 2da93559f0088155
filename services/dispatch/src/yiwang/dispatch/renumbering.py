"""The highest numbers told by the parent to a restored node, and cases that waited for one."""

from __future__ import annotations

from typing import Final

from yiwang.contracts import NumbersAsked, NumbersTold
from yiwang.kit import Context, Event

from . import handlers, store, tier_store
from .auto import Work
from .rules import Rules
from .tier_store import sql

MOST: Final = 500
"""Cases that went no further for want of a number, taken up again at once."""


async def asked(event: NumbersAsked, ctx: Context) -> Event | None:
    """A restored node below asks: tell the highest number of each day that this node saw of it."""
    if event.addressee not in ctx.app.acts_for:
        return None
    numbers = await tier_store.highest_numbers(ctx.tx, event.jurisdiction)
    return NumbersTold(addressee=event.jurisdiction, for_incarnation=event.incarnation, numbers=tuple(numbers))


async def told(event: NumbersTold, ctx: Context) -> list[Event]:
    """The parent has answered: numbers follow on the highest, and cases that waited for one go on."""
    if event.addressee not in ctx.app.acts_for or event.for_incarnation != await sql.value(ctx.tx, "asked_for"):
        return []
    await store.raise_numbers(ctx.tx, event.numbers)
    await sql.run(ctx.tx, "numbers_told")
    rules, now = ctx.app.get(Rules), ctx.now()
    ids = [row["case_id"] for row in await ctx.tx.fetch(sql["waiting_for_number"], MOST)]
    works = [Work(case, rules.of(case), now) for case in (await store.lock_all(ctx.tx, ids)).values()]
    ready = [work for work in works if work.run()]
    await handlers.number_and_go_on(ctx, ready)
    await handlers.keep(ctx, works)
    return [event for work in works for event in work.events]
