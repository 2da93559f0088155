"""Return visits between tiers: asked for by the custodian, done where the contact is, answered to the custodian."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from yiwang.contracts import Event, VisitAnswered, VisitRequested
from yiwang.kit import App, Caller, Context

from . import asking, handlers, store, tier_store
from .acts import Text
from .asking import SATISFIED, VISITORS, Visit
from .auto import Work
from .errors import NO_VISIT
from .rules import Rules


class VisitBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the reporter said: 1 very satisfied … 5 very dissatisfied, 0 not reached."""

    score: Annotated[int, msgspec.Meta(ge=0, le=5)]
    opinion: Text = ""


class Visited(msgspec.Struct, frozen=True, kw_only=True):
    """The visit that was noted."""

    case_id: str
    case_no: str
    score: int
    satisfied: bool


async def requested(event: VisitRequested, ctx: Context) -> None:
    """Another node closed a case whose report was taken here: its reporter is to be asked."""
    if event.addressee not in ctx.app.acts_for:
        return
    copy = await tier_store.find_copy(ctx.tx, event.case_id)
    visit = Visit(
        case_id=event.case_id, case_no=event.case_no, report_ids=event.report_ids, asked_by=event.jurisdiction,
        area=copy.case.area if copy else "", asked_at=event.occurred_at,
    )  # fmt: skip
    await tier_store.save_visit(ctx.tx, visit)


async def answered(event: VisitAnswered, ctx: Context) -> Sequence[Event]:
    """The tier that holds the contact has asked: the case's history tells it."""
    if event.addressee not in ctx.app.acts_for:
        return ()
    case = await store.lock(ctx.tx, event.case_id)
    if case is None or case.away:
        return ()
    work = Work(case, ctx.app.get(Rules).of(case), ctx.now())
    asking.note(work, event.score, event.actor, event.opinion)
    await handlers.keep(ctx, [work])
    return work.events


async def visit(app: App, caller: Caller, no: str, body: VisitBody) -> Visited:
    """Note what the reporter said. Raises NO_VISIT where nobody waits for it."""

    async def once(ctx: Context) -> Visited:
        one = await tier_store.lock_visit(ctx.tx, no)
        if one is None or one.state != "open" or not any(p.covers(one.area or ctx.node.jurisdiction) for p in caller.posts):
            raise NO_VISIT(no=no)
        done = msgspec.structs.replace(
            one, state="done", score=body.score, opinion=body.opinion, visited_at=ctx.now()
        )
        await tier_store.save_visit(ctx.tx, done)
        by = caller.actor(next(post.role for post in caller.posts if post.role in VISITORS))
        if one.asked_by in ctx.app.acts_for:
            case = await store.lock(ctx.tx, one.case_id)
            if case is not None and not case.away:
                work = Work(case, ctx.app.get(Rules).of(case), ctx.now())
                asking.note(work, body.score, by, body.opinion)
                await handlers.keep(ctx, [work])
                ctx.emit(*work.events)
        else:
            ctx.emit(
                VisitAnswered(
                    case_id=one.case_id, case_no=one.case_no, score=body.score, satisfied=body.score in SATISFIED,
                    opinion=body.opinion, addressee=one.asked_by, actor=by,
                )
            )  # fmt: skip
        return Visited(
            case_id=one.case_id, case_no=one.case_no, score=body.score, satisfied=body.score in SATISFIED
        )

    done: Visited = await app.act(caller, once, purpose="")
    return done
