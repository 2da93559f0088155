"""Returned data over HTTP: give it to nodes below, look at what came from above."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import get, post
from litestar.params import Parameter
from yiwang.contracts import DataReturned, Figure
from yiwang.kit import App, Caller, Context, Role, allow, answers

from . import errors, returns
from .returns import FateRow, ReturnRow
from .task_views import Area, FigureGiven, Word

GIVERS: Final = (Role.LEADER, Role.EVALUATOR, Role.ADMIN)
READERS: Final = (*GIVERS, Role.SUPERVISOR, Role.SHIFT_LEADER, Role.ACCEPTOR, Role.AUDITOR)
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The numbers of one node below as this tier counts them."""

    to: Area
    title: Title
    figures: Annotated[list[FigureGiven], msgspec.Meta(min_length=1, max_length=1000)]


class Ranks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Values of several nodes below: each is told its own place, the best value and the mean."""

    title: Title
    indicator: Word
    period: Annotated[str, msgspec.Meta(pattern=r"^\d{4}(-\d{2}(-\d{2})?|Q[1-4])?$")]
    best: Literal["high", "low"] = "high"
    values: Annotated[
        dict[Area, Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]], msgspec.Meta(min_length=1, max_length=500)
    ]


class Sent(msgspec.Struct, frozen=True):
    return_ids: list[str]


class ReturnView(msgspec.Struct, frozen=True, kw_only=True):
    """A batch; `peer` gave it, or got it."""

    return_id: str
    side: str
    peer: str
    title: str
    at: dt.datetime
    body: Any


@post("/sync/returns/figures", guards=[allow(*GIVERS)], responses=answers(errors.NOT_BELOW), opt={"idempotent": True})
async def give_figures(app: App, caller: Caller, data: Figures) -> Sent:
    """Give a node below its numbers back (数据返还)."""
    caller.require(GIVERS, app.node.jurisdiction)
    returns.require_node_below(app, data.to)
    figures = tuple(Figure(code=f.code, value=f.value, unit=f.unit, period=f.period) for f in data.figures)

    async def act(ctx: Context) -> list[str]:
        number = returns.batch_id(ctx, data.to)
        event = DataReturned(addressee=data.to, return_id=number, title=data.title, figures=figures)
        await returns.give_back(ctx, event)
        return [number]

    return Sent(await app.act(caller, act))


@post("/sync/returns/rankings", guards=[allow(*GIVERS)], responses=answers(errors.NOT_BELOW), opt={"idempotent": True})
async def give_rankings(app: App, caller: Caller, data: Ranks) -> Sent:
    """Rank nodes below and tell each its own place."""
    caller.require(GIVERS, app.node.jurisdiction)
    for code in data.values:
        returns.require_node_below(app, code)
    places = returns.ranked(data.indicator, data.period, data.values, data.best)

    async def act(ctx: Context) -> list[str]:
        for code, place in places.items():
            number = returns.batch_id(ctx, code)
            event = DataReturned(addressee=code, return_id=number, title=data.title, rankings=(place,))
            await returns.give_back(ctx, event)
        return [returns.batch_id(ctx, code) for code in places]

    return Sent(await app.act(caller, act))


@get("/sync/returns", guards=[allow(*READERS)])
async def listed(
    app: App,
    side: Literal["", "given", "received"] = "",
    offset: Annotated[int, Parameter(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 100,
) -> list[ReturnView]:
    """Batches that came from above, or that we gave, the newest first."""
    rows = await returns.sql.rows(app.pool, "returns", ReturnRow, side, limit, offset)
    return [ReturnView(**msgspec.structs.asdict(row) | {"body": msgspec.json.decode(row.body)}) for row in rows]


@get("/sync/cases/{case_id:str}/fates", guards=[allow(*READERS)])
async def case_fates(app: App, case_id: Annotated[str, Parameter(pattern=r"^[\w.:-]{1,64}$")]) -> list[FateRow]:
    """What became of one of our cases at upper tiers, the newest first; empty while nobody told."""
    return await returns.sql.rows(app.pool, "fates", FateRow, case_id)


RETURNS: Final = (give_figures, give_rankings, listed, case_fates)
