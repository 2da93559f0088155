"""A running service: its links, its caches, and the doors that HTTP actions and loops use."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import socket
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg
import msgspec
import structlog
from nats.aio.client import Client
from yiwang.contracts import Event

from . import _acks, _leases, _loops, _pressure, _state, _timers, fence, names
from ._clock import Clock, clock_from
from ._codes import SEALED
from ._config import Kit, load
from ._context import Context
from ._deliver import AWAY, TRANSIENT
from ._ears import Ears
from ._effect import mark_effect
from ._engine import Item
from ._envelope import Ready, Stamper
from ._groups import Groups
from ._hears import subscribed
from ._inbox import Inbox
from ._mesh import Mesh
from ._nats import PubAck, Publisher, connect
from ._node import Node
from ._outbox import Outbox
from ._pool import open_pool
from ._service import Service
from ._streams import ensure_streams
from ._worker import Worker

if TYPE_CHECKING:
    from ._identity import Caller

T = TypeVar("T")
log: Final = structlog.get_logger("yiwang.app")
RETRIED: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Link(msgspec.Struct):
    """A process's link to one node's NATS, shared by its services."""

    nc: Client
    publisher: Publisher
    streams: dict[str, str]
    ears: dict[str, Ears] = {}
    """address of a database → who listens there"""

    @classmethod
    async def open(cls, kit: Kit, name: str) -> Link:
        """Connect and make the streams. Waits for a server that isn't there yet."""
        nc = await connect(kit, name)
        try:
            streams = await ensure_streams(nc, kit)
        except BaseException:
            await nc.close()
            raise
        publisher = Publisher(nc)
        await publisher.start()
        return cls(nc, publisher, streams)


