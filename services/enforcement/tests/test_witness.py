"""What a witness countersigns, and what it disputes."""

from __future__ import annotations

import msgspec
import pytest
from yiwang.contracts import HeadSigned
from yiwang.enforcement import signing
from yiwang.enforcement.testing import ALG, SECRET, a_signed_head
from yiwang.enforcement.witness import Seen, judge
from yiwang.kit.testing import NOON

OTHER = bytes(range(1, 33))


def seen(head: HeadSigned) -> Seen:
    return Seen(head.size, head.root, head.key_id)


def test_the_first_head_of_a_log_is_taken_on_trust() -> None:
    assert judge(a_signed_head(5), None, None).accepted


def test_a_head_that_extends_the_last_one_is_countersigned() -> None:
    assert judge(a_signed_head(9, before=5), seen(a_signed_head(5)), None).accepted


def test_the_same_head_again_is_countersigned_again() -> None:
    assert judge(a_signed_head(5), seen(a_signed_head(5)), seen(a_signed_head(5))).accepted


def test_an_older_head_that_was_seen_then_is_no_incident() -> None:
    assert judge(a_signed_head(5), seen(a_signed_head(9)), seen(a_signed_head(5))).accepted


@pytest.mark.parametrize(
    ("head", "latest", "same", "reason"),
    [
        (msgspec.structs.replace(a_signed_head(5), size=6), None, None, "bad_signature"),
        (msgspec.structs.replace(a_signed_head(5), key_id="ed25519:x"), None, None, "bad_signature"),
        (a_signed_head(9, before=5, secret=OTHER), seen(a_signed_head(5)), None, "key_changed"),
        (a_signed_head(5, salt=b"forged"), seen(a_signed_head(5)), seen(a_signed_head(5)), "split_view"),
        (a_signed_head(4), seen(a_signed_head(5)), None, "shrunk"),
        (a_signed_head(9), seen(a_signed_head(5)), None, "unproved"),
        (a_signed_head(9, before=5, salt=b"forged"), seen(a_signed_head(5)), None, "unproved"),
    ],
)
def test_a_head_that_does_not_extend_what_was_seen_is_disputed(
    head: HeadSigned, latest: Seen | None, same: Seen | None, reason: str
) -> None:
    verdict = judge(head, latest, same)
    assert (verdict.accepted, verdict.reason_code) == (False, reason)
    assert verdict.sentence


def test_a_signature_is_bound_to_every_line_of_the_head() -> None:
    head = a_signed_head(5)
    for change in (
        {"log_id": "agency-2"},
        {"root": "00" * 32},
        {"alg": "sm3+ed25519"},
        {"signed_at": NOON.replace(hour=1)},
    ):
        assert judge(msgspec.structs.replace(head, **change), None, None).reason_code == "bad_signature"


def test_the_signed_text_is_the_body_of_a_checkpoint() -> None:
    lines = signing.head_text("agency-1", 5, "ab" * 32, ALG, NOON).decode().split("\n")
    assert lines == ["agency-1", "5", "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", ALG, "2026-11-23T04:00:00Z", ""]


def test_a_countersignature_covers_the_head_and_its_own_time() -> None:
    text = signing.cosigned_text(b"head\n", NOON)
    assert text == b"cosignature/v1\ntime 1795406400\nhead\n"
    signature = signing.sign(SECRET, text)
    assert signing.verified(signing.key_id_of(SECRET), signature, text)
    assert not signing.verified(
        signing.key_id_of(SECRET), signature, signing.cosigned_text(b"head\n", NOON.replace(hour=10))
    )
