"""When a calendar comes into use: every open case with provisional limits gets them counted anew, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from yiwang.contracts import Event
from yiwang.kit import App, Context, Retry, Timer
from yiwang.kit.announced import Announced

from . import store
from .auto import Work
from .handlers import keep
from .recompute import recomputed
from .rules import CALENDAR, Rules

RECOMPUTE: Final = "recompute"
"""The timer; its one key is the calendar"""
PAGE: Final = 200


async def after_adoption(ctx: Context, new: Announced) -> None:
    """In the transaction that takes a holiday table into use: look at the open cases next."""
    if new.set_name == "holidays":
        await ctx.set_timer(RECOMPUTE, CALENDAR, ctx.now(), {"version": new.version})


async def at_start(app: App) -> None:
    """After an upgrade a newer table may stand in the profile or in the product itself."""
    async with app.pool.acquire() as db, db.transaction():
        waiting = await db.fetchval("select exists (select from kit_timer where kind = $1)", RECOMPUTE)
        if not waiting and await _some(db, ""):
            await Context(app, db).set_timer(RECOMPUTE, CALENDAR, app.clock.now())


async def recompute(timer: Timer, ctx: Context) -> Sequence[Event]:
    """One page of cases under the calendar that is in force now."""
    rules = ctx.app.get(Rules)
    wanted = timer.data.get("version", "")
    if wanted and wanted not in (rules.calendar.version, *(past.calendar.version for past in rules.past)):
        raise Retry(f"the calendar {wanted} isn't loaded here yet", after=1)
    ids = await _some(ctx.tx, timer.data.get("after", ""))
    said: list[Event] = []
    works: list[Work] = []
    for case in (await store.lock_all(ctx.tx, ids)).values():
        done = recomputed(case, rules, ctx.now()) if not case.away else None
        if done is None:
            continue
        work = Work(case, rules, ctx.now())
        work.case, work.records, work.events, work.touched = done.case, [done.record], [done.event], True
        works.append(work)
        said.append(done.event)
    await keep(ctx, works)
    if len(ids) == PAGE:
        await ctx.set_timer(RECOMPUTE, CALENDAR, ctx.now(), {"version": wanted, "after": ids[-1]})
    return said


async def _some(db: Any, after: str) -> list[str]:
    """The next open cases that have a provisional limit."""
    return [row["case_id"] for row in await db.fetch(store.sql["open_provisional"], after, PAGE)]
