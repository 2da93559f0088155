"""Whatever befalls cases, in whatever order it is heard: the figures equal a recount from scratch."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yiwang.evaluation.applying import tell
from yiwang.evaluation.attribution import area_chain, is_summed, keys_of, parts_of
from yiwang.evaluation.counting import counters
from yiwang.evaluation.facts import Facts, elapse
from yiwang.evaluation.fold import fold
from yiwang.evaluation.heard import Seen
from yiwang.evaluation.hours import add_hours
from yiwang.evaluation.rules import Rules, Unit
from yiwang.evaluation.store import Changes
from yiwang.evaluation.testing import MORNING, Life

from .walks import walk

UNITS = {"u1": Unit(unit_id="u1", name="环卫所", parent="top", area="440310"), "top": Unit(unit_id="top", name="城管局")}
RULES = [Rules(units=UNITS), Rules(period="happened", attribution={"reported": "place", "disposal": "place", "closing": "place"})]
Draws = st.lists(st.integers(0, 10_000), min_size=1, max_size=60)


def drawer(draws: list[int]) -> Any:
    source = iter(draws * 20)
    return lambda n: next(source) % n


class Book:
    """Figures in memory, kept as the database keeps them."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.known = rules, dict[str, Facts]()
        self.waiting: dict[str, dict[int, Seen]] = {}
        self.sums: Counter[Any] = Counter()
        self.hours: Counter[Any] = Counter()

    def hear(self, events: list[Seen], now: dt.datetime | None = None) -> None:
        told = tell(self.known, self.waiting, events, now)
        changes = Changes(told, self.rules, "440300")
        for key, change in changes.deltas.items():
            for name, value in change.items():
                self.sums[key, name] += value
        for spot, (reported, overdue) in changes.hours.items():
            self.hours[spot, "r"] += reported
            self.hours[spot, "o"] += overdue
        self.known |= told.new
        for case_id, version in told.waited.items():
            for gone in [v for v in self.waiting[case_id] if v <= version]:
                del self.waiting[case_id][gone]

    def recounted(self) -> tuple[dict[Any, int], dict[Any, int]]:
        sums: Counter[Any] = Counter()
        hours: Any = {}
        for facts in self.known.values():
            add_hours(hours, facts, 1, "440300")
            for spot, hits in parts_of(facts, self.rules).items():
                for key in keys_of(spot, self.rules, "440300"):
                    for name, value in hits.items():
                        sums[key, name] += value
        flat = {(s, k): v for s, pair in hours.items() for k, v in zip("ro", pair, strict=True)}
        return {k: v for k, v in sums.items() if v}, {k: v for k, v in flat.items() if v}


