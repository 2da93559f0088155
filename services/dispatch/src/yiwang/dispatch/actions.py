"""A person's action on a case: the lock, who may, the step, what follows by rule, and what is written."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from yiwang.contracts import MediaRef
from yiwang.kit import App, Caller, Context
from yiwang.kit.files import NotHere

from . import claims, joining, store, tier_store
from .acts import Act, Body, JoinedBody
from .authority import actor_for
from .auto import Work
from .calendar import SHANGHAI
from .case import Case
from .custody import named, withdraw
from .domain import check
from .errors import NOT_FOUND, NOT_RECONCILED, NUMBERS_EXHAUSTED, STALE, problem, refusals_answered
from .handlers import keep
from .numbering import may_give
from .refusals import Refused
from .rules import Rules

GOES_ON: Final = frozenset({"verify_result"})
"""Actions after which rules may go on: an inspector's answer, which no acceptor has looked at yet."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an action did."""

    case_id: str
    case_no: str
    version: int
    state: str
    events: tuple[str, ...]
    """Ids of the events that follow"""


async def act(app: App, caller: Caller, no: str, action: str, body: Body) -> Done:
    """Do *action* to the case of that number or id.

    Raises the Problems of `errors`: no such case, somebody was quicker, or the state machine's refusal.
    """

    async def do(ctx: Context, work: Work) -> Work | None:
        return await _do(ctx, work, caller, action, body)

    await _hold_photos(app, body)
    return await change(app, caller, no, body.version, do)


async def change(
    app: App, caller: Caller, no: str, version: int | None, do: Callable[[Context, Work], Awaitable[Work | None]]
) -> Done:
    """Let *do* work on the locked case of that number or id, and write and say what follows.

    Raises the Problems of `errors`: no such case, another node has it, somebody was quicker, or a refusal.
    """

    async def once(ctx: Context) -> Done:
        case, rules = await store.lock(ctx.tx, no), app.get(Rules)
        if case is None:
            await refuse_copy(ctx.tx, caller, no, rules)
            raise NOT_FOUND(no=no)
        if case.away:
            raise problem(Refused("moved_away", node=named(rules, case.away)))
        if version is not None and version != case.version:
            raise STALE(current=case.version, seen=version)
        work = Work(case, rules.of(case), ctx.now())
        with refusals_answered():
            other = await do(ctx, work)
        works = [work, other] if other is not None else [work]
        await keep(ctx, works)
        sent = ctx.emit(*(event for one in works for event in one.events))
        return _done(work.case, [event.id for event in sent[: len(work.events)]])

    done: Done = await app.act(caller, once, purpose="")
    return done


async def refuse_copy(db: Any, caller: Caller, no: str, rules: Rules) -> None:
    """Raises the Problem that says who has the case, where the caller may see the copy of it."""
    copy = await tier_store.find_copy(db, no) if rules.tiers is not None else None
    if copy is not None and any(post.covers(copy.case.area) for post in caller.posts):
        raise problem(Refused("not_custodian", node=named(rules, copy.case.custody.jurisdiction)))


async def _hold_photos(app: App, body: Body) -> None:
    """What an action names is no orphan any more, wherever it was uploaded; other nodes keep their own photos."""
    named: tuple[MediaRef, ...] = getattr(body, "media", ())
    for media in named:
        if media.home_node == app.node.node_id:
            with contextlib.suppress(NotHere):
                await app.media.hold(media.media_id)


async def _do(ctx: Context, work: Work, caller: Caller, action: str, body: Body) -> Work | None:
    """The step; the other case where two are concerned."""
    by = actor_for(caller, work.case, action, body.role, work.rules)
    if work.case.offer is not None:  # going on with the case takes the offer back
        withdraw(work, by, "went_on")
    claim = await claims.heed(ctx, work.case, by, action)
    other: Work | None = None
    if action in joining.JOINING:
        body, other = await joining.other_of(ctx, work, caller, by.role, body)
    one = Act(action=action, role=by.role, at=ctx.now(), body=body, by=by)
    if action == "file" and not work.case.case_no:
        check(work.case, one, work.rules)
        one = msgspec.structs.replace(one, number=await _number(ctx, work.case, ctx.now()))
    work.do(one)
    if other is not None and isinstance(body, JoinedBody):
        joining.tell_other(work.case, body, action, one, other)
    if action in GOES_ON and work.run() and await may_give(ctx.app, ctx.tx):
        [number] = await store.take_numbers(ctx.tx, [(work.case.custody.jurisdiction, ctx.now())])
        if number:
            work.run(number)
    await claims.end(ctx, work.case, claim)
    if action == "return_to_acceptor":
        await claims.back_to_filer(ctx, work.case, await store.history(ctx.tx, work.case.case_id))
    return other


async def _number(ctx: Context, case: Case, at: dt.datetime) -> str:
    if not await may_give(ctx.app, ctx.tx):
        raise NOT_RECONCILED()
    [number] = await store.take_numbers(ctx.tx, [(case.custody.jurisdiction, at)])
    if not number:
        day = at.astimezone(SHANGHAI).date()
        raise NUMBERS_EXHAUSTED(jurisdiction=case.custody.jurisdiction, day=day, limit=store.LAST_NUMBER)
    return number


def _done(case: Case, ids: list[str]) -> Done:
    return Done(case_id=case.case_id, case_no=case.case_no, version=case.version, state=case.state, events=tuple(ids))
