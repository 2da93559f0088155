"""The pytest plugin: real servers shared by the session, and a fresh node (NATS account + database) for each test.

Put ``-p yiwang.stack.testing`` into the pytest options; then::

    async def test_files_the_case(node: TestNode):
        async with node.running(service) as app:
            await node.publish(a_report())
            [filed] = await node.until(CaseFiled)
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
import pytest_asyncio
from yiwang.contracts import Event, decode, tag_of
from yiwang.kit import App, Clock, Kit, Node, Service, _telemetry, running
from yiwang.kit.link import PARKED, STREAMS, Link, Ready, api, ready
from yiwang.kit.testing import complete

from .embedded import Account
from .servers import NatsServer, PostgresServer, find_servers, refuse_used
from .testing_apps import Http, RunningApp
from .testing_databases import TestDatabase, TestDatabases
from .testing_quiet import acked, unsettled

E = TypeVar("E", bound=Event)
REPOSITORY: Final = Path(os.environ.get("YIWANG_REPOSITORY", Path.cwd()))


class TestNode:
    """A node of its own for one test."""

    __test__ = False

    def __init__(self, nats_url: str, database: TestDatabase) -> None:
        self.nats_url, self._database = nats_url, database
        self.jurisdiction = "440300"
        self._link: Link | None = None
        self.apps: list[App] = []

    @property
    def database_url(self) -> str:
        """URL of the node's database, which is made now if no service has run yet."""
        return self._database.url

    def kit(self, **change: Any) -> Kit:
        """The process configuration of this node, whose database is there."""
        return self._kit(database_url=self._database.url, **change)

    def _kit(self, **change: Any) -> Kit:
        self.jurisdiction = change.get("jurisdiction", self.jurisdiction)
        fields: dict[str, Any] = {
            "nats_url": self.nats_url, "database_url": self._database.address, "jurisdiction": self.jurisdiction,
            "embedded": True, "stream_max_gib": 0.25, "lease_seconds": 3.0,
        }  # fmt: skip
        return Kit(**(fields | change))

    @contextlib.asynccontextmanager
    async def running(
        self,
        *services: Service,
        settings: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        profile: str | Path = "",
        **kit: Any,
    ) -> AsyncIterator[Any]:
        """Run *services* here with real servers; gives one `RunningApp`, or a list when there are several services.

        *settings* are of the first service (``{"page_size": 5}``) or full variable names (``YIWANG_…``).
        """
        environ = {
            name if name.startswith("YIWANG_") else f"{services[0].env_prefix}_{name.upper()}": str(value)
            for name, value in (settings or {}).items()
        }
        migrated = await self._database.prepare(services)
        config = self._kit(profile=str(profile), **kit)
        async with running(*services, kit=config, environ=environ, clock=clock, migrated=migrated) as apps:
            self.apps = apps
            http = Http(apps)
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(http.close)
                wrapped = [RunningApp(app, http) for app in apps]
                for one in wrapped:
                    stack.push_async_callback(one.close)
                yield wrapped[0] if len(wrapped) == 1 else wrapped

    async def open_link(self, **kit: Any) -> Link:
        """A new link to the node's NATS; its streams are made if they are not there."""
        return await Link.open(self._kit(**kit), "test")

    async def link(self) -> Link:
        """The link of the test itself."""
        if self._link is None:
            self._link = await self.open_link()
        return self._link

    async def publish(self, *events: Event, now: Any = None) -> list[Event]:
        """Put *events* into the streams, with what a test left out of the envelope filled in; returns them stamped."""
        import datetime as dt

        link = await self.link()
        node = Node.of(self._kit())
        readies: list[Ready] = [ready(complete(event, node, now or dt.datetime.now(dt.UTC))) for event in events]
        await link.publisher.publish([(r.subject, r.data, r.id, "") for r in readies])
        return [r.event for r in readies]

    async def publish_raw(self, subject: str, data: bytes, event_id: str = "") -> None:
        """Put bytes into the streams as they are."""
        link = await self.link()
        await link.publisher.publish([(subject, data, event_id or str(uuid.uuid4()), "")])

    async def events(self, event_type: type[E] | None = None) -> list[E]:
        """Everything in the streams, in order per stream; of one type if given."""
        link = await self.link()
        js = link.nc.jetstream()
        found: list[Any] = []
        for flow, stream in STREAMS.items():
            tag = tag_of(event_type) if event_type else ">"
            if event_type is not None and event_type.flow != flow:
                continue
            pattern = f"yw.{flow}.*.*.*.{tag}" if event_type else f"yw.{flow}.>"
            info = await api(link.nc, f"STREAM.INFO.{stream}", {"subjects_filter": pattern})
            total = sum((info["state"].get("subjects") or {}).values())
            if not total:
                continue
            sub = await js.subscribe(pattern, stream=stream, ordered_consumer=True)
            for _ in range(total):
                msg = await sub.next_msg(timeout=30)
                found.append(decode(msg.data))
            await sub.unsubscribe()
        return found

    async def until(
        self, event_type: type[E], count: int = 1, *, timeout: float = 45.0, where: Callable[[E], bool] | None = None
    ) -> list[E]:
        """Wait until at least *count* events of the type are in the streams; returns all of them."""
        found: list[E] = []
        try:
            async with asyncio.timeout(timeout):
                while True:
                    found = [e for e in await self.events(event_type) if where is None or where(e)]
                    if len(found) >= count:
                        return found
                    await asyncio.sleep(0.02)
        except TimeoutError:
            waiting = {a.service.name: dict(a.waiting) for a in self.apps if a.waiting}
            parked = [f"{name}: {reason}" for name, reason in await self.parked()]
            raise AssertionError(
                f"{len(found)} of {count} {tag_of(event_type)} after {timeout} s; waiting {waiting}; parked {parked}"
            ) from None

    async def drained(self, *, timeout: float = 45.0) -> None:
        """Wait until the durables of services without a database have acked everything."""
        link = await self.link()
        async with asyncio.timeout(timeout):
            while not await acked(link):
                await asyncio.sleep(0.02)

    async def parked(self) -> list[tuple[str, str]]:
        """(service, reason) of all parked events."""
        found = []
        link = await self.link()
        js = link.nc.jetstream()
        state = (await api(link.nc, f"STREAM.INFO.{PARKED}"))["state"]
        for seq in range(state["first_seq"], state["last_seq"] + 1) if state["messages"] else ():
            msg = await js.get_msg(PARKED, seq)
            found.append((str(msg.subject).removeprefix("yw-parked."), (msg.headers or {})["Yiwang-Reason"]))
        for app in self.apps:
            if app.service.database and not app.stopping:
                rows = await app.pool.fetch("select reason from kit_parked where state = 'parked' order by id")
                found += [(app.service.name, r["reason"]) for r in rows]
        return found

    async def settled(self, *, timeout: float = 60.0, parked: int | None = 0) -> None:
        """Wait until every position is at its stream's end, nothing is held and every outbox is empty.

        Fails with the reasons unless exactly *parked* events are parked (None: any number).
        """
        link, why = await self.link(), "nothing was answered"
        try:
            async with asyncio.timeout(timeout):
                while why := await unsettled(link, self.apps) or await unsettled(link, self.apps):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            state = [(a.service.name, a.waiting, {g: w.positions for g, w in a.workers.items()}) for a in self.apps]
            raise AssertionError(f"not settled after {timeout} s: {why}; {state}") from None
        reasons = await self.parked()
        assert parked is None or len(reasons) == parked, f"parked: {reasons}"

    async def close(self) -> None:
        """Give back what the node took: its streams reserve room on the server."""
        link = await self.link()
        for stream in (*STREAMS.values(), PARKED):
            await api(link.nc, f"STREAM.DELETE.{stream}")
        await link.nc.close()


