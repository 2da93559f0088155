"""Files on their way up: in parts beside the events, over the same links, for hours only.

A part travels in UP as ``yw.up.<city>.<county>.<pp>.media.part.v1``: subject and links are those of events, so what may
pass a link may, and a part for another place's name lands in quarantine like a faked event. It isn't an event: no
service hears it, and the streams forget it after `KEPT_S` (a per-message TTL), so that photos never fill a stream that
owns facts. Whoever asked for the file collects the parts from its own UP and checks the whole against its name.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any, Final

import msgspec
from yiwang.contracts import partition_of, place_of

PART: Final = 256 * 1024
KEPT_S: Final = 3600
TAG: Final = "media.part.v1"
FILTER: Final = f"yw.up.*.*.*.{TAG}"
HEADER: Final = "Yiwang-Part"
_OPEN_FILES: Final = 8


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a part says of itself: part `n` (from 1) of `of`, of a file of `size` bytes."""

    media_id: str
    n: int
    of: int
    size: int
    mime: str
    home_node: str


class BadPart(ValueError):
    """The part doesn't fit; it is thrown away, and the file can be asked for again."""


def subject_of(jurisdiction: str, media_id: str) -> str:
    """Where the parts of a file travel."""
    return f"yw.up.{place_of(jurisdiction)}.{partition_of(f'media/{media_id}'):02d}.{TAG}"


async def send(app: Any, media_id: str, jurisdiction: str) -> int:
    """Send the file *media_id* that this node holds; the number of parts. Raises NotHere."""
    stored, chunks = await app.media.open(media_id)
    of = max(1, -(-stored.size // PART))
    n = 0
    async for chunk in _sized(chunks):
        n += 1
        part = Part(media_id=media_id, n=n, of=of, size=stored.size, mime=stored.mime, home_node=stored.home_node)
        headers = {
            HEADER: msgspec.json.encode(part).decode(),
            "Nats-TTL": f"{KEPT_S}s",
            # Asked for again after the parts were forgotten, it must not count as a repetition.
            "Nats-Msg-Id": f"{media_id}/{n}/{int(app.clock.now().timestamp() // 600)}",
        }
        await app.nc.jetstream().publish(subject_of(jurisdiction, media_id), chunk, headers=headers, timeout=10)
    return n


async def _sized(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = b""
    async for chunk in chunks:
        held += chunk
        while len(held) >= PART:
            yield held[:PART]
            held = held[PART:]
    if held:
        yield held


def read_part(headers: dict[str, str] | None, size: int) -> Part:
    """What a message says of itself. Raises BadPart."""
    try:
        part = msgspec.json.decode((headers or {}).get(HEADER, ""), type=Part)
    except msgspec.MsgspecError as error:
        raise BadPart(f"a part without a proper header: {error}") from error
    if not (1 <= part.n <= part.of) or size > PART or part.of != max(1, -(-part.size // PART)):
        raise BadPart(f"part {part.n} of {part.of} with {size} bytes doesn't fit a file of {part.size} bytes")
    return part


class Collector:
    """Puts files together from parts that come in order; several files may be on their way at once."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[int, IO[bytes], Any]] = {}

    def take(self, part: Part, data: bytes) -> bytes | None:
        """The whole file once its last part is here. Raises BadPart, and forgets the file, when it doesn't fit."""
        if part.n == 1:
            self._forget(part.media_id)
            while len(self._open) >= _OPEN_FILES:
                self._forget(next(iter(self._open)))
            file = tempfile.SpooledTemporaryFile(max_size=4 * PART)  # noqa: SIM115 (closed by _forget)
            self._open[part.media_id] = (0, file, hashlib.sha256())
        at, file_, digest = self._open.get(part.media_id, (-1, None, None))
        if file_ is None or digest is None or part.n != at + 1:
            self._forget(part.media_id)
            raise BadPart(f"part {part.n} of {part.media_id} came after part {at}")
        file_.write(data)
        digest.update(data)
        self._open[part.media_id] = (part.n, file_, digest)
        if part.n < part.of:
            return None
        file_.seek(0)
        whole = file_.read()
        self._forget(part.media_id)
        if digest.hexdigest() != part.media_id:
            raise BadPart(f"what came as {part.media_id} is another file")
        return whole

    def _forget(self, media_id: str) -> None:
        found = self._open.pop(media_id, None)
        if found is not None:
            found[1].close()
