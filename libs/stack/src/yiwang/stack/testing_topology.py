"""Rendered servers with their links made, as a node's mesh service makes them: from ``links.json`` alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client
from yiwang.stack.topology import Topology
from yiwang.stack.topology.keys import KeyRing
from yiwang.stack.topology.render import Changes, apply, link_plan, render
from yiwang.stack.topology.running import Servers, site_in

FULL = """
name = "full"
nodes = [
    { code = "440000", name = "广东省", servers = 3 },
    { code = "440100", name = "广州市" },
    { code = "440106", name = "天河区" },
    { code = "440111", name = "白云区", host = "440100" },
    { code = "440112", name = "黄埔区", host = "440000" },
    { code = "440900", name = "茂名市", host = "440000" },
    { code = "440902", name = "茂南区" },
    { code = "440904", name = "电白区", host = "440000" },
]
[defaults.province]
sync = "2m"
[defaults.city]
sync = "2m"
quotas = { max_file_gib = 2 }
[defaults.county]
sync = "2m"
quotas = { max_file_gib = 1 }
"""
"""Every kind of link: servers of their own, hosted by the parent, by the parent's parent, below a hosted node."""


async def until(happened: Callable[[], Awaitable[bool]], why: str, seconds: float = 60.0) -> None:
    """Wait for a condition; fail with *why* after *seconds*."""
    end = asyncio.get_running_loop().time() + seconds
    while not await happened():
        assert asyncio.get_running_loop().time() < end, why
        await asyncio.sleep(0.05)


class Lab:
    """Servers of a topology, a client for each node, and its streams."""

    def __init__(self, topology: Topology, directory: Path) -> None:
        self.topology, self.out = topology, directory / "out"
        self.keys = KeyRing(directory / "keys")
        self.servers = Servers(topology, self.out)
        self.clients: dict[str, Client] = {}

    def render(self) -> Changes:
        """Make missing keys, write the files."""
        self.keys.make(self.topology, dt.datetime.now(dt.UTC))
        return apply(render(self.topology, self.keys, site_in(self.out)), self.out)

    async def client(self, code: str) -> Client:
        """The connection of a node's services."""
        if code not in self.clients:
            servers = self.topology.carrier(code).server_list()
            self.clients[code] = await nats.connect(
                [f"nats://127.0.0.1:{server.ports.client}" for server in servers],
                nkeys_seed=str(self.out / "nodes" / code / "service.nk"),
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.1,
            )
        return self.clients[code]

    async def api(self, code: str, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One JetStream request as the node's services; refusals as they are. A cluster without a leader is asked again."""
        link = await self.client(code)
        for _ in range(40):
            try:
                reply = await link.request(f"$JS.API.{subject}", json.dumps(body or {}).encode(), timeout=2)
            except (TimeoutError, nats.errors.NoRespondersError):
                await asyncio.sleep(0.1)
                continue
            answer: dict[str, Any] = json.loads(reply.data)
            return answer
        raise AssertionError(f"{code}: nobody answers {subject}")

    async def make(self, code: str, subject: str, body: dict[str, Any]) -> None:
        """A request that must succeed, if not at once (a cluster may still be electing)."""

        async def done() -> bool:
            answer = await self.api(code, subject, body)
            reason = str(answer.get("error", ""))
            assert not reason or "no suitable peers" in reason or "10008" in reason, f"{code} {subject}: {reason}"
            return not reason

        await until(done, f"{code}: {subject} has no success")

    async def link(self, *codes: str) -> None:
        """Make streams and consumers of these nodes (all when none is named), and return when each source is active.

        The consumers wait meanwhile: under a heavily loaded machine a source that was just starting has skipped what
        was already on its way to it.
        """
        plan = link_plan(self.topology)
        new: list[tuple[str, str]] = []
        for code in codes or plan:
            mine = plan[code]

            async def stream(
                name: str, subjects: list[str], sources: list[dict[str, Any]], code: str = code, mine: Any = mine
            ) -> None:
                there = "error" not in await self.api(code, f"STREAM.INFO.{name}")
                body = {
                    "name": name, "subjects": subjects, "sources": sources, "storage": "file", "discard": "new",
                    "num_replicas": mine["replicas"], "duplicate_window": 120 * 10**9, "max_bytes": 2**24,
                }  # fmt: skip
                await self.make(code, f"STREAM.{'UPDATE' if there else 'CREATE'}.{name}", body)

            for name, sources in mine["landing"].items():
                await stream(name, [], sources)
            await stream("UP", [f"yw.up.{place(code)}.>"], mine["up_sources"])
            await stream("DOWN", ["yw.down.>"], mine["down_sources"])
            for consumer in mine["consumers"]:
                name, stream_name = consumer["config"]["name"], consumer["stream_name"]
                if "error" in await self.api(code, f"CONSUMER.INFO.{stream_name}.{name}"):
                    paused = {**consumer, "config": {**consumer["config"], "pause_until": "2100-01-01T00:00:00Z"}}
                    await self.make(code, f"CONSUMER.CREATE.{stream_name}.{name}", paused)
                    new.append((code, f"{stream_name}.{name}"))
        await until(lambda: self._active(plan), "a source does not start", 120)
        for code, name in new:
            await self.make(code, f"CONSUMER.PAUSE.{name}", {})

    async def _active(self, plan: dict[str, Any]) -> bool:
        """Whether every source of every node has found what it draws from."""
        for code, mine in plan.items():
            for stream in (*mine["landing"], "DOWN"):
                answer = await self.api(code, f"STREAM.INFO.{stream}")
                if any(source["active"] == -1 for source in answer.get("sources") or ()):
                    return False
        return True

    async def publish(self, code: str, subjects: list[str]) -> None:
        """Messages of a node into its own streams, each acked."""
        stream = (await self.client(code)).jetstream(timeout=20)
        for start in range(0, len(subjects), 200):
            await asyncio.gather(*(stream.publish(s, b"x" * 500) for s in subjects[start : start + 200]))

    async def held(self, code: str, stream: str, filter_subject: str) -> int:
        """How many messages of these subjects a stream has."""
        answer = await self.api(code, f"STREAM.INFO.{stream}", {"subjects_filter": filter_subject})
        return sum((answer.get("state", {}).get("subjects") or {}).values())

    async def close(self) -> None:
        """Leave all servers."""
        for client in self.clients.values():
            await client.close()


def place(code: str) -> str:
    """City and county token of a node."""
    return f"{code[:4]}00.{code}"


@asynccontextmanager
async def lab(topology: Topology, directory: Path) -> AsyncIterator[Lab]:
    """A running topology with its links made."""
    found = Lab(topology, directory)
    found.render()
    with found.servers:
        try:
            await found.link()
            yield found
        finally:
            await found.close()
