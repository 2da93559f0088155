"""Keys change while the mesh runs: the steps of docs/operate.md, "Keys", one by one, under load.

No link falls and no message is lost between the steps; afterwards the old key or the old CA is worth nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
from pathlib import Path

import pytest
from yiwang.stack.testing_topology import Lab, lab, until
from yiwang.stack.topology import read
from yiwang.stack.topology.keys import KeysMissing, leaf_user
from yiwang.stack.topology.running import on_this_machine

from .test_topology_change import events_flowing, heard, leafs, place

CHAIN = """
name = "chain"
nodes = [
    { code = "440000", name = "广东省" },
    { code = "440100", name = "广州市" },
    { code = "440106", name = "天河区" },
]
[defaults.province]
sync = "2m"
[defaults.city]
sync = "2m"
[defaults.county]
sync = "2m"
"""
COUNTY, CITY, PROVINCE = "440106", "440100", "440000"
NOW = dt.datetime.now(dt.UTC)


def shown(mesh: Lab, code: str, trusted: bytes) -> bool:
    """Whether the leaf port of *code* shows a certificate that a holder of *trusted* believes."""
    server = mesh.topology.node(code).server_list()[0]
    context = ssl.create_default_context(cadata=trusted.decode())
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as every context of Python 3.13 does
    context.load_cert_chain(*(mesh.out / "servers" / f"n{COUNTY}" / name for name in ("server.pem", "server.key")))
    with socket.create_connection(("127.0.0.1", server.ports.leaf), 10) as plain:
        plain.recv(65536)  # INFO, in which it asks for TLS
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1"):
                return True
        except ssl.SSLCertVerificationError:
            return False


async def linked(mesh: Lab) -> None:
    """Wait until both links stand."""

    async def both() -> bool:
        return bool(leafs(mesh, PROVINCE)) and bool(leafs(mesh, COUNTY))

    await until(both, "the links did not come up")


async def nothing_lost(mesh: Lab, said: list[str]) -> None:
    """All that the county said stands at the province, once and in order."""

    async def complete() -> bool:
        return await mesh.held(PROVINCE, "UP", f"yw.up.{place(COUNTY)}.>") >= len(said)

    await until(complete, "something is missing")
    assert await heard(mesh, PROVINCE, COUNTY) == said


def reload(mesh: Lab) -> set[str]:
    """Render, and let the servers that differ read it again; their names."""
    touched = set(mesh.render().servers)
    mesh.servers.reload(sorted(touched))
    return touched


async def again(mesh: Lab, *codes: str) -> None:
    """Servers start again, so that every link is made anew."""
    names = [server.name for code in codes for server in mesh.topology.node(code).server_list()]
    mesh.servers.stop(names)
    mesh.servers.start(names)
    await linked(mesh)
    for code in codes:

        async def recovered(code: str = code) -> bool:
            return "error" not in await mesh.api(code, "STREAM.INFO.UP")

        await until(recovered, f"{code}: its stream did not come back")


@pytest.mark.timeout(300)
async def test_a_county_gets_a_new_key_and_certificate_while_it_speaks(tmp_path: Path) -> None:
    """Three rounds of render and reload; the link stands all the time, and comes up again by the new key alone."""
    async with lab(on_this_machine(read(CHAIN)), tmp_path) as mesh:
        await linked(mesh)
        node, up = mesh.topology.node(COUNTY), leafs(mesh, COUNTY)
        old = mesh.keys.user(leaf_user(node)).current
        old_seed = mesh.keys.seed(leaf_user(node))
        async with events_flowing(mesh, COUNTY) as said:
            mesh.keys.rotate(mesh.topology, node, NOW)
            assert reload(mesh) == {f"n{CITY}", f"n{COUNTY}"}  # 1: the servers above accept both
            mesh.keys.switch(mesh.topology, node)
            assert f"n{COUNTY}" in reload(mesh)  # 2: its own servers use the new one, and its services
            services = mesh.clients.pop(COUNTY)
            mesh.keys.finish(mesh.topology, node)
            assert f"n{CITY}" in reload(mesh)  # 3: the old one is worth nothing
            assert mesh.keys.changing() == {}
            assert mesh.keys.user(leaf_user(node)).accepted != (old,)
            await services.close()
        await nothing_lost(mesh, said)
        print("links that stood before and still stand:", leafs(mesh, COUNTY) & up)

        await again(mesh, COUNTY)
        async with events_flowing(mesh, COUNTY) as more:
            pass
        await nothing_lost(mesh, said + more)
        seed = mesh.out / "servers" / f"n{COUNTY}" / "leaf.conf"
        seed.write_bytes(seed.read_bytes().replace(mesh.keys.seed(leaf_user(node)), old_seed))
        mesh.servers.stop([f"n{COUNTY}"])
        mesh.servers.start([f"n{COUNTY}"])
        log = mesh.servers.log(f"n{CITY}")

        async def turned_away() -> bool:
            return "authentication error" in await asyncio.to_thread(log.read_text, "utf-8", "replace")

        await until(turned_away, "the old key still opens the door")


@pytest.mark.timeout(300)
async def test_the_whole_mesh_goes_over_to_a_new_ca_while_it_speaks(tmp_path: Path) -> None:
    """Three rounds for all servers; links stand all the time, and come up again with certificates of the new CA alone."""
    async with lab(on_this_machine(read(CHAIN)), tmp_path) as mesh:
        await linked(mesh)
        everybody = {f"n{code}" for code in (PROVINCE, CITY, COUNTY)}
        was, old = {code: leafs(mesh, code) for code in (PROVINCE, CITY, COUNTY)}, mesh.keys.ca()
        async with events_flowing(mesh, COUNTY) as said:
            mesh.keys.rotate_ca(mesh.topology, NOW)
            assert reload(mesh) == everybody  # 1: both are trusted
            assert mesh.keys.ca().startswith(old)
            await again(mesh, CITY)  # a link may fall meanwhile: either CA opens it
            mesh.keys.switch_ca(mesh.topology, NOW)
            changed = sorted(mesh.render().servers)
            assert set(changed) == everybody
            mesh.servers.reload(changed[:1])  # 2: one after the other; a link between an old and a new one
            await again(mesh, CITY)
            mesh.servers.reload(changed[1:])
            mesh.keys.finish_ca()
            assert reload(mesh) == everybody  # 3: the old one is worth nothing
        await nothing_lost(mesh, said)
        print("links that stood before:", {code: len(was[code] & leafs(mesh, code)) for code in was})

        await again(mesh, CITY)
        assert shown(mesh, CITY, mesh.keys.ca())
        assert not shown(mesh, CITY, old)
        async with events_flowing(mesh, COUNTY) as more:
            pass
        await nothing_lost(mesh, said + more)


def test_a_change_of_the_ca_and_one_of_a_node_do_not_run_into_each_other(tmp_path: Path) -> None:
    """A certificate in waiting is signed by the CA of then: the order is held, with sentences."""
    mesh = Lab(on_this_machine(read(CHAIN)), tmp_path)
    mesh.keys.make(mesh.topology, NOW)
    node = mesh.topology.node(COUNTY)
    with pytest.raises(KeysMissing, match="没有新的 CA"):
        mesh.keys.switch_ca(mesh.topology, NOW)
    with pytest.raises(KeysMissing, match="没有要作废的旧 CA"):
        mesh.keys.finish_ca()
    mesh.keys.rotate(mesh.topology, node, NOW)
    with pytest.raises(KeysMissing, match="再更换 CA"):
        mesh.keys.rotate_ca(mesh.topology, NOW)
    mesh.keys.switch(mesh.topology, node)
    mesh.keys.rotate_ca(mesh.topology, NOW)
    assert "ca" in mesh.keys.changing()
    with pytest.raises(KeysMissing, match="上一次更换还没有结束"):
        mesh.keys.rotate_ca(mesh.topology, NOW)
