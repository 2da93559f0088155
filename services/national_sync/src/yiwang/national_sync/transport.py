"""Carrying a batch to the other side: over HTTP, or as a file for a network that has no wire."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec

from .links import Link
from .protocol import Answer, Batch, DayDigest, Known, Result, digest_of, signed_headers

TAKEN: Final = (200, 201, 202)
T = TypeVar("T")


class Down(Exception):
    """The other side can't be reached or doesn't work; try again later. The text is for the operator."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Gap(Exception):
    """The other side expects another sequence number; it took nothing."""

    def __init__(self, expected: int) -> None:
        super().__init__(f"expects {expected}")
        self.expected = expected


class Unfit(Exception):
    """The other side can't take the batch as a whole (too large, malformed to it)."""


class Transport(Protocol):
    """How batches travel, and how a day is compared."""

    async def send(self, batch: Batch) -> list[Result]:
        """What became of each record. Raises Down, Gap or Unfit."""

    async def digest(self, sender: str, district: str, day: str) -> DayDigest | None:
        """What the other side holds of a day; None where it can't be asked. Raises Down."""

    async def known(self, sender: str, district: str, day: str) -> list[Known]:
        """The records that it holds of a day. Raises Down."""


def transport_of(link: Link, client: httpx.AsyncClient) -> Transport:
    """The transport that the platform's profile names."""
    return FileTransport(link) if link.platform.transport == "directory" else HttpTransport(link, client)


def batch_id(batch: Batch) -> str:
    """The same for every attempt to send the same records under the same numbers."""
    first, last = batch.records[0].seq, batch.records[-1].seq
    content = digest_of((r.record_id, r.hash) for r in batch.records)
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{batch.sender}/{batch.district}/{first}-{last}/{content}"))


class HttpTransport:
    """Signed POST of batches; signed GET of digests."""

    def __init__(self, link: Link, client: httpx.AsyncClient) -> None:
        self._link, self._client = link, client

    async def send(self, batch: Batch) -> list[Result]:
        body = msgspec.json.encode(batch)
        headers = self._signed(batch_id(batch), body) | {"content-type": "application/json"}
        answer = await self._call("POST", self._link.endpoint, content=body, headers=headers)
        if answer.status_code in TAKEN:
            return self._decoded(answer, Answer).results
        if answer.status_code == 409:
            raise Gap(self._decoded(answer, Answer).expected)
        if answer.status_code in (400, 413, 422):
            raise Unfit(f"对方不接收这一批（HTTP {answer.status_code}）：{answer.text[:300]}")
        raise self._down(answer)

    async def digest(self, sender: str, district: str, day: str) -> DayDigest | None:
        return self._decoded(await self._get("digest", sender, district, day), DayDigest)

    async def known(self, sender: str, district: str, day: str) -> list[Known]:
        return self._decoded(await self._get("records", sender, district, day), list[Known])

    async def _get(self, what: str, sender: str, district: str, day: str) -> httpx.Response:
        query = urlencode({"sender": sender, "district": district, "day": day})
        url = f"{self._link.endpoint.rstrip('/')}/{what}?{query}"
        target = f"{urlsplit(url).path}?{query}".encode()
        answer = await self._call("GET", url, headers=self._signed(str(uuid.uuid4()), target))
        if answer.status_code != 200:
            raise self._down(answer)
        return answer

    def _signed(self, message_id: str, body: bytes) -> dict[str, str]:
        return signed_headers(self._link.secret, message_id, int(time.time()), body)

    async def _call(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            return await self._client.request(method, url, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Down(f"连不上 {self._link.platform.title}：{type(error).__name__}，请检查专线和对方地址") from error

    def _down(self, answer: httpx.Response) -> Down:
        wait = answer.headers.get("retry-after", "")
        hint = "，请核对双方密钥与时钟" if answer.status_code in (401, 403) else ""
        title = self._link.platform.title
        return Down(f"{title}答复 HTTP {answer.status_code}{hint}", float(wait) if wait.isdigit() else 0.0)

    def _decoded(self, answer: httpx.Response, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError as error:
            raise Down(f"{self._link.platform.title}的答复看不懂：{error}") from error


class FileTransport:
    """Batches as files in a directory, complete or not at all, for carriers that people move between networks.

    A written file counts as delivered: what the other side does with it isn't known here, and days can't be compared.
    """

    def __init__(self, link: Link) -> None:
        self._folder, self._link = Path(link.endpoint), link

    async def send(self, batch: Batch) -> list[Result]:
        body = msgspec.json.encode(batch)
        first, last = batch.records[0].seq, batch.records[-1].seq
        headers = (
            signed_headers(self._link.secret, batch_id(batch), int(time.time()), body) if self._link.secret else {}
        )
        content = msgspec.json.encode({"headers": headers, "body": body.decode()})
        name = f"{batch.sender}-{batch.district}-{first:012d}-{last:012d}.json"
        try:
            await asyncio.to_thread(_write, self._folder, name, content)
        except OSError as error:
            raise Down(f"写不进目录 {self._folder}：{error.strerror}，请管理员检查磁盘空间与权限") from error
        return [Result(record_id=r.record_id, status="ok") for r in batch.records]

    async def digest(self, sender: str, district: str, day: str) -> DayDigest | None:
        return None

    async def known(self, sender: str, district: str, day: str) -> list[Known]:
        return []


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write beside, flush to the disk, rename: a reader sees the whole file or none."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{name}.{os.getpid()}.tmp"
    with temporary.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(folder / name)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
