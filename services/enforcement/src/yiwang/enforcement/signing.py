"""Signed heads: what is signed, byte for byte, and Ed25519 over it.

The text is the body of a transparency-log checkpoint (C2SP tlog-checkpoint: origin, size, root in Base64) with two
extension lines, so that tools of that family can read it. A witness signs the same text under the two lines of
C2SP tlog-cosignature. Keys and signatures are the kit's (`yiwang.kit.signatures`).
"""

from __future__ import annotations

import base64
import datetime as dt

from yiwang.kit.signatures import SIGNATURE, key_id_of, new_secret, sign, verified

__all__ = ["alg_of", "cosigned_text", "head_text", "key_id_of", "new_secret", "sign", "utc_text", "verified"]


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
