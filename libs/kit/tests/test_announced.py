"""Announced data sets travel whole, and what doesn't open is told to its issuer."""

from __future__ import annotations

import base64
import random
import zlib

import pytest
from yiwang.kit.announced import OPEN_MAX, PACKED, PLAIN_MAX, TRAVEL_MAX, digest_of, unpack
from yiwang.kit.announced_parts import PART, encode, pieces, wrong


def test_a_short_text_travels_as_it_is_and_a_long_one_compressed() -> None:
    """Both come out as they went in."""
    short, long = "code,name\n1,信息采集\n", "1,信息采集\n" * 40_000
    assert encode(short) == (short, "")
    content, encoding = encode(long)
    assert encoding == PACKED
    assert len(content) < PLAIN_MAX < len(long)
    assert unpack(content, encoding) == long
    assert digest_of(unpack(*encode(short))) == digest_of(short)


def test_what_is_too_long_for_one_message_travels_in_parts() -> None:
    """Each of them fits one; together they are what was cut."""
    noise = "".join(random.Random(1).choices("甲乙丙丁戊己庚辛壬癸0123456789abcdef", k=1_500_000))
    content, encoding = encode(noise)
    cut = pieces(content)
    assert [part for part, _, _ in cut] == list(range(1, len(cut) + 1))
    assert {parts for _, parts, _ in cut} == {len(cut)}
    assert all(len(text) <= PART < TRAVEL_MAX and not wrong(part, parts, text) for part, parts, text in cut)
    assert unpack("".join(text for _, _, text in cut), encoding) == noise
    assert pieces("short") == [(0, 0, "short")]


def test_what_no_node_would_open_is_refused_before_it_is_sent() -> None:
    """With what to do about it."""
    with pytest.raises(ValueError, match="拆成几份"):
        encode("甲" * (OPEN_MAX // 3 + 1))


@pytest.mark.parametrize(("part", "parts", "size"), [(0, 2, 1), (3, 2, 1), (1, 1000, 1), (1, 2, TRAVEL_MAX + 1)])
def test_what_cannot_be_a_part_is_said_so(part: int, parts: int, size: int) -> None:
    assert "请发布方重新发布" in wrong(part, parts, "x" * size)


@pytest.mark.parametrize(
    ("content", "encoding", "sentence"),
    [
        ("x", "rot13", "不认识"),
        ("不是 base64", PACKED, "无法解开"),
        (base64.b64encode(b"not zlib").decode(), PACKED, "无法解开"),
        (base64.b64encode(zlib.compress(b"\xff\xfe")).decode(), PACKED, "无法解开"),
        (base64.b64encode(zlib.compress(b"whole")[:-3]).decode(), PACKED, "不完整"),
        (base64.b64encode(zlib.compress(bytes(OPEN_MAX + 1))).decode(), PACKED, "超过"),
    ],
)
def test_what_does_not_open_is_said_with_who_must_mend_it(content: str, encoding: str, sentence: str) -> None:
    """Unknown encodings, damage, other text encodings, cut ends, and bombs."""
    with pytest.raises(ValueError, match=sentence):
        unpack(content, encoding)
