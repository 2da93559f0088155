"""Feeds: a stream from a sequence on, in order, without acks; a gap or a lost consumer shows at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import Any, Final

import msgspec
from nats.aio.client import Client

from ._hears import Sieve, coarse
from ._nats import api
from ._wire import Wire, header_of, status_of

WINDOW: Final = 4000
"""Messages on their way at the most: who lags further behind costs the server more"""


class FeedLost(Exception):
    """The feed has a gap or its consumer is gone; open a new one from the stored position."""


class Raw(msgspec.Struct, frozen=True, gc=False):
    """A message as it lies in the stream."""

    stream: str
    seq: int
    subject: str
    data: bytes
    trace: str


class Feed:
    """An ordered pull consumer without acks, from *start* on; `wake` is set when something has arrived.

    *calm_s*: how often its reader looks at it when nothing comes; the server gives a sign of life half as often.
    """

    def __init__(
        self, nc: Client, stream: str, filters: list[str], start: int, wake: asyncio.Event, *, calm_s: float = 0.5
    ) -> None:
        self._sign_s = min(max(1, round(2 * calm_s)), 10)
        self._silent_s = 8.0 + 2 * (self._sign_s - 1)
        self._nc, self.stream, self._filters, self._start, self._wake = nc, stream, filters, start, wake
        self._wire = Wire.of(nc)
        self._asked_for = coarse(filters)
        self._sieve = Sieve(filters) if self._asked_for != filters else None
        self._buffer: list[Raw] = []
        self._asked = self._next = self._requests = 0
        self._current = ""
        self._lost = ""
        self._seen = time.monotonic()
        self.pending = 0

    async def open(self) -> None:
        inbox = self._nc.new_inbox()
        self._inbox = inbox
        self._sub = await self._wire.listen(f"{inbox}.*", self._on_message)
        self._name = f"feed_{uuid.uuid4().hex[:16]}"
        config: dict[str, Any] = {
            "name": self._name,
            "ack_policy": "none",
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._start,
            "replay_policy": "instant",
            "max_deliver": -1,
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": 30 * 10**9,
        }
        filters = self._asked_for
        if filters:
            config |= {"filter_subject": filters[0]} if len(filters) == 1 else {"filter_subjects": filters}
        body = {"stream_name": self.stream, "action": "create", "config": config}
        suffix = f".{filters[0]}" if len(filters) == 1 else ""
        await api(self._nc, f"CONSUMER.CREATE.{self.stream}.{self._name}{suffix}", body)
        await self._ask()

    async def close(self) -> None:
        with contextlib.suppress(Exception):  # the link may be down: the server forgets the consumer by itself
            await self._wire.leave(self._sub)
            await self._nc.publish(f"$JS.API.CONSUMER.DELETE.{self.stream}.{self._name}", b"")

    async def _ask(self) -> None:
        self._requests += 1
        self._current = f"{self._inbox}.{self._requests}"
        want = WINDOW - max(self._asked, 0)
        self._asked += want
        body = {"batch": want, "expires": 5 * self._sign_s * 10**9, "idle_heartbeat": self._sign_s * 10**9}
        await self._nc.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self._name}", msgspec.json.encode(body), self._current
        )

    def _on_message(self, subject: bytes, reply: bytes, headers: bytes, data: bytes) -> None:
        self._seen = time.monotonic()
        if headers and not data and (status := status_of(headers)):
            self._on_status(status, headers.decode("latin-1"), subject.decode())
            return
        tokens = reply.split(b".")
        at = 5 if len(tokens) == 9 else 7
        delivered = int(tokens[at + 1])
        if delivered != self._next + 1:
            self._lost = f"gap: message {delivered} after {self._next}"
        self._next = delivered
        self.pending = int(tokens[at + 3])
        self._asked -= 1
        if self._sieve is not None and not self._sieve.keeps(subject):
            if not self.pending:
                self._wake.set()  # the end is reached, though by another's event
            return
        if not self._lost:
            trace = header_of(headers, b"traceparent") if headers else ""
            self._buffer.append(Raw(self.stream, int(tokens[at]), subject.decode(), data, trace))
        self._wake.set()

    def _on_status(self, status: str, description: str, subject: str) -> None:
        if status == "100":  # idle heartbeat
            return
        if subject == self._current:
            self._asked = 0
        if status in ("409", "503") and ("Consumer" in description or status == "503"):
            self._lost = f"{status} {description[12:].strip()}"
        self._wake.set()

    async def take(self, most: int) -> list[Raw]:
        """What has arrived, at most *most*. Raises FeedLost."""
        if self._lost:
            raise FeedLost(f"{self.stream}: {self._lost}")
        if time.monotonic() - self._seen > self._silent_s:
            raise FeedLost(f"{self.stream}: no sign of life for {self._silent_s:g} s")
        if self._asked < WINDOW // 2 and len(self._buffer) < WINDOW and self._nc.is_connected:
            await self._ask()
        taken, self._buffer = self._buffer[:most], self._buffer[most:]
        return taken

    def give_back(self, raws: list[Raw]) -> None:
        """Return what couldn't be handled in this batch."""
        self._buffer[:0] = raws

    def __len__(self) -> int:
        return len(self._buffer)
