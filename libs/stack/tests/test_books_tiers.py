"""The books of a network notice what is missing above, doubled, invented, out of order, or out of step."""

from __future__ import annotations

from collections import Counter

import pytest
from yiwang.stack.books import Stream
from yiwang.stack.books_tiers import LinkBooks, compare, descendants, whole
from yiwang.stack.topology import read

COUNTY, CITY = "440305", "440300"


def a_stream(*ids: str, order: dict[str, list[str]] | None = None) -> Stream:
    return Stream(ids={COUNTY: Counter(ids)}, order=order or {"case": list(dict.fromkeys(ids))})


def test_what_went_up_whole_balances() -> None:
    found = compare(a_stream("a", "b", "c"), a_stream("a", "b", "c"), [COUNTY])

    assert found == LinkBooks(sent=3)
    assert found.clean


@pytest.mark.parametrize(
    ("above", "fault"),
    [
        (a_stream("a", "c"), "missing"),
        (a_stream("a", "b", "b", "c"), "doubled"),
        (a_stream("a", "b", "c", "d", order={"case": ["a", "b", "c"]}), "foreign"),
        (a_stream("a", "b", "c", order={"case": ["a", "c", "b"]}), "disordered"),
    ],
)
def test_each_fault_is_counted_by_itself(above: Stream, fault: str) -> None:
    found = compare(a_stream("a", "b", "c"), above, [COUNTY])

    assert not found.clean
    assert {
        name: getattr(found, name) for name in ("missing", "doubled", "foreign", "disordered") if getattr(found, name)
    } == {fault: 1}


def test_what_others_said_above_is_not_held_against_a_link() -> None:
    above = a_stream("a", "b")
    above.ids["440106"] = Counter({"x": 1})
    above.order["other"] = ["x"]

    assert compare(a_stream("a", "b"), above, [COUNTY]).clean


def test_a_case_that_was_handed_over_goes_on_without_a_gap() -> None:
    """The county gave 1 to 3, the city 4: together they are whole; a missing or twice given version is not."""
    course = {version: {f"e{version}"} for version in (1, 2, 3, 4)}

    assert whole(course)
    assert not whole({v: ids for v, ids in course.items() if v != 3})
    assert not whole(course | {4: {"e4", "another"}})
    assert whole(course | {2: {"e2", "placed again by a person"}})


def test_below_a_province_lie_cities_and_their_counties() -> None:
    text = 'name = "t"\nnodes = [{code = "440000"}, {code = "440300"}, {code = "440305"}, {code = "440303", host = "440300"}]'

    assert set(descendants(read(text), "440000")) == {CITY, COUNTY, "440303"}
