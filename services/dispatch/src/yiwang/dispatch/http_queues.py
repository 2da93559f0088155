"""Queues over HTTP: a page by remaining time, taking a case in hand, and one action for many cases."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from yiwang.kit import App, Caller, Context, allow, answers

from . import claims, queue_store, store, views
from .acts import BODIES
from .batch import BatchDone, act_on_all, batch_of, batchable
from .case import Case
from .claims import Claim, ClaimBody
from .cursors import after, moment_of, words
from .custody import named
from .errors import BAD_CURSOR, NOT_FOUND, REFUSED
from .http import UNIT_ROLES, seen_areas, seen_units, visible
from .people import acting
from .queue_store import Asked, Waiting
from .queues import APPROVE, QUEUES
from .refusals import Refused
from .rules import Rules
from .states import BY_PEOPLE, IMPORT, ROLE_NAMES, SYSTEM, TABLE
from .store import Listed
from .turns import Right, rights_of
from .views import CaseItem, CasePage, QueueView

FIRST: Final = ("-infinity", "")
NEVER: Final = "infinity"
Short = Annotated[str, Parameter(max_length=100)]
WORKERS: Final = tuple(sorted({role for _, roles in QUEUES.values() for role in roles} | claims.TAKES_OVER))


@get("/cases/queues", guards=[allow()])
async def list_queues(app: App, caller: Caller) -> list[QueueView]:
    """The queues that the caller's roles work off: how many cases wait, how many are late, how many are in hand."""
    now = app.clock.now()
    counts = await queue_store.counts(app.pool, seen_areas(caller), seen_units(caller), now)
    mine = await queue_store.mine(app.pool, caller.person_ref, now)
    words = await queue_store.approvals(app.pool, _rights(app, caller), caller.person_ref, now)
    found = []
    for queue, (name, roles) in QUEUES.items():
        one = counts.get(queue, store.QueueCount(queue, 0, 0, 0, 0))
        for role in (r for r in roles if r in caller.roles):
            waiting, late = (one.in_unit, one.late_in_unit) if role in UNIT_ROLES else (one.in_area, one.late_in_area)
            if queue == APPROVE:
                word = words.get(role)
                waiting, late = (word.waiting, word.late) if word else (0, 0)
            view = QueueView(
                queue=queue, name=name, role=role, role_name=ROLE_NAMES[role], waiting=waiting, late=late,
                mine=mine.get(queue, 0),
            )  # fmt: skip
            found.append(view)
    return sorted(found, key=lambda q: list(ROLE_NAMES).index(q.role))


def _rights(app: App, caller: Caller) -> tuple[Right, ...]:
    return rights_of(caller, app.get(Rules), app.node.jurisdiction)


@get("/cases/queues/{queue:str}", guards=[allow()], responses=answers(BAD_CURSOR))
async def show_queue(
    app: App,
    caller: Caller,
    queue: Annotated[str, Parameter(pattern=f"^({'|'.join(QUEUES)})$")],
    area: Annotated[str, Parameter(pattern=r"^[0-9A-Z]{0,15}$")] = "",
    unit_id: Short = "",
    whose: Annotated[str, Parameter(pattern="^(all|mine|free)$")] = "all",
    cursor: Annotated[str, Parameter(max_length=300)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> CasePage:
    """A queue, the least time left first. `whose`: all, what the caller has in hand, or what nobody has.

    `approve` holds what waits for the caller's own word: by the level that a request has reached, role, area and unit,
    without what the caller asked for.
    """
    now = app.clock.now()
    asked = Asked(
        queue=queue, areas=seen_areas(caller), units=seen_units(caller), area=area, unit_id=unit_id,
        mine=caller.person_ref if whose == "mine" else "", free=whose == "free", person_ref=caller.person_ref,
        rights=_rights(app, caller) if queue == APPROVE else (),
    )  # fmt: skip
    async with app.pool.acquire() as db, db.transaction(readonly=True):
        found = await queue_store.page(db, asked, now, _position(cursor), limit + 1)
    more = _cursor(found[limit - 1]) if len(found) > limit else ""
    return CasePage(cases=tuple(_item(one, now) for one in found[:limit]), cursor=more)


def _item(one: Waiting, now: dt.datetime) -> CaseItem:
    shown = views.item(Listed(one.case, one.queue, one.due_at), now)
    return msgspec.structs.replace(shown, claimed_by=one.claimed_by, claimed_until=one.claimed_until)


@post(
    "/cases/{no:str}/claim", guards=[allow(*WORKERS)], status_code=200, opt={"idempotent": True},
    responses=answers(
        NOT_FOUND,
        *(REFUSED[k] for k in ("claimed", "not_in_queue", "nothing_waits", "not_your_role", "outside_area", "outside_unit",
                               "not_the_handler", "not_the_assignee", "not_the_department", "moved_away")),
    ),
)  # fmt: skip
async def claim(no: Short, data: ClaimBody, app: App, caller: Caller) -> Claim:
    """认领: take a waiting case in hand, or hold it longer; a shift leader takes it over."""
    await visible(app, caller, no)

    async def do(ctx: Context) -> Claim:
        return await claims.take(app, ctx, caller, await _locked(ctx, no, app), data.queue)

    return await acting(app, caller, do, purpose="")


@post(
    "/cases/{no:str}/release", guards=[allow(*WORKERS)], status_code=200, opt={"idempotent": True},
    responses=answers(NOT_FOUND, REFUSED["claimed"], REFUSED["moved_away"]),
)  # fmt: skip
async def release(no: Short, app: App, caller: Caller) -> dict[str, str]:
    """释放: nobody has the case in hand any more."""
    await visible(app, caller, no)

    async def do(ctx: Context) -> dict[str, str]:
        case = await _locked(ctx, no, app)
        await claims.let_go(ctx, caller, case)
        return {"case_id": case.case_id}

    return await acting(app, caller, do, purpose="")


async def _locked(ctx: Context, no: str, app: App) -> Case:
    case, rules = await store.lock(ctx.tx, no), app.get(Rules)
    if case is None:
        raise NOT_FOUND(no=no)
    if case.away:
        raise Refused("moved_away", node=named(rules, case.away))
    return case


def batch_route(action: str) -> HTTPRouteHandler:
    """The route of one action for many cases: who may call it for one may call it for many."""
    roles = sorted({role for row in TABLE if row.action == action for role in row.roles} - {SYSTEM, IMPORT})

    async def do(data: Any, app: App, caller: Caller) -> BatchDone:
        return await act_on_all(app, caller, action, data.cases, data.body)

    do.__annotations__ = {"data": batch_of(action), "app": App, "caller": Caller, "return": BatchDone}
    do.__name__ = do.__qualname__ = f"batch_{action}"
    do.__doc__ = f"{action} for up to 100 cases, one answer a case; a retry with the same Idempotency-Key does nothing twice."
    return post(f"/cases/batch/{action}", guards=[allow(*roles)], status_code=200, opt={"idempotent": True})(do)


def _position(cursor: str) -> tuple[str, str]:
    if not cursor:
        return FIRST
    moment, case_id = words(cursor)
    if moment != NEVER:
        moment_of(moment)
    return moment, case_id


def _cursor(one: Waiting) -> str:
    return after(one.due_at or NEVER, one.case.case_id)


QUEUE_ROUTES: Final[Sequence[Any]] = (
    list_queues, show_queue, claim, release,
    *(batch_route(action) for action in BODIES if action in BY_PEOPLE and batchable(action)),
)  # fmt: skip
