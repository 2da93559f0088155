"""Signatures, digests and pauses."""

from __future__ import annotations

import base64
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yiwang.national_sync import protocol, pusher
from yiwang.national_sync.protocol import digest_of, signed_headers, unsigned_because


def test_the_signature_is_that_of_the_standard() -> None:
    """The example that the Standard Webhooks libraries share."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert protocol.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@given(st.binary(max_size=40), st.text(min_size=1, max_size=20))
def test_what_was_signed_is_believed_and_nothing_else(body: bytes, secret: str) -> None:
    headers = signed_headers(secret, "id", 1000, body)
    assert unsigned_because(secret, headers, body, 1100) == ""
    assert unsigned_because(secret, headers, body + b"x", 1100)
    assert unsigned_because(secret + "x", headers, body, 1100)
    assert unsigned_because(secret, headers | {"webhook-id": "other"}, body, 1100)
    assert unsigned_because(secret, headers | {"webhook-timestamp": "1001"}, body, 1100)


@pytest.mark.parametrize(
    ("change", "say"),
    [
        ({"webhook-id": ""}, "缺少签名头"),
        ({"webhook-timestamp": "soon"}, "Unix"),
        ({"webhook-timestamp": "²"}, "Unix"),
        ({"webhook-signature": "v1,AAAA"}, "签名与内容不符"),
    ],
)
def test_a_bad_signature_is_refused_with_the_reason(change: dict[str, str], say: str) -> None:
    assert say in unsigned_because("s", signed_headers("s", "id", 1000, b"") | change, b"", 1000)


def test_an_old_signature_is_refused() -> None:
    assert "校准" in unsigned_because("s", signed_headers("s", "id", 1000, b""), b"", 1301)


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret is being changed the sender signs with both."""
    headers = signed_headers("new", "id", 1000, b"")
    headers["webhook-signature"] = f"v1,{base64.b64encode(b'x').decode()} {headers['webhook-signature']}"
    assert unsigned_because("new", headers, b"", 1000) == ""


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), unique=True))
def test_a_digest_is_that_of_the_set(known: list[tuple[str, str]]) -> None:
    assert digest_of(known) == digest_of(reversed(known))
    assert digest_of([*known, ("another", "one!!!")]) != digest_of(known)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_grow_and_stay_below_the_longest(failures: int, chance: float) -> None:
    pause = pusher.pause_after(failures, 1, 300, chance)
    assert 0.5 <= pause <= 300
    assert pause <= pusher.pause_after(failures + 1, 1, 300, 1.0)


def test_the_examples_in_the_docs_hold() -> None:
    assert doctest.testmod(pusher).failed == 0
