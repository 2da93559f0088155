"""A link made anew: the servers above hang up, and the ones below dial again within seconds and with today's rights.

A leaf link keeps the rights with which it came up, also through a reload. What waits meanwhile follows by itself, as after any
cut. The servers' own watch user (system account) hangs up; nobody else may.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any, Final

import nats
from nats.aio.client import Client

from .keys import KeyRing, system_user
from .model import Server, Topology, TopologyNode
from .nats import Site, speaks_tls

Leaf = tuple[str, int]
"""(id of the server that took the link, number of the link there)"""
ANSWER_S: Final = 1.0
"""So long servers of a cluster may take to answer"""
PATIENCE_S: Final = 60.0


class NoLink(Exception):
    """There is no such link to make anew, as a sentence."""


async def relink(topology: Topology, ring: KeyRing, code: str, site: Site | None = None) -> int:
    """Hang up the links of *code*'s servers to the ones above; returns how many came up anew. Raises NoLink with a sentence."""
    node = topology.node(code)
    if not (node.has_servers and node.parent):
        raise NoLink(f"{code} 没有自己的上行链路：它由别人承载，或者没有上级")
    upper = topology.carrier(node.parent)
    nc = await _watcher(upper, ring, site or Site())
    try:
        before = await _leafs(nc, topology, node)
        if not before:
            raise NoLink(f"{upper.name} 的服务器上没有 {code} 的链路：请检查它的服务器是否在运行，重连后就是新的权限")
        for server, number in before:
            await nc.request(f"$SYS.REQ.SERVER.{server}.KICK", json.dumps({"cid": number}).encode(), timeout=5)
        return await _anew(nc, topology, node, before)
    finally:
        await nc.close()


async def _anew(nc: Client, topology: Topology, node: TopologyNode, before: set[Leaf]) -> int:
    """Wait until as many links stand as before, none of them one of those."""
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        now = await _leafs(nc, topology, node)
        if len(now) >= len(before) and not now & before:
            return len(now)
        if asyncio.get_running_loop().time() > end:
            raise NoLink(f"{node.code} 的链路断开后没有重新连上：请检查它的服务器日志，连上后就是新的权限")


async def _leafs(nc: Client, topology: Topology, node: TopologyNode) -> set[Leaf]:
    """The links of the node's servers, on all servers above."""
    account, names = topology.node(node.parent).account, {server.name for server in node.server_list()}
    found: set[Leaf] = set()
    inbox = nc.new_inbox()
    answers = await nc.subscribe(inbox)
    await nc.publish("$SYS.REQ.SERVER.PING.LEAFZ", b"{}", reply=inbox)
    for _ in topology.carrier(node.parent).server_list():
        try:
            page: dict[str, Any] = json.loads((await answers.next_msg(timeout=ANSWER_S)).data)
        except TimeoutError:
            break
        leafs = page["data"].get("leafs") or ()
        found |= {(page["server"]["id"], leaf["id"]) for leaf in leafs if (leaf["account"], leaf["name"]) in
                  {(account, name) for name in names}}  # fmt: skip
    await answers.unsubscribe()
    return found


async def _watcher(upper: TopologyNode, ring: KeyRing, site: Site) -> Client:
    """Logged in at the servers above as their own watch user."""
    servers: tuple[Server, ...] = upper.server_list()
    secure = speaks_tls(servers[0], site)
    urls = [f"{'tls' if secure else 'nats'}://{server.address}:{server.ports.client}" for server in servers]
    options: dict[str, Any] = {"tls": ssl.create_default_context(cadata=ring.ca().decode())} if secure else {}
    seed = ring.seed(system_user(upper)).decode()
    try:
        return await nats.connect(urls, nkeys_seed_str=seed, allow_reconnect=False, connect_timeout=5, **options)
    except (OSError, TimeoutError, nats.errors.Error) as error:
        raise NoLink(f"连不上 {upper.name} 的服务器 {'、'.join(urls)}（{error}）：请在能连到它的机器上运行") from error
