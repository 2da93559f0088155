"""Ed25519 signatures that anybody can check offline.

A `key_id` holds the public key itself (``ed25519:<base64url>``): whoever has what was signed can check it, and a changed
key is seen as such.
"""

from __future__ import annotations

import base64
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE: Final = "ed25519"


def new_secret() -> bytes:
    """32 random bytes: a private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def key_id_of(secret: bytes) -> str:
    """The name of the key, which is its public half. Raises ValueError when *secret* is no key."""
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


__all__ = ["SIGNATURE", "key_id_of", "new_secret", "sign", "verified"]
