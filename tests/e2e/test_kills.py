"""Every service in three replicas, NATS and PostgreSQL: all are killed and frozen under load, and the books balance."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from yiwang.kit import Kit, migrate
from yiwang.kit.dev import dev_issuer
from yiwang.kit.link import Link
from yiwang.stack._ports import free_port
from yiwang.stack.books import Books, balance
from yiwang.stack.demo_feed import Feed
from yiwang.stack.demo_people import Crew
from yiwang.stack.embedded import Account, Nats, Postgres
from yiwang.stack.receiver import Receiver, listening

from .city import PROFILES, ROOT, SECRET, SERVICES, service

SECONDS = float(os.environ.get("YIWANG_CHAOS_SECONDS", "40"))
REPLICAS = 3
RATE = 8
JURISDICTION = "440300"


class Town:
    """Servers, replicas of six services, and what was told to them."""

    def __init__(self, nats: Nats, postgres: Postgres, keys: Path, nation: str) -> None:
        self.nats, self.postgres, self.keys = nats, postgres, keys
        self.random = random.Random(11)
        self.kit = Kit(
            nats_url=nats.url("town"), database_url=postgres.create_database("town"), jurisdiction=JURISDICTION, groups=4,
            lease_seconds=2.0, stream_max_gib=1.0, profile=str(PROFILES / "shenzhen"), embedded=True,
        )  # fmt: skip
        self._environ = {
            **os.environ, "YIWANG_NATS_URL": self.kit.nats_url, "YIWANG_DATABASE_URL": self.kit.database_url,
            "YIWANG_JURISDICTION": JURISDICTION, "YIWANG_GROUPS": "4", "YIWANG_LEASE_SECONDS": "2", "YIWANG_EMBEDDED": "true",
            "YIWANG_STREAM_MAX_GIB": "1", "YIWANG_PROFILE": self.kit.profile, "YIWANG_DEV_KEYS": str(keys),
            "YIWANG_LOG_LEVEL": "error", "YIWANG_NATIONAL_SYNC_ENDPOINTS": f"nation={nation}",
            "YIWANG_NATIONAL_SYNC_SECRETS": f"nation={SECRET}", "YIWANG_NATIONAL_SYNC_BACKOFF_MOST_S": "2",
        }  # fmt: skip
        self.replicas: list[tuple[str, int, subprocess.Popen[bytes]]] = []
        self.accepted: set[str] = set()
        self.kills: Counter[str] = Counter()

    def start(self, name: str, port: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "yiwang.stack", "run", name],
            cwd=ROOT,
            env=self._environ | {"YIWANG_HTTP_PORT": str(port)},
        )

    def start_all(self) -> None:
        self.replicas = [(n, p, self.start(n, p)) for n in SERVICES for p in [free_port() for _ in range(REPLICAS)]]

    def stop_all(self) -> None:
        for _, _, process in self.replicas:
            process.kill()
            process.wait()

    def ports(self, name: str) -> list[int]:
        return [port for n, port, _ in self.replicas if n == name]

    def token(self, role: str, unit: str = "") -> str:
        return dev_issuer(str(self.keys)).token_of(role, area=JURISDICTION, unit_id=unit)

    async def ready(self) -> None:
        end, last = asyncio.get_running_loop().time() + 240, ""
        async with httpx.AsyncClient(timeout=5) as http:
            for name, port, process in self.replicas:
                while True:
                    assert process.poll() is None, f"{name} on {port} ended by itself: {process.returncode}"
                    with contextlib.suppress(httpx.TransportError):
                        answer = await http.get(f"http://127.0.0.1:{port}/readyz")
                        if answer.status_code == 200:
                            break
                        last = answer.text
                    assert asyncio.get_running_loop().time() < end, f"{name} on {port} is not ready: {last}"
                    await asyncio.sleep(0.2)

    async def report(self, http: httpx.AsyncClient, body: dict[str, Any], role: str, ports: Iterator[int]) -> None:
        """Send until somebody says 202: a client keeps the id and tries again."""
        headers = {"Authorization": f"Bearer {self.token(role or 'collector')}"} if role else {}
        if not role:  # a citizen's app names its own record, so that a retry is the same report
            body = body | {
                "source": {
                    "system": {"wechat": "wechat", "33": "web"}[body["channel"]],
                    "record_id": str(uuid.uuid4()),
                }
            }
        for port in ports:
            with contextlib.suppress(httpx.TransportError):
                answer = await http.post(f"http://127.0.0.1:{port}/reports", json=body, headers=headers, timeout=4)
                if answer.status_code == 202:
                    self.accepted.add(answer.json()["report_id"])
                    return
                assert answer.status_code >= 500, answer.text
            await asyncio.sleep(0.1)

    async def load(self, until: float) -> None:
        feed, tasks, n = Feed(Path(self.kit.profile), JURISDICTION, seed=3), set(), 0
        ports = itertools.cycle(self.ports("intake"))
        import datetime as dt

        async with httpx.AsyncClient() as http:
            while time.monotonic() < until:
                drawn = feed.draw(n, dt.datetime.now(dt.UTC))
                tasks.add(asyncio.create_task(self.report(http, drawn.report, drawn.role, ports)))
                n += 1
                await asyncio.sleep(1 / RATE)
            await asyncio.gather(*tasks)

    async def people(self, until: float) -> None:
        """The people work meanwhile, on whichever replica of dispatch answers."""
        import datetime as dt

        ports = itertools.cycle(self.ports("dispatch"))
        while time.monotonic() < until:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{next(ports)}", timeout=5) as http:
                with contextlib.suppress(httpx.HTTPError, KeyError):
                    await Crew(_Split(http, self), self.token, JURISDICTION).round(dt.datetime.now(dt.UTC))  # type: ignore[arg-type]
            await asyncio.sleep(0.5)

    async def torment(self, until: float) -> None:
        """Kill or freeze something every second."""
        while time.monotonic() < until:
            await asyncio.sleep(self.random.uniform(0.5, 1.5))
            what = self.random.choice(["kill"] * 4 + ["freeze"] * 2 + ["nats", "postgres"])
            n = self.random.randrange(len(self.replicas))
            name, port, process = self.replicas[n]
            self.kills[what if what in ("nats", "postgres") else f"{what} {name}"] += 1
            if what == "kill":
                process.kill()
                process.wait()
                self.replicas[n] = (name, port, self.start(name, port))
            elif what == "freeze":
                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(2.5)
                process.send_signal(signal.SIGCONT)
            else:
                server = self.nats if what == "nats" else self.postgres
                server.kill()
                await asyncio.sleep(0.3)
                server.restart()


class _Split:
    """Dispatch's HTTP for the people, except for photos, which intake takes."""

    def __init__(self, http: httpx.AsyncClient, town: Town) -> None:
        self._http, self._town = http, town

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self._http.get(self._url(path), **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self._http.post(self._url(path), **options)

    def _url(self, path: str) -> str:
        owner = {"/reports": "intake", "/grid": "grid"}.get("/" + path.split("/")[1])
        return f"http://127.0.0.1:{self._town.random.choice(self._town.ports(owner))}{path}" if owner else path


@pytest.mark.timeout(600)
async def test_whatever_is_killed_the_books_balance(tmp_path: Path) -> None:
    """202 ids = reports = events; versions without gap; order per case in every store; numbers without gap."""
    nation = Receiver(SECRET)
    with Nats(accounts=[Account("town")]) as nats, Postgres(durable=True, max_connections=400) as postgres:
        async with listening(nation) as url:
            town = Town(nats, postgres, tmp_path / "keys", url)
            await migrate([service(name) for name in SERVICES], town.kit.database_url)
            town.token("collector")
            try:
                town.start_all()
                await town.ready()
                end = time.monotonic() + SECONDS
                await asyncio.gather(town.load(end), town.people(end), town.torment(end))
                await town.ready()
                books = await settled_books(town)
                await check_orders(town)
            finally:
                town.stop_all()
    print(f"{len(town.accepted)} reports, {sum(books.events.values())} events, {dict(town.kills)}")
    assert (books.lost, books.doubled, books.parked) == (0, 0, 0)
    assert len(town.accepted) == books.reports
    assert sum(town.kills.values()) > SECONDS / 4


async def settled_books(town: Town, seconds: float = 150) -> Books:
    """The books once nothing waits any more, or as they are after *seconds*."""
    end = time.monotonic() + seconds
    while True:
        books = await balance(town.kit, town.accepted)
        pending = books.waiting + books.sync.get("pending", 0) + books.notices.get("pending", 0)
        if not (books.mistakes or books.lost or pending) or time.monotonic() > end:
            return books
        await asyncio.sleep(1)


async def check_orders(town: Town) -> None:
    """Every consumer's history equals the stream's order per case; numbers run without a gap."""
    stream = await versions_in_stream(town.kit)
    db = await asyncpg.connect(town.kit.database_url)
    try:
        known = {r["case_id"]: r["version"] for r in await db.fetch("select case_id, version from intake.progress")}
        # Intake follows the moves that a citizen is told of; deadline warnings and corrections are none.
        assert set(stream) == set(known)
        assert [case for case, version in known.items() if version not in stream[case]] == []
        flow = defaultdict(list)
        for row in await db.fetch("select case_id, seq, version from dispatch.flow_lines order by case_id, seq"):
            flow[row["case_id"]].append(row["version"])
        assert [case for case, versions in flow.items() if versions != sorted(versions)] == []
        assert [case for case, versions in stream.items() if versions != sorted(versions)] == []
        told = defaultdict(list)
        for row in await db.fetch(
            "select case_id, occurred_at from national_sync.records where kind = 'case_flow' order by n"
        ):
            told[row["case_id"]].append(row["occurred_at"])
        assert [case for case, moments in told.items() if moments != sorted(moments)] == []
        numbers = sorted(r["case_no"] for r in await db.fetch("select case_no from dispatch.cases where case_no <> ''"))
        days: dict[str, list[int]] = defaultdict(list)
        for number in numbers:
            days[number[:-5]].append(int(number[-5:]))
        assert numbers
        assert [day for day, found in days.items() if found != list(range(1, len(found) + 1))] == []
    finally:
        await db.close()


async def versions_in_stream(kit: Kit) -> dict[str, list[int]]:
    """case → versions in the order in which the stream shows them first."""
    from yiwang.contracts import CaseEvent, decode
    from yiwang.kit.link import api

    link = await Link.open(kit, "check")
    found: dict[str, list[int]] = {}
    seen: set[str] = set()
    last = (await api(link.nc, "STREAM.INFO.UP"))["state"]["last_seq"]
    sub = await link.nc.jetstream().subscribe("yw.up.>", stream="UP", ordered_consumer=True)
    seq = 0
    while seq < last:
        msg = await sub.next_msg(timeout=10)
        seq = msg.metadata.sequence.stream
        event = decode(msg.data)
        if isinstance(event, CaseEvent) and event.id not in seen:
            seen.add(event.id)
            found.setdefault(event.case.case_id, []).append(event.case.case_version)
    await link.nc.close()
    return found
