"""Codes, units and the responsibility matrix: what a city's data may rely on."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from yiwang.contracts import AreaRef, Category, Place
from yiwang.dispatch.codes import CategoryRow, Closing, Codes, CodeSet, Condition
from yiwang.dispatch.matrix import Matrix, Rule
from yiwang.dispatch.units import Ambiguous, Unit, Units, area_path

DAY = dt.date(2026, 3, 10)
LITTER = Category(code_set="s", version="1", kind="event", major="01", minor="10")
STALL = Category(code_set="s", version="1", kind="event", major="04", minor="01")
COVER = Category(code_set="s", version="1", kind="part", major="01", minor="01")
XIXIANG = Place(area=AreaRef(city="440300", county="440306", street9="440306018"), duty_grid_id="G7")

UNITS = Units(
    [
        Unit(unit_id="city", name="市指挥中心", trades=("territory",), areas=("440300",)),
        Unit(unit_id="baoan", name="宝安区指挥中心", trades=("territory",), areas=("440306",)),
        Unit(unit_id="env", name="宝安区环卫", trades=("sanitation",), areas=("440306",), parent="baoan"),
        Unit(unit_id="law", name="宝安区执法", trades=("enforcement",), areas=("440306",)),
        Unit(unit_id="law-xx", name="西乡执法队", trades=("enforcement",), areas=("440306018",), parent="law"),
        Unit(unit_id="water", name="水务集团", aliases=("自来水公司", "水司")),
        Unit(unit_id="water2", name="坪山水务", aliases=("水司",)),
    ]
)


def row(category: Category, name: str, **more: Any) -> CategoryRow:
    return CategoryRow(
        code_set=category.code_set,
        kind=category.kind,
        major=category.major,
        minor=category.minor,
        major_name="",
        minor_name=name,
        **more,
    )


def condition(condition_id: str, category: Category, **more: Any) -> Condition:
    fields: dict[str, Any] = {"kind": category.kind, "major": category.major, "minor": category.minor} | more
    return Condition(
        condition_id=condition_id,
        version="1",
        code_set=category.code_set,
        text="有",
        limit=1,
        unit_kind="work_day",
        closings=(Closing(closing_id="c", text="无"),),
        **fields,
    )


def matrix(*rules: Rule) -> Matrix:
    return Matrix(rules, UNITS, "m1")


def lead_of(made: Matrix, category: Category, place: Place | None = XIXIANG, **more: Any) -> str:
    found = made.assign(category, more.pop("condition_id", ""), place, more.pop("day", DAY), **more)
    return found.lead.unit_id if found else ""


def test_the_same_number_is_another_thing_as_part_and_as_event() -> None:
    codes = Codes(
        [CodeSet(code_set="s", version="1")],
        [
            row(COVER, "上水井盖"),
            CategoryRow(code_set="s", kind="event", major="01", minor="01", major_name="", minor_name="私搭乱建"),
        ],
        [],
    )

    assert getattr(codes.category("s", "part", "01", "01"), "minor_name", "") == "上水井盖"
    assert getattr(codes.category("s", "event", "01", "01"), "minor_name", "") == "私搭乱建"


def test_a_closed_set_refuses_what_it_does_not_list_and_an_open_one_takes_it() -> None:
    codes = Codes([CodeSet(code_set="s", version="1"), CodeSet(code_set="old", version="2018", open=True)], [], [])
    claimed = Category(
        code_set="old", version="2018", kind="event", major="178", minor="602", minor_name="无照经营游商"
    )

    assert claimed == codes.complete(claimed)
    assert codes.complete(LITTER) is None


def test_one_class_has_several_conditions_and_a_set_may_have_one_for_all() -> None:
    codes = Codes(
        [CodeSet(code_set="s", version="1")],
        [row(LITTER, "暴露垃圾")],
        [condition("a", LITTER), condition("b", LITTER), condition("all", LITTER, kind="*", major="*", minor="*")],
    )

    assert [c.condition_id for c in codes.conditions_of(LITTER, DAY)] == ["a", "b"]
    assert [c.condition_id for c in codes.conditions_of(STALL, DAY)] == ["all"]


@pytest.mark.parametrize(("month", "offered"), [(3, True), (5, True), (6, False), (12, False)])
def test_a_seasonal_condition_is_offered_in_its_season_only(month: int, offered: bool) -> None:
    codes = Codes(
        [CodeSet(code_set="s", version="1")], [row(LITTER, "")], [condition("a", LITTER, season=("03-01", "05-31"))]
    )

    assert offered == bool(codes.conditions_of(LITTER, dt.date(2026, month, 15)))


def test_a_winter_season_reaches_over_the_new_year() -> None:
    winter = condition("a", LITTER, season=("11-15", "03-15"))

    assert winter.in_season(dt.date(2026, 1, 1))
    assert winter.in_season(dt.date(2026, 12, 1))
    assert not winter.in_season(dt.date(2026, 7, 1))


def test_a_crosswalk_carries_a_class_to_another_numbering() -> None:
    other = CategoryRow(code_set="t", kind="event", major="05", minor="01", major_name="街面秩序", minor_name="游商")
    codes = Codes(
        [CodeSet(code_set="s", version="1"), CodeSet(code_set="t", version="2")],
        [row(STALL, "游商"), other],
        [],
        {(row(STALL, "").key, "t"): other.key},
    )
    moved = codes.translate(STALL, "t")

    assert moved is not None
    assert (moved.code_set, moved.version, moved.major, moved.minor) == ("t", "2", "05", "01")
    assert codes.translate(LITTER, "t") is None


def test_local_classes_are_numbered_from_99_downwards() -> None:
    rows = [
        CategoryRow(code_set="s", kind="event", major="01", minor=n, major_name="", minor_name="")
        for n in ("99", "98", "10")
    ]

    assert Codes([CodeSet(code_set="s", version="1")], rows, []).next_extension("s", "event", "01") == "97"


def test_a_unit_is_found_by_id_first_and_by_alias_second() -> None:
    assert UNITS.resolve("env", "水务集团") is UNITS.get("env")
    assert UNITS.resolve("gone", "自来水公司") is UNITS.get("water")
    assert UNITS.resolve("gone", "没有这个单位") is None


def test_a_name_that_two_units_wear_decides_nothing() -> None:
    with pytest.raises(Ambiguous, match="'水司' may be water or water2; give the unit's id"):
        UNITS.resolve("", "水司")

    assert UNITS.conflicts == ["the name '水司' belongs to water, water2; only an id can tell them apart"]


def test_conflicts_of_ids_parents_and_trades_are_told() -> None:
    units = Units(
        [
            Unit(unit_id="a", name="甲", trades=("sanitation",), areas=("440306",)),
            Unit(unit_id="a", name="乙"),
            Unit(unit_id="b", name="丙", trades=("sanitation",), areas=("440306",), parent="none"),
        ]
    )

    assert sorted(units.conflicts) == [
        "unit 'a' stands there twice; drop one",
        "unit 'b' has the parent 'none', which doesn't exist; add it or clear the field",
        "units 'a' and 'b' both do 'sanitation' in 440306; the first one is taken",
    ]


PINGSHAN = Path(__file__).parents[4] / "shared" / "data" / "reports" / "pingshan_2018.csv"


@pytest.mark.skipif(not PINGSHAN.is_file(), reason="../shared/data/reports/pingshan_2018.csv isn't here")
def test_a_districts_real_units_resolve_by_id_and_by_every_name_but_one() -> None:
    """Pingshan 2018: the same unit under several names, and one name that two units wear."""
    with PINGSHAN.open(encoding="utf-8-sig", newline="") as file:
        pairs = sorted({(row["unit_id"], row["unit"]) for row in csv.DictReader(file)})
    names: dict[str, list[str]] = {}
    for unit_id, name in pairs:
        names.setdefault(unit_id, []).append(name)
    units = Units([Unit(unit_id=i, name=first, aliases=tuple(rest)) for i, (first, *rest) in names.items()])

    assert (len(units), len({name for _, name in pairs})) == (119, 153)
    assert units.conflicts == ["the name '城建办' belongs to 9444, 9466; only an id can tell them apart"]
    assert all(units.resolve(i, name) is units.get(i) for i, name in pairs)
    by_name_alone = [name for _, name in pairs if name != "城建办"]
    assert all(units.resolve("", name) is not None for name in by_name_alone)


def test_a_town_directly_below_its_city_has_no_county_above_it() -> None:
    assert area_path("441900003001") == ("441900003001", "441900003", "441900", "440000")


def test_an_event_goes_to_the_territory_first_then_to_the_trade() -> None:
    """先属地、后属主: the street's own team, or the district's where the street has none."""
    made = matrix(
        Rule(rule_id="street", kind="event", lead="trade:enforcement@street"),
        Rule(rule_id="district", kind="event", lead="trade:enforcement"),
    )
    elsewhere = Place(area=AreaRef(city="440300", county="440306", street9="440306099"))

    assert lead_of(made, STALL) == "law-xx"
    assert lead_of(made, STALL, elsewhere) == "law"


def test_a_part_goes_to_its_owner_first_then_to_the_territory() -> None:
    """先属主、后属地"""
    made = matrix(Rule(rule_id="owner", kind="part", lead="owner"), Rule(rule_id="rest", lead="trade:territory@county"))

    assert lead_of(made, COVER, owner_unit="water") == "water"
    assert lead_of(made, COVER) == "baoan"


def test_the_first_rule_that_finds_a_unit_wins_whatever_is_more_special() -> None:
    made = matrix(
        Rule(rule_id="general", kind="event", lead="trade:enforcement"),
        Rule(rule_id="special", code_set="s", kind="event", major="01", minor="10", lead="trade:sanitation"),
    )

    assert lead_of(made, LITTER) == "law-xx"


def test_a_rule_that_finds_nobody_is_passed_over_and_named() -> None:
    made = matrix(Rule(rule_id="owner", kind="part", lead="owner"), Rule(rule_id="last", lead="unit:city"))
    found = made.assign(COVER, "", XIXIANG, DAY)

    assert found is not None
    assert (found.lead.unit_id, found.rule_id, found.passed) == ("city", "last", ("owner",))


def test_without_a_place_only_a_rule_for_everywhere_decides() -> None:
    made = matrix(Rule(rule_id="here", scope="440306", lead="unit:env"), Rule(rule_id="last", lead="unit:city"))

    assert lead_of(made, LITTER) == "env"
    assert lead_of(made, LITTER, None) == "city"


@pytest.mark.parametrize(
    "narrow",
    [
        pytest.param({"condition_id": "a"}, id="a filing condition"),
        pytest.param({"scope": "G7"}, id="a duty grid"),
        pytest.param({"scope": "440306018"}, id="a street"),
        pytest.param({"code_set": "s", "kind": "event", "major": "01"}, id="a major class"),
        pytest.param({"valid_from": dt.date(2026, 3, 1), "valid_to": dt.date(2026, 4, 1)}, id="a month"),
    ],
)
def test_a_rule_holds_only_where_and_when_it_says(narrow: dict[str, Any]) -> None:
    made = matrix(Rule(rule_id="narrow", lead="unit:env", **narrow), Rule(rule_id="last", lead="unit:city"))
    elsewhere = Place(area=AreaRef(city="440300", county="440306", street9="440306099"), duty_grid_id="G8")

    assert lead_of(made, LITTER, condition_id="a") == "env"
    assert lead_of(made, STALL, elsewhere, condition_id="b", day=dt.date(2026, 4, 1)) == "city"


def test_the_same_number_in_another_code_set_is_not_meant() -> None:
    made = matrix(
        Rule(rule_id="swapped", code_set="t", kind="event", major="04", lead="unit:env"),
        Rule(rule_id="last", lead="unit:city"),
    )

    assert lead_of(made, STALL) == "city"


def test_the_lead_is_never_its_own_co_unit_and_suggestions_follow_the_order() -> None:
    made = matrix(
        Rule(rule_id="one", kind="event", lead="unit:env", co=("unit:env", "unit:law", "trade:nobody")),
        Rule(rule_id="two", kind="event", lead="unit:law"),
        Rule(rule_id="three", lead="unit:env"),
    )
    found = list(made.candidates(LITTER, "", XIXIANG, DAY))

    assert [(f.lead.unit_id, [c.unit_id for c in f.co]) for f in found] == [("env", ["law"]), ("law", [])]
