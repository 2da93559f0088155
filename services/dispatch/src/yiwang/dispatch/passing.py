"""What follows from every step where there are other nodes: offers by rule, and word to a former custodian."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from yiwang.contracts import CaseOverdue, CaseReferredToEnforcement, ContactWanted
from yiwang.kit import Context, Event

from . import asking, contacts, custody, pressing, store, tier_store
from .auto import Work
from .custody import SYSTEM_ACTOR
from .rules import Rules
from .tiers import Tiers

OFFER: Final = "offer"
"""Timer of an open offer: nobody answered."""


async def pass_on(ctx: Context, works: Sequence[Work]) -> None:
    """Offer what another node shall have now, and say to a former custodian what happens. Before cases are written."""
    await _ask_reporters(ctx, works)
    rules = ctx.app.get(Rules)
    await press_later(ctx, [event for work in works for event in work.events], rules)
    if rules.tiers is None:
        return
    due: list[tuple[Work, str, str]] = []
    for work in works:
        where = None if work.case.away or work.case.offer else rules.elsewhere(work.case)
        # Who took an offer back keeps the case for all that the same node would do with it next.
        if where is not None and work.case.kept.partition("/")[0] != where[0]:
            due.append((work, *where))
        elif where is None and work.case.kept and not work.case.offer:
            work.case.kept = ""
    flows = await store.histories(ctx.tx, [w.case.case_id for w, _, _ in due if not w.fresh]) if due else {}
    for work, to, cause in due:
        custody.offer(work, to, cause, SYSTEM_ACTOR, flows.get(work.case.case_id, []))
    for work in works:
        address(work, rules.tiers)
    await ctx.set_timers(
        OFFER, [(w.case.case_id, w.case.offer.due_at, {}) for w in works if w.case.offer and not w.case.away]
    )


async def press_later(ctx: Context, events: Iterable[Event], rules: Rules) -> None:
    """Limits that have passed: remember when this node presses the cases, as its profile says."""
    if rules.governance.press:
        late = [event for event in events if isinstance(event, CaseOverdue)]
        due = [one for event in late for one in pressing.dues(event, rules, ctx.node.jurisdiction)]
        await ctx.set_timers(pressing.PRESS, [one.timer for one in due])


async def _ask_reporters(ctx: Context, works: Sequence[Work]) -> None:
    """Of cases that end: let the tier that holds the contact ask the reporter."""
    for work in works:
        if work.case.state == "closed" and asking.due(work):
            if work.case.taken_by and work.rules.governance.visits == "custodian":
                work.events.append(await contacts.want(ctx, work.case))
            elif work.case.taken_by:
                work.events.append(asking.request(work.case))
            else:
                await tier_store.save_visit(ctx.tx, asking.visit_of(work.case, ctx.now()))


def address(work: Work, tiers: Tiers) -> None:
    """Events of a case in the name of its custodian, and to the former one where it hears nothing by itself."""
    mine = work.case.custody.jurisdiction
    for n, event in enumerate(work.events):
        to = event.addressee
        if not to and work.case.watcher and not isinstance(event, CaseReferredToEnforcement | ContactWanted):
            to = work.case.watcher
        if to != event.addressee or (mine != tiers.me and mine in tiers.mine):
            said_by = mine if mine in tiers.mine else ""
            work.events[n] = msgspec.structs.replace(event, addressee=to, jurisdiction=event.jurisdiction or said_by)
