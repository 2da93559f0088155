"""Text sealed for one recipient: readable only with a private key that the recipient can destroy.

X25519 (RFC 7748) with a fresh key of the sender for every text, HKDF-SHA256 (RFC 5869), AES-256-GCM. The *context* (who
gives what to whom until when) is bound to it: with another context it does not open. Keys and sealed text are base64.
"""

from __future__ import annotations

import base64
import secrets
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_LABEL: Final = b"yiwang sealed v1\0"
_KEY, _NONCE = 32, 12


class Pair(NamedTuple):
    """Both halves of a key, base64; `private` belongs into the vault."""

    private: str
    public: str


def new_pair() -> Pair:
    """A fresh key pair for one recipient and one purpose."""
    private = X25519PrivateKey.generate()
    return Pair(_text(private.private_bytes_raw()), _text(private.public_key().public_bytes_raw()))


def seal_for(public: str, text: str, context: str) -> str:
    """*text* that only the holder of *public*'s other half can open. Raises ValueError for what is no such key."""
    try:
        receiver = X25519PublicKey.from_public_bytes(_bytes(public))
    except ValueError:
        raise ValueError("the recipient's public key is not 32 bytes of X25519 in base64") from None
    mine = X25519PrivateKey.generate()
    own = mine.public_key().public_bytes_raw()
    nonce = secrets.token_bytes(_NONCE)
    cipher = _cipher(mine.exchange(receiver), own, _bytes(public))
    return _text(own + nonce + cipher.encrypt(nonce, text.encode(), context.encode()))


def open_sealed(private: str, sealed: str, context: str) -> str:
    """The text. Raises ValueError when it is for somebody else, was changed, or belongs to another *context*."""
    mine, data = X25519PrivateKey.from_private_bytes(_bytes(private)), _bytes(sealed)
    own, nonce, body = data[:_KEY], data[_KEY : _KEY + _NONCE], data[_KEY + _NONCE :]
    try:
        shared = mine.exchange(X25519PublicKey.from_public_bytes(own))
        cipher = _cipher(shared, own, mine.public_key().public_bytes_raw())
        return cipher.decrypt(nonce, body, context.encode()).decode()
    except (InvalidTag, ValueError):
        raise ValueError("the sealed text is not for this key, was changed, or belongs to something else") from None


def _cipher(shared: bytes, sender: bytes, receiver: bytes) -> AESGCM:
    info = _LABEL + sender + receiver
    return AESGCM(HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(shared))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text)


__all__ = ["Pair", "new_pair", "open_sealed", "seal_for"]
