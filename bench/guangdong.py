"""A part of the province of Guangdong on this machine: real leaf servers and services, cases from every county, the books.

    python -m bench.guangdong --leafs 42 --cases 25000 --minutes 10

The province is a cluster of three servers; every city and county has a leaf server, a database and all its services.
Reports enter in the counties over HTTP at an even rate, and the profile takes each to its unit without a person; some
are worked to their end by people over HTTP, at the county and, after it has handed over, at the city. It ends with the
books of every node and every link, and with what each node took of the machine. Status 0 only if all balance.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from yiwang.stack.books_tiers import balance_all
from yiwang.stack.demo_tables import faults
from yiwang.stack.network import Network
from yiwang.stack.node_host import Guest
from yiwang.stack.topology import PACES, Topology, load

from .guangdong_flow import Flow, quantile
from .guangdong_plan import chosen, with_profiles
from .guangdong_table import cores, databases, each_node, look, per_case, say, table

FILE: Final = Path("deploy/topologies/guangdong.toml")
AT_ONCE: Final = 4
"""Processes that start side by side"""
IDLE_S: Final = 20.0
STREAM_GIB: Final = 1.0
CONNECTIONS: Final = 100
"""Room for a node's connections to PostgreSQL; it needs nearly half of them while it starts"""
LINGER_MS: Final = 4000
"""A day in ten minutes: what half a second is to a calm node (0053) in a day is little here. Who only watches rests ten times that"""
SETTLED_S: Final = 120.0
"""So long the books may take to balance after the province knows everything: who only watches may still be resting"""
LOOK_S: Final = 10.0
"""Between two looks at whether the links stand: each starts a program"""


class Lab(Network):
    """A process for each node, or for several where asked, and a start that two cores can carry."""

    def __init__(self, topology: Topology, data: Path, *, together: int, **more: Any) -> None:
        super().__init__(topology, data, processes="each", cuttable=(), stream_max_gib=STREAM_GIB, **more)
        self.together = together

    def groups(self, codes: Collection[str]) -> dict[str, list[str]]:
        """The province has a process of its own, the others share theirs."""
        top, *others = sorted(codes, key=lambda code: self.topology.node(code).parent != "")
        parts = [others[n : n + self.together] for n in range(0, len(others), self.together)]
        return {top: [top]} | {part[0]: part for part in parts}

    def start_services(self, codes: Iterable[str] = ()) -> None:
        """A few processes at a time. PostgreSQL looks at each of the many databases more rarely than once a minute."""
        self.postgres.query("alter system set autovacuum_naptime = '5min'")
        self.postgres.query("select pg_reload_conf()")
        groups = list(self.groups([node.code for node in self.nodes]).items())
        for n in range(0, len(groups), AT_ONCE):
            some = groups[n : n + AT_ONCE]
            for name, members in some:
                self.hosts.start(name, [Guest(self.services_of(code), self.environ(code)) for code in members])
            for name, members in some:
                for code in members:
                    self.hosts.await_ready(name, self.url(code), 900)


