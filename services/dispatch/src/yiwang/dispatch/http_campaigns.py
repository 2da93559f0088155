"""The API of campaigns (专项): open, amend, end, take cases in and out, and how far the targets are reached."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from yiwang.contracts import CampaignCount
from yiwang.kit import App, Caller, allow, answers

from . import campaign_store, campaigning, taking_in
from .area_names import names_of
from .calendar import SHANGHAI
from .campaign import Campaign, Line, counting_area, line, rate_of, summed
from .campaign_store import CaseInCampaign
from .campaigning import JOINERS, LEADS, AmendBody, EndBody, JoinBody, OpenBody
from .cursors import after, words
from .errors import BAD_CURSOR, REFUSED
from .errors_ground import NO_CAMPAIGN
from .http import seen_areas, seen_units
from .rules import Rules
from .taking_in import TakingIn

CampaignId = Annotated[str, Parameter(max_length=100)]
WHO: Final = ("not_your_role", "outside_area", "area_malformed")
PLAN: Final = (*WHO, "campaign_dates", "campaign_scope", "campaign_target")
RUNS: Final = ("campaign_over", "campaign_not_yours")
KINDS: Final = {"special": "专项行动", "multi_year": "多年行动计划"}


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """What an area or a unit has found and rectified."""

    key: str
    """Area code, id of the unit, or year"""
    name: str
    found: int
    rectified: int
    accepted: int
    satisfied: int
    reopened: int
    overdue: int
    rate_pct: float | None


class BelowSum(msgspec.Struct, frozen=True, kw_only=True):
    """What a node below told, and when."""

    jurisdiction: str
    as_of: dt.datetime
    sum: Sum


class CampaignItem(msgspec.Struct, frozen=True, kw_only=True):
    campaign: Campaign
    kind_name: str
    leads_here: bool
    """This node leads it"""


class CampaignView(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign with its progress: this node's own and, `below`, what the nodes under it told; `total` is over all."""

    campaign: Campaign
    kind_name: str
    leads_here: bool
    total: Sum
    targets: tuple[Line, ...]
    areas: tuple[Sum, ...]
    units: tuple[Sum, ...]
    years: tuple[Sum, ...]
    below: tuple[BelowSum, ...]
    taking_in: TakingIn | None
    """How far the cases filed before it are looked through; none where another node counts"""


class CasesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Cases in a campaign; `cursor` gives the next page, empty at the end."""

    cases: tuple[CaseInCampaign, ...]
    cursor: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases came in, or went out."""

    changed: int


def _sum(cell: CampaignCount, key: str, name: str) -> Sum:
    return Sum(
        key=key, name=name, found=cell.found, rectified=cell.rectified, accepted=cell.accepted, satisfied=cell.satisfied,
        reopened=cell.reopened, overdue=cell.overdue, rate_pct=rate_of(cell),
    )  # fmt: skip


async def view(app: App, one: Campaign) -> CampaignView:
    """The campaign with every sum, this node's and those below."""
    rules, today = app.get(Rules), app.clock.now().astimezone(SHANGHAI).date()
    own = await campaign_store.sums(app.pool, one.campaign_id)
    told = await campaign_store.told_below(app.pool, one.campaign_id)
    cells = [*own, *(cell for node in told for cell in node.counts)]

    def name(unit_id: str) -> str:
        unit = rules.units.get(unit_id)
        return unit.name if unit else unit_id or "尚未交办"

    units = sorted({cell.unit_id for cell in cells})
    by_unit = [(u, summed(cell for cell in cells if cell.unit_id == u)) for u in units]
    areas = sorted({counting_area(cell.area) for cell in cells})
    by_area = [(a, summed(cell for cell in cells if counting_area(cell.area) == a)) for a in areas]
    called = await names_of(app.pool, rules, [*areas, *(node.jurisdiction for node in told)])
    return CampaignView(
        campaign=one,
        kind_name=KINDS.get(one.kind, one.kind),
        leads_here=one.issuer == app.node.jurisdiction,
        total=_sum(summed(cells), "", "合计"),
        targets=tuple(line(one, target, cells, today) for target in one.targets),
        areas=tuple(_sum(cell, area, called[area]) for area, cell in by_area),
        units=tuple(_sum(cell, unit, name(unit)) for unit, cell in by_unit),
        years=tuple(_sum(summed(cells, year=y), str(y), f"{y}年") for y in sorted({cell.year for cell in cells})),
        below=tuple(
            BelowSum(jurisdiction=n.jurisdiction, as_of=n.as_of, sum=_sum(summed(n.counts), n.jurisdiction, called[n.jurisdiction]))
            for n in told
        ),
        taking_in=await taking_in.shown(app.pool, one.campaign_id),
    )


