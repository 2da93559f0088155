"""Ed25519 over the digest of a report. A `key_id` holds the public key itself: whoever has a report can check it offline."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from yiwang.kit.signatures import key_id_of, new_secret, sign

from .store import sql

FILE: Final = "evaluation.key"


class Signer(NamedTuple):
    """The key with which this node signs."""

    key_id: str
    secret: bytes

    def sign(self, text: bytes) -> str:
        """The signature in Base64."""
        return sign(self.secret, text)


def text_of(report_id: str, version: int, digest: str, made_at: dt.datetime) -> bytes:
    """What is signed, byte for byte."""
    at = made_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"yiwang/evaluation-report/v1\n{report_id}\n{version}\n{digest}\n{at}\n".encode()


def signer_from(secret: bytes) -> Signer:
    """Raises ValueError when *secret* is no key."""
    return Signer(key_id_of(secret), secret)


async def signer_of(tx: Any, directory: str, now: dt.datetime) -> Signer:
    """The node's key, made at first use. Raises ValueError or OSError with a sentence when its file can't be used."""
    if directory:
        return await asyncio.to_thread(_from_file, Path(directory))
    secret = await sql.value(tx, "key")
    if secret is None:
        await sql.run(tx, "add_key", new_secret(), now)
        secret = await sql.value(tx, "key")
    return signer_from(secret)


def _from_file(directory: Path) -> Signer:
    file = directory / FILE
    if not file.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(new_secret().hex())
    try:
        return signer_from(bytes.fromhex(file.read_text("ascii").strip()))
    except ValueError:
        raise ValueError(f"{file} 里不是密钥：应为 64 位十六进制数，请从备份恢复") from None
