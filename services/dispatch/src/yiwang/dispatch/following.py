"""What a case's course means for campaigns and ledgers, in the case's own transaction.

Set-based; where no campaign runs, a batch pays one look at an empty index. Locks are taken in one order: cases, entries,
sums, timers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from yiwang.contracts import Actor, CaseClosed, CaseReopened
from yiwang.kit import Context

from . import campaign_store, campaigning, ledger_acts, ledger_store
from .auto import Work
from .campaign import Campaign, Item, case_item, entry_item
from .ledger import OPEN, Told, rectify, unlinked

SYSTEM: Final = Actor()


async def follow(ctx: Context, works: Sequence[Work]) -> None:
    """Filed cases among *works* count anew; entries linked to those that ended go with them."""
    filed = [work for work in works if work.case.case_no]
    if not filed:
        return
    running = await campaign_store.running(ctx.tx)
    tolds = await _entries(ctx, [w for w in filed if any(isinstance(e, CaseClosed | CaseReopened) for e in w.events)])
    changed = await _cases(ctx, running, filed) if running else []
    changed += [entry_item(told.entry) for _, told in tolds if told.entry.campaign_id]
    await campaign_store.weigh(ctx.tx, changed)
    if changed:
        await campaigning.soon(ctx, [item.campaign_id for item in changed])
    for work, told in tolds:
        work.events += await ledger_acts.write(ctx, told)


async def _cases(ctx: Context, running: Sequence[Campaign], works: Sequence[Work]) -> list[Item]:
    """The items that are others than they were; what that means is said with the case."""
    known = await campaign_store.items_of(ctx.tx, [work.case.case_id for work in works])
    changed: list[Item] = []
    for work in works:
        for one in running:
            old = known.get((one.campaign_id, work.case.case_id))
            new = case_item(one, work.case, old, work.rules.codes.translate)
            if new is not None and new != old:
                changed.append(new)
                work.events += campaigning.moved(one, work.case, old, new, work.now)
    return changed


async def _entries(ctx: Context, works: Sequence[Work]) -> list[tuple[Work, Told]]:
    """The entries, locked, that a case's end rectifies, or whose case is open again."""
    if not works:
        return []
    by_id = {work.case.case_id: work for work in works}
    found = []
    for entry in await ledger_store.of_cases(ctx.tx, list(by_id)):
        work = by_id[entry.case_id]
        told = Told(entry, ())
        if work.case.state != "closed":
            told = unlinked(entry, SYSTEM, work.now)
        elif entry.state in OPEN and not work.case.flags.force_closed:
            told = rectify(entry, SYSTEM, work.now, result_masked="关联案件已结案", case_id=work.case.case_id)
        if told.events:
            found.append((work, told))
    return found
