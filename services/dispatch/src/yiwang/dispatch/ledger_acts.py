"""What people do with ledgers (台账): who may, the step, the counts of its campaign, timers and notices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal

import msgspec
from yiwang.contracts import Actor, Event, Point
from yiwang.kit import App, Caller, Context, Timer

from . import campaign_store, campaigning, ledger_store, store
from .acts import CategoryChoice
from .acts_base import Key, Media, Text
from .campaign import LEDGER, case_item, entry_item
from .errors_ground import NO_ENTRY, NO_STATION
from .ground import JUDGES, Ground
from .ledger import Entry, Told, accept, assign, confirm, enter, link, rectify, recur, refuse, ring, withdraw
from .ledger_notices import notices
from .people import acting, known_area, of_unit, over
from .places import place_of_code
from .refusals import Refused
from .rules import Rules
from .states import role_names

TIMER: Final = "ledger"
"""Its day has passed"""
FINDERS: Final = (
    "collector", "community_worker", "auxiliary", "acceptor", "dispatcher", "shift_leader", "supervisor", "evaluator",
    "leader",
)  # fmt: skip
GIVERS: Final = ("dispatcher", "shift_leader", "supervisor", "leader")
OF_UNIT: Final = ("dept_operator", "handler")
ASKERS: Final = ("community_worker", "acceptor", "evaluator")
Area = Annotated[str, msgspec.Meta(pattern="^[0-9]{6}([A-Z][0-9]{2}|[0-9]{3}([0-9]{3})?)?$")]


class EntryBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """登记入账: what was found where, how grave it is, and in which campaign it counts."""

    kind: Literal["hazard", "problem"] = "hazard"
    grade: Key = "general"
    area: Area
    summary_masked: Text
    address_masked: Text = ""
    point: Point | None = None
    category: CategoryChoice | None = None
    campaign_id: Key = ""
    station_id: Key = ""
    task_id: Key = ""
    """The patrol on which it was found"""
    media: Media = ()


class AssignBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """交办: responsible unit (empty: the one it had), measure, and the day (empty: by the grade)."""

    unit_id: Key = ""
    measure_masked: Text
    due_at: dt.datetime | None = None


class FixedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """整改反馈: what was done, with photos."""

    result_masked: Text
    media: Media = ()


class WordBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """验收、验收不合格、反弹、撤销登记: what is said to it."""

    opinion: Text = ""
    media: Media = ()


class ConfirmBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """群众确认: how many residents were asked, and how many are satisfied."""

    asked: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    content: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    opinion: Text = ""


class LinkBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """关联案件: the case that does the work."""

    case_no: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._:/-]{1,100}$")]


async def enter_one(app: App, caller: Caller, body: EntryBody) -> Entry:
    """Write a hazard or a problem down. Raises the Problems of `errors`."""

    async def once(ctx: Context) -> Entry:
        rules = app.get(Rules)
        ground = rules.practice.ground
        by = over(caller, FINDERS, known_area(body.area, ctx.node.jurisdiction), "登记入账")
        grade_of(ground, body.grade)
        if body.station_id and ground.station(body.station_id) is None:
            raise NO_STATION(station=body.station_id)
        if body.campaign_id:
            await campaigning.running_one(ctx, body.campaign_id)
        place = place_of_code(body.area, None, body.address_masked)
        if body.category is not None and rules.category(body.category) is None:
            raise Refused("category_unknown", category=f"{body.category.kind}/{body.category.major}/{body.category.minor}")
        entry = Entry(
            entry_id=f"entry-{ctx.parent}", kind=body.kind, grade=body.grade, area=body.area,
            summary_masked=body.summary_masked, found_at=ctx.now(), found_by=_found_by(body), task_id=body.task_id,
            station_id=body.station_id, category=rules.category(body.category) if body.category else None,
            place=msgspec.structs.replace(place, point=body.point), media=body.media, campaign_id=body.campaign_id,
            purpose=ctx.purpose or "live",
        )  # fmt: skip
        told = enter(entry, by)
        await ledger_store.add(ctx.tx, [told.entry])
        ctx.emit(*await keep(ctx, told, fresh=True))
        return told.entry

    return await acting(app, caller, once)


def _found_by(body: EntryBody) -> str:
    return "station" if body.station_id else "patrol" if body.task_id else "person"


def grade_of(ground: Ground, code: str) -> None:
    """Raises Refused where the city has no such grade."""
    if ground.grade(code) is None:
        raise Refused("ledger_grade", grade=code, known="、".join(f"{g.code}（{g.name}）" for g in ground.grades))


async def assign_one(app: App, caller: Caller, entry_id: str, body: AssignBody) -> Entry:
    """A unit, a measure, a day."""

    def step(ctx: Context, one: Entry) -> Told:
        rules = app.get(Rules)
        by = over(caller, GIVERS, one.area, "交办")
        unit = rules.unit(body.unit_id or one.unit_id)
        grade = rules.practice.ground.grade(one.grade)
        days = grade.days if grade else 15
        due = body.due_at or rules.due(ctx.now(), days, "natural_day").due_at
        if due.tzinfo is None:
            raise Refused("ledger_due")
        return assign(
            one, by, ctx.now(), unit_id=unit.unit_id, unit_name=unit.name, measure_masked=body.measure_masked, due_at=due
        )

    return await _change(app, caller, entry_id, step)


async def rectify_one(app: App, caller: Caller, entry_id: str, body: FixedBody) -> Entry:
    """The unit says that it is done."""

    def step(ctx: Context, one: Entry) -> Told:
        by = of_unit(caller, OF_UNIT, one.unit_id, app.get(Rules))
        if by is None:
            raise Refused("ledger_unit", unit=one.unit_name or one.unit_id or "尚未指定单位")
        return rectify(one, by, ctx.now(), result_masked=body.result_masked, media=body.media)

    return await _change(app, caller, entry_id, step)


async def judge_one(app: App, caller: Caller, entry_id: str, body: WordBody, *, good: bool) -> Entry:
    """It is accepted, or not, by whom the grade names and who isn't of the unit."""

    def step(ctx: Context, one: Entry) -> Told:
        by = judge(caller, one, app.get(Rules), "验收")
        if good:
            return accept(one, by, ctx.now(), opinion=body.opinion, media=body.media)
        return refuse(one, by, ctx.now(), opinion=body.opinion)

    return await _change(app, caller, entry_id, step)


