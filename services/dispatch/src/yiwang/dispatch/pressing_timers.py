"""Supervision by rule as timers: a moment has come, and the case is pressed here, or its custodian below is told to."""

from __future__ import annotations

import datetime as dt
from typing import Final

from yiwang.contracts import CaseDirected
from yiwang.kit import Context, Event, Retry, Timer

from . import directives, handlers, pressing, store, tier_store
from .auto import Work
from .directing import EXPIRY, watch_replies
from .directives import Directive
from .pressing import PRESS, Due
from .rules import Rules

SOON_S: Final = 60.0
"""A directive that came to a version that has passed is given anew after so long"""


async def press(timer: Timer, ctx: Context) -> list[Event]:
    """A rule's moment: whoever still has the case overdue is pressed, once."""
    due = Due(
        case_id=str(timer.data["case_id"]), clock_id=str(timer.data["clock_id"]), n=int(timer.data["n"]), at=timer.due
    )
    rules, now, me = ctx.app.get(Rules), ctx.now(), ctx.node.jurisdiction
    if due.n >= len(rules.governance.press):
        return []  # the profile has no such rule any more
    rule = rules.governance.press[due.n]
    own = await store.lock_idle(ctx.tx, due.case_id)
    if own is None and await store.find(ctx.tx, due.case_id) is not None:
        raise Retry("the case is in somebody's hands", after=1)
    if own is not None and not own.away:
        if not pressing.still(own, due):
            return []
        work = Work(own, rules.of(own), now)
        directives.supervise(work, pressing.said(own, due, rule, me, now))
        await handlers.keep(ctx, [work])
        await watch_replies(ctx, work.case)
        return list(work.events)
    copy = await tier_store.find_copy(ctx.tx, due.case_id)
    if copy is None or not pressing.still(copy.case, due) or rules.tiers is None:
        return []
    if not rules.tiers.above(me, copy.case.custody.jurisdiction):
        return []
    return [await _give(ctx, pressing.said(copy.case, due, rule, me, now))]


async def _give(ctx: Context, said: CaseDirected) -> CaseDirected:
    issued = Directive(said=said, issuer=said.jurisdiction, side="issued")
    await tier_store.save_directive(ctx.tx, issued, ctx.now())
    await ctx.set_timer(EXPIRY, said.directive_id, said.expires_at)
    return said


async def once_more(ctx: Context, said: CaseDirected) -> None:
    """The case had moved on when *said* came to it: where it was given by a rule, it is given anew."""
    after = dt.timedelta(seconds=SOON_S * ctx.app.clock.speed)
    due = pressing.again(said, ctx.now(), after)
    if due is not None:
        await ctx.set_timers(PRESS, [due.timer])
