"""The import check of a responsibility matrix: contradictions and rows that never fire."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from yiwang.dispatch.matrix import Matrix, Rule
from yiwang.dispatch.matrix_doubts import doubts
from yiwang.dispatch.profile import load_profile
from yiwang.dispatch.testing import LITTER, PLACE, some_rules

PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
JUNE, JULY, AUGUST = (dt.date(2026, month, 1) for month in (6, 7, 8))
EVENT = {"kind": "event", "major": "01"}
ROAD = EVENT | {"code_set": "t", "minor": "01"}


def rule(rule_id: str, lead: str = "unit:patrol", **more: object) -> Rule:
    return Rule(rule_id=rule_id, lead=lead, **more)


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([rule("a", **EVENT), rule("b", "unit:sanitation", **EVENT)], "different units"),
        ([rule("a", **EVENT), rule("b", **EVENT)], "repeats 'a'"),
        ([rule("a", valid_to=AUGUST), rule("b", "unit:bureau", valid_from=JULY)], "different units"),
        ([rule("a", **EVENT), rule("b", "unit:bureau", **ROAD)], "'b' never fires"),
        ([rule("a"), rule("b", "unit:bureau", scope="440303001")], "'b' never fires"),
        ([rule("a", scope="440303"), rule("b", "unit:bureau", scope="440303001001")], "'b' never fires"),
        ([rule("a"), rule("b", "unit:bureau", condition_id="c1")], "'b' never fires"),
        ([rule("a", valid_from=JULY, valid_to=JUNE)], "ends before it begins"),
    ],
)
def test_contradictions_and_dead_rows_are_told(rows: list[Rule], word: str) -> None:
    """Each in one sentence that names both rows."""
    [sentence] = doubts(rows)
    assert word in sentence


@pytest.mark.parametrize(
    "rows",
    [
        [rule("a", valid_to=JULY), rule("b", "unit:bureau", valid_from=JULY)],
        [rule("a", scope="440303"), rule("b", "unit:bureau", scope="440304")],
        [rule("a", **ROAD), rule("b", "unit:bureau", **EVENT)],
        [rule("a", "trade:sanitation"), rule("b", "unit:bureau", **EVENT)],
        [rule("a", "owner"), rule("b", "unit:bureau", **EVENT)],
        [rule("a", "trade:sanitation@street"), rule("b", "trade:sanitation"), rule("c")],
        [rule("a", valid_to=JULY), rule("b", "unit:bureau", **EVENT)],
        [rule("a", scope="LH-01"), rule("b", "unit:bureau", scope="440303")],
    ],
)
def test_rows_that_have_their_own_cases_or_days_are_in_order(rows: list[Rule]) -> None:
    """Other days, other places, the special one first, or one above that may find nobody."""
    assert doubts(rows) == []


@pytest.mark.parametrize("profile", ["shenzhen", "dongguan", "guangzhou"])
def test_the_matrices_that_ship_are_in_order(profile: str) -> None:
    """Their import check finds nothing."""
    assert doubts(load_profile(PROFILES / profile).rules.matrix.rules) == []


def test_a_matrix_is_asked_by_class_condition_place_and_day() -> None:
    """The whole key: each part of it decides between two rows, the first that fits wins, co-units come along."""
    units = some_rules().units
    rows = [
        rule("by-condition", "unit:bureau", condition_id="c9"),
        rule("by-grid", "unit:sanitation", scope=PLACE.duty_grid_id, co=("unit:patrol",), level="city", valid_to=JULY),
        rule("by-street", "unit:patrol", scope="440303001", valid_from=JULY),
        rule("rest", "unit:bureau"),
    ]
    matrix = Matrix(rows, units, "m")
    june = matrix.assign(LITTER, "", PLACE, JUNE)
    assert (june.rule_id, june.level, [u.unit_id for u in june.co]) == ("by-grid", "city", ["patrol"])
    assert matrix.assign(LITTER, "", PLACE, AUGUST).rule_id == "by-street"
    assert matrix.assign(LITTER, "c9", PLACE, JUNE).rule_id == "by-condition"
    assert matrix.assign(LITTER, "", None, JUNE).rule_id == "rest"
    assert [a.lead.unit_id for a in matrix.candidates(LITTER, "", PLACE, JUNE)] == ["sanitation", "bureau"]
