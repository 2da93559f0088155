"""The wire of an exchange: envelopes in signed batches, answers by record, digests of a day.

Signature as in the Standard Webhooks specification: headers ``webhook-id``, ``webhook-timestamp`` (Unix seconds) and
``webhook-signature`` = ``v1,`` + Base64(HMAC-SHA256(secret, id ‖ "." ‖ timestamp ‖ "." ‖ body)). For a GET the body is
the request target.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import msgspec

TOLERANCE_S: Final = 300
"""How old or how far ahead a signature's time may be."""
SCHEMA: Final = "yiwang.exchange.v1"

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One record on the wire. `hash` is the SHA-256 of `payload` as sorted JSON without spaces."""

    record_id: Key
    kind: Key
    district: Key
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    day: dt.date
    occurred_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    payload: dict[str, Any]
    hash: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one district in order of sequence."""

    schema_version: str = SCHEMA
    sender: Key
    tier: str = ""
    profile: str = ""
    profile_version: str = ""
    district: Key
    records: Annotated[list[Envelope], msgspec.Meta(min_length=1, max_length=5000)]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record: ok, duplicate or refused with a reason."""

    record_id: str
    status: str
    reason: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """To a batch. `expected` is the next sequence number; with status 409 nothing of the batch was taken."""

    results: list[Result] = []
    expected: int = 0
    detail: str = ""


class DayDigest(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    digest: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A record that a receiver holds."""

    record_id: str
    hash: str


def digest_of(known: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over ``record_id hash`` lines, sorted: equal sets have equal digests."""
    lines = sorted(f"{record_id} {content}\n" for record_id, content in known)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def secret_bytes(secret: str) -> bytes:
    """The key in *secret*: ``whsec_<base64>``, or the text itself."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret.removeprefix("whsec_"))
    return secret.encode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``."""
    mac = hmac.new(secret_bytes(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def signed_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }


def unsigned_because(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Why the signature in *headers* doesn't hold for *body* (Chinese); empty when it does."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (message_id and stamp and given):
        return "缺少签名头 webhook-id、webhook-timestamp 或 webhook-signature"
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return "webhook-timestamp 应为 Unix 秒数"
    if abs(now - int(stamp)) > TOLERANCE_S:
        return f"签名时间与本机相差超过 {TOLERANCE_S} 秒，请校准双方时钟"
    try:
        expected = signature(secret, message_id, int(stamp), body).encode()
    except binascii.Error:
        return "本机登记的密钥不是合格的 whsec_ 密钥"
    if not any(hmac.compare_digest(one.encode(), expected) for one in given.split(" ")):
        return "签名与内容不符，请核对双方密钥"
    return ""