def judge(caller: Caller, one: Entry, rules: Rules, name: str) -> Actor:
    """The caller as one who may accept *one*. Raises Refused."""
    grade = rules.practice.ground.grade(one.grade)
    roles = grade.accept if grade else JUDGES
    if not set(roles) & caller.roles:
        raise Refused("ledger_accept_role", grade=grade.name if grade else one.grade, roles=role_names(roles))
    by = over(caller, roles, one.area, name)
    if by.unit_id and one.unit_id and by.unit_id == one.unit_id:
        raise Refused("ledger_own_unit")
    return by


async def recur_one(app: App, caller: Caller, entry_id: str, body: WordBody) -> Entry:
    """It was gone and is back."""

    def step(ctx: Context, one: Entry) -> Told:
        return recur(one, over(caller, FINDERS, one.area, "反弹"), ctx.now(), opinion=body.opinion)

    return await _change(app, caller, entry_id, step)


async def confirm_one(app: App, caller: Caller, entry_id: str, body: ConfirmBody) -> Entry:
    """The residents' word."""

    def step(ctx: Context, one: Entry) -> Told:
        ground = app.get(Rules).practice.ground
        by = over(caller, ASKERS, one.area, "群众确认")
        return confirm(
            one, by, ctx.now(), asked=body.asked, content=body.content, share=ground.confirm_share,
            least=ground.confirm_least, opinion=body.opinion,
        )  # fmt: skip

    return await _change(app, caller, entry_id, step)


async def withdraw_one(app: App, caller: Caller, entry_id: str, body: WordBody) -> Entry:
    """Entered by mistake or twice."""

    def step(ctx: Context, one: Entry) -> Told:
        return withdraw(one, over(caller, GIVERS, one.area, "撤销登记"), ctx.now(), opinion=body.opinion)

    return await _change(app, caller, entry_id, step)


async def link_one(app: App, caller: Caller, entry_id: str, body: LinkBody) -> Entry:
    """A case does the work; in the entry's campaign the two count once."""

    async def once(ctx: Context) -> Entry:
        case = await store.lock(ctx.tx, body.case_no)  # before the entry, as when the case ends
        one = await _locked(ctx, entry_id)
        by = over(caller, GIVERS, one.area, "关联案件")
        if case is None or case.away or case.state in ("closed", "voided"):
            raise Refused("campaign_case", no=body.case_no, why="不在本级，或已经办结")
        told = link(one, by, ctx.now(), case_id=case.case_id, case_no=case.case_no)
        events = await keep(ctx, told)
        if one.campaign_id:
            running = {c.campaign_id: c for c in await campaign_store.running(ctx.tx)}
            items = await campaign_store.items_of(ctx.tx, [case.case_id])
            old, campaign = items.get((one.campaign_id, case.case_id)), running.get(one.campaign_id)
            base = old or msgspec.structs.replace(entry_item(told.entry), item_id=case.case_id, kind="case")
            item = campaign and case_item(
                campaign, case, msgspec.structs.replace(base, how=LEDGER), app.get(Rules).codes.translate
            )
            await campaign_store.weigh(ctx.tx, [item] if item else [])
            if campaign and item and old:
                events += campaigning.moved(campaign, case, old, item, ctx.now())
        ctx.emit(*events)
        return told.entry

    return await acting(app, caller, once)


async def late(timer: Timer, ctx: Context) -> Sequence[Event]:
    """Its day has passed."""
    one = await ledger_store.lock(ctx.tx, timer.key)
    told = ring(one, ctx.now()) if one is not None else None
    return await keep(ctx, told) if told is not None and told.events else ()


async def keep(ctx: Context, told: Told, *, fresh: bool = False) -> list[Event]:
    """Write the entry's next shape, count it, set its timer; what is to be said."""
    if told.entry.campaign_id:
        await campaign_store.weigh(ctx.tx, [entry_item(told.entry)])
        await campaigning.soon(ctx, [told.entry.campaign_id])
    return await write(ctx, told, fresh=fresh)


async def write(ctx: Context, told: Told, *, fresh: bool = False) -> list[Event]:
    """The same, for who counts it otherwise."""
    one = told.entry
    if not fresh:
        await ledger_store.save(ctx.tx, [one])
    if one.state == "rectifying" and one.due_at is not None and not one.late:
        await ctx.set_timer(TIMER, one.entry_id, one.due_at + dt.timedelta(seconds=1))
    elif not fresh and one.state != "rectifying":
        await ctx.cancel_timer(TIMER, one.entry_id)
    return [*told.events, *notices(told, ctx.app.get(Rules).practice.ground)]


async def _locked(ctx: Context, entry_id: str) -> Entry:
    one = await ledger_store.lock(ctx.tx, entry_id)
    if one is None:
        raise NO_ENTRY(entry=entry_id)
    return one


async def _change(app: App, caller: Caller, entry_id: str, step: Callable[[Context, Entry], Told]) -> Entry:
    async def once(ctx: Context) -> Entry:
        told = step(ctx, await _locked(ctx, entry_id))
        ctx.emit(*await keep(ctx, told))
        return told.entry

    return await acting(app, caller, once)
