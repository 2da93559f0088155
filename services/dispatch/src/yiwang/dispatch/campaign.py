"""Campaigns (专项行动、三年行动): what counts in one, and how far its targets are reached. Pure.

Cases and ledger entries count alike: each is an *item* whose numbers are a function of what it is now, so that sums are
kept by differences (decision 0044) and equal a recount. An item counts in the year in which it was found: numerator and
denominator of a year's rate are the same things. A case may count in several campaigns; it doesn't change by that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace
from yiwang.contracts import CampaignCount, CampaignScope, CampaignTarget, Category, Moment
from yiwang.contracts.areas import contains, county_of

from .calendar import SHANGHAI
from .case import Case
from .ledger import Entry

RULE, HAND, REPORT, LEDGER, REMOVED = "rule", "hand", "report", "ledger", "removed"
"""How an item stands in a campaign; *ledger*: a case that is counted by its entry; *removed*: taken out by hand"""
NUMBERS: Final = ("found", "rectified", "accepted", "satisfied", "reopened", "overdue")
Translate = Callable[[Category, str], Category | None]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign as this node takes part in it; `issuer` leads it."""

    campaign_id: str
    issuer: str
    title: str
    kind: str = "special"
    basis: str = ""
    begins_on: dt.date
    ends_on: dt.date
    scope: CampaignScope = CampaignScope()
    targets: tuple[CampaignTarget, ...] = ()
    revision: int = 1
    state: str = "open"
    """open or ended"""
    opened_at: Moment
    purpose: str = "live"
    spread: bool = False
    """The nodes below take part"""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A case or ledger entry in a campaign, with what it adds to the sums."""

    campaign_id: str
    item_id: str
    kind: str
    """case or entry"""
    how: str
    area: str
    unit_id: str
    year: int
    found: int = 0
    rectified: int = 0
    accepted: int = 0
    satisfied: int = 0
    reopened: int = 0
    overdue: int = 0


def takes(one: Campaign, case: Case, translate: Translate) -> bool:
    """Whether *case* belongs to the campaign by its scope: class, condition, place, and the day on which it was filed."""
    scope = one.scope
    if not scope.categories or case.category is None or case.purpose != one.purpose:
        return False
    if not one.begins_on <= _found_on(case) <= one.ends_on:
        return False
    if not any(within(area, case.area) for area in scope.areas or (one.issuer,)):
        return False
    if scope.conditions and case.condition_id not in scope.conditions:
        return False
    return any(pattern == "*" for pattern in scope.categories) or _of_class(scope, case.category, translate)


def _of_class(scope: CampaignScope, category: Category, translate: Translate) -> bool:
    here = translate(category, scope.code_set) if scope.code_set else category
    if here is None:
        return False
    key = here.key
    return any(one == key or (one.endswith("*") and key.startswith(one[:-1])) for one in scope.categories)


def case_item(one: Campaign, case: Case, old: Item | None, translate: Translate) -> Item | None:
    """What *case* adds to the campaign now; None where it never counted in it and doesn't now."""
    fits = takes(one, case, translate)
    if old is not None:
        how = old.how
    elif case.campaign_id == one.campaign_id:
        how = REPORT
    elif fits:
        how = RULE
    else:
        return None
    counts = not case.away and case.state != "voided" and (how in (HAND, REPORT) or (how == RULE and fits))
    item = Item(
        campaign_id=one.campaign_id, item_id=case.case_id, kind="case", how=how, area=counting_area(case.area),
        unit_id=case.lead.unit_id if case.lead else "", year=_found_on(case).year,
    )  # fmt: skip
    if not counts:
        return item
    closed = case.state == "closed" and not case.flags.force_closed
    return replace(
        item, found=1, rectified=int(closed or case.confirmed), accepted=int(closed), reopened=int(case.round > 1),
        overdue=int(case.timeliness == "overdue" or (case.timeliness is None and case.flags.overdue)),
    )  # fmt: skip


def why_left(case: Case, new: Item) -> str:
    """Why a case counts no more, in the words of `campaign.case_left`."""
    if new.how in (LEDGER, REMOVED):
        return "ledger" if new.how == LEDGER else "hand"
    return "moved" if case.away else "voided" if case.state == "voided" else "rule"


