"""What each node took of the machine: memory and CPU of its servers, its services and its part of PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from statistics import mean

import msgspec
from yiwang.stack.network import Network
from yiwang.stack.usage import Usage, usage_of


class Look(msgspec.Struct, frozen=True):
    """What each process had taken at a moment (looking at hundreds of processes takes a while itself)."""

    at: float
    usage: dict[str, Usage]

    def since(self, before: Look, name: str) -> float:
        """Cores that a process used on average since an earlier look."""
        return (self.usage[name].cpu_s - before.usage[name].cpu_s) / (self.at - before.at)


def say(line: str) -> None:
    print(line, flush=True)


async def look(net: Network) -> Look:
    """As it is now."""
    return Look(time.monotonic(), await asyncio.to_thread(net.usage))


def cores(before: Look, after: Look) -> float:
    """Cores that everything used together between two looks."""
    return sum(after.since(before, name) for name in after.usage if name in before.usage)


def per_case(idle: list[Look], done: Look, cases: int) -> float:
    """CPU seconds a case, without what the idle network would have used meanwhile."""
    return (cores(idle[1], done) - cores(*idle)) * (done.at - idle[1].at) / cases


def table(net: Network, idle: list[Look], fed: Look, done: Look) -> None:
    """What each kind of process takes: memory at the end, CPU idle and while reports came in."""
    kinds: dict[str, list[str]] = {}
    tier = {node.account: node.tier for node in net.nodes} | {node.code: node.tier for node in net.nodes}
    for name in done.usage:
        what, _, code = name.rpartition(" ")
        kind = f"{what or 'nats-server'} of a {tier[code.split('-')[0]]}" if name != "postgres" else "PostgreSQL"
        kinds.setdefault(kind, []).append(name)
    say("\n| process | how many | MiB (PSS) mean / most | CPU idle, % of a core, mean | under load, mean / most |")
    say("|---|---|---|---|---|")
    for kind, names in kinds.items():
        memory = [done.usage[name].memory_mib for name in names]
        calm = [100 * idle[1].since(idle[0], n) for n in names]
        busy = [100 * fed.since(idle[1], n) for n in names]
        say(f"| {kind} | {len(names)} | {mean(memory):.0f} / {max(memory):.0f} | {mean(calm):.1f} "
            f"| {mean(busy):.1f} / {max(busy):.1f} |")  # fmt: skip
    say(f"\neverything together {sum(usage.memory_mib for usage in done.usage.values()):,.0f} MiB")


async def databases(net: Network) -> dict[str, tuple[int, Usage]]:
    """PostgreSQL's part of a node: database → its connections, and what they take."""
    rows = await asyncio.to_thread(
        net.postgres.query, "select datname || ' ' || pid from pg_stat_activity where datname like 'yw_%'"
    )
    pids: dict[str, list[int]] = {}
    for row in rows.splitlines():
        name, pid = row.split()
        pids.setdefault(name, []).append(int(pid))
    return {name: (len(found), await asyncio.to_thread(usage_of, found)) for name, found in pids.items()}


def each_node(net: Network, idle: list[Look], fed: Look, done: Look, held: dict[str, tuple[int, Usage]]) -> None:
    """A line for each node. Its servers and services: memory, CPU idle and under load; its connections: memory."""
    say("\n| node | tier | nats-server MiB | services MiB | connections | their MiB | CPU idle, % | under load, % |")
    say("|---|---|---|---|---|---|---|---|")
    for node in net.nodes:
        servers = [name for name in done.usage if name.split("-")[0] == node.account]
        own = [name for name in (f"services {node.code}",) if name in done.usage]
        nats, services = (sum(done.usage[name].memory_mib for name in names) for names in (servers, own))
        calm, busy = (
            100 * sum(after.since(before, name) for name in servers + own)
            for before, after in ((idle[0], idle[1]), (idle[1], fed))
        )
        count, usage = held.get(node.database, (0, Usage(0, 0)))
        say(f"| {node.code} | {node.tier} | {nats:.0f} | {services:.0f} | {count} | {usage.memory_mib:.0f} "
            f"| {calm:.1f} | {busy:.1f} |")  # fmt: skip
