"""Seven servers (province of three, a city, three counties) through every trouble under load: the long form, `make lab`.

The short form is test_mesh_links.py. Events flow up and down all the time; after each repair everything said so far must
be at every tier within 15 s, and at the end nothing may be missing, doubled or out of order.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from typing import Final

import pytest
import pytest_asyncio
from yiwang.contracts import place_of
from yiwang.kit.link import api
from yiwang.stack.tally import Sender

from .mesh import CITY, HUANGPU, PROVINCE, TIANHE, TOPOLOGY, Mesh, answers_of, standing, until

YUEXIU: Final = "440104"
SEVEN: Final = (
    TOPOLOGY.replace('name = "广东省"', 'name = "广东省", servers = 3')
    .replace('code = "440111", name = "白云区", host = "440100"', f'code = "{YUEXIU}", name = "越秀区"')
)  # fmt: skip
COUNTIES: Final = (TIANHE, YUEXIU, HUANGPU)
SCALE: Final = float(os.environ.get("LAB_SCALE", "1"))
"""How long troubles last, beside those of the issue: 15 s frozen, 5 s killed, 60 s cut"""
RATE: Final = 25.0
DRAIN_S: Final = 15.0

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mesh() -> AsyncIterator[Mesh]:
    """The seven servers and the mesh services of five nodes, each node's in a process of its own."""
    async with standing(SEVEN, processes="each", patience=120) as running:
        assert len(running.net.servers.known) == 7
        yield running


class Traffic:
    """Reports of every county upwards, answers of the province to every county downwards."""

    def __init__(self, mesh: Mesh, up: dict[str, Sender], down: dict[str, Sender]) -> None:
        self.mesh, self.up, self.down = mesh, up, down

    @classmethod
    async def of(cls, mesh: Mesh) -> Traffic:
        up = {code: await mesh.sender(code) for code in COUNTIES}
        down = {code: await mesh.sender(PROVINCE, answers_of(PROVINCE, code)) for code in COUNTIES}
        return cls(mesh, up, down)

    @property
    def count(self) -> int:
        return sum(sender.count for sender in (*self.up.values(), *self.down.values()))

    async def complete(self, seconds: float = 180) -> dict[str, float]:
        """Wait until all that was said up to now is at every tier; name of the way → the seconds that it took."""
        ways = {}
        for code, sender in self.up.items():
            for tier in (CITY, PROVINCE):
                ways[f"{code} up to {tier}"] = self.mesh.arrived(tier, "UP", sender, seconds)
            below, suffix = f"yw.down.{place_of(code)}.>", f"/down/{code}"
            ways[f"down to {code}"] = self.mesh.arrived(
                code, "DOWN", self.down[code], seconds, filter_subject=below, suffix=suffix
            )
        return dict(zip(ways, await asyncio.gather(*ways.values()), strict=True))

    async def check(self) -> None:
        """Nothing missing, nothing doubled, every case in its order, in both directions, at every tier."""
        for code, sender in self.up.items():
            for tier in (code, CITY, PROVINCE):
                found = await self.mesh.find(tier, "UP", sender)
                assert found.clean, (tier, found)
            below = f"yw.down.{place_of(code)}.>"
            found = await self.mesh.find(code, "DOWN", self.down[code], below, f"/down/{code}")
            assert found.clean, (code, found)


async def leader_of_up(mesh: Mesh) -> str:
    """Name of the province's server that leads its UP."""
    info = await api(await mesh.client(PROVINCE), "STREAM.INFO.UP")
    return str(info["cluster"]["leader"])


async def troubles(mesh: Mesh) -> dict[str, tuple[Callable[[], None], float, Callable[[], None]]]:
    """name → (begin, seconds, repair)."""
    net, leader = mesh.net, await leader_of_up(mesh)

    def all_lines(act: Callable[[str], None]) -> Callable[[], None]:
        def each() -> None:
            for code in (CITY, *COUNTIES):
                act(code)

        return each

    return {
        "city frozen": (lambda: net.freeze(CITY, "servers"), 15, lambda: net.thaw(CITY, "servers")),
        "city killed": (lambda: net.kill(CITY, "servers"), 5, lambda: net.start(CITY)),
        "county killed": (lambda: net.kill(TIANHE, "servers"), 3, lambda: net.start(TIANHE)),
        "province's leader killed": (
            lambda: net.kill(PROVINCE, "servers", server=leader), 5, lambda: net.start(PROVINCE)
        ),
        "county's line cut": (lambda: net.cut(HUANGPU), 60, lambda: net.mend(HUANGPU)),
        "all lines cut": (all_lines(net.cut), 60, all_lines(net.mend)),
    }  # fmt: skip


async def test_nothing_is_lost_doubled_or_out_of_order_through_every_trouble(mesh: Mesh) -> None:
    """At least 10,000 events; each repair is followed by a drain of at most 15 s."""
    traffic = await Traffic.of(mesh)
    for sender in (*traffic.up.values(), *traffic.down.values()):
        sender.start(RATE)
    slow: dict[str, float] = {}
    for name in (
        "city frozen",
        "city killed",
        "county killed",
        "province's leader killed",
        "county's line cut",
        "all lines cut",
    ):
        begin, seconds, repair = (await troubles(mesh))[name]
        begin()
        await asyncio.sleep(seconds * SCALE)
        await asyncio.to_thread(repair)
        ways = await traffic.complete()
        way = max(ways, key=lambda each: ways[each])
        print(
            f"{name}: {traffic.count} events so far, drained {ways[way]:.1f} s after the repair (last: {way}); "
            f"load {os.getloadavg()[0]:.1f}"
        )
        if ways[way] > DRAIN_S:
            slow[name] = round(ways[way], 1)

    async def enough() -> bool:
        return traffic.count >= 10_000

    await until(enough, "too few events", 600)
    await asyncio.gather(*(sender.stop() for sender in (*traffic.up.values(), *traffic.down.values())))
    await traffic.complete()
    await traffic.check()
    print(f"{traffic.count} events: 0 missing, 0 doubled, order kept at every tier")
    assert slow == {}
