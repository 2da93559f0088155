"""Photos, clips and documents in the node's object store, named by their SHA-256; events carry the name only."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from typing import IO, Any, Final, NamedTuple

import msgspec
from nats.aio.client import Client
from yiwang.contracts import MediaRef

from ._codes import EMPTY_FILE, FILE_TYPE, MEDIA_NOT_HERE, PAYLOAD_TOO_LARGE
from ._objects import CHUNK, Changed, Objects, Record
from ._problems import Problem
from ._sniff import HEAD, PHOTOS, sniff

BUCKET: Final = "MEDIA"
MAX_BYTES: Final = 20 * 1024 * 1024
IN_MEMORY: Final = 4 * 1024 * 1024
"""Larger files go through a temporary file."""
PATIENCE_S: Final = 60.0
LOOSE: Final = {"Loose": "yes"}
"""In the record of a file that no event names yet"""


class NotHere(Problem):
    """This node does not hold the file (kit.media_not_here): it is at *home*, from where it can be asked for."""

    def __init__(self, media_id: str, home: str = "") -> None:
        problem = MEDIA_NOT_HERE(media_id=media_id, where=f"，原件在 {home}" if home else "")
        super().__init__(MEDIA_NOT_HERE, problem.detail, problem.do)
        self.media_id, self.home = media_id, home


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


class Swept(NamedTuple):
    """What a sweep did: files deleted, and where the next one may begin."""

    deleted: int
    next_seq: int


class Media:
    """The object store of one node."""

    def __init__(self, nc: Client, node_id: str) -> None:
        self._objects = Objects(nc.jetstream(), BUCKET)
        self._node_id = node_id

    async def put(
        self,
        data: bytes | AsyncIterable[bytes],
        *,
        max_bytes: int = MAX_BYTES,
        types: frozenset[str] = PHOTOS,
        loose: bool = False,
        home: str = "",
    ) -> Stored:
        """Store a file, once however often it comes; do this before publishing the event that names it.

        Its type is recognised from its content. *loose*: nobody needs it yet; `sweep` takes it away after a while
        unless somebody called `hold`. *home*: the node that holds the original, where that is another one.
        Raises the Problems kit.payload_too_large, kit.empty_file and kit.file_type.
        """
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            digest, size, head = await _receive(data, file, max_bytes)
            if not size:
                raise EMPTY_FILE()
            mime = sniff(head)
            if mime not in types:
                raise FILE_TYPE(found=mime or "无法识别的格式", allowed="、".join(sorted(types)))
            name, home = digest.hex(), home or self._node_id
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    record = await self._objects.record(name)
                    try:
                        if (found := _stored(name, record)) is None:
                            file.seek(0)
                            headers = {"Mime": mime, "Home": home} | (LOOSE if loose else {})
                            await self._objects.add(name, file, digest, headers, record)
                            return Stored(media_id=name, size=size, mime=mime, home_node=home)
                        if _is_loose(record):  # needed now, or needed for a while from now on
                            await self._mark(name, record, loose=loose)
                        return found
                    except Changed:
                        continue

    async def info(self, media_id: str) -> Stored:
        """What is known of a file. Raises NotHere."""
        found = _stored(media_id, await self._objects.record(media_id))
        if found is None:
            raise NotHere(media_id)
        return found

    async def hold(self, media_id: str) -> Stored:
        """As `info`, for what an event is about to name: from now on no sweep takes the file away. Raises NotHere."""
        while True:
            record = await self._objects.record(media_id)
            found = _stored(media_id, record)
            if found is None:
                raise NotHere(media_id)
            if not _is_loose(record):
                return found
            try:
                await self._mark(media_id, record, loose=False)
            except Changed:
                continue
            return found

    async def sweep(self, older_than: dt.timedelta, from_seq: int = 0) -> Swept:
        """Delete loose files that are older, by the clock of this machine; *from_seq*: where the last sweep left off."""
        limit, gone, oldest = dt.datetime.now(dt.UTC) - older_than, 0, 0
        last = from_seq
        async for record in self._objects.records(from_seq):
            last = record.seq + 1
            if record.there is None or not _is_loose(record):
                continue
            if dt.datetime.fromisoformat(str(record.there.mtime)) <= limit:
                with contextlib.suppress(Changed):  # somebody needs it after all
                    await self._objects.drop(record.there.name, record)
                    gone += 1
            else:
                oldest = oldest or record.seq
        return Swept(gone, oldest or last)

    async def open(self, media_id: str) -> tuple[Stored, AsyncIterator[bytes]]:
        """A file and its content in chunks, checked against its name before the first one. Raises NotHere."""
        stored = await self.info(media_id)
        file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (closed by the iterator)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await (await self._objects.bucket()).get(media_id, writeinto=file)  # type: ignore[arg-type]
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
        """Forget a file, e.g. because its person asked for erasure. Raises NotHere."""
        while True:
            record = await self._objects.record(media_id)
            if record.there is None:
                raise NotHere(media_id)
            try:
                await self._objects.drop(media_id, record)
            except Changed:
                continue
            return

    async def _mark(self, media_id: str, record: Record, *, loose: bool) -> None:
        assert record.there is not None
        headers = {name: value for name, value in (record.there.headers or {}).items() if name not in LOOSE}
        await self._objects.mark(media_id, record, headers | (LOOSE if loose else {}))


def _stored(media_id: str, record: Record) -> Stored | None:
    """The file as its record has it; None where it isn't there, or isn't what its name says."""
    info = record.there
    if info is None:
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


def _is_loose(record: Record) -> bool:
    return record.there is not None and LOOSE.items() <= (record.there.headers or {}).items()


async def _receive(data: bytes | AsyncIterable[bytes], file: IO[bytes], max_bytes: int) -> tuple[bytes, int, bytes]:
    """Write *data* to *file*; its SHA-256, size and first bytes."""
    digest, size, head = hashlib.sha256(), 0, b""
    async for chunk in _once(data) if isinstance(data, bytes) else data:
        size += len(chunk)
        if size > max_bytes:
            raise PAYLOAD_TOO_LARGE(limit=max_bytes)
        head = head if len(head) >= HEAD else (head + chunk)[:HEAD]
        digest.update(chunk)
        file.write(chunk)
    return digest.digest(), size, head


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
