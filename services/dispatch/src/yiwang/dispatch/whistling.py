"""What people do with whistles, and what rings by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec
from yiwang.contracts import (
    Actor,
    Event,
    Moment,
    Point,
    WhistleCall,
)
from yiwang.kit import App, Caller, Context, Timer

from . import store, whistle_store
from .acts_base import Key, Text
from .case import Case
from .errors import NO_WHISTLE, NOT_FOUND
from .people import acting, of_unit, over
from .places import place_of_code
from .practice import WhistleKind
from .refusals import Refused
from .rules import Rules
from .whistle import Called, Told, Whistle, arrive, blow, next_alarm, resolve, respond, ring, score, withdraw
from .whistle_notices import notices

TIMER: Final = "whistle"
COMMUNITY: Final = ("community_worker", "acceptor")
"""Who may blow, take back and judge: people of the community, or the centre for them"""
OF_UNITS: Final = ("dept_operator", "handler")


class BlowBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """吹哨: the kind, where, what it is about, and the units that must come; the first is the lead."""

    kind: Key
    area: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}([A-Z][0-9]{2}|[0-9]{3}([0-9]{3})?)?$")]
    """12-digit community, or any area code of the caller's"""
    units: Annotated[tuple[Key, ...], msgspec.Meta(max_length=20)]
    summary_masked: Text
    case_no: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._:/-]{0,100}$")] = ""
    """A case that it is about"""
    point: Point | None = None
    address_masked: Text = ""


class ComeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """响应或报到: by a position, or in words."""

    unit_id: Key = ""
    """The called unit; empty: the caller's own"""
    arrived_at: Moment | None = None
    point: Point | None = None
    statement: Text = ""


class ResolveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """办结: the result, and why those that never came weren't needed."""

    result_masked: Text
    absent_reason: Text = ""


class ScoreBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """评价: satisfied or not, and with whom not."""

    satisfied: bool
    dissatisfied_with: Annotated[tuple[Key, ...], msgspec.Meta(max_length=20)] = ()
    opinion: Text = ""


class OpinionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """撤哨: why."""

    opinion: Text


async def blow_one(app: App, caller: Caller, body: BlowBody) -> Whistle:
    """A community calls units. Raises the Problems of `errors`."""

    async def once(ctx: Context) -> Whistle:
        rules, by = app.get(Rules), over(caller, COMMUNITY, body.area, "吹哨")
        case = await store.find(ctx.tx, body.case_no) if body.case_no else None
        if body.case_no and case is None:
            raise NOT_FOUND(no=body.case_no)
        told = blow(_made(ctx, rules, by, body, case), by)
        await whistle_store.add(ctx.tx, told.whistle)
        await _say(ctx, told)
        return told.whistle

    return await acting(app, caller, once)


def _made(ctx: Context, rules: Rules, by: Actor, body: BlowBody, case: Case | None) -> Whistle:
    kind, now = _kind(rules, body.kind), ctx.now()
    named = [rules.unit(unit) for unit in dict.fromkeys(body.units)]
    if not named:
        raise Refused("whistle_no_units")

    def due(limit: tuple[int, str]) -> dt.datetime:
        return rules.due(now, *limit).due_at

    calls = [
        WhistleCall(
            unit_id=unit.unit_id, unit_name=unit.name, role="co" if n else "lead", respond_by=due(kind.respond),
            arrive_by=due(kind.arrive),
        )
        for n, unit in enumerate(named)
    ]  # fmt: skip
    place = place_of_code(body.area, case.place if case else None, body.address_masked)
    if body.point is not None:
        place = msgspec.structs.replace(place, point=body.point)
    return Whistle(
        whistle_id=f"whistle-{ctx.parent}",
        area=body.area,
        kind=kind.code,
        blown_at=now,
        blown_by=by.person_ref,
        units=tuple(Called(call=call) for call in calls),
        resolve_by=due(kind.resolve),
        within_m=kind.within_m if place.point else 0,
        summary_masked=body.summary_masked,
        place=place,
        case_id=case.case_id if case else "",
        case_no=case.case_no if case else "",
    )


