"""The case API: lists, queues, one case with its history, and one route per action of the table."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from yiwang.kit import App, Caller, allow, answers

from . import claims, store, tier_store, views
from .actions import Done, act
from .acts import BODIES, Body
from .authority import may_do
from .case import Case
from .cursors import after, position
from .errors import BAD_CURSOR, NOT_FOUND, NOT_RECONCILED, NUMBERS_EXHAUSTED, REFUSED, STALE
from .guards import REFUSES, open_now
from .rules import Rules
from .states import ACTIONS, BY_PEOPLE, IMPORT, SYSTEM, TABLE
from .store import Filter
from .views import Actions, CasePage
from .views_tiers import FullDetail, custody_view, seen_item

START: Final = (dt.datetime(9999, 1, 1, tzinfo=dt.UTC), "")
UNIT_ROLES: Final = frozenset({"dept_operator", "handler"})
COMMON: Final = (
    "not_now", "not_your_role", "outside_area", "outside_unit", "not_the_handler", "not_the_assignee", "not_the_department",
    "result_unknown", "opinion_missing",
)  # fmt: skip
Short = Annotated[str, Parameter(max_length=100)]


def seen_areas(caller: Caller) -> tuple[str, ...]:
    """The areas whose cases *caller* may read: those of every post that isn't bound to a unit's own cases."""
    found = [area for post in caller.posts if post.role not in UNIT_ROLES for area in post.areas]
    return tuple(dict.fromkeys(found))


def seen_units(caller: Caller) -> tuple[str, ...]:
    return tuple(sorted({post.unit_id for post in caller.posts if post.role in UNIT_ROLES and post.unit_id}))


def covers_node(caller: Caller, jurisdiction: str) -> bool:
    """Whether *caller* may read what this whole node had in hand, wherever it lies."""
    return any(post.covers(jurisdiction) for post in caller.posts if post.role not in UNIT_ROLES)


async def visible(app: App, caller: Caller, no: str) -> Case:
    """The case, if the caller may read it. Raises NOT_FOUND, which doesn't tell whether it exists."""
    case, _ = await seen_case(app, caller, no)
    return case


async def seen_case(app: App, caller: Caller, no: str) -> tuple[Case, dt.datetime | None]:
    """The case, and as of when where another node has it and this is a copy. Raises NOT_FOUND."""
    case, as_of = await store.find(app.pool, no), None
    was_here = case is not None and bool(case.away)
    if case is None or case.away:
        copy = await tier_store.find_copy(app.pool, no)
        if copy is None and was_here:  # it came back between the two looks, and its copy was forgotten
            case = await store.find(app.pool, no)
        case, as_of = (copy.case, copy.as_of) if copy else (case, None)
    if case is not None:
        rules = app.get(Rules)
        line = {unit for one in case.assignments for unit in rules.line_of(one.unit_id)}
        over = any(post.covers(case.area) for post in caller.posts if post.role not in UNIT_ROLES)
        over = over or (was_here and covers_node(caller, app.node.jurisdiction))
        if over or line & set(seen_units(caller)):
            return case, as_of
    raise NOT_FOUND(no=no)


