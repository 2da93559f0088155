"""Campaigns: what counts in one, and how far its targets are reached; pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from yiwang.contracts import CampaignCount, CampaignScope, CampaignTarget, Category, Flags
from yiwang.dispatch.campaign import (
    HAND,
    LEDGER,
    NUMBERS,
    REMOVED,
    REPORT,
    RULE,
    Campaign,
    by_county,
    case_item,
    line,
    rate_of,
    summed,
    takes,
    why_left,
)
from yiwang.dispatch.campaign_checks import checked
from yiwang.dispatch.campaigning import PlanBody
from yiwang.dispatch.case import Case
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.testing import LITTER, MONDAY, STALLS, some_case, some_rules

RULES = some_rules()
DAY = dt.date(2026, 11, 23)


def a_campaign(**change: Any) -> Campaign:
    """Litter in Luohu, this November."""
    fields: dict[str, Any] = {
        "campaign_id": "k1", "issuer": "440300", "title": "城市清洁专项", "begins_on": dt.date(2026, 11, 1),
        "ends_on": dt.date(2026, 11, 30), "opened_at": MONDAY,
        "scope": CampaignScope(code_set="t", categories=("event/01/*",), areas=("440303",)),
    }  # fmt: skip
    return Campaign(**(fields | change))


def a_case(**change: Any) -> Case:
    return replace(some_case(), state="filed", case_no="1", **change)


def same(category: Category, to_set: str) -> Category | None:
    return RULES.codes.translate(category, to_set)


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"category": STALLS}, False),
        ({"category": None}, False),
        ({"purpose": "test"}, False),
        ({"created_at": MONDAY - dt.timedelta(days=40)}, False),
        ({"created_at": MONDAY - dt.timedelta(days=40), "times": {"filed": MONDAY}}, True),
        ({"place": None, "located": False}, False),
        ({"category": replace(LITTER, code_set="other")}, False),
    ],
)
def test_a_case_counts_by_class_place_day_of_filing_and_purpose(change: dict[str, Any], counts: bool) -> None:
    """The scope of a campaign, as data."""
    assert takes(a_campaign(), a_case(**change), same) is counts


def test_a_campaign_over_all_classes_or_for_some_conditions() -> None:
    """``*`` is any class; conditions narrow further; without classes nothing joins by rule."""
    everything = a_campaign(scope=CampaignScope(categories=("*",)))
    assert takes(everything, a_case(category=STALLS), same)
    narrow = a_campaign(scope=CampaignScope(categories=("*",), conditions=("c1",)))
    assert takes(narrow, a_case(condition_id="c1"), same)
    assert not takes(narrow, a_case(condition_id="c2"), same)
    assert not takes(a_campaign(scope=CampaignScope()), a_case(), same)


def test_the_same_number_in_another_code_set_is_another_class_until_it_is_translated() -> None:
    """04 and 05 change places between code sets (domain notes, trap 2)."""
    other = replace(LITTER, code_set="old", major="09")
    assert not takes(a_campaign(), a_case(category=other), same)
    assert takes(a_campaign(), a_case(category=other), lambda category, to: LITTER if to == "t" else None)


def test_last_moment_of_the_last_day_counts_in_shanghai() -> None:
    """Days are Shanghai's, the last one inclusive."""
    last = dt.datetime(2026, 11, 30, 15, 59, 59, tzinfo=dt.UTC)
    assert takes(a_campaign(), a_case(times={"filed": last}), same)
    assert not takes(a_campaign(), a_case(times={"filed": last + dt.timedelta(seconds=1)}), same)


