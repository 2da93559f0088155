"""The keys that sign tokens: kept in the issuer's schema, published as JWKS, rotated without a gap."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .._dev_people import public_jwk
from .._tokens import Keys
from .domain import Settings
from .store import sql

if TYPE_CHECKING:
    from .._app import App

FRESH_S: Final = 30.0
"""Replicas look for new keys so often; verifiers ask for an unknown key id by themselves."""


class _Row(msgspec.Struct, frozen=True):
    kid: str
    pem: str


class SigningKeys:
    """The live keys, newest first; the newest signs."""

    def __init__(self, pool: asyncpg.Pool[Any], settings: Settings) -> None:
        self._pool, self._settings = pool, settings
        self._secret = settings.key_secret.encode() or None
        self._keys: list[tuple[str, Ed25519PrivateKey]] = []
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims."""
        [(kid, key), *_] = await self._live()
        return jwt.encode(dict(claims), key, algorithm="EdDSA", headers={"kid": kid})

    async def jwks(self) -> dict[str, Any]:
        """The public keys of all tokens that may still be valid."""
        return {"keys": [public_jwk(key, kid) for kid, key in await self._live()]}

    async def rotate(self) -> str:
        """Sign with a new key from now on; older ones are published until their last token has expired."""
        key, kid = Ed25519PrivateKey.generate(), f"k-{uuid.uuid4().hex[:12]}"
        seal = serialization.BestAvailableEncryption(self._secret) if self._secret else serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, seal).decode()
        async with self._pool.acquire() as db, db.transaction():
            await db.execute("select pg_advisory_xact_lock(hashtext('identity/keys'))")
            await sql.run(db, "add_key", kid, pem)
            await sql.run(db, "retire_keys", kid, self._settings.token_minutes * 60 + 2 * FRESH_S)
            await sql.run(db, "drop_dead_keys")
        self._read_at = float("-inf")
        return kid

    async def ensure(self) -> None:
        """Make the first key, once among all replicas.

        Raises ValueError with a sentence when the stored keys cannot be read with `key_secret`.
        """
        async with self._pool.acquire() as db, db.transaction():
            await db.execute("select pg_advisory_xact_lock(hashtext('identity/first key'))")
            if not await sql.rows(db, "live_keys", _Row):
                await self.rotate()
        await self._live()

    async def _live(self) -> list[tuple[str, Ed25519PrivateKey]]:
        if time.monotonic() - self._read_at > FRESH_S:
            async with self._lock:
                rows = await sql.rows(self._pool, "live_keys", _Row)
                self._keys = [(row.kid, self._open(row)) for row in rows]
                self._read_at = time.monotonic()
        return self._keys

    def _open(self, row: _Row) -> Ed25519PrivateKey:
        try:
            key = serialization.load_pem_private_key(row.pem.encode(), password=self._secret)
        except (TypeError, ValueError) as exc:
            raise ValueError(
                f"签名密钥 {row.kid} 打不开：请管理员核对 YIWANG_IDENTITY_KEY_SECRET 与生成密钥时一致"
            ) from exc
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"签名密钥 {row.kid} 不是 Ed25519：请管理员从备份恢复 identity 库")
        return key


class OwnKeys(Keys):
    """The keys of the issuer in this very process, for services that run beside it without YIWANG_JWKS."""

    def __init__(self, app: App) -> None:
        super().__init__("the issuer of this process")
        self._app = app

    async def _read(self) -> str:
        return msgspec.json.encode(await self._app.get(SigningKeys).jwks()).decode()
