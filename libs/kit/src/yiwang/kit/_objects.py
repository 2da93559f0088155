"""One NATS object bucket in which every change of an object's record is conditional on the record that was seen.

The layout is that of the NATS object store (ADR-20), so its tools read it; `nats object` and backups work as ever.
nats-py overwrites records blindly, with which a sweep could take away what somebody has just begun to need.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import IO, Final, NamedTuple

from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy, ObjectInfo, ObjectMetaOptions
from nats.js.errors import APIError, BucketNotFoundError, NotFoundError
from nats.js.object_store import ObjectStore

CHUNK: Final = 128 * 1024
WRONG_SEQUENCE: Final = 10071
"""JetStream's error code for a record that somebody else changed meanwhile"""


class Changed(Exception):
    """Somebody else changed the record meanwhile: look again."""


class Record(NamedTuple):
    """What the bucket says of an object, and the sequence at which it says so; 0 where it never heard of it."""

    seq: int
    info: ObjectInfo | None

    @property
    def there(self) -> ObjectInfo | None:
        return self.info if self.info is not None and not self.info.deleted else None


class Objects:
    """The bucket *name*."""

    def __init__(self, js: JetStreamContext, name: str) -> None:
        self._js, self._name, self._stream = js, name, f"OBJ_{name}"
        self._bucket: ObjectStore | None = None
        self._lock = asyncio.Lock()

    async def bucket(self) -> ObjectStore:
        """The bucket, made when it isn't there."""
        if self._bucket is None:
            async with self._lock:
                try:
                    self._bucket = await self._js.object_store(self._name)
                except BucketNotFoundError:
                    self._bucket = await self._js.create_object_store(self._name)
        return self._bucket

    async def record(self, name: str) -> Record:
        """What the bucket says of *name*."""
        await self.bucket()
        try:
            found = await self._js.get_last_msg(self._stream, self._subject(name))
        except NotFoundError:
            return Record(0, None)
        return Record(found.seq or 0, ObjectInfo.from_response(json.loads(found.data or b"{}")))

    async def add(self, name: str, file: IO[bytes], digest: bytes, headers: dict[str, str], seen: Record) -> None:
        """Store *file* whose SHA-256 is *digest*. Raises Changed unless the record still is the one that was *seen*."""
        nuid = self._js._nc._nuid.next().decode()
        size = chunks = 0
        try:
            while piece := file.read(CHUNK):
                await self._js.publish(self._chunks(nuid), piece)
                size, chunks = size + len(piece), chunks + 1
            info = ObjectInfo(
                name=name, bucket=self._name, nuid=nuid, size=size, chunks=chunks, headers=headers, mtime=_now(),
                digest="SHA-256=" + base64.urlsafe_b64encode(digest).decode(),
                options=ObjectMetaOptions(max_chunk_size=CHUNK),
            )  # fmt: skip
            await self._write(name, info, seen.seq)
        except BaseException:
            await self._js.purge_stream(self._stream, subject=self._chunks(nuid))
            raise
        if seen.there is not None:
            await self._js.purge_stream(self._stream, subject=self._chunks(str(seen.there.nuid)))

    async def mark(self, name: str, seen: Record, headers: dict[str, str]) -> None:
        """Give the object other *headers* and make it new. Raises Changed."""
        assert seen.info is not None
        seen.info.headers, seen.info.mtime = headers, _now()
        await self._write(name, seen.info, seen.seq)

    async def drop(self, name: str, seen: Record) -> None:
        """Delete the object as it was *seen*; a record that it was deleted stays. Raises Changed."""
        assert seen.info is not None
        chunks = self._chunks(str(seen.info.nuid))
        info = seen.info
        info.deleted, info.size, info.chunks, info.digest, info.headers, info.mtime = True, 0, 0, "", None, _now()
        await self._write(name, info, seen.seq)
        await self._js.purge_stream(self._stream, subject=chunks)

    async def records(self, from_seq: int) -> AsyncIterator[Record]:
        """All records that were written from *from_seq* on, oldest first; those that are overwritten meanwhile may lack."""
        await self.bucket()
        pattern = f"$O.{self._name}.M.>"
        policy = DeliverPolicy.BY_START_SEQUENCE if from_seq > 1 else DeliverPolicy.ALL
        start = from_seq if from_seq > 1 else None
        config = ConsumerConfig(deliver_policy=policy, opt_start_seq=start)
        sub = await self._js.subscribe(pattern, stream=self._stream, ordered_consumer=True, config=config)
        try:
            left = (await sub.consumer_info()).num_pending or 0
            left += sub.pending_msgs
            while left > 0:
                message = await sub.next_msg(timeout=5)
                left = message.metadata.num_pending
                yield Record(message.metadata.sequence.stream, ObjectInfo.from_response(json.loads(message.data)))
        finally:
            await sub.unsubscribe()

    async def _write(self, name: str, info: ObjectInfo, seen: int) -> None:
        headers = {"Nats-Rollup": "sub", "Nats-Expected-Last-Subject-Sequence": str(seen)}
        try:
            await self._js.publish(self._subject(name), json.dumps(info.as_dict()).encode(), headers=headers)
        except APIError as error:
            if error.err_code == WRONG_SEQUENCE:
                raise Changed(name) from error
            raise

    def _subject(self, name: str) -> str:
        return f"$O.{self._name}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"

    def _chunks(self, nuid: str) -> str:
        return f"$O.{self._name}.C.{nuid}"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()