def test_a_cases_numbers_follow_its_course() -> None:
    """Found when filed, rectified when confirmed or closed, accepted when closed; late and reopened are told."""
    one = a_campaign()
    item = case_item(one, a_case(), None, same)
    assert item is not None
    assert (item.how, item.area, item.year, item.found, item.rectified) == (RULE, "440303001", 2026, 1, 0)
    confirmed = case_item(one, a_case(confirmed=True), item, same)
    assert confirmed is not None
    assert (confirmed.rectified, confirmed.accepted) == (1, 0)
    closed = case_item(one, replace(a_case(confirmed=True), state="closed", timeliness="overdue", round=2), item, same)
    assert closed is not None
    assert (closed.rectified, closed.accepted, closed.overdue, closed.reopened) == (1, 1, 1, 1)
    forced = case_item(one, replace(a_case(), state="closed", flags=Flags(force_closed=True)), item, same)
    assert forced is not None
    assert (forced.found, forced.rectified, forced.accepted) == (1, 0, 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"state": "voided"}, "voided"), ({"away": "440303"}, "moved"), ({"category": STALLS}, "rule")],
)
def test_what_is_voided_moved_or_corrected_counts_no_more_and_may_come_back(change: dict[str, Any], why: str) -> None:
    """Its numbers are nought, why is told; the other way round it counts again."""
    one = a_campaign()
    item = case_item(one, a_case(), None, same)
    after = replace(a_case(), **change)
    left = case_item(one, after, item, same)
    assert left is not None
    assert left.found == 0
    assert why_left(after, left) == why
    back = case_item(one, a_case(), left, same)
    assert back is not None
    assert back.found == 1


def test_who_came_by_hand_stays_whatever_its_class_and_who_was_taken_out_stays_out() -> None:
    """A person's word goes over the rule; what the ledger counts isn't counted twice."""
    one = a_campaign()
    item = case_item(one, a_case(), None, same)
    assert item is not None
    by_hand = case_item(one, a_case(category=STALLS), replace(item, how=HAND), same)
    assert by_hand is not None
    assert by_hand.found == 1
    for how, why in ((REMOVED, "hand"), (LEDGER, "ledger")):
        out = case_item(one, a_case(), replace(item, how=how), same)
        assert out is not None
        assert (out.found, why_left(a_case(), out)) == (0, why)
    assert case_item(one, a_case(category=STALLS), None, same) is None
    reported = case_item(one, a_case(category=STALLS, campaign_id="k1"), None, same)
    assert reported is not None
    assert (reported.how, reported.found) == (REPORT, 1)


def cell(area: str = "440303001", unit: str = "u", year: int = 2026, **n: int) -> CampaignCount:
    return CampaignCount(area=area, unit_id=unit, year=year, **n)


CELLS = [
    cell(found=10, rectified=7, overdue=1), cell(unit="v", found=5, rectified=5), cell(area="440304002", found=4),
    cell(year=2027, found=3, rectified=1),
]  # fmt: skip


def test_sums_are_over_any_area_unit_and_year() -> None:
    """A county's are those of its streets."""
    assert summed(CELLS).found == 22
    assert summed(CELLS, area="440303", year=2026).found == 15
    assert (summed(CELLS, unit_id="u").found, summed(CELLS, area="440300", unit_id="v").rectified) == (17, 5)
    assert rate_of(summed(CELLS, area="440303", year=2026)) == 80.0
    assert rate_of(summed([])) is None


