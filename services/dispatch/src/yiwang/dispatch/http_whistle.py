"""The API of whistles (吹哨报到): blow, respond, arrive, resolve, judge, and the lists of both sides."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from yiwang.contracts.areas import contains
from yiwang.kit import App, Caller, allow, answers

from . import whistle_store, whistling
from .cursors import after, position
from .errors import BAD_CURSOR, NO_WHISTLE, NOT_FOUND, REFUSED
from .http import START, seen_areas, seen_units
from .rules import Rules
from .whistle import STATES, Whistle
from .whistle_store import Asked
from .whistling import COMMUNITY, OF_UNITS, BlowBody, ComeBody, OpinionBody, ResolveBody, ScoreBody

Short = Annotated[str, Parameter(max_length=100)]
OPEN: Final = ("whistle_state", "whistle_not_called")
COMING: Final = (*OPEN, "arrival_time", "arrival_not_shown", "point_datum", "too_far", "already_arrived", "whistle_answered")
JUDGING: Final = ("not_your_role", "outside_area", "area_malformed", "opinion_missing", "whistle_state", "whistle_not_called")


class WhistleView(msgspec.Struct, frozen=True, kw_only=True):
    """One whistle as people see it; `late` names what is past its time."""

    whistle: Whistle
    state_name: str
    kind_name: str
    late: tuple[str, ...]


class WhistlePage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `cursor` gives the next page, empty at the end."""

    whistles: tuple[WhistleView, ...]
    cursor: str


class KindOption(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str


class CallOption(msgspec.Struct, frozen=True, kw_only=True):
    unit_id: str
    name: str


class WhistleChoices(msgspec.Struct, frozen=True, kw_only=True):
    """Kinds of whistles and the units that can be called."""

    kinds: tuple[KindOption, ...]
    units: tuple[CallOption, ...]


def view(one: Whistle, rules: Rules, now: dt.datetime) -> WhistleView:
    kinds = {kind.code: kind.name for kind in rules.practice.whistles.kinds}
    late = [
        f"{called.call.unit_name or called.call.unit_id}未按时到场"
        for called in one.units
        if not called.in_time and now > called.call.arrive_by
    ]
    ended = one.resolved_at or now
    if one.state != "withdrawn" and ended > one.resolve_by:
        late.append("未按时办结")
    return WhistleView(whistle=one, state_name=STATES[one.state], kind_name=kinds.get(one.kind, one.kind), late=tuple(late))


def _route(
    name: str, roles: tuple[str, ...], keys: tuple[str, ...]
) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """How every action on one whistle is declared."""
    return post(
        f"/cases/whistles/{{whistle_id:str}}/{name}",
        guards=[allow(*roles)],
        status_code=200,
        opt={"idempotent": True},
        responses=answers(NO_WHISTLE, *(REFUSED[key] for key in keys)),
    )


@post(
    "/cases/whistles",
    guards=[allow(*COMMUNITY)],
    opt={"idempotent": True},
    responses=answers(
        NOT_FOUND,
        *(REFUSED[k] for k in ("not_your_role", "outside_area", "area_malformed", "unit_unknown", "whistle_no_units", "whistle_kind")),
    ),
)
async def blow_whistle(data: BlowBody, app: App, caller: Caller) -> WhistleView:
    """社区吹哨: call units that must report in; the first is the lead."""
    one = await whistling.blow_one(app, caller, data)
    return view(one, app.get(Rules), app.clock.now())


@get("/cases/whistles/choices", guards=[allow(*COMMUNITY)])
async def whistle_choices(app: App, caller: Caller) -> WhistleChoices:
    """What whoever calls may choose from: the city's kinds, and the units that work there, the nearest first."""
    rules = app.get(Rules)
    areas = [area for post in caller.posts if post.role in COMMUNITY for area in post.areas]
    near = [u for u in rules.units if any(contains(a, b) or contains(b, a) for a in areas for b in u.areas)]
    near.sort(key=lambda u: (u.kind != "handling", -max(len(area) for area in u.areas), u.unit_id))
    return WhistleChoices(
        kinds=tuple(KindOption(code=kind.code, name=kind.name) for kind in rules.practice.whistles.kinds),
        units=tuple(CallOption(unit_id=u.unit_id, name=u.name) for u in near),
    )


@get("/cases/whistles", guards=[allow()], responses=answers(BAD_CURSOR))
async def list_whistles(
    app: App,
    caller: Caller,
    whistle_state: Annotated[str, Parameter(query="state", max_length=20)] = "",
    kind: Short = "",
    case_id: Short = "",
    cursor: Annotated[str, Parameter(max_length=300)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> WhistlePage:
    """Whistles of the caller's areas, and those to which the caller's units were called, newest first."""
    asked = Asked(
        state=whistle_state, kind=kind, case_id=case_id, areas=seen_areas(caller), units=seen_units(caller)
    )
    found = await whistle_store.page(app.pool, asked, position(cursor, START), limit + 1)
    more = ""
    if len(found) > limit:
        last = found[limit - 1]
        more = after(last.blown_at, last.whistle_id)
    rules, now = app.get(Rules), app.clock.now()
    return WhistlePage(whistles=tuple(view(one, rules, now) for one in found[:limit]), cursor=more)


@_route("respond", OF_UNITS, COMING)
async def respond_to_whistle(whistle_id: Short, data: ComeBody, app: App, caller: Caller) -> WhistleView:
    """部门响应: the unit says that it comes."""
    one = await whistling.respond_one(app, caller, whistle_id, data)
    return view(one, app.get(Rules), app.clock.now())


@_route("arrive", OF_UNITS, COMING)
async def arrive_at_whistle(whistle_id: Short, data: ComeBody, app: App, caller: Caller) -> WhistleView:
    """部门报到: the unit is there."""
    one = await whistling.arrive_one(app, caller, whistle_id, data)
    return view(one, app.get(Rules), app.clock.now())


@_route("resolve", OF_UNITS, (*OPEN, "whistle_lead_absent", "whistle_result_missing", "whistle_absent_reason"))
async def resolve_whistle(whistle_id: Short, data: ResolveBody, app: App, caller: Caller) -> WhistleView:
    """办结: the lead unit settles the matter."""
    one = await whistling.resolve_one(app, caller, whistle_id, data)
    return view(one, app.get(Rules), app.clock.now())


@_route("score", COMMUNITY, JUDGING)
async def score_whistle(whistle_id: Short, data: ScoreBody, app: App, caller: Caller) -> WhistleView:
    """社区评价: came in time, settled, satisfied."""
    one = await whistling.score_one(app, caller, whistle_id, data)
    return view(one, app.get(Rules), app.clock.now())


@_route("withdraw", COMMUNITY, JUDGING)
async def withdraw_whistle(whistle_id: Short, data: OpinionBody, app: App, caller: Caller) -> WhistleView:
    """撤哨."""
    one = await whistling.withdraw_one(app, caller, whistle_id, data)
    return view(one, app.get(Rules), app.clock.now())


WHISTLES: Final[Sequence[Any]] = (
    blow_whistle, whistle_choices, list_whistles, respond_to_whistle, arrive_at_whistle, resolve_whistle, score_whistle,
    withdraw_whistle,
)  # fmt: skip