def main() -> int:
    """Run it; the exit status."""
    asked = arguments()
    place = asked.data or Path(tempfile.mkdtemp(prefix="yiwang-guangdong-"))
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    try:
        topology = with_profiles(chosen(load(FILE), asked.leafs, asked.pace), place / "profiles")
        leafs = [node for node in topology.nodes if node.parent]
        tiers = f"{sum(n.tier == 'city' for n in leafs)} cities, {sum(n.tier == 'county' for n in leafs)} counties"
        say(f"3 servers of the province, {len(leafs)} leaf servers ({tiers}); load {os.getloadavg()[0]:.1f}")
        environ = {"YIWANG_LOG_LEVEL": "warning", "YIWANG_DEV_PEOPLE": "true", "YIWANG_LINGER_MS": f"{asked.linger}"}
        many = 100 + CONNECTIONS * len(topology.nodes)
        begin = time.monotonic()
        with Lab(topology, place, together=asked.together, environ=environ, connections=many) as net:
            say(
                f"{len(net.nodes)} nodes in {len(net.hosts.running)} processes are ready after {time.monotonic() - begin:.0f} s"
            )
            return asyncio.run(campaign(net, asked))
    finally:
        if not asked.data:
            shutil.rmtree(place, ignore_errors=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.guangdong", description=__doc__.splitlines()[0])
    parser.add_argument("--leafs", type=int, default=42, help="leaf servers: every city, then counties")
    parser.add_argument("--cases", type=int, default=25_000)
    parser.add_argument("--minutes", type=float, default=10.0, help="in which they come in")
    parser.add_argument("--acted", type=int, default=200, help="of them, worked to their end by people over HTTP")
    parser.add_argument("--behind", type=int, default=0, help="wait while the province is so many events behind")
    parser.add_argument("--together", type=int, default=1, help="nodes in one process; the province has its own")
    parser.add_argument("--pace", choices=PACES, default="calm", help="how promptly the nodes work")
    parser.add_argument("--linger", type=int, default=LINGER_MS, help="ms that services rest after a small batch")
    parser.add_argument("--patience", type=float, default=3600.0, help="seconds for the drain")
    parser.add_argument("--data", type=Path, help="keep everything here")
    return parser.parse_args()


async def campaign(net: Lab, asked: argparse.Namespace) -> int:
    """Idle, flow, drain, books."""
    with contextlib.suppress(PermissionError):  # who sends must not queue behind some eighty processes that receive
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    flow = Flow(net, asked.cases, asked.minutes * 60, asked.acted, asked.behind)
    async with contextlib.AsyncExitStack() as stack:
        await flow.open()
        stack.push_async_callback(flow.close)
        await standing(net, asked.patience)
        idle = [await look(net)]
        await asyncio.sleep(IDLE_S)
        idle.append(await look(net))
        say(f"idle: {cores(*idle):.2f} of {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        lasted = await flow.feed(say)
        fed = await look(net)
        sent = sum(len(reports) for reports in flow.accepted.values())
        say(f"fed: {sent} reports in {lasted:.0f} s = {sent / lasted:.1f}/s (asked for {asked.cases}), "
            f"POST p50 {quantile(flow.took, 0.5) * 1000:.0f} ms, p99 {quantile(flow.took, 0.99) * 1000:.0f} ms, "
            f"sent again {flow.waited} times; {cores(idle[1], fed):.2f} cores")  # fmt: skip
        drain = await flow.drained(say, asked.patience)
        done = await look(net)
        say(f"the province knows everything {drain:.0f} s after the last report; "
            f"CPU a case beyond idling {per_case(idle, done, sent) * 1000:.0f} ms")  # fmt: skip
        for line in flow.refusals[:5]:
            say(f"refused: {line}")
        held = await databases(net)
        table(net, idle, fed, done)
        each_node(net, idle, fed, done, held)
        return await judged(net, flow)


async def standing(net: Lab, patience: float) -> None:
    """Wait until the province sees every link stand."""
    top, begin = next(node.code for node in net.nodes if not node.parent), time.monotonic()
    async with asyncio.timeout(patience):
        while not await asyncio.to_thread(_stands, net, top):
            await asyncio.sleep(LOOK_S)
    say(f"all links stand {time.monotonic() - begin:.0f} s later")


def _stands(net: Lab, top: str) -> bool:
    """Whether `yiwang mesh status` at the province shows no link that isn't there."""
    command = [sys.executable, "-m", "yiwang.stack", "mesh", "status", "--json", "--data", str(net.data), "--node", top]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    places = msgspec.json.decode(told)["places"] if told.startswith("{") else []
    return bool(places) and all(place["state"] in ("here", "ok", "late") for place in places)


async def judged(net: Lab, flow: Flow) -> int:
    """The books of every node, until they balance or whoever rests must have woken."""
    kits = {node.code: net.kit(node.code) for node in net.nodes}
    begin = time.monotonic()
    while True:
        looked = time.monotonic()
        found = await balance_all(net.topology, kits, flow.accepted)
        if all(one.balanced for one in found) or looked > begin + SETTLED_S:
            break
        await asyncio.sleep(5)
    for tier in ("county", "city", "province"):
        those = [one for one in found if one.node.tier == tier]
        say(f"{tier}: {len(those)} nodes, {sum(o.own.cases for o in those)} cases, {sum(o.below for o in those)} events from "
            f"below, {sum(o.copies for o in those)} copies; lost {sum(o.lost for o in those)}, doubled "
            f"{sum(o.doubled for o in those)}, out of order {sum(o.link.disordered for o in those if o.link)}, stale "
            f"{sum(o.stale for o in those)}, parked {sum(o.own.parked for o in those)}")  # fmt: skip
    for sentence in faults(found)[:20]:
        say(f"not balanced: {sentence}")
    well = all(one.balanced for one in found)
    say(
        f"books of {len(found)} nodes read in {time.monotonic() - begin:.0f} s: "
        + ("all balance" if well else "NOT BALANCED")
    )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