@pytest.mark.parametrize(
    ("target", "day", "missing", "late"),
    [
        (CampaignTarget(area="440303", year=2026, found=15, rectified=12), dt.date(2026, 12, 31), 0, False),
        (CampaignTarget(area="440303", year=2026, found=16), dt.date(2026, 12, 31), 1, False),
        (CampaignTarget(area="440303", year=2026, found=16, rectified=13), dt.date(2027, 1, 1), 2, True),
        (CampaignTarget(year=2026, rate_pct=80.0, area="440303"), dt.date(2027, 1, 1), 0, False),
        (CampaignTarget(year=2026, rate_pct=80.01, area="440303"), dt.date(2027, 1, 1), 1, True),
        (CampaignTarget(unit_id="nobody", rate_pct=90), dt.date(2026, 1, 1), 1, False),
        (CampaignTarget(found=99, due_on=dt.date(2026, 6, 30)), dt.date(2026, 7, 1), 1, True),
        (CampaignTarget(found=99), dt.date(2028, 12, 31), 1, False),
        (CampaignTarget(found=99), dt.date(2029, 1, 1), 1, True),
    ],
)
def test_a_target_says_what_is_missing_and_whether_its_day_is_over(
    target: CampaignTarget, day: dt.date, missing: int, late: bool
) -> None:
    """A three-year plan with yearly targets: each until its own day, its year's end, or the plan's."""
    plan = a_campaign(kind="multi_year", begins_on=dt.date(2026, 1, 1), ends_on=dt.date(2028, 12, 31))
    told = line(plan, target, CELLS, day)
    assert (len(told.missing), told.late) == (missing, late)
    assert all("还应" in word or "整改率" in word for word in told.missing)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.builds(
            CampaignCount,
            area=st.sampled_from(["440303001", "440303002", "440304", "441900003"]),
            unit_id=st.sampled_from(["", "u", "v"]), year=st.sampled_from([2026, 2027]),
            **{name: st.integers(0, 50) for name in NUMBERS},
        )
    )
)  # fmt: skip
def test_what_is_told_upward_adds_up_to_the_same(cells: list[CampaignCount]) -> None:
    """By county or town, unit and year, each once; every sum over it is the sum over the streets."""
    told = by_county(cells)
    assert len({(c.area, c.unit_id, c.year) for c in told}) == len(told)
    assert {len(c.area) for c in told} <= {6, 9}
    for unit in ("", "u"):
        for year in (0, 2026):
            whole, parts = summed(cells, unit_id=unit, year=year), summed(told, unit_id=unit, year=year)
            assert msgspec.structs.astuple(whole) == msgspec.structs.astuple(parts)


def plan(**change: Any) -> PlanBody:
    fields: dict[str, Any] = {"title": "专项", "begins_on": DAY, "ends_on": DAY + dt.timedelta(days=400)}
    return PlanBody(**(fields | change))


def test_a_plan_keeps_the_code_set_in_which_its_classes_are_written() -> None:
    """So that a node below with another set can translate."""
    scope, targets = checked(
        plan(scope=CampaignScope(categories=("event/01/01", "part/*")), targets=(CampaignTarget(found=3),)), RULES, "440300"
    )
    assert (scope.code_set, targets[0].found) == ("t", 3)
    assert checked(plan(), RULES, "440300")[0].code_set == ""


@pytest.mark.parametrize(
    ("change", "key", "word"),
    [
        ({"ends_on": DAY - dt.timedelta(days=1)}, "campaign_dates", "结束早于开始"),
        ({"ends_on": DAY.replace(year=2037)}, "campaign_dates", "10 年"),
        ({"scope": CampaignScope(categories=("0410",))}, "campaign_scope", "写法"),
        ({"scope": CampaignScope(categories=("event/77/01",))}, "campaign_scope", "event/77/01"),
        ({"scope": CampaignScope(code_set="x", categories=("*",))}, "campaign_scope", "x"),
        ({"scope": CampaignScope(conditions=("nope",))}, "campaign_scope", "nope"),
        ({"scope": CampaignScope(areas=("441900",))}, "campaign_scope", "441900"),
        ({"scope": CampaignScope(areas=("nowhere",))}, "campaign_scope", "nowhere"),
        ({"targets": (CampaignTarget(area="441900", found=1),)}, "campaign_target", "441900"),
        ({"targets": (CampaignTarget(unit_id="x", found=1),)}, "campaign_target", "单位库"),
        ({"targets": (CampaignTarget(year=2030, found=1),)}, "campaign_target", "2030"),
        ({"targets": (CampaignTarget(due_on=DAY - dt.timedelta(days=1), found=1),)}, "campaign_target", "期间"),
        ({"targets": (CampaignTarget(found=-1),)}, "campaign_target", "负"),
        ({"targets": (CampaignTarget(rate_pct=101),)}, "campaign_target", "100"),
        ({"targets": (CampaignTarget(),)}, "campaign_target", "没有写明"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused_with_what_is_wrong(change: dict[str, Any], key: str, word: str) -> None:
    """Each mistake is a sentence."""
    with pytest.raises(Refused) as refused:
        checked(plan(**change), RULES, "440300")
    assert refused.value.key == key
    assert word in str(refused.value)
