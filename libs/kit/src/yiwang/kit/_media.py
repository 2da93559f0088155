"""Photos, clips and documents in the node's object store, named by their SHA-256; events carry the name only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from typing import IO, Any, Final

import msgspec
from nats.aio.client import Client
from nats.js.api import ObjectMeta
from nats.js.errors import BucketNotFoundError, NotFoundError
from nats.js.object_store import ObjectStore
from yiwang.contracts import MediaRef

from ._codes import EMPTY_FILE, FILE_TYPE, MEDIA_NOT_HERE, PAYLOAD_TOO_LARGE
from ._problems import Problem
from ._sniff import HEAD, PHOTOS, sniff

BUCKET: Final = "MEDIA"
MAX_BYTES: Final = 20 * 1024 * 1024
IN_MEMORY: Final = 4 * 1024 * 1024
"""Larger files go through a temporary file."""
CHUNK: Final = 128 * 1024
PATIENCE_S: Final = 60.0


class NotHere(Problem):
    """This node does not hold the file (kit.media_not_here): ask its home node."""

    def __init__(self, media_id: str) -> None:
        problem = MEDIA_NOT_HERE(media_id=media_id)
        super().__init__(MEDIA_NOT_HERE, problem.detail, problem.do)
        self.media_id = media_id


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the node holds."""

    media_id: str
    """= sha256, lower-case hex"""
    size: int
    mime: str
    home_node: str

    def ref(self, stage: str, **more: Any) -> MediaRef:
        """The reference that an event carries; *stage*: report, verify, before, after, check or evidence."""
        return MediaRef(
            media_id=self.media_id,
            sha256=self.media_id,
            size=self.size,
            mime=self.mime,
            home_node=self.home_node,
            stage=stage,
            **more,
        )


class Media:
    """The object store of one node."""

    def __init__(self, nc: Client, node_id: str) -> None:
        self._js = nc.jetstream()
        self._node_id = node_id
        self._store: ObjectStore | None = None
        self._lock = asyncio.Lock()

    async def put(
        self,
        data: bytes | AsyncIterable[bytes],
        *,
        max_bytes: int = MAX_BYTES,
        types: frozenset[str] = PHOTOS,
    ) -> Stored:
        """Store a file, once however often it comes; do this before publishing the event that names it.

        Its type is recognised from its content.
        Raises the Problems kit.payload_too_large, kit.empty_file and kit.file_type.
        """
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            digest, size, head = await _receive(data, file, max_bytes)
            if not size:
                raise EMPTY_FILE()
            mime = sniff(head)
            if mime not in types:
                raise FILE_TYPE(found=mime or "无法识别的格式", allowed="、".join(sorted(types)))
            found = await self._find(digest)
            if found is not None:
                return found
            file.seek(0)
            meta = ObjectMeta(name=digest, headers={"Mime": mime, "Home": self._node_id})
            async with asyncio.timeout(PATIENCE_S):
                await (await self._bucket()).put(digest, file, meta)  # type: ignore[arg-type]
        return Stored(media_id=digest, size=size, mime=mime, home_node=self._node_id)

    async def info(self, media_id: str) -> Stored:
        """What is known of a file. Raises NotHere."""
        found = await self._find(media_id)
        if found is None:
            raise NotHere(media_id)
        return found

    async def open(self, media_id: str) -> tuple[Stored, AsyncIterator[bytes]]:
        """A file and its content in chunks, checked against its name before the first one. Raises NotHere."""
        stored = await self.info(media_id)
        file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (closed by the iterator)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await (await self._bucket()).get(media_id, writeinto=file)  # type: ignore[arg-type]
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return stored, _chunks(file)

    async def read(self, media_id: str) -> bytes:
        """A small file as a whole. Raises NotHere."""
        _, chunks = await self.open(media_id)
        return b"".join([chunk async for chunk in chunks])

    async def delete(self, media_id: str) -> None:
        """Forget a file (an orphan, or one whose person asked for erasure). Raises NotHere."""
        await self.info(media_id)
        await (await self._bucket()).delete(media_id)

    async def _find(self, media_id: str) -> Stored | None:
        try:
            info = await (await self._bucket()).get_info(media_id)
        except NotFoundError:
            return None
        headers = info.headers or {}
        named = base64.urlsafe_b64decode(str(info.digest).partition("=")[2] + "==").hex()
        if named != media_id:
            return None
        return Stored(
            media_id=media_id,
            size=int(info.size or 0),
            mime=str(headers.get("Mime", "")),
            home_node=str(headers.get("Home", "")),
        )

    async def _bucket(self) -> ObjectStore:
        if self._store is None:
            async with self._lock:
                try:
                    self._store = await self._js.object_store(BUCKET)
                except BucketNotFoundError:
                    self._store = await self._js.create_object_store(BUCKET)
        return self._store


async def _receive(data: bytes | AsyncIterable[bytes], file: IO[bytes], max_bytes: int) -> tuple[str, int, bytes]:
    """Write *data* to *file*; its SHA-256, size and first bytes."""
    digest, size, head = hashlib.sha256(), 0, b""
    async for chunk in _once(data) if isinstance(data, bytes) else data:
        size += len(chunk)
        if size > max_bytes:
            raise PAYLOAD_TOO_LARGE(limit=max_bytes)
        head = head if len(head) >= HEAD else (head + chunk)[:HEAD]
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest(), size, head


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