def _kind(rules: Rules, code: str) -> WhistleKind:
    kinds = rules.practice.whistles.kinds
    found = next((kind for kind in kinds if kind.code == code), None)
    if found is None:
        raise Refused("whistle_kind", kind=code, known="、".join(f"{k.code}（{k.name}）" for k in kinds))
    return found


async def respond_one(app: App, caller: Caller, whistle_id: str, body: ComeBody) -> Whistle:
    """A called unit says that it comes."""

    def step(ctx: Context, one: Whistle) -> Told:
        by, unit = _of_called(caller, one, body.unit_id, app.get(Rules))
        return respond(one, unit, by, ctx.now(), body.statement)

    return await _change(app, caller, whistle_id, step)


async def arrive_one(app: App, caller: Caller, whistle_id: str, body: ComeBody) -> Whistle:
    """A called unit is there."""

    def step(ctx: Context, one: Whistle) -> Told:
        by, unit = _of_called(caller, one, body.unit_id, app.get(Rules))
        now = ctx.now()
        return arrive(one, unit, by, now, at=body.arrived_at or now, point=body.point, statement=body.statement)

    return await _change(app, caller, whistle_id, step)


async def resolve_one(app: App, caller: Caller, whistle_id: str, body: ResolveBody) -> Whistle:
    """The lead unit says that it is settled."""

    def step(ctx: Context, one: Whistle) -> Told:
        by, _ = _of_called(caller, one, one.lead.call.unit_id, app.get(Rules))
        return resolve(one, by, ctx.now(), result_masked=body.result_masked, absent_reason=body.absent_reason)

    return await _change(app, caller, whistle_id, step)


async def score_one(app: App, caller: Caller, whistle_id: str, body: ScoreBody) -> Whistle:
    """The community judges."""

    def step(ctx: Context, one: Whistle) -> Told:
        by, weights = over(caller, COMMUNITY, one.area, "评价"), app.get(Rules).practice.whistles.weights
        return score(
            one, by, ctx.now(), satisfied=body.satisfied, weights=weights, opinion=body.opinion,
            dissatisfied_with=body.dissatisfied_with,
        )  # fmt: skip

    return await _change(app, caller, whistle_id, step)


async def withdraw_one(app: App, caller: Caller, whistle_id: str, body: OpinionBody) -> Whistle:
    """The community takes its call back."""

    def step(ctx: Context, one: Whistle) -> Told:
        return withdraw(one, over(caller, COMMUNITY, one.area, "撤哨"), ctx.now(), body.opinion)

    return await _change(app, caller, whistle_id, step)


async def late(timer: Timer, ctx: Context) -> Sequence[Event]:
    """A moment has come: say who is late, and wait for the next one."""
    one = await whistle_store.lock(ctx.tx, timer.key)
    if one is None:
        return ()
    told = ring(one, ctx.now())
    await whistle_store.save(ctx.tx, told.whistle)
    again = next_alarm(told.whistle)
    if again is not None:
        await ctx.set_timer(TIMER, one.whistle_id, again)
    return [*told.events, *notices(told)]


async def _change(app: App, caller: Caller, whistle_id: str, step: Callable[[Context, Whistle], Told]) -> Whistle:
    async def once(ctx: Context) -> Whistle:
        one = await whistle_store.lock(ctx.tx, whistle_id)
        if one is None:
            raise NO_WHISTLE(whistle=whistle_id)
        told = step(ctx, one)
        await whistle_store.save(ctx.tx, told.whistle)
        await _say(ctx, told)
        return told.whistle

    return await acting(app, caller, once)


async def _say(ctx: Context, told: Told) -> None:
    ctx.emit(*told.events, *notices(told))
    due = next_alarm(told.whistle)
    if due is not None:
        await ctx.set_timer(TIMER, told.whistle.whistle_id, due)
    else:
        await ctx.cancel_timer(TIMER, told.whistle.whistle_id)


def _of_called(caller: Caller, one: Whistle, unit_id: str, rules: Rules) -> tuple[Actor, str]:
    """The caller as one of a called unit, and which. Raises Refused."""
    for called in one.units:
        if unit_id not in ("", called.call.unit_id):
            continue
        by = of_unit(caller, OF_UNITS, called.call.unit_id, rules)
        if by is not None:
            return by, called.call.unit_id
    raise Refused("whistle_not_called", unit=unit_id or "您所在的单位")
