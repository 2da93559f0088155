"""Signed heads: what is signed, byte for byte, and Ed25519 over it.

The text is the body of a transparency-log checkpoint (C2SP tlog-checkpoint: origin, size, root in Base64) with two
extension lines, so that tools of that family can read it. A witness signs the same text under the two lines of
C2SP tlog-cosignature. A `key_id` holds the public key itself (``ed25519:<base64url>``): whoever has a head can
check its signature offline, and a changed key is seen as such.
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE: Final = "ed25519"


def alg_of(suite: str) -> str:
    """``sha256`` → ``sha256+ed25519``, the `alg` of a head."""
    return f"{suite}+{SIGNATURE}"


def utc_text(at: dt.datetime) -> str:
    """*at* in UTC to the second: ``2026-11-23T08:00:00Z``."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def head_text(log_id: str, size: int, root: str, alg: str, signed_at: dt.datetime) -> bytes:
    """What the agency signs; *root* is hex."""
    encoded = base64.b64encode(bytes.fromhex(root)).decode()
    return f"{log_id}\n{size}\n{encoded}\n{alg}\n{utc_text(signed_at)}\n".encode()


def cosigned_text(head: bytes, cosigned_at: dt.datetime) -> bytes:
    """What a witness signs below the *head* text that it saw."""
    return b"cosignature/v1\ntime %d\n" % int(cosigned_at.timestamp()) + head


def new_secret() -> bytes:
    """32 random bytes: a private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def key_id_of(secret: bytes) -> str:
    """The name of the key, which is its public half."""
    public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return f"{SIGNATURE}:{base64.urlsafe_b64encode(public).decode().rstrip('=')}"


def sign(secret: bytes, text: bytes) -> str:
    """The signature of *text* in Base64."""
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(secret).sign(text)).decode()


def verified(key_id: str, signature: str, text: bytes) -> bool:
    """Whether the key that *key_id* holds made *signature* over *text*; False for anything malformed too."""
    kind, _, encoded = key_id.partition(":")
    if kind != SIGNATURE:
        return False
    try:
        public = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(signature, validate=True), text)
    except (ValueError, InvalidSignature):
        return False
    return True