class TestServers:
    """The session's servers, and a fresh account and database for each test."""

    __test__ = False

    def __init__(self, nats: NatsServer, postgres: PostgresServer, accounts: Iterator[str]) -> None:
        self.nats, self.postgres, self._accounts, self._more = nats, postgres, accounts, 0
        self.databases = TestDatabases(postgres)

    def nats_account(self) -> str:
        """URL of an account that no other test has used."""
        name = next(self._accounts, None)
        if name is None:
            self._more += 1
            names = [f"more{self._more}_{n}" for n in range(500)]
            self.nats.add_accounts(*(Account(n) for n in names))
            self._accounts = iter(names)
            name = next(self._accounts)
        return self.nats.url(name)

    def node(self, name: str) -> TestNode:
        """A node with an account and a database of its own; who takes it closes it and drops the database."""
        return TestNode(self.nats_account(), TestDatabase(self.databases, name))

    async def drop_database(self, name: str) -> None:
        """Remove a node's database."""
        await self.databases.drop(name)


@pytest.fixture(scope="session")
def test_servers() -> Iterator[TestServers]:
    """NATS and PostgreSQL of the session, by the same choice as `yiwang up`: given, containers, or embedded."""
    _telemetry.set_up(Kit(log_level="error"), "tests")
    names = [f"t{n}" for n in range(200)]
    with find_servers(accounts=[Account(n) for n in names], durable=False) as servers:
        if servers.nats_kind == "given":
            with concurrent.futures.ThreadPoolExecutor(1) as aside:  # a loop of its own, beside the tests'
                aside.submit(asyncio.run, refuse_used(servers.nats.url())).result()
        found = TestServers(servers.nats, servers.postgres, iter(names))
        yield found
        with concurrent.futures.ThreadPoolExecutor(1) as aside:
            aside.submit(asyncio.run, found.databases.close()).result()


_numbers = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="session")
async def node(test_servers: TestServers) -> AsyncIterator[TestNode]:
    """A fresh node."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    fresh = test_servers.node(name)
    yield fresh
    await fresh.close()
    await test_servers.drop_database(name)


__all__ = ["RunningApp", "TestNode", "TestServers", "node", "test_servers"]
