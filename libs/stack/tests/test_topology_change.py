"""Changing a running mesh: the steps of docs/operate.md, "Changing the topology", one by one, under load.

No link falls, no client is thrown out, no message is lost, doubled or overtaken.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from yiwang.stack.testing_topology import Lab, lab, place, until
from yiwang.stack.topology import Topology, read
from yiwang.stack.topology.relink import NoLink, relink
from yiwang.stack.topology.running import on_this_machine

BEFORE = """
name = "growing"
nodes = [
    { code = "440000", name = "广东省" },
    { code = "440100", name = "广州市" },
    { code = "440106", name = "天河区" },
    { code = "440103", name = "荔湾区", host = "440100" },
    MORE
]
[defaults.province]
sync = "2m"
[defaults.city]
sync = "2m"
[defaults.county]
sync = "2m"
quotas = { max_file_gib = 1 }
"""
OWN = '{ code = "440111", name = "白云区" },'
HOSTED = '{ code = "440112", name = "黄埔区", host = "440100" },'


def grown(lab: Lab, more: str) -> Topology:
    """The topology with these nodes more, everybody else where he was."""
    placed = on_this_machine(read(BEFORE.replace("MORE", more)))
    nodes = tuple(
        msgspec.structs.replace(node, ports=lab.topology.by_code.get(node.code, node).ports) for node in placed.nodes
    )
    return msgspec.structs.replace(placed, nodes=nodes)


def leafs(lab: Lab, code: str) -> set[tuple[str, int]]:
    """The leaf links that a node's server has now: account and connection number."""
    port = lab.topology.node(code).server_list()[0].ports.monitor
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/leafz", timeout=5) as answer:
        return {(leaf["account"], leaf["id"]) for leaf in json.load(answer)["leafs"] or []}


@asynccontextmanager
async def events_flowing(lab: Lab, code: str) -> AsyncIterator[list[str]]:
    """A node goes on saying things; what it said so far is the list, all of it acked."""
    said: list[str] = []
    over = asyncio.Event()

    async def speak() -> None:
        while not over.is_set():
            subjects = [f"yw.up.{place(code)}.00.test.{len(said) + i:06d}" for i in range(20)]
            await lab.publish(code, subjects)
            said.extend(subjects)
            await asyncio.sleep(0.05)  # some 400 a second

    speaker = asyncio.create_task(speak())

    async def speaking(more: int = 200) -> bool:
        if speaker.done():
            speaker.result()  # it failed: say why
        return len(said) >= more

    try:
        await until(speaking, "nobody speaks")
        yield said
        already = len(said)
        await until(lambda: speaking(already + 200), "it fell silent")
    finally:
        over.set()
        await speaker


async def heard(lab: Lab, at: str, of: str) -> list[str]:
    """Subjects in a node's UP that another node said, in the stream's order."""
    subject = f"yw.up.{place(of)}.>"
    reader = await (await lab.client(at)).jetstream().subscribe(subject, stream="UP", ordered_consumer=True)
    found = [(await reader.next_msg(timeout=20)).subject for _ in range(await lab.held(at, "UP", subject))]
    await reader.unsubscribe()
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("more", [OWN, HOSTED], ids=["own server", "hosted by its city"])
async def test_a_county_joins_while_another_goes_on_speaking(more: str, tmp_path: Path) -> None:
    async with lab(on_this_machine(read(BEFORE.replace("MORE", ""))), tmp_path) as mesh:

        async def linked() -> bool:
            return bool(leafs(mesh, "440000")) and bool(leafs(mesh, "440106"))

        await until(linked, "the links did not come up")
        was = {code: leafs(mesh, code) for code in ("440000", "440100", "440106")}
        gone: list[str] = []
        for code in ("440000", "440100", "440106", "440103"):
            link = await mesh.client(code)
            link.options["disconnected_cb"] = None
            link._disconnected_cb = _noting(gone, code)

        async with events_flowing(mesh, "440106") as said, events_flowing(mesh, "440103") as said_hosted:
            # 1. Write the county into the file. 2. Make its keys and render.
            mesh.topology = grown(mesh, more)
            mesh.servers.topology = mesh.topology
            changes = mesh.render()
            new = mesh.topology.nodes[-1]
            touched = {name for name in changes.servers if name != new.account}
            assert touched == {f"n{new.parent}"}

            # 3. Reload the servers that render named; start the new one, if there is one.
            mesh.servers.reload(sorted(touched))
            mesh.servers.start()

            # 4. The mesh services of the county and of its parent make the link.
            await mesh.link(new.code, new.parent)

            await mesh.publish(new.code, [f"yw.up.{place(new.code)}.00.first.{i}" for i in range(1100)])
            await mesh.publish("440000", [f"yw.down.{place(new.code)}.00.welcome.{i}" for i in range(50)])

            async def arrived() -> bool:
                up = await mesh.held("440000", "UP", f"yw.up.{place(new.code)}.>")
                down = await mesh.held(new.code, "DOWN", f"yw.down.{place(new.code)}.>")
                return (up, down) == (1100, 50)

            await until(arrived, "the new county is not linked")

        for code, sent in (("440106", said), ("440103", said_hosted)):

            async def complete(code: str = code, sent: list[str] = sent) -> bool:
                return await mesh.held("440000", "UP", f"yw.up.{place(code)}.>") >= len(sent)

            await until(complete, f"something of {code} is missing")
            assert await heard(mesh, "440000", code) == sent
        assert {code: was[code] - leafs(mesh, code) for code in was} == {code: set() for code in was}
        assert gone == []


async def test_a_county_that_the_province_carries_joins_once_its_citys_link_is_made_anew(tmp_path: Path) -> None:
    """Below a city with servers of its own: two reloads and `yiwang topology relink`, no server starts again."""
    async with lab(on_this_machine(read(BEFORE.replace("MORE", ""))), tmp_path) as mesh:
        await until(lambda: _linked(mesh, "440100"), "the city is not linked")
        was = leafs(mesh, "440000")
        async with events_flowing(mesh, "440100") as said:
            mesh.topology = grown(mesh, HOSTED.replace("440100", "440000"))
            mesh.servers.topology = mesh.topology
            mesh.servers.reload(sorted(mesh.render().servers))
            assert await relink(mesh.topology, mesh.keys, "440100") == 1
            assert not leafs(mesh, "440000") & was
            await mesh.link("440112", "440100")
            await mesh.publish("440112", [f"yw.up.{place('440112')}.00.first.{i}" for i in range(100)])
            await mesh.publish("440000", [f"yw.down.{place('440112')}.00.welcome.{i}" for i in range(50)])

            async def arrived() -> bool:
                up = await mesh.held("440000", "UP", f"yw.up.{place('440112')}.>")
                down = await mesh.held("440112", "DOWN", f"yw.down.{place('440112')}.>")
                return (up, down) == (100, 50)

            await until(arrived, "the new county is not linked")

        async def complete() -> bool:
            return await mesh.held("440000", "UP", f"yw.up.{place('440100')}.>") >= len(said)

        await until(complete, "something of the city is missing")
        assert await heard(mesh, "440000", "440100") == said
        with pytest.raises(NoLink, match="440112 没有自己的上行链路"):
            await relink(mesh.topology, mesh.keys, "440112")


async def _linked(mesh: Lab, code: str) -> bool:
    return bool(leafs(mesh, code))


def _noting(gone: list[str], code: str) -> Callable[[], Awaitable[None]]:
    async def note() -> None:
        gone.append(code)

    return note
