"""Erasing personal data from append-only stores: what a report's person said is sealed by a key that can be destroyed.

One AES-256-GCM key a report, in the node's key bucket; the sealed text may lie in any table, stream or backup. With the
key gone nobody can read it any more, here or in a copy. (The bucket keeps one value a key; NATS drops the purged block
from disk when it compacts, and backups of the bucket have to expire within the time the law gives for erasure.)
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nats.aio.client import Client
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

BUCKET: Final = "VAULT"
_PREFIX: Final = "v1."
_NONCE: Final = 12


class Erased(LookupError):
    """The report's personal data was erased; nothing can be sealed for it any more."""


class Vault:
    """The keys of one node's reports."""

    def __init__(self, nc: Client) -> None:
        self._js = nc.jetstream()
        self._kv: KeyValue | None = None
        self._lock = asyncio.Lock()

    async def seal(self, report_id: str, text: str) -> str:
        """*text* encrypted for *report_id* (``v1.`` and URL-safe base64). Raises Erased."""
        sealed = await self.seal_all(report_id, {"": text})
        return sealed[""]

    async def seal_all(self, report_id: str, texts: Mapping[str, str]) -> dict[str, str]:
        """Each of *texts* (by any name) encrypted for *report_id*, with one look at the key. Raises Erased.

        The first seal of a report is the usual one, so the key is made first and looked up when there is one already.
        """
        cipher = AESGCM(await self._new_key(report_id))
        return {name: _sealed(cipher, report_id, text) for name, text in texts.items()}

    async def open(self, report_id: str, sealed: str) -> str | None:
        """The text, or None once it was erased.

        Raises ValueError when *sealed* was not sealed for this report or was changed.
        """
        try:
            key = await self._key(report_id)
        except Erased:
            return None
        if not sealed.startswith(_PREFIX):
            raise ValueError(f"not a sealed text of report {report_id}: it does not begin with {_PREFIX}")
        data = base64.urlsafe_b64decode(sealed[len(_PREFIX) :])
        if key is None:
            raise ValueError(f"report {report_id} never had a key: the text was sealed elsewhere")
        try:
            return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], report_id.encode()).decode()
        except InvalidTag:
            raise ValueError(f"the sealed text is not of report {report_id}, or was changed") from None

    async def erase(self, report_id: str) -> None:
        """Destroy the report's key; again is no harm."""
        await (await self._bucket()).purge(report_id)

    async def _key(self, report_id: str) -> bytes | None:
        try:
            entry = await (await self._bucket()).get(report_id)
        except KeyNotFoundError as absent:
            if absent.op:
                raise Erased(f"the personal data of report {report_id} was erased") from None
            return None
        return entry.value

    async def _new_key(self, report_id: str) -> bytes:
        key = AESGCM.generate_key(256)
        try:
            # Not create(): that would bring an erased key back to life.
            await (await self._bucket()).update(report_id, key, last=0)
        except KeyWrongLastSequenceError:
            return await self._key(report_id) or key
        return key

    async def _bucket(self) -> KeyValue:
        if self._kv is None:
            async with self._lock:
                try:
                    self._kv = await self._js.key_value(BUCKET)
                except BucketNotFoundError:
                    self._kv = await self._js.create_key_value(bucket=BUCKET, history=1)
        return self._kv


def _sealed(cipher: AESGCM, report_id: str, text: str) -> str:
    nonce = secrets.token_bytes(_NONCE)
    return _PREFIX + base64.urlsafe_b64encode(nonce + cipher.encrypt(nonce, text.encode(), report_id.encode())).decode()