@settings(max_examples=150, deadline=None)
@given(st.lists(Draws, min_size=1, max_size=4), st.integers(0, 10**6), st.sampled_from(RULES))
def test_live_counters_equal_a_recount_and_the_order_of_hearing_changes_nothing(
    lives: list[list[int]], seed: int, rules: Rules
) -> None:
    """Events of several cases shuffled, doubled and cut into batches, with limits passing in between."""
    said = [walk(f"c{n}", drawer(draws), len(draws)) for n, draws in enumerate(lives)]
    events = [seen for life in said for seen in life.seen]
    chance = random.Random(seed)
    shuffled = events + chance.sample(events, len(events) // 3)
    chance.shuffle(shuffled)

    book, straight = Book(rules), Book(rules)
    while shuffled:
        size = chance.randint(1, 9)
        book.hear(shuffled[:size])
        shuffled = shuffled[size:]
    straight.hear(events)
    assert {k: v for k, v in book.sums.items() if v} == {k: v for k, v in straight.sums.items() if v}
    assert book.known == straight.known
    assert not any(book.waiting.values())

    book.hear([], MORNING + dt.timedelta(days=3))
    sums, hours = book.recounted()
    assert {k: v for k, v in book.sums.items() if v} == sums
    assert {k: v for k, v in book.hours.items() if v} == hours


@settings(max_examples=300, deadline=None)
@given(Draws)
def test_what_holds_for_the_counters_of_every_case(draws: list[int]) -> None:
    """A case is in time or late, disposed or waiting, never both; what is done was due; nothing is negative but a score."""
    facts: Facts | None = None
    for seen in walk("c", drawer(draws), len(draws)).seen:
        facts = fold(facts, seen)
        found = Counter(counters(facts, Rules()))
        assert found["dispose_num"] + found["to_dispose"] <= max(1, found["need_dispose"])
        assert found["intime_dispose"] + found["overtime_dispose"] <= found["dispose_num"]
        assert found["intime_to_dispose"] + found["overtime_to_dispose"] == found["to_dispose"]
        assert found["intime_archive"] <= found["archive_num"] <= found["need_archive"] + found["duplicate_num"]
        assert found["accur_dispatch"] + found["wrong_dispatch"] == found["dispatch_num"]
        assert found["patrol_report"] + found["public_report"] == found["report_num"]
        assert found["report_num"] + found["patrol_deal_report"] == 1
        assert all(value > 0 for name, value in found.items() if name != "satisfaction")


def test_a_case_handed_over_counts_once_at_the_common_parent_and_at_each_county_what_was_its() -> None:
    """Reported in one county, closed by another: the city has one of each, no county more."""
    life = Life("c").lead("report 1", "+5 accept", "+5 file", "+5 handover 440303", "+5 dispatch u9 240", "+60 confirm", "+5 close")
    [facts] = list(tell({}, {}, life.seen).new.values())
    found: Counter[tuple[str, str]] = Counter()
    for spot, hits in parts_of(facts, Rules()).items():
        for _, kind, code, cls, _ in keys_of(spot, Rules(), "440300"):
            if kind == "area" and not cls:
                for name in ("report_num", "dispose_num", "archive_num"):
                    found[code, name] += hits.get(name, 0)

    assert [found["440300", n] for n in ("report_num", "dispose_num", "archive_num")] == [1, 1, 1]
    assert [found["440310", n] for n in ("report_num", "dispose_num", "archive_num")] == [1, 0, 0]
    assert [found["440303", n] for n in ("report_num", "dispose_num", "archive_num")] == [0, 1, 1]


def test_an_alias_counts_for_its_unit_and_the_units_above() -> None:
    rules = Rules(units=UNITS, aliases={"老环卫所": "u1"})
    life = Life("c").lead("report 1", "+5 accept", "+5 file", "+5 dispatch 老环卫所 240")
    [facts] = tell({}, {}, life.seen).new.values()

    units = {code for spot in parts_of(facts, rules) for _, kind, code, _, _ in keys_of(spot, rules, "") if kind == "unit"}
    assert units == {"u1", "top"}


def test_a_limit_passes_for_running_disposals_alone() -> None:
    """Not while suspended, not after the confirmation; exactly at the limit it isn't late yet."""
    base = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 240"]
    running, aside, done = (
        tell({}, {}, Life("c").lead(*base, *more).seen).new["c"] for more in ([], ["+1 hang"], ["+1 confirm"])
    )
    assert running.due is not None
    assert not elapse(running, running.due).overdue
    assert elapse(running, running.due + dt.timedelta(seconds=1)).overdue
    assert not elapse(aside, MORNING + dt.timedelta(days=9)).overdue
    assert not elapse(done, MORNING + dt.timedelta(days=9)).overdue


def test_an_extension_that_is_heard_late_takes_the_mark_away() -> None:
    life = Life("c").lead("report 1", "+5 accept", "+5 file", "+5 dispatch u1 240", "+60 extend 240")
    first = tell({}, {}, life.seen[:-1], MORNING + dt.timedelta(hours=5)).new
    assert first["c"].overdue
    assert not tell(first, {}, life.seen[-1:], MORNING + dt.timedelta(hours=5)).new["c"].overdue


@pytest.mark.parametrize(
    ("code", "chain"),
    [
        ("440310001003001", ["440300", "440310", "440310001", "440310001003", "440310001003001"]),
        ("440300K01", ["440300", "440300K01"]),
        ("441900003001", ["441900", "441900003", "441900003001"]),
        ("440000", []),
        ("", []),
    ],
)
def test_an_area_counts_for_those_above_it_up_to_this_node(code: str, chain: list[str]) -> None:
    assert area_chain(code, chain[0] if chain else "440300") == chain


def test_what_is_summed_is_exactly_what_is_written() -> None:
    """`is_summed` says the same as `keys_of`: a figure is never looked for where nobody keeps it."""
    life = Life("c").lead("report 1", "+5 accept", "+5 file", "+5 dispatch u1 240", "+60 confirm", "+5 close")
    facts = tell({}, {}, life.seen).new["c"]
    facts.place = "440310001003001"
    written = {(k, c, cls) for spot in parts_of(facts, Rules()) for _, k, c, cls, _ in keys_of(spot, Rules(), "")}
    classes = ["", "event/01", "event/01/10", "@patrol"]
    objects = {("area", code) for code in area_chain("440310001003001")} | {(k, c) for k, c, _ in written}
    for kind, code in objects:
        for cls in classes:
            assert is_summed(kind, code, cls) == ((kind, code, cls) in written), (kind, code, cls)
