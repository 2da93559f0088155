"""A running service: its links, its caches, and the doors that HTTP actions and loops use."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import socket
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg
import msgspec
import structlog
from nats.aio.client import Client
from yiwang.contracts import Event

from . import _acks, _leases, _timers, names
from ._clock import Clock, clock_from
from ._codes import TOO_BUSY
from ._config import Kit, load
from ._context import Context
from ._effect import mark_effect
from ._engine import Item
from ._envelope import Ready, Stamper
from ._feed import FeedLost
from ._inbox import Inbox
from ._nats import STREAMS, PubAck, Publisher, api, connect, ensure_streams
from ._node import Node
from ._outbox import Outbox
from ._service import Service
from ._worker import TRANSIENT, LeaseLost, Worker

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

    @classmethod
    async def open(cls, kit: Kit, name: str) -> Link:
        """Connect and make the streams. Waits for a server that isn't there yet."""
        nc = await connect(kit, name)
        streams = await ensure_streams(nc, kit)
        publisher = Publisher(nc)
        await publisher.start()
        return cls(nc, publisher, streams)


class App:
    """One service of one node while it runs."""

    def __init__(self, service: Service, kit: Kit, link: Link, environ: Mapping[str, str], clock: Clock | None = None) -> None:
        self.service, self.kit, self.link = service, kit, link
        self.nc, self.publisher, self.streams = link.nc, link.publisher, link.streams
        self.clock = clock or clock_from(kit.clock, kit.clock_epoch or None)
        self.settings: Any = load(service.settings_type, environ, service.env_prefix) if service.settings_type else None
        self.environ = environ
        self.node = Node.of(kit)
        self.stamper = Stamper(self.node, service.name)
        self.log = structlog.get_logger(f"yiwang.{service.name}").bind(service=service.name, node=self.node.node_id)
        self.groups = kit.groups
        self.replica = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.leases: dict[int, int] = {}
        self.workers: dict[int, Worker] = {}
        self.resources: dict[type, Any] = {}
        self.waiting: dict[str, str] = {}
        """What keeps the service waiting, each as a sentence; empty when all is well"""
        self.stopping = False
        self.inbox, self.outbox = Inbox(self), Outbox(self)
        self._group_tasks: dict[int, list[asyncio.Task[None]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._pool: asyncpg.Pool[Any] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> App:
        """A running service is itself; frameworks that copy their options must not copy it."""
        return self

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
            raise LookupError(f"{self.service.name} has not loaded its {kind.__name__}; do it in @service.on_start") from None

    @property
    def media(self) -> Any:
        from ._media import Media

        return self.resources.setdefault(Media, Media(self.nc, self.node.node_id))

    @property
    def vault(self) -> Any:
        from ._vault import Vault

        return self.resources.setdefault(Vault, Vault(self.nc))

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the database, load the caches, and start handling. Raises what makes a start impossible."""
        if self.service.database:
            await self._open_pool()
            incarnation = await self.pool.fetchval("select incarnation from yw.node")
            self.node = Node.of(self.kit, incarnation)
            self.stamper = Stamper(self.node, self.service.name)
            await _leases.prepare(self)
        for starter in self.service.starters:
            await starter(self)
        if self.service.database:
            self._spawn(_leases.keep(self), "leases")
            self._spawn(self._listen(), "listen")
            self._spawn(self._sweep(), "sweep")
            if self.service.timers:
                self._spawn(_timers.keep(self), "timers")
        elif self.service.subscriptions:
            self._spawn(_acks.keep(self), "acks")
        await self._announce()
        for loop, leased in self.service.backgrounds:
            self._spawn(self._background(loop, leased), loop.__name__)

    async def _announce(self) -> None:
        """Answer NATS micro's PING, INFO and STATS, so that operators see who runs where (ADR-32)."""
        from nats.micro import add_service

        self._micro = await add_service(
            self.nc, name=self.service.name, version="0.1.0", description=f"yiwang {self.service.name}",
            metadata={"node": self.node.node_id, "tier": self.node.tier, "replica": self.replica},
        )  # fmt: skip

    async def _open_pool(self) -> None:
        schema = self.service.schema
        url = self.environ.get(f"{self.service.env_prefix}_DATABASE_URL")
        settings = {
            "search_path": schema,
            "application_name": f"yiwang-{self.service.name}",
            # A replica that freezes inside a transaction must not keep its row locks.
            "idle_in_transaction_session_timeout": "10000",
        }
        if url is None:  # one login for the node: act as the service's own role in its own schema
            settings["role"] = f"yw_{schema}"
        self._pool = await asyncpg.create_pool(
            url or self.kit.database_url, min_size=1, max_size=8 + 2 * self.groups, command_timeout=30,
            server_settings=settings, max_inactive_connection_lifetime=300,
        )  # fmt: skip

    async def stop(self) -> None:
        """Drain: finish the batches in hand, publish what is committed, hand the groups over, close."""
        self.stopping = True
        for group in list(self.leases):
            with contextlib.suppress(Exception):  # the database may be down: leases end by themselves
                await self.release(group)
        if self.nc.is_connected:
            await self._micro.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    def _spawn(self, coroutine: Any, name: str) -> None:
        self._tasks.append(asyncio.create_task(coroutine, name=f"{self.service.name}/{name}"))

    # -- leased groups -------------------------------------------------------------------------------------------

    def take(self, group: int, epoch: int) -> None:
        """Begin to work *group* under *epoch*."""
        self.leases[group] = epoch
        self._group_tasks[group] = [
            asyncio.create_task(self._work(group, epoch), name=f"{self.service.name}/group{group}"),
            asyncio.create_task(self._publish(group), name=f"{self.service.name}/outbox{group}"),
        ]
        names.GROUPS.labels(self.service.name).set(len(self.leases))

    def drop(self, group: int) -> None:
        """The lease is lost: stop at once."""
        self.leases.pop(group, None)
        for task in self._group_tasks.pop(group, []):
            task.cancel()
        names.GROUPS.labels(self.service.name).set(len(self.leases))

    async def release(self, group: int) -> None:
        """Finish the batch in hand and give the group to another replica."""
        epoch = self.leases.pop(group)
        tasks = self._group_tasks.pop(group, [])
        if worker := self.workers.get(group):
            worker.wake.set()
        self.outbox.wake()
        await asyncio.wait(tasks, timeout=5)
        for task in tasks:
            task.cancel()
        await self.pool.execute(
            "update kit_lease set until = '-infinity' where grp = $1 and epoch = $2 and owner = $3", group, epoch, self.replica
        )

    async def _work(self, group: int, epoch: int) -> None:
        pause = 0.1
        while group in self.leases:
            worker = self.workers[group] = Worker(self, group, epoch)
            try:
                await worker.run()
                return
            except LeaseLost:
                log.info("lease_lost", service=self.service.name, group=group)
                self.leases.pop(group, None)
                return
            except FeedLost as error:
                log.info("feed_reopened", service=self.service.name, group=group, reason=str(error))
            except Exception as error:
                self.waiting[f"group {group}"] = f"分区组{group}等待：{error!r:.300}"
                log.error("worker_waits", service=self.service.name, group=group, error=repr(error)[:500],
                          exc_info=None if self.is_outage(error) else error)  # fmt: skip
                pause = min(pause * 2, 5.0)
            else:
                pause = 0.1
            await asyncio.sleep(pause)

    async def _publish(self, group: int) -> None:
        while group in self.leases:
            try:
                await self.outbox.publish_group(group)
            except Exception as error:
                log.warning("outbox_waits", service=self.service.name, error=repr(error)[:300])
                await asyncio.sleep(0.5)

    async def _background(self, loop: Callable[[App], Awaitable[None]], leased: bool) -> None:
        name = loop.__name__
        while not self.stopping:
            try:
                if leased:
                    await self._leased_loop(loop, name)
                else:
                    await loop(self)
                    return
            except Exception as error:
                log.error("loop_failed", service=self.service.name, loop=name, error=repr(error)[:500], exc_info=error)
            await asyncio.sleep(1.0)

    async def _leased_loop(self, loop: Callable[[App], Awaitable[None]], name: str) -> None:
        """Run *loop* while its row in kit_loop is ours."""
        ttl = self.kit.lease_seconds

        async def mine() -> bool:
            return bool(
                await self.pool.fetchval(
                    "insert into kit_loop (name, owner, until) values ($1, $2, now() + $3 * interval '1 s') on conflict (name)"
                    " do update set owner = $2, until = now() + $3 * interval '1 s'"
                    " where kit_loop.owner = $2 or kit_loop.until < now() returning true",
                    name, self.replica, ttl,
                )
            )  # fmt: skip

        if not await mine():
            await asyncio.sleep(ttl / 3)
            return
        task: asyncio.Task[None] = asyncio.create_task(loop(self), name=f"{self.service.name}/{name}")  # type: ignore[arg-type]
        try:
            while not task.done():
                await asyncio.wait([task], timeout=ttl / 3)
                if not task.done() and not await mine():
                    return
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(Exception):  # the database may be down: the row expires by itself
                await self.pool.execute(
                    "update kit_loop set until = '-infinity' where name = $1 and owner = $2", name, self.replica
                )

    # -- housekeeping --------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Hear commits of HTTP actions and timers of all replicas (NOTIFY), and wake the publishers."""

        def heard(*heard_: object) -> None:
            payload = heard_[3]
            if payload == "held":
                for worker in self.workers.values():
                    self._spawn(worker.refresh_held(), "held")
            else:
                self.outbox.wake()

        while not self.stopping:
            try:
                async with self.pool.acquire() as db:
                    await db.add_listener(f"kit_{self.service.schema}", heard)
                    try:
                        while not db.is_closed():
                            await asyncio.sleep(2)
                            await db.execute("select 1")
                    finally:
                        if not db.is_closed():
                            await db.remove_listener(f"kit_{self.service.schema}", heard)
            except Exception as error:
                log.warning("listen_waits", service=self.service.name, error=repr(error)[:200])
                await asyncio.sleep(1)

    async def _sweep(self) -> None:
        """Keep the gauges fresh and drop what is past its time."""
        rounds = 0
        while not self.stopping:
            try:
                names.OUTBOX.labels(self.service.name).set(await self.outbox.size())
                names.HELD.labels(self.service.name).set(sum(len(w.held) for w in self.workers.values()))
                if rounds % 720 == 0:
                    await self.inbox.sweep(self.kit.stream_max_age_days + 2)
                    await self.pool.execute("delete from kit_replica where seen < now() - interval '1 day'")
            except Exception as error:
                log.warning("sweep_waits", service=self.service.name, error=repr(error)[:200])
            rounds += 1
            await asyncio.sleep(5)

    @staticmethod
    def is_outage(error: BaseException) -> bool:
        """Whether *error* says that a server is away rather than that something is wrong."""
        return isinstance(error, (*TRANSIENT, OSError, TimeoutError, asyncio.TimeoutError))

    def count(self, items: list[Item], ctx: Context) -> None:
        for tag, n in Counter(item.sub.tag for item in items).items():
            names.HANDLED.labels(self.service.name, tag).inc(n)
        names.EMITTED.labels(self.service.name).inc(len(ctx.outputs))
        if items:
            names.BATCH.labels(self.service.name).observe(len(items))
            for group in [g for g in self.waiting if g.startswith("group ")]:
                self.waiting.pop(group, None)

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
        """One transaction for an action: SQL on `ctx.tx`, `ctx.emit(...)`; commits at the end, then the events go out."""
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

    def stamp(self, event: Event, *, parent: str = "", n: int = 0, caller: Caller | None = None, **envelope: Any) -> Ready:
        """*event* stamped by this service, as it would be published."""
        return self.stamper.stamp(
            event, self.clock.now(), parent=parent or str(uuid.uuid4()), n=n,
            actor=caller.actor() if caller else None, **envelope,
        )  # fmt: skip

    async def publish(self, *events: Event, caller: Caller | None = None, parent: str = "", timeout: float = 5.0, **envelope: Any) -> list[PubAck]:
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
        """Raise the 503 Problem when the streams are nearly full or too much waits in the outbox (checked once a second)."""
        now = asyncio.get_running_loop().time()
        checked, problem = self.resources.get(_Pressure, (0.0, ""))
        if now - checked > 1.0:
            problem = await self._measure_pressure()
            self.resources[_Pressure] = (now, problem)
        if problem:
            raise TOO_BUSY(why=problem)

    async def _measure_pressure(self) -> str:
        if not self.nc.is_connected:
            return "消息服务器连接中断"
        for name in STREAMS.values():
            state = (await api(self.nc, f"STREAM.INFO.{name}", timeout=2))["state"]
            if state["bytes"] > 0.95 * self.kit.stream_max_gib * 2**30:
                return f"事件流{name}已用{state['bytes'] / 2**30:.1f} GiB"
        if self._pool is not None and (rows := await self.outbox.size()) > self.kit.outbox_limit:
            return f"{rows}条事件等待发布"
        return ""

    async def health(self) -> dict[str, str]:
        """What the service waits for, each as a sentence; empty when it is ready."""
        found = dict(self.waiting)
        if not self.nc.is_connected:
            found["nats"] = "与消息服务器的连接中断，正在重连；恢复后自动继续"
        if self._pool is not None:
            try:
                async with asyncio.timeout(2):
                    await self.pool.fetchval("select 1")
            except Exception as error:
                found["database"] = f"数据库没有应答（{type(error).__name__}）；恢复后自动继续"
        return found


class _Pressure:
    """Key of the cached pressure check."""