def _route(name: str, roles: tuple[str, ...], keys: tuple[str, ...]) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """How every action on one campaign is declared."""
    return post(
        f"/campaigns/{{campaign_id:str}}/{name}", guards=[allow(*roles)], status_code=200, opt={"idempotent": True},
        responses=answers(NO_CAMPAIGN, *(REFUSED[key] for key in keys)),
    )  # fmt: skip


@post(
    "/campaigns", guards=[allow(*LEADS)], opt={"idempotent": True}, responses=answers(*(REFUSED[key] for key in PLAN))
)
async def open_campaign(data: OpenBody, app: App, caller: Caller) -> CampaignView:
    """专项启动: a plan with targets; cases of its scope count in it, those filed before within its days by and by."""
    return await view(app, await campaigning.open_one(app, caller, data))


@get("/campaigns", guards=[allow()])
async def list_campaigns(
    app: App, caller: Caller, campaign_state: Annotated[str, Parameter(query="state", pattern="^(|open|ended)$")] = ""
) -> list[CampaignItem]:
    """All campaigns that this node leads, takes part in, or knows from below; the latest to begin first."""
    found = await campaign_store.listed(app.pool, campaign_state)
    here = app.node.jurisdiction
    return [
        CampaignItem(campaign=one, kind_name=KINDS.get(one.kind, one.kind), leads_here=one.issuer == here) for one in found
    ]


@get("/campaigns/{campaign_id:str}", guards=[allow()], responses=answers(NO_CAMPAIGN))
async def show_campaign(campaign_id: CampaignId, app: App, caller: Caller) -> CampaignView:
    """One campaign: progress by area, unit and year against its targets, and as of when nodes below told theirs."""
    return await view(app, await _found(app, campaign_id))


@_route("amend", LEADS, (*PLAN, *RUNS))
async def amend_campaign(campaign_id: CampaignId, data: AmendBody, app: App, caller: Caller) -> CampaignView:
    """专项调整: the whole plan anew; with another span or scope all cases are looked through again."""
    return await view(app, await campaigning.amend_one(app, caller, campaign_id, data))


@_route("end", LEADS, (*WHO, *RUNS))
async def end_campaign(campaign_id: CampaignId, data: EndBody, app: App, caller: Caller) -> CampaignView:
    """专项结束: nothing counts in it any more."""
    return await view(app, await campaigning.end_one(app, caller, campaign_id, data))


@_route("join", JOINERS, (*WHO, "campaign_over", "campaign_case"))
async def join_cases(campaign_id: CampaignId, data: JoinBody, app: App, caller: Caller) -> Moved:
    """案件纳入专项, by hand; all of them or none."""
    return Moved(changed=await campaigning.move_cases(app, caller, campaign_id, data, into=True))


@_route("leave", JOINERS, (*WHO, "campaign_over", "campaign_case"))
async def remove_cases(campaign_id: CampaignId, data: JoinBody, app: App, caller: Caller) -> Moved:
    """案件移出专项, by hand; no rule takes them in again."""
    return Moved(changed=await campaigning.move_cases(app, caller, campaign_id, data, into=False))


@get("/campaigns/{campaign_id:str}/cases", guards=[allow()], responses=answers(NO_CAMPAIGN, BAD_CURSOR))
async def list_campaign_cases(
    campaign_id: CampaignId,
    app: App,
    caller: Caller,
    cursor: Annotated[str, Parameter(max_length=300)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> CasesPage:
    """The cases behind the numbers, of the caller's areas and units."""
    one = await _found(app, campaign_id)
    last = words(cursor)[1] if cursor else ""
    found = await campaign_store.cases_of(
        app.pool, one.campaign_id, last, seen_areas(caller), seen_units(caller), limit + 1
    )
    more = after("", found[limit - 1].case_id) if len(found) > limit else ""
    return CasesPage(cases=tuple(found[:limit]), cursor=more)


async def _found(app: App, campaign_id: str) -> Campaign:
    one = await campaign_store.find(app.pool, campaign_id)
    if one is None:
        raise NO_CAMPAIGN(campaign=campaign_id)
    return one


CAMPAIGNS: Final[Sequence[Any]] = (
    open_campaign, list_campaigns, show_campaign, amend_campaign, end_campaign, join_cases, remove_cases,
    list_campaign_cases,
)  # fmt: skip