def entry_item(entry: Entry) -> Item:
    """What a ledger entry adds to its campaign."""
    done = entry.state in ("rectified", "accepted", "satisfied")
    return Item(
        campaign_id=entry.campaign_id, item_id=entry.entry_id, kind="entry", how=HAND, area=counting_area(entry.area),
        unit_id=entry.unit_id, year=entry.found_at.astimezone(SHANGHAI).year, found=int(entry.state != "withdrawn"),
        rectified=int(done), accepted=int(entry.state in ("accepted", "satisfied")),
        satisfied=int(entry.state == "satisfied"), reopened=int(entry.round > 1 and entry.state != "withdrawn"),
        overdue=int(entry.overdue and entry.state != "withdrawn"),
    )  # fmt: skip


def counting_area(code: str) -> str:
    """The street of *code*, or the area itself where it is larger: sums are kept by streets."""
    return code[:9] if len(code) > 9 else code


def within(area: str, code: str) -> bool:
    """Whether *code* lies in *area*; False where one of them is no area code."""
    try:
        return contains(area, code)
    except ValueError:
        return False


def _found_on(case: Case) -> dt.date:
    return case.times.get("filed", case.created_at).astimezone(SHANGHAI).date()


def summed(cells: Iterable[CampaignCount], area: str = "", unit_id: str = "", year: int = 0) -> CampaignCount:
    """The sum over the cells of an area, a unit and a year; empty is any."""
    sums = dict.fromkeys(NUMBERS, 0)
    for cell in cells:
        if (area and not within(area, cell.area)) or (unit_id and cell.unit_id != unit_id) or (year and cell.year != year):
            continue
        for name in NUMBERS:
            sums[name] += getattr(cell, name)
    return CampaignCount(area=area, unit_id=unit_id, year=year, **sums)


def by_county(cells: Sequence[CampaignCount]) -> tuple[CampaignCount, ...]:
    """The cells as upper tiers are told them: by county or town, unit and year."""
    keys = sorted({(county_of(cell.area), cell.unit_id, cell.year) for cell in cells})
    grouped: dict[tuple[str, str, int], list[CampaignCount]] = {key: [] for key in keys}
    for cell in cells:
        grouped[county_of(cell.area), cell.unit_id, cell.year].append(cell)
    told = []
    for (area, unit_id, year), some in grouped.items():
        told.append(replace(summed(some), area=area, unit_id=unit_id, year=year))
    return tuple(told)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """How far one target is reached."""

    target: CampaignTarget
    found: int
    rectified: int
    accepted: int
    satisfied: int
    overdue: int
    rate_pct: float | None
    """Rectified of found; None while nothing was found"""
    missing: tuple[str, ...]
    """What isn't reached, in words; empty: reached"""
    late: bool
    """The day is over and something is missing"""


def line(one: Campaign, target: CampaignTarget, cells: Sequence[CampaignCount], today: dt.date) -> Line:
    """The state of *target* on *today*."""
    sums = summed(cells, target.area, target.unit_id, target.year)
    rate = rate_of(sums)
    missing = []
    if sums.found < target.found:
        missing.append(f"还应排查 {target.found - sums.found} 处")
    if sums.rectified < target.rectified:
        missing.append(f"还应整改 {target.rectified - sums.rectified} 处")
    if target.rate_pct and (rate is None or rate < target.rate_pct):
        missing.append(f"整改率应达 {target.rate_pct:g}%，现为 {'—' if rate is None else f'{rate:g}%'}")
    return Line(
        target=target, found=sums.found, rectified=sums.rectified, accepted=sums.accepted, satisfied=sums.satisfied,
        overdue=sums.overdue, rate_pct=rate, missing=tuple(missing), late=bool(missing) and today > due_on(one, target),
    )  # fmt: skip


def due_on(one: Campaign, target: CampaignTarget) -> dt.date:
    """The last day for *target*: its own, else the year's, else the campaign's."""
    if target.due_on is not None:
        return target.due_on
    return min(one.ends_on, dt.date(target.year, 12, 31)) if target.year else one.ends_on


def rate_of(sums: CampaignCount) -> float | None:
    return round(100 * sums.rectified / sums.found, 2) if sums.found else None
