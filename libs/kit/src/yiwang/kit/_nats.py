"""The link to NATS: connecting, the node's streams, and publishing many events with one wait."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
import nats
import structlog
from nats.aio.client import Client

from yiwang.contracts import place_of

from ._config import Kit
from ._hears import FLOWS, STREAMS
from ._mesh import Mesh

log: Final = structlog.get_logger("yiwang.nats")
PARKED: Final = "PARKED"
"""Where services without a database park."""


class JetStreamError(Exception):
    """JetStream refused; `code` is its error code."""

    def __init__(self, what: str, code: int, description: str) -> None:
        super().__init__(f"{what}: JetStream says {description} ({code})")
        self.code = code


class PubAck(msgspec.Struct, frozen=True):
    """JetStream has it: stream, sequence, and whether it had it already (then `seq` is the first one's)."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    domain: str = ""
    error: dict[str, Any] | None = None


_ack_decoder: Final = msgspec.json.Decoder(PubAck)


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


def stream_config(name: str, kit: Kit, mesh: Mesh | None = None) -> dict[str, Any]:
    """The definition of one of the node's streams, without what its links add.

    Within a mesh, UP takes from this node's services only what they may say: facts of its own jurisdiction, and of
    those for which it acts.
    """
    flow = FLOWS.get(name)
    subjects = [f"yw.{flow}.>"] if flow else ["yw-parked.>"]
    if flow == "up" and mesh is not None:
        subjects = [f"yw.up.{place_of(code)}.>" for code in sorted({mesh.code, *mesh.hosted_areas})]
    return {
        "name": name,
        "subjects": subjects,
        "retention": "limits",
        "storage": "file",
        "num_replicas": kit.stream_replicas,
        "max_age": kit.stream_max_age_days * 86400 * 10**9,
        "max_bytes": int(kit.stream_max_gib * 2**30),
        "max_msgs": -1,
        "max_consumers": -1,
        "max_msgs_per_subject": -1,
        # A stream that owns facts says no when it is full; it never drops the oldest to make room.
        "discard": "new",
        "duplicate_window": kit.duplicate_window_s * 10**9,
        "allow_direct": True,
        "allow_msg_ttl": True,
        "allow_rollup_hdrs": False,
    }


async def ensure_streams(nc: Client, kit: Kit) -> dict[str, str]:
    """Create the node's streams where missing; returns stream → creation time (its identity)."""
    created, mesh = {}, Mesh.load(kit.mesh, kit.jurisdiction)
    for name in (*STREAMS.values(), PARKED):
        try:
            info = await api(nc, f"STREAM.INFO.{name}")
        except JetStreamError as error:
            if error.code != 10059:  # stream not found
                raise
            try:
                info = await api(nc, f"STREAM.CREATE.{name}", stream_config(name, kit, mesh))
            except JetStreamError as race:
                if race.code != 10058:  # another replica created it meanwhile, with another default
                    raise
                info = await api(nc, f"STREAM.INFO.{name}")
        created[name] = str(info["created"])
    return created


class Publisher:
    """Pipelined publishing with acks: many events in flight, one shared reply inbox."""

    def __init__(self, nc: Client, window: int = 4000) -> None:
        self._nc, self._room = nc, asyncio.Semaphore(window)
        self._waiting: dict[str, tuple[asyncio.Future[PubAck], str]] = {}
        self._prefix = ""
        self._n = 0

    async def start(self) -> None:
        self._prefix = self._nc.new_inbox() + "."
        await self._nc.subscribe(
            self._prefix + "*", cb=self._on_ack, pending_msgs_limit=10**6, pending_bytes_limit=2**30
        )

    async def _on_ack(self, msg: Any) -> None:
        found = self._waiting.pop(msg.subject, None)
        if found is None:
            return
        future, subject = found
        self._room.release()
        if future.done():
            return
        if not msg.data:
            status = (msg.headers or {}).get("Status", "?")
            future.set_exception(JetStreamError(subject, int(status) if status.isdigit() else 0, "no stream takes it"))
            return
        ack = _ack_decoder.decode(msg.data)
        if ack.error:
            code = int(ack.error.get("err_code", 0))
            future.set_exception(JetStreamError(subject, code, str(ack.error.get("description"))))
        else:
            future.set_result(ack)

    async def send(self, subject: str, data: bytes, event_id: str, trace: str = "") -> asyncio.Future[PubAck]:
        """Send one event; the returned future is its ack. `event_id` lets the stream drop repetitions."""
        await self._room.acquire()
        self._n += 1
        reply = f"{self._prefix}{self._n}"
        future: asyncio.Future[PubAck] = asyncio.get_running_loop().create_future()
        self._waiting[reply] = (future, subject)
        headers = {"Nats-Msg-Id": event_id, "traceparent": trace} if trace else {"Nats-Msg-Id": event_id}
        try:
            await self._nc.publish(subject, data, reply, headers)
        except BaseException:
            self._forget(reply)
            raise
        return future

    def _forget(self, reply: str) -> None:
        if self._waiting.pop(reply, None) is not None:
            self._room.release()

    async def publish(self, events: list[tuple[str, bytes, str, str]], *, timeout: float = 5.0) -> list[PubAck]:
        """Send (subject, data, id, trace) in order and wait for every ack.

        Raises TimeoutError when JetStream doesn't answer in *timeout* seconds: nothing is known then, and sending the
        same ids again is safe.
        """
        first = self._n
        futures: list[asyncio.Future[PubAck]] = []
        try:
            async with asyncio.timeout(timeout):
                for subject, data, event_id, trace in events:
                    futures.append(await self.send(subject, data, event_id, trace))
                return [await futures[0]] if len(futures) == 1 else list(await asyncio.gather(*futures))
        except BaseException:
            for n in range(first + 1, self._n + 1):
                self._forget(f"{self._prefix}{n}")
            for future in futures:
                if future.done() and not future.cancelled():
                    future.exception()  # seen: the caller gets the first one
                else:
                    future.cancel()
            raise
