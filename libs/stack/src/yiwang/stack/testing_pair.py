"""For tests: two neighbouring nodes in two NATS accounts, and the link between them done by hand.

It carries what the mesh's links carry (a child's `up` facts, its parent's `down` directives, copies of facts that the
parent says in the child's name or to it), with the same subjects and ids, and can be cut.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from nats.js.errors import NotFoundError
from yiwang.contracts import UnknownEvent, copy_down, decode, place_of
from yiwang.contracts.areas import city_of
from yiwang.kit.link import api

from .testing import TestNode, TestServers

POLL_S = 0.02


class Pair:
    """A parent and a child with their link; `cut` stops it, `mend` lets it go on where it stopped."""

    def __init__(self, parent: TestNode, child: TestNode, mesh: Path) -> None:
        self.parent, self.child, self.mesh = parent, child, mesh
        self.up, self.over = asyncio.Event(), asyncio.Event()
        self.up.set()
        self._at = {"up": 0, "down": 0, "copies": 0}

    def cut(self) -> None:
        """Nothing passes any more."""
        self.up.clear()

    def mend(self) -> None:
        """What waited passes, then what is new."""
        self.up.set()

    def kit(self, node: TestNode, **more: Any) -> dict[str, Any]:
        """Arguments for `node.running(...)`."""
        tier = "county" if node is self.child else "city"
        return {"jurisdiction": node.jurisdiction, "tier": tier, "mesh": str(self.mesh), **more}

    async def carry(self) -> None:
        """Be the link, until it is `over`."""
        await self._widen()
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):  # as a real link does, it tries again
                if self.up.is_set():
                    await self._pump("up", self.child, "UP", self.parent)
                    await self._pump("down", self.parent, "DOWN", self.child)
                    await self._pump("copies", self.parent, "UP", self.child)
            await asyncio.sleep(POLL_S)

    async def _widen(self) -> None:
        """Let the parent's UP take the child's facts: in the mesh it sources them."""
        link = await self.parent.link()
        info = await api(link.nc, "STREAM.INFO.UP")
        config = info["config"] | {"subjects": ["yw.up.>"]}
        await api(link.nc, "STREAM.UPDATE.UP", config)

    async def _pump(self, way: str, source: TestNode, stream: str, target: TestNode) -> None:
        link, other = await source.link(), await target.link()
        js = link.nc.jetstream()
        last = int((await api(link.nc, f"STREAM.INFO.{stream}"))["state"]["last_seq"])
        while self._at[way] < last and self.up.is_set() and not self.over.is_set():
            try:
                msg = await js.get_msg(stream, self._at[way] + 1)
            except NotFoundError:  # the stream keeps it no more
                self._at[way] += 1
                continue
            data, headers = msg.data or b"", dict(msg.headers or {})
            subject = self._onward(way, str(msg.subject), data)
            if subject:
                if way == "copies":
                    headers["Nats-Msg-Id"] += "/down"
                await other.nc.jetstream().publish(subject, data, headers=headers, timeout=10)
            self._at[way] += 1

    def _onward(self, way: str, subject: str, data: bytes) -> str:
        """The subject on which a message goes on; empty for one that stays."""
        child, parent = self.child.jurisdiction, self.parent.jurisdiction
        if way == "up":
            return subject
        if way == "down":
            mine = (f"yw.down.{place_of(child)}.", f"yw.down.{city_of(parent)}.all.")
            return subject if subject.startswith(mine) else ""
        try:
            event = decode(data)
        except (UnknownEvent, msgspec.MsgspecError):
            return ""  # a part of a file, or of another version: nobody's copy
        target = event.addressee or event.jurisdiction
        return copy_down(subject, child) if target == child and event.node_id != child else ""


@contextlib.asynccontextmanager
async def pair(
    servers: TestServers,
    folder: Path,
    *,
    parent: str = "440300",
    child: str = "440304",
    hosted: Mapping[str, str] | None = None,
    name: str = "pair",
) -> AsyncIterator[Pair]:
    """A city and a county of it, linked; with *hosted* (service → code) the city's service acts for the county."""
    nodes = [
        {"code": parent, "name": "市", "tier": "city"},
        {"code": child, "name": "区", "tier": "county", "parent": parent, "hosted": dict(hosted or {})},
    ]
    page = folder / f"{name}.mesh.json"
    page.write_bytes(msgspec.json.encode({"topology": name, "version": "1", "nodes": nodes}))
    made = []
    for code in (parent, child):
        database = f"{name}_{code}_{abs(hash(folder)) % 10**8}".lower()
        node = servers.node(database)
        node.jurisdiction = code
        made.append((node, database))
    both = Pair(made[0][0], made[1][0], page)
    for node, _ in made:
        await _streams(node, page)
    carrier = asyncio.create_task(both.carry(), name="link")
    try:
        yield both
    finally:
        both.over.set()  # not cancelled: a request of nats-py may swallow that
        [outcome] = await asyncio.gather(carrier, return_exceptions=True)
        for node, database in made:
            await node.close()
            await servers.drop_database(database)
        if isinstance(outcome, Exception):
            raise outcome


async def _streams(node: TestNode, page: Path) -> None:
    """Open the node's link within the mesh, so that its streams are those of a mesh."""
    node._link = await node.open_link(mesh=str(page))


__all__ = ["Pair", "pair"]
