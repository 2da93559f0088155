"""The link to NATS: connecting, the node's streams, and publishing many events with one wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgspec
import nats
import nats.errors
import structlog
from nats.aio.client import Client

from ._config import Kit
from ._wire import Wire, status_of
from ._wire import event as wire_event

log: Final = structlog.get_logger("yiwang.nats")
PARKED: Final = "PARKED"
"""Where services without a database park."""
CHUNK: Final = 250
"""Events in one write"""
Outgoing: TypeAlias = tuple[str, bytes, str, str]
"""(subject, data, id, traceparent or nothing)"""


class JetStreamError(Exception):
    """JetStream refused; `code` is its error code."""

    def __init__(self, what: str, code: int, description: str) -> None:
        super().__init__(f"{what}: JetStream says {description} ({code})")
        self.code = code


class PubAck(msgspec.Struct, frozen=True, gc=False):
    """JetStream has it: stream, sequence, and whether it had it already (then `seq` is the first one's)."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    domain: str = ""
    error: dict[str, Any] | None = None


_ack_decoder: Final = msgspec.json.Decoder(PubAck)
_NO_ACK: Final = PubAck()


async def connect(kit: Kit, name: str) -> Client:
    """A connection that survives outages of the server; raises if the first attempt fails for long."""

    async def on_error(error: Exception) -> None:
        log.warning("nats_error", client=name, error=repr(error)[:300])

    async def on_disconnect() -> None:
        if not link or link[0].is_closed or link[0].is_draining:
            return  # we hung up
        log.warning("nats_link_lost", client=name)

    async def on_reconnect() -> None:
        log.info("nats_link_back", client=name)

    link: list[Client] = []
    options: dict[str, Any] = {}
    if kit.nats_nkey_file:
        options["nkeys_seed"] = kit.nats_nkey_file
    if kit.nats_tls_ca:
        import ssl

        options["tls"] = ssl.create_default_context(cafile=kit.nats_tls_ca)
    nc = await nats.connect(
        servers=kit.nats_url.split(","),
        name=name,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,
        connect_timeout=3,
        ping_interval=10,
        max_outstanding_pings=2,
        pending_size=64 * 2**20,
        error_cb=on_error,
        disconnected_cb=on_disconnect,
        reconnected_cb=on_reconnect,
        allow_reconnect=True,
        **options,
    )
    link.append(nc)
    return nc


async def api(nc: Client, subject: str, body: dict[str, Any] | None = None, *, timeout: float = 5.0) -> dict[str, Any]:
    """One JetStream API request. Raises JetStreamError for a refusal."""
    reply = await nc.request(f"$JS.API.{subject}", msgspec.json.encode(body or {}), timeout=timeout)
    answer: dict[str, Any] = msgspec.json.decode(reply.data)
    if error := answer.get("error"):
        raise JetStreamError(subject, int(error.get("err_code", error.get("code", 0))), str(error.get("description")))
    return answer


class _Batch:
    """Events that wait for their acks together."""

    __slots__ = ("acks", "done", "left", "subjects")

    def __init__(self, events: Sequence[Outgoing]) -> None:
        self.acks: list[PubAck] = [_NO_ACK] * len(events)
        self.left = len(events)
        self.subjects = [event[0] for event in events]
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self, at: int, headers: bytes, data: bytes) -> None:
        """The answer to the event at *at*."""
        self.left -= 1
        if self.done.done():
            return
        if not data:
            status = status_of(headers)
            code = int(status) if status.isdigit() else 0
            self.done.set_exception(JetStreamError(self.subjects[at], code, "no stream takes it"))
            return
        ack = self.acks[at] = _ack_decoder.decode(data)
        if ack.error:
            code = int(ack.error.get("err_code", 0))
            self.done.set_exception(JetStreamError(self.subjects[at], code, str(ack.error.get("description"))))
        elif not self.left:
            self.done.set_result(None)

    def expire(self) -> None:
        """Nobody answered in time."""
        if not self.done.done():
            self.done.set_exception(TimeoutError("JetStream doesn't answer"))


class Publisher:
    """Pipelined publishing with acks: many events in flight, one shared reply inbox."""

    def __init__(self, nc: Client, window: int = 4000) -> None:
        self._wire, self._window = Wire.of(nc), window
        self._nc = nc
        self._waiting: dict[bytes, tuple[_Batch, int]] = {}
        self._room = asyncio.Event()
        self._prefix = b""
        self._n = 0

    async def start(self) -> None:
        self._prefix = self._nc.new_inbox().encode() + b"."
        await self._wire.listen(self._prefix.decode() + "*", self._on_ack)

    def _on_ack(self, subject: bytes, _reply: bytes, headers: bytes, data: bytes) -> None:
        found = self._waiting.pop(subject, None)
        if found is not None:
            found[0].take(found[1], headers, data)
            self._room.set()

    async def publish(self, events: Sequence[Outgoing], *, timeout: float = 5.0) -> list[PubAck]:
        """Send (subject, data, id, trace) in order and wait for every ack; an id lets the stream drop repetitions.

        Raises TimeoutError when JetStream doesn't answer in *timeout* seconds, JetStreamError when it refuses, and
        nats-py's error for a lost link: nothing is known then, and sending the same ids again is safe.
        """
        if not events:
            return []
        batch = _Batch(events)
        sent: list[bytes] = []
        end = asyncio.get_running_loop().call_later(timeout, batch.expire)
        try:
            for begin in range(0, len(events), CHUNK):
                if len(self._waiting) > self._window:
                    await self._find_room(timeout)
                await self._send(batch, begin, events[begin : begin + CHUNK], sent)
            await batch.done
        finally:
            end.cancel()
            if batch.left:
                for reply in sent:
                    self._waiting.pop(reply, None)
                self._room.set()
            if batch.done.done() and not batch.done.cancelled():
                batch.done.exception()  # seen, also when sending failed first
        return batch.acks

    async def _find_room(self, timeout: float) -> None:
        async with asyncio.timeout(timeout):
            while len(self._waiting) > self._window:
                self._room.clear()
                await self._room.wait()

    async def _send(self, batch: _Batch, begin: int, events: Sequence[Outgoing], sent: list[bytes]) -> None:
        blocks = []
        for at, (subject, data, event_id, trace) in enumerate(events, begin):
            if len(data) > self._nc.max_payload:
                raise nats.errors.MaxPayloadError
            self._n += 1
            reply = self._prefix + b"%d" % self._n
            blocks.append(wire_event(subject, reply, event_id, trace, data))
            self._waiting[reply] = (batch, at)
            sent.append(reply)
        await self._wire.send(blocks)
