"""What is sealed for one recipient opens for nobody else."""

from __future__ import annotations

import base64

import pytest
from yiwang.kit.sealed import new_pair, open_sealed, seal_for

WORDS = "示例一号，电话示例"


def test_only_the_recipient_opens_what_was_sealed_for_it() -> None:
    """Two seals of one text look different, and no part of it shows."""
    city, province = new_pair(), new_pair()
    sealed, again = (seal_for(city.public, WORDS, "case-1") for _ in range(2))
    assert open_sealed(city.private, sealed, "case-1") == open_sealed(city.private, again, "case-1") == WORDS
    assert sealed != again
    assert WORDS.encode() not in base64.urlsafe_b64decode(sealed)
    with pytest.raises(ValueError, match="not for this key"):
        open_sealed(province.private, sealed, "case-1")


@pytest.mark.parametrize("at", [0, 31, 32, 43, 44, -1])
def test_a_changed_byte_is_noticed_wherever_it_is(at: int) -> None:
    city = new_pair()
    data = bytearray(base64.urlsafe_b64decode(seal_for(city.public, WORDS, "case-1")))
    data[at] ^= 1
    with pytest.raises(ValueError, match="was changed"):
        open_sealed(city.private, base64.urlsafe_b64encode(data).decode(), "case-1")


def test_it_belongs_to_one_case_and_one_end() -> None:
    """Nobody can attach it to another request, or give it a later end."""
    city = new_pair()
    with pytest.raises(ValueError, match="something else"):
        open_sealed(city.private, seal_for(city.public, WORDS, "case-1 until Monday"), "case-1 until Friday")


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal_for("c2hvcnQ=", WORDS, "case-1")
