"""The private keys of agencies and of the witness: in the service's table, or in files that backups don't hold."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import urllib.parse
from pathlib import Path
from typing import Any, NamedTuple

from .signing import key_id_of, new_secret
from .store import Key, sql


class Signer(NamedTuple):
    key_id: str
    secret: bytes


def witness_name(node_id: str) -> str:
    """Owner of the key with which *node_id* countersigns."""
    return f"witness:{node_id}"


async def signer_of(tx: Any, owner: str, directory: str, now: dt.datetime) -> Signer:
    """The key of *owner*, made at first use.

    Raises PermissionError or ValueError with a sentence when the key file can't be used.
    """
    await sql.run(tx, "lock_owner", owner)
    if directory:
        secret = await asyncio.to_thread(_file_secret, Path(directory), owner)
        signer = Signer(key_id_of(secret), secret)
        await sql.run(tx, "add_key", owner, signer.key_id, None, now)
        return signer
    found = await sql.row(tx, "key", Key, owner)
    if found is not None and found.secret is not None:
        return Signer(found.key_id, found.secret)
    secret = new_secret()
    signer = Signer(key_id_of(secret), secret)
    await sql.run(tx, "add_key", owner, signer.key_id, secret, now)
    return signer


def _file_secret(directory: Path, owner: str) -> bytes:
    file = directory / f"{urllib.parse.quote(owner, safe='')}.key"
    if not file.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(new_secret().hex())
    try:
        secret = bytes.fromhex(file.read_text("ascii").strip())
    except ValueError as error:
        raise ValueError(f"{file} holds no key: it must be 64 hex digits; restore it from its safe copy") from error
    if len(secret) != 32:
        raise ValueError(f"{file} holds {len(secret)} bytes: a key has 32; restore it from its safe copy")
    return secret
