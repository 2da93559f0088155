"""Supervision by rule: which tier presses an overdue case when, and that it is said once."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yiwang.contracts import Actor, CaseOverdue, Supervision
from yiwang.dispatch import clocks, pressing
from yiwang.dispatch.case import Case, head_of
from yiwang.dispatch.directives import judge
from yiwang.dispatch.profile import BadProfile, load_profile
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.testing import MONDAY
from yiwang.dispatch.testing_tiers import CITY, LUOHU, PROVINCE, a_case_at, rules_at
from yiwang.dispatch.tiers import Press

PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
HOUR = dt.timedelta(hours=1)


def late(rules: Rules, limit: int = 4, unit: str = "urgent_hour") -> tuple[Case, CaseOverdue]:
    """Luohu's case whose disposal limit has passed, and the event that told it."""
    case = a_case_at("handling", LUOHU)
    clock = clocks.start(case, "disposal", unit, limit, MONDAY, rules)
    [one] = [c for c in case.clocks if c.clock.clock_id == clock.clock_id]
    clocks.mark(case, one, warned=True, overdue=True)
    event = CaseOverdue(
        case=head_of(case, "handling"), clock_id=clock.clock_id, stage="disposal", due_at=clock.due_at,
        unit_id="sanitation", occurred_at=clock.due_at + HOUR,
    )  # fmt: skip
    return case, event


def rules_with(me: str, *press: Press) -> Rules:
    return rules_at(me, press=press)


@pytest.mark.parametrize(
    ("me", "level", "sets"),
    [
        (LUOHU, "county", True),
        (LUOHU, "city", False),
        (CITY, "city", True),
        (CITY, "county", False),
        (PROVINCE, "province", True),
        (PROVINCE, "city", False),
    ],
)
def test_each_tier_presses_by_its_own_rules(me: str, level: str, sets: bool) -> None:
    """One table serves a whole province: a node takes the lines of its tier."""
    rules = rules_with(me, Press(level=level, after_hours=2))
    _, event = late(rules)
    assert [one.at for one in pressing.dues(event, rules, me)] == [event.due_at + 2 * HOUR] * sets


@pytest.mark.parametrize(
    ("rule", "after"),
    [
        (Press(level="county"), 0),
        (Press(level="county", after_hours=1.5), 1.5),
        (Press(level="county", after_multiple=0.5), 2),
        (Press(level="county", after_hours=3, after_multiple=0.5), 3),
        (Press(level="county", after_hours=1, after_multiple=1), 4),
    ],
)
def test_the_later_of_hours_and_multiples_counts(rule: Press, after: float) -> None:
    """A multiple is of the limit itself, in its own kind of time: here four plain hours."""
    rules = rules_with(LUOHU, rule)
    _, event = late(rules)
    [due] = pressing.dues(event, rules, LUOHU)
    assert due.at - event.due_at == after * HOUR


def test_another_stages_limit_presses_only_where_the_rule_names_it() -> None:
    rules = rules_with(LUOHU, Press(level="county"), Press(level="county", stage="dispatch"))
    _, event = late(rules)
    assert [one.n for one in pressing.dues(event, rules, LUOHU)] == [0]
    other = msgspec.structs.replace(event, stage="dispatch")
    assert [one.n for one in pressing.dues(other, rules, LUOHU)] == [1]


def one_due(**change: Any) -> tuple[Case, pressing.Due, Rules]:
    rules = rules_with(LUOHU, Press(level="county", reply_hours=2))
    case, event = late(rules)
    [due] = pressing.dues(event, rules, LUOHU)
    return msgspec.structs.replace(case, **change), due, rules


@pytest.mark.parametrize("change", [{"state": "closed"}, {"state": "voided"}, {"away": CITY}, {"clocks": ()}])
def test_what_is_over_or_elsewhere_is_not_pressed(change: dict[str, Any]) -> None:
    case, due, _ = one_due()
    assert pressing.still(case, due)
    assert not pressing.still(one_due(**change)[0], due)


def test_a_rule_presses_once_and_people_are_not_counted() -> None:
    """What a leader said before doesn't stand in its way; its own word does, whatever version it was based on."""
    case, due, _ = one_due()
    said = Supervision(directive_id="by-hand", issuer=CITY, kind="leader", level="city", supervised_at=MONDAY)
    assert pressing.still(msgspec.structs.replace(case, supervisions=(said,)), due)
    own = msgspec.structs.replace(said, directive_id=f"{due.key}@3")
    assert not pressing.still(msgspec.structs.replace(case, supervisions=(said, own)), due)


def test_the_custodian_obeys_a_rule_from_above_and_nobody_elses() -> None:
    """A rule has no role; a machine that gives another order, or a person without the role, is refused as before."""
    case, due, rules = one_due()
    said = pressing.said(case, due, Press(level="city", reply_hours=2), CITY, MONDAY)
    assert judge(said, case, rules, MONDAY) is None
    assert said.reply_due == MONDAY + 2 * HOUR
    for change in ({"action": "recall"}, {"kind": "leader"}, {"actor": Actor(role="dispatcher", kind="human")}):
        refused = judge(msgspec.structs.replace(said, **change), case, rules, MONDAY)
        assert refused is not None
        assert refused.key == "directive_role"


def test_a_word_that_came_late_is_given_anew_and_only_a_rules_own() -> None:
    case, due, _ = one_due()
    said = pressing.said(case, due, Press(level="city"), CITY, MONDAY)
    again = pressing.again(said, MONDAY, HOUR)
    assert again == msgspec.structs.replace(due, at=MONDAY + HOUR)
    by_hand = msgspec.structs.replace(said, directive_id=f"{case.case_id}/d/abc")
    assert pressing.again(by_hand, MONDAY, HOUR) is None


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ('[[dispatch.custody.press]]\nlevel = "town"', "level is one of county, city, province"),
        ('[[dispatch.custody.press]]\nlevel = "city"\nafter_hours = -1', "aren't below 0"),
        ('[dispatch.custody]\nvisits = "nobody"', "write one of holder, custodian"),
    ],
)
def test_a_wrong_line_of_the_profile_is_told(tmp_path: Path, words: str, part: str) -> None:
    shutil.copytree(PROFILES / "shenzhen", tmp_path / "city")
    with (tmp_path / "city/profile.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{words}\n")
    with pytest.raises(BadProfile) as told:
        load_profile(tmp_path / "city")
    assert any(part in mistake for mistake in told.value.mistakes)


@pytest.mark.parametrize(
    ("limit", "unit", "hours"),
    [(4, "urgent_hour", [2, 4, 24]), (2, "urgent_day", [24, 48, 144])],
)
def test_the_shipped_rules_press_from_the_nearest_tier_upwards(limit: int, unit: str, hours: list[float]) -> None:
    """Shenzhen's lines: the district first, then the city, which asks for an answer, the province after a day at least."""
    lines = load_profile(PROFILES / "shenzhen").rules.governance.press
    assert [(one.level, one.reply_hours) for one in lines] == [("county", 0), ("city", 24), ("province", 48)]
    found = []
    for me in (LUOHU, CITY, PROVINCE):
        rules = rules_with(me, *lines)
        _, event = late(rules, limit, unit)
        found += [(one.at - event.due_at) / HOUR for one in pressing.dues(event, rules, me)]
    assert found == hours
