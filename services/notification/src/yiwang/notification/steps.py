"""The fallback chain: a notice goes from step to step until it reached somebody or no step is left."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from . import store
from .domain import Draft
from .retry import Quiet
from .store import Waiting, sql


async def begin(
    tx: Any, drafts: Sequence[Draft], now: dt.datetime, quiet: Quiet
) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    """Store *drafts* and begin their first step; gives (those that are new, those of them to which no channel leads)."""
    fresh = await store.add_notices(tx, drafts, now)
    new = [draft for draft in drafts if draft.notice_id in fresh]
    reached = await store.push(tx, 0, new, now, quiet)
    unsent: set[uuid.UUID] = set()
    for draft in new:
        stuck = not draft.inbox and draft.notice_id not in reached
        if stuck and not await advance(tx, _waiting(draft), now, quiet):
            await sql.run(tx, "end_notice", draft.notice_id, "unsent", "", now)
            unsent.add(draft.notice_id)
    return fresh, unsent


async def advance(tx: Any, notice: Waiting, now: dt.datetime, quiet: Quiet) -> bool:
    """Go on with the next step that reaches somebody; False when none does: then its end must be written down."""
    for step in range(notice.step + 1, len(notice.steps)):
        inbox = "inbox" in notice.steps[step]
        pushed = await store.push(tx, step, [notice], now, quiet)
        if inbox or pushed:
            await sql.run(tx, "next_step", notice.notice_id, step, inbox, now)
            return True
    return False


def _waiting(draft: Draft) -> Waiting:
    return Waiting(
        notice_id=draft.notice_id,
        audience=draft.audience,
        kind=draft.kind,
        role=draft.role,
        area=draft.area,
        plan=draft.plan,
        step=0,
        urgency=draft.urgency,
    )