@get("/cases", guards=[allow()], responses=answers(BAD_CURSOR))
async def list_cases(
    app: App,
    caller: Caller,
    case_state: Annotated[str, Parameter(query="state", max_length=20)] = "",
    queue: Short = "",
    area: Annotated[str, Parameter(pattern=r"^[0-9A-Z]{0,15}$")] = "",
    unit_id: Short = "",
    category: Short = "",
    q: Annotated[str, Parameter(pattern=r"^[0-9A-Za-z-]{0,32}$")] = "",
    overdue: bool | None = None,
    reach: Annotated[str, Parameter(query="scope", pattern="^(own|subtree)$")] = "own",
    cursor: Annotated[str, Parameter(max_length=300)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> CasePage:
    """Cases that the caller may see, newest first. `q` is the beginning of a case number, `area` any area code.

    `scope=subtree` adds copies of those that other nodes have: each says who has it and as of when it is known.
    """
    asked = Filter(
        state=case_state, queue=queue, area=area, unit_id=unit_id, category=category, q=q, overdue=overdue,
        areas=seen_areas(caller), units=seen_units(caller),
    )  # fmt: skip
    now, rules = app.clock.now(), app.get(Rules)
    if reach == "subtree":
        whole = covers_node(caller, app.node.jurisdiction)
        seen = await tier_store.page_of_subtree(app.pool, asked, now, position(cursor, START), limit + 1, whole)
        more = after(seen[limit - 1].case.created_at, seen[limit - 1].case.case_id) if len(seen) > limit else ""
        return CasePage(cases=tuple(seen_item(one, rules, now) for one in seen[:limit]), cursor=more)
    async with app.pool.acquire() as db, db.transaction(readonly=True):
        found = await store.page(db, asked, now, position(cursor, START), limit + 1)
    page = found[:limit]
    more = after(page[-1].case.created_at, page[-1].case.case_id) if len(found) > limit else ""
    return CasePage(cases=tuple(views.item(one, now) for one in page), cursor=more)


@get("/cases/{no:str}", guards=[allow()], responses=answers(NOT_FOUND))
async def show_case(app: App, caller: Caller, no: Short) -> FullDetail:
    """A case by its number or id, with its whole history, its limits explained, and who has it."""
    case, as_of = await seen_case(app, caller, no)
    reader = store.history if as_of is None else tier_store.lines
    flow, rules = await reader(app.pool, case.case_id), app.get(Rules).of(case)
    now = app.clock.now()
    shown = views.detail(case, flow, rules, now)
    claim = await claims.of(app.pool, case.case_id) if as_of is None else None
    if claim is not None and claim.holds(case, now):
        mark = msgspec.structs.replace(shown.case, claimed_by=claim.person_ref, claimed_until=claim.until)
        shown = msgspec.structs.replace(shown, case=mark)
    return FullDetail(**msgspec.structs.asdict(shown), custody=custody_view(case, rules, as_of))


@get("/cases/{no:str}/actions", guards=[allow()], responses=answers(NOT_FOUND))
async def list_actions(app: App, caller: Caller, no: Short) -> Actions:
    """What the caller may do to the case now."""
    case, as_of = await seen_case(app, caller, no)
    if as_of is not None:
        return Actions(case_id=case.case_id, version=case.version, actions=())
    rules = app.get(Rules).of(case)
    may = [(row, role) for row, role in may_do(caller, case, rules) if open_now(row, role, case, rules, caller.actor(role))]
    found = views.possible(may)
    return Actions(case_id=case.case_id, version=case.version, actions=found)


def action_route(action: str, body: type[Body]) -> HTTPRouteHandler:
    """The route of one action, made from the table: who may call it, what it takes, what it may answer."""
    rows = [row for row in TABLE if row.action == action]
    roles = sorted({role for row in rows for role in row.roles} - {SYSTEM, IMPORT})
    keys = dict.fromkeys((*COMMON, *(key for row in rows for guard in row.guards for key in REFUSES[guard])))
    extra = (NUMBERS_EXHAUSTED, NOT_RECONCILED) if action in ("file", "verify_result") else ()

    async def do(no: str, data: Any, app: App, caller: Caller) -> Done:
        return await act(app, caller, no, action, data)

    do.__annotations__ = {"no": Short, "data": body, "app": App, "caller": Caller, "return": Done}
    do.__name__ = do.__qualname__ = f"case_{action}"
    do.__doc__ = f"{ACTIONS[action]}: {body.__doc__}"
    return post(
        f"/cases/{{no:str}}/{action}",
        guards=[allow(*roles)],
        status_code=200,
        opt={"idempotent": True},
        responses=answers(NOT_FOUND, STALE, *extra, *(REFUSED[key] for key in keys)),
    )(do)




ROUTES: Final[Sequence[Any]] = (
    list_cases,
    show_case,
    list_actions,
    *(action_route(action, body) for action, body in BODIES.items() if action in BY_PEOPLE),
)
