"""Three replicas, and everything is killed or frozen under load: nothing lost, nothing doubled, order kept."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from yiwang.contracts import CaseFiled, CaseVisited, NoticeRequested, decode
from yiwang.kit import Kit, Node, migrate
from yiwang.kit._app import Link
from yiwang.kit._envelope import ready
from yiwang.kit._nats import api
from yiwang.kit.testing import a_case, a_head, complete
from yiwang.stack.embedded import Account, Nats, Postgres

from .chaos_service import service

SECONDS = float(os.environ.get("YIWANG_CHAOS_SECONDS", "14"))
CASES = 300


class Lab:
    """Servers of its own, three replicas, and a feed that never gives up."""

    def __init__(self, nats: Nats, postgres: Postgres) -> None:
        self.nats, self.postgres = nats, postgres
        self.database = postgres.create_database("chaos")
        self.kit = Kit(
            nats_url=nats.url("c"), database_url=self.database, groups=8, lease_seconds=2.0, stream_max_gib=1.0
        )
        self.replicas: list[subprocess.Popen[bytes]] = []
        self.versions: dict[str, int] = {}
        self.kills: dict[str, int] = {}
        self.random = random.Random(7)

    def start_replica(self) -> subprocess.Popen[bytes]:
        env = {
            **os.environ, "YIWANG_NATS_URL": self.kit.nats_url, "YIWANG_DATABASE_URL": self.database, "YIWANG_GROUPS": "8",
            "YIWANG_LEASE_SECONDS": "2", "YIWANG_HTTP_PORT": "0", "YIWANG_EMBEDDED": "1", "YIWANG_LOG_LEVEL": "error",
        }  # fmt: skip
        return subprocess.Popen([sys.executable, str(Path(__file__).with_name("chaos_service.py"))], env=env)

    async def feed(self, until: float) -> None:
        """Publish versions 1, 2, 3 … of random cases; what isn't acked is sent again with the same ids."""
        link = await Link.open(self.kit, "feed")
        node = Node.of(self.kit)
        while time.monotonic() < until:
            out = []
            for _ in range(40):
                key = f"case{self.random.randrange(CASES)}"
                self.versions[key] = version = self.versions.get(key, 0) + 1
                head = a_head(case_id=key, case_version=version)
                event: Any = a_case(head=head) if version % 3 else CaseVisited(case=head, score=1, satisfied=True)
                out.append(ready(complete(event, node, dt.datetime.now(dt.UTC))))
            while True:
                try:
                    await link.publisher.publish([(r.subject, r.data, r.id, "") for r in out], timeout=3)
                    break
                except Exception:  # noqa: BLE001 - the feed never gives up
                    await asyncio.sleep(0.2)
            await asyncio.sleep(0.04)
        await link.nc.close()

    async def torment(self, until: float) -> None:
        """Kill or freeze something every second or two."""
        while time.monotonic() < until:
            await asyncio.sleep(self.random.uniform(0.5, 1.2))
            what = self.random.choice(["kill", "kill", "freeze", "nats", "postgres"])
            self.kills[what] = self.kills.get(what, 0) + 1
            n = self.random.randrange(len(self.replicas))
            if what == "kill":
                self.replicas[n].kill()
                self.replicas[n].wait()
                self.replicas[n] = self.start_replica()
            elif what == "freeze":
                self.replicas[n].send_signal(signal.SIGSTOP)
                await asyncio.sleep(3)
                self.replicas[n].send_signal(signal.SIGCONT)
            elif what == "nats":
                self.nats.kill()
                await asyncio.sleep(0.3)
                self.nats.restart()
            else:
                self.postgres.kill()
                await asyncio.sleep(0.3)
                self.postgres.restart()

    async def drained(self) -> None:
        async with asyncio.timeout(90):
            while True:
                with contextlib.suppress(OSError, asyncpg.PostgresError):
                    db = await asyncpg.connect(self.database)
                    try:
                        stored = await db.fetchval("select count(distinct (key, v)) from chaos.hist")
                        waiting = await db.fetchval("select count(*) from chaos.kit_outbox")
                    finally:
                        await db.close()
                    if stored == sum(self.versions.values()) and not waiting:
                        return
                await asyncio.sleep(0.2)

    async def outputs(self) -> AsyncIterator[NoticeRequested]:
        """What the replicas published, in the stream's order."""
        link = await Link.open(self.kit, "reader")
        last = (await api(link.nc, "STREAM.INFO.LOCAL"))["state"]["last_seq"]
        sub = await link.nc.jetstream().subscribe("yw.local.>", stream="LOCAL", ordered_consumer=True)
        seq = 0
        while seq < last:
            msg = await sub.next_msg(timeout=5)
            seq = msg.metadata.sequence.stream
            event = decode(msg.data)
            assert isinstance(event, NoticeRequested)
            yield event
        await link.nc.close()


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Nats(accounts=[Account("c")]) as nats, Postgres(durable=True) as postgres:
        lab = Lab(nats, postgres)
        yield lab
        for replica in lab.replicas:
            replica.kill()
            replica.wait()


@pytest.mark.timeout(240)
async def test_nothing_is_lost_doubled_or_reordered_whatever_is_killed(lab: Lab) -> None:
    """kill -9 and SIGSTOP of replicas, kill -9 of NATS and PostgreSQL, with retries: every version once, in order."""
    await migrate([service], lab.database)
    db = await asyncpg.connect(lab.database)
    await db.execute("set role yw_chaos; create table chaos.hist (n bigserial, key text, v int)")
    await db.close()
    lab.replicas = [lab.start_replica() for _ in range(3)]
    end = time.monotonic() + SECONDS

    await asyncio.gather(lab.feed(end), lab.torment(end))
    await lab.drained()

    db = await asyncpg.connect(lab.database)
    rows = await db.fetch("select key, v from chaos.hist order by n")
    parked = await db.fetch("select reason from chaos.kit_parked")
    await db.close()
    stored: dict[str, list[int]] = {}
    for row in rows:
        stored.setdefault(row["key"], []).append(row["v"])
    assert {key: list(range(1, last + 1)) for key, last in lab.versions.items()} == stored
    assert parked == []

    first: dict[str, tuple[str, int]] = {}
    told: dict[str, list[int]] = {}
    async for notice in lab.outputs():
        if notice.id not in first:
            first[notice.id] = (notice.business_id, notice.version)
            told.setdefault(notice.business_id, []).append(notice.version)
    assert stored == told
    assert sum(lab.kills.values()) >= SECONDS / 5
    print(f"{len(rows)} events, {lab.kills}")
    assert CaseFiled