class App:
    """One service of one node while it runs."""

    def __init__(
        self, service: Service, kit: Kit, link: Link, environ: Mapping[str, str], clock: Clock | None = None
    ) -> None:
        self.service, self.kit, self.link = service, kit, link
        self.nc, self.publisher, self.streams = link.nc, link.publisher, link.streams
        self.clock = clock or clock_from(kit.clock, kit.clock_epoch or None)
        self.settings: Any = load(service.settings_type, environ, service.env_prefix) if service.settings_type else None
        self.environ = environ
        self.node = Node.of(kit)
        self.mesh = Mesh.load(kit.mesh, kit.jurisdiction)
        """The other nodes, and who acts for whom; None when this node stands alone"""
        self.stamper = Stamper(self.node, service.name, self._hosted)
        self.log = structlog.get_logger(f"yiwang.{service.name}").bind(service=service.name, node=self.node.node_id)
        self.groups = kit.groups
        self.replica = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.work = Groups(self)
        self.resources: dict[type, Any] = {}
        self.waiting: dict[str, str] = {}
        """What keeps the service waiting, each as a sentence; empty when all is well"""
        self.stopping = False
        self.announced = asyncio.Event()
        """Set when a version of an announced set may have come into use"""
        self.sealed = False
        """The node is about to move: nothing is done any more (`fence`)"""
        self.inbox, self.outbox = Inbox(self), Outbox(self)
        self._tasks: set[asyncio.Task[None]] = set()
        self._micro: Any = None
        self._pool: asyncpg.Pool[Any] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> App:
        """A running service is itself; frameworks that copy their options must not copy it."""
        return self

    @property
    def leases(self) -> dict[int, int]:
        """The partition groups that this replica holds → their epoch."""
        return self.work.leases

    @property
    def workers(self) -> dict[int, Worker]:
        return self.work.workers

    # -- resources -----------------------------------------------------------------------------------------------

    @property
    def pool(self) -> asyncpg.Pool[Any]:
        if self._pool is None:
            raise RuntimeError(f"{self.service.name} has no database: declare Service(..., database=True)")
        return self._pool

    def get(self, kind: type[T]) -> T:
        """The service's resource of type *kind* (set it in an `on_start` function: ``app.resources[kind] = …``)."""
        try:
            return self.resources[kind]  # type: ignore[no-any-return]
        except KeyError:
            raise LookupError(
                f"{self.service.name} has not loaded its {kind.__name__}; do it in @service.on_start"
            ) from None

    @property
    def media(self) -> Any:
        from ._media import Media

        return self.resources.setdefault(Media, Media(self.nc, self.node.node_id))

    @property
    def vault(self) -> Any:
        from ._vault import Vault

        return self.resources.setdefault(Vault, Vault(self.nc))

    @property
    def _hosted(self) -> frozenset[str]:
        return frozenset(self.mesh.hosts(self.service.name)) if self.mesh else frozenset()

    @cached_property
    def acts_for(self) -> tuple[str, ...]:
        """The jurisdictions in whose name this service acts: the node's own and those it hosts the service for."""
        return (self.node.jurisdiction, *(self.mesh.hosts(self.service.name) if self.mesh else ()))

    def hears(self, stream: str, partitions: list[int] | None = None, *, tag: str = "") -> list[str]:
        """The filter subjects of this service on *stream*."""
        return subscribed(
            self.service, stream, self.node.jurisdiction, mesh=self.mesh, partitions=partitions, tag=tag
        )

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the database, load the caches, and start handling. Raises what makes a start impossible.

        A server that goes away meanwhile makes no start impossible: it begins again when the server is back.
        """
        while True:
            try:
                return await self._begin()
            except AWAY as error:
                self.log.warning("start_waits", error=repr(error)[:200])
                await self._end()
                await asyncio.sleep(1)

    async def _begin(self) -> None:
        if self.service.database:
            self._pool = await open_pool(self)
            await fence.refuse_sealed(self.pool)
            incarnation = await self.pool.fetchval("select incarnation from yw.node")
            self.node = Node.of(self.kit, incarnation)
            self.stamper = Stamper(self.node, self.service.name, self._hosted)
            await _leases.prepare(self)
        for starter in self.service.starters:
            await starter(self)
        if self.service.database:
            self.spawn(_leases.keep(self), "leases")
            self.spawn(_loops.listen(self), "listen")
            self.spawn(_loops.sweep(self), "sweep")
            if self.service.timers:
                self.spawn(_timers.keep(self), "timers")
        elif self.service.subscriptions:
            self.spawn(_acks.keep(self), "acks")
        await self._announce()
        for loop, leased in self.service.backgrounds:
            self.spawn(_loops.background(self, loop, leased), loop.__name__)

    async def _announce(self) -> None:
        """Answer NATS micro's PING, INFO and STATS, so that operators see who runs where (ADR-32)."""
        from nats.micro import add_service

        self._micro = await add_service(
            self.nc, name=self.service.name, version="0.1.0", description=f"yiwang {self.service.name}",
            metadata={"node": self.node.node_id, "tier": self.node.tier, "replica": self.replica},
        )  # fmt: skip
        await _state.answer(self)

    async def stop(self) -> None:
        """Drain: finish the batches in hand, publish what is committed, hand the groups over, close."""
        self.stopping = True
        for task in self._tasks:
            if task.get_name().endswith("/leases"):  # first of all: it would take back what is handed over
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                break
        for group in list(self.leases):
            with contextlib.suppress(Exception):  # the database may be down: leases end by themselves
                await self.work.release(group)
        if self.service.database and self._pool is not None:
            with contextlib.suppress(Exception):
                await _leases.give_back(self)
        await self._end()

    async def _end(self) -> None:
        """Whatever was begun ends: tasks, the answer to operators, connections."""
        if self._micro is not None and self.nc.is_connected:
            await self._micro.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Run a task that ends with the service at the latest."""
        task = asyncio.create_task(coroutine, name=f"{self.service.name}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- housekeeping --------------------------------------------------------------------------------------------

    @staticmethod
    def is_outage(error: BaseException) -> bool:
        """Whether *error* says that a server is away rather than that something is wrong."""
        return isinstance(error, (*TRANSIENT, OSError, TimeoutError, asyncio.TimeoutError))

    def count(self, items: list[Item], ctx: Context) -> None:
        for tag, n in Counter(item.sub.tag for item in items).items():
            names.HANDLED.labels(self.service.name, tag).inc(n)
        names.EMITTED.labels(self.service.name).inc(len(ctx.outputs) + len(ctx.direct))
        if items:
            names.BATCH.labels(self.service.name).observe(len(items))

    def count_parked(self, item: Item) -> None:
        names.PARKED.labels(self.service.name, item.sub.tag).inc()

    # -- doors ---------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def command(
        self,
        caller: Caller | None = None,
        *,
        role: str = "",
        command_id: str | None = None,
        purpose: str = "live",
        occurred_at: dt.datetime | None = None,
        device_at: dt.datetime | None = None,
    ) -> AsyncIterator[Context]:
        """One transaction for an action: SQL on `ctx.tx`, `ctx.emit(...)`; commits at the end, then the events go out.

        Raises the Problem kit.sealed while the node is sealed.
        """
        if self.sealed:
            raise SEALED(retry_after=fence.RETRY_AFTER_S)
        async with self.pool.acquire() as db, db.transaction():
            ctx = Context(
                self, db, parent=command_id or str(uuid.uuid4()), actor=caller.actor(role) if caller else None,
                purpose=purpose, occurred_at=occurred_at, device_at=device_at,
            )  # fmt: skip
            yield ctx
            await mark_effect(db)
            await self.outbox.write(db, ctx, notify=True)
        self.outbox.wake(ctx.outputs)

    async def act(self, caller: Caller | None, fn: Callable[[Context], Awaitable[T]], **options: Any) -> T:
        """`command` around *fn*, tried again when the database found a deadlock or a serialization conflict."""
        command_id = options.pop("command_id", None) or str(uuid.uuid4())
        for attempt in range(5):
            try:
                async with self.command(caller, command_id=command_id, **options) as ctx:
                    return await fn(ctx)
            except RETRIED:
                if attempt == 4:
                    raise
                await asyncio.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")

    def stamp(
        self, event: Event, *, parent: str = "", n: int = 0, caller: Caller | None = None, **envelope: Any
    ) -> Ready:
        """*event* stamped by this service, as it would be published."""
        return self.stamper.stamp(
            event, self.clock.now(), parent=parent or str(uuid.uuid4()), n=n,
            actor=caller.actor() if caller else None, **envelope,
        )  # fmt: skip

    async def publish(
        self, *events: Event, caller: Caller | None = None, parent: str = "", timeout: float = 5.0, **envelope: Any
    ) -> list[PubAck]:
        """Publish at once, without an outbox row, and return JetStream's acks in order.

        Raises TimeoutError or JetStreamError: then nothing is known, and the same events (same ids) may be sent again.
        """
        parent = parent or str(uuid.uuid4())
        readies = [self.stamp(event, parent=parent, n=n, caller=caller, **envelope) for n, event in enumerate(events)]
        return await self.publish_ready(readies, timeout=timeout)

    async def publish_ready(self, readies: list[Ready], *, timeout: float = 5.0) -> list[PubAck]:
        """Publish events that are stamped already; the hot path."""
        from ._telemetry import current_trace

        trace = current_trace()
        return await self.publisher.publish([(r.subject, r.data, r.id, trace) for r in readies], timeout=timeout)

    async def pressure(self) -> None:
        """Raise the 503 Problem when the streams are nearly full or too much waits in the outbox (asked once a second)."""
        await _pressure.check(self)

    async def health(self) -> dict[str, str]:
        """What the service waits for, each as a sentence; empty when it is ready."""
        found = dict(self.waiting)
        if not self.nc.is_connected:
            found["nats"] = "与消息服务器的连接中断，正在重连；恢复后自动继续"
        if self._pool is not None:
            try:
                async with asyncio.timeout(2):
                    await self.pool.fetchval("select 1")
            except Exception as error:  # noqa: BLE001 - whatever it is, the database doesn't answer
                found["database"] = f"数据库没有应答（{type(error).__name__}）；恢复后自动继续"
        return found

