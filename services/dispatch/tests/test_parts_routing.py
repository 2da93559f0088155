"""部件先属主、后属地，事件先属地、后属主: whose a part is decides before where it lies, by the profiles that ship."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from yiwang.contracts import AreaRef, Category, PartRef, Place
from yiwang.dispatch.profile import load_profile

PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
DAY = dt.date(2026, 11, 23)
PART_ID = "4403030102000001"


def assigned(profile: str, kind: str, part: PartRef | None, area: AreaRef):
    rules = load_profile(PROFILES / profile).rules
    row = next(c for c in rules.codes.categories.values() if c.code_set == rules.code_set and c.kind == kind)
    category = Category(code_set=row.code_set, version="", kind=row.kind, major=row.major, minor=row.minor)
    return rules, rules.matrix.assign(category, "", Place(area=area, part=part), DAY)


@pytest.mark.parametrize(
    ("profile", "area"),
    [
        ("shenzhen", AreaRef(province="440000", city="440300", county="440303")),
        ("guangzhou", AreaRef(province="440000", city="440100", county="440106")),
        ("dongguan", AreaRef(province="440000", city="441900", street9="441900003")),
    ],
)
def test_a_part_goes_to_its_owner_and_one_without_to_the_territory(profile: str, area: AreaRef) -> None:
    """Owner, else who maintains it; a part that nobody is known to own is its territory's."""
    rules, territory = assigned(profile, "part", None, area)
    assert territory is not None, "an unowned part has somebody all the same"
    owner = next(u.unit_id for u in rules.units if u.kind == "handling" and u.unit_id != territory.lead.unit_id)
    for units in ({"owner_unit": owner}, {"maintenance_unit": owner}):
        _, found = assigned(profile, "part", PartRef(part_id16=PART_ID, **units), area)
        assert (found.lead.unit_id, found.rule_id) == (owner, "part-owner")
    for unowned in (PartRef(part_id16=PART_ID), PartRef(part_id16=PART_ID, owner_unit="dissolved")):
        _, found = assigned(profile, "part", unowned, area)
        assert found.lead.unit_id == territory.lead.unit_id
        assert "part-owner" in found.passed
    _, event = assigned(profile, "event", PartRef(part_id16=PART_ID, owner_unit=owner), area)
    _, plain = assigned(profile, "event", None, area)
    assert event.lead.unit_id == plain.lead.unit_id, "an event is its territory's, whoever owns the part beside it"


def test_two_parts_in_one_cell_are_told_apart() -> None:
    """What the rules remember of one part isn't said of another one at the same place."""
    from yiwang.dispatch.matrix import Matrix, Rule
    from yiwang.dispatch.testing import LITTER, MONDAY, PLACE, some_case, some_rules

    rules = some_rules()
    matrix = Matrix([Rule(rule_id="o", lead="owner"), Rule(rule_id="m", lead="maintenance")], rules.units, "m2")
    rules = msgspec.structs.replace(rules, matrix=matrix, memo={})
    part = msgspec.structs.replace(LITTER, kind="part")
    found = []
    for told in (PartRef(part_id16="1", owner_unit="patrol"), PartRef(part_id16="2", owner_unit="bureau")):
        case = msgspec.structs.replace(some_case(), category=part, place=msgspec.structs.replace(PLACE, part=told))
        found.append(rules.assigned(case, MONDAY).lead.unit_id)
    assert found == ["patrol", "bureau"]
