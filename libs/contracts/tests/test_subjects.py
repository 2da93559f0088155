"""Subjects and partitions: the same at every tier, for ever."""

from __future__ import annotations

import doctest

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yiwang.contracts import (
    PARTITIONS,
    _reflect,
    _samples,
    areas,
    filters,
    golden,
    parse,
    partition_of,
    registry,
    subject_of,
    subjects,
    tag_of,
)

DIGITS = st.text("0123456789", min_size=3, max_size=3)
CODES = st.one_of(
    st.sampled_from(["440000", "440100", "440106", "441900", "441900003", "440300K01"]),
    st.builds(lambda a, b: f"44{int(a) % 100:02d}{int(b) % 100:02d}", DIGITS, DIGITS),
)
KEYS = st.text(min_size=1, max_size=60)

PINNED = {
    "": 0,
    "a case": 0,
    "0197f3c2-5e1b-7c44-9d0a-3f6b2a1c8e70": 25,
    "440300": 41,
    "案件": 56,
}


@given(code=CODES, key=KEYS, tag=st.sampled_from(sorted(registry())))
def test_a_subject_tells_what_went_into_it(code: str, key: str, tag: str) -> None:
    """Flow, jurisdiction (going down: addressee), partition and tag come back out of the string."""
    event = msgspec.structs.replace(_samples.sample(registry()[tag]), jurisdiction=code, addressee=code)
    subject = parse(subject_of(event, tag))

    assert subject.flow == event.flow
    assert subject.city == areas.city_of(code)
    assert subject.county == areas.county_of(code)
    assert subject.partition == partition_of(event.key)
    assert subject.tag == tag_of(type(event))
    assert 0 <= partition_of(key) < PARTITIONS


@pytest.mark.parametrize(("issuer", "subject"), [("440000", "yw.down.440000.all."), ("440100", "yw.down.440100.all.")])
def test_what_goes_down_to_nobody_in_particular_is_for_all_below(issuer: str, subject: str) -> None:
    """A county hears what is addressed to it and what its city or province says to all, and nobody else's."""
    event = msgspec.structs.replace(
        _samples.sample(registry()["config.published.v1"]), jurisdiction=issuer, addressee=""
    )
    assert subject_of(event, "config.published.v1").startswith(subject)
    assert filters("down", ["x.v1"], jurisdiction="440106") == ["yw.down.440100.440106.*.x.v1", "yw.down.*.all.*.x.v1"]


@pytest.mark.parametrize(("key", "partition"), PINNED.items())
def test_partitions_never_change(key: str, partition: int) -> None:
    """A changed value would send a running case's next event past the ones before it."""
    assert partition == partition_of(key)


@pytest.mark.parametrize(
    "text", ["", "yw.up.440300", "xx.up.440300.440304.07.case.filed.v1", "yw.up.1.2.x.case.filed.v1"]
)
def test_refuses_what_is_no_subject_of_the_mesh(text: str) -> None:
    """The sentence shows the grammar."""
    with pytest.raises(ValueError, match=r"yw\.<flow>"):
        parse(text)


def test_filters_hear_one_jurisdiction_or_the_whole_subtree() -> None:
    """Of all partitions, or of the leased ones."""
    assert filters("up", ["case.filed.v1"], jurisdiction="440304") == ["yw.up.440300.440304.*.case.filed.v1"]
    assert filters("up", ["case.filed.v1"], partitions=[3, 7]) == [
        "yw.up.*.*.03.case.filed.v1",
        "yw.up.*.*.07.case.filed.v1",
    ]


@pytest.mark.parametrize("code", ["", "4403", "44030", "4403000", "440300k01", "440300K1", "44030400301200", "abcdef"])
def test_refuses_what_is_no_area_code(code: str) -> None:
    """Lengths other than 6, 9, 12, 15 and zones not written as six digits, a letter and two digits."""
    with pytest.raises(ValueError, match="no area code"):
        areas.level_of(code)


def test_zones_and_towns_belong_to_their_city() -> None:
    """A functional zone, and a town of a city without counties, stand below the city."""
    assert areas.contains("440300", "440300K01")
    assert areas.contains("441900", "441900003")
    assert not areas.contains("440304", "440300K01")


@pytest.mark.parametrize("module", [areas, subjects, golden, _reflect])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    """Doctests of the pure functions."""
    result = doctest.testmod(module)  # type: ignore[arg-type]

    assert result.attempted > 0
    assert result.failed == 0
