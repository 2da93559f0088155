"""Return visits by this node although another tier took the report: its contact is asked for, sealed (decision 0043)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from yiwang.contracts import Actor, ContactSettled, ContactWanted
from yiwang.kit import App, Caller, Context, Event

from . import asking, store, tier_store
from .asking import VISITORS, Visit
from .case import Case
from .custody import SYSTEM_ACTOR
from .errors import VISIT_NOT_ELSEWHERE


class WantedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why this node asks the reporter instead of the tier that took the report."""

    opinion: Annotated[str, msgspec.Meta(min_length=2, max_length=500)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The contact was asked for."""

    case_id: str
    case_no: str
    holder: str
    """Area code of the tier that took the report"""


def wish(case: Case, by: Actor, opinion: str) -> ContactWanted:
    """What is said to intake of this node: it asks the tier that took the report."""
    return ContactWanted(
        case_id=case.case_id, case_no=case.case_no, report_ids=case.report_ids, holder=case.taken_by, area=case.area,
        opinion=opinion, actor=by, purpose=case.purpose, jurisdiction=case.custody.jurisdiction,
    )  # fmt: skip


async def want(ctx: Context, case: Case, by: Actor = SYSTEM_ACTOR, opinion: str = "由主责单位回访") -> ContactWanted:
    """Ask for the contact; until it comes the visit waits."""
    waits = msgspec.structs.replace(asking.visit_of(case, ctx.now()), state="waiting")
    await tier_store.save_visit(ctx.tx, waits)
    return wish(case, by, opinion)


async def settled(event: ContactSettled, ctx: Context) -> Event | None:
    """How the request for a contact ended: the visit is ours, or it goes (back) to who holds the contact."""
    visit = await tier_store.lock_visit(ctx.tx, event.case_id)
    if visit is None or visit.state == "done":
        return None
    if event.outcome in ("given", "held"):
        held = event.outcome == "held"
        await _put(ctx, visit, "open" if held else "passed", event.ask_id if held else "")
        return None
    if visit.ask_id not in ("", event.ask_id):
        return None  # another report's contact of the same case is here
    await _put(ctx, visit, "dropped" if event.outcome == "erased" else "passed")
    case = await store.find(ctx.tx, event.case_id)
    if event.outcome == "erased" or case is None or case.away or not case.taken_by:
        return None
    return asking.request(case)


async def _put(ctx: Context, visit: Visit, state: str, ask_id: str = "") -> None:
    await tier_store.save_visit(ctx.tx, msgspec.structs.replace(visit, state=state, ask_id=ask_id))


async def visit_here(app: App, caller: Caller, no: str, body: WantedBody) -> Wanted:
    """A person wants this node to ask the reporter. Raises VISIT_NOT_ELSEWHERE."""

    async def once(ctx: Context) -> Wanted:
        case = await store.lock(ctx.tx, no)
        mine = [post for post in caller.posts if post.role in VISITORS and case and post.covers(case.area)]
        if case is None or not mine or case.away or case.state != "closed" or not case.taken_by:
            raise VISIT_NOT_ELSEWHERE(no=no)
        known = await tier_store.lock_visit(ctx.tx, case.case_id)
        if known is not None and known.state in ("waiting", "done"):
            raise VISIT_NOT_ELSEWHERE(no=no)
        ctx.emit(await want(ctx, case, caller.actor(mine[0].role), body.opinion))
        return Wanted(case_id=case.case_id, case_no=case.case_no, holder=case.taken_by)

    done: Wanted = await app.act(caller, once, purpose="")
    return done
