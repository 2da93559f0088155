"""The demo of tiers: reports enter in counties, are handled there, and stand in city and province a moment later.

Half way the link of one county is cut. It goes on working; what it says waits below, and goes up when the link is
mended. At the end the books of every node and every link are compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import click
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from yiwang.stack.books_tiers import NodeBooks, balance_all
from yiwang.stack.demo_feed import LOCAL
from yiwang.stack.demo_nation import nation
from yiwang.stack.demo_network import Demo
from yiwang.stack.demo_office import Office, client
from yiwang.stack.demo_tables import PAGES, faults, network_summary
from yiwang.stack.embedded import ServerFailed
from yiwang.stack.network import Network
from yiwang.stack.topology import TopologyError, TopologyNode, load
from yiwang.stack.topology.model import TIER_NAMES

CUT_AT: Final = 0.3
"""Share of the cases that have come in when the link is cut"""
CUT_S: Final = 15.0
"""For so long at least, with --once"""
CUT_DONE: Final = 3
"""Cases that the county finishes meanwhile, if it takes no longer than `LONG_CUT_S`"""
CUT_EVERY_S: Final = 300.0
"""Without --once: a cut of a minute every five"""
LONG_CUT_S: Final = 60.0
IDLE_S: Final = 0.7
"""A crew that finds nothing to do looks again after so long"""
_COUNT: Final = """
select (select count(*) from intake.reports where jurisdiction = $1) as reports, count(*) as cases,
       count(*) filter (where state in ('closed', 'voided')) as done, (select count(*) from dispatch.copies) as copies,
       (select count(*) filter (where state in ('closed', 'voided')) from dispatch.copies) as copies_done
from dispatch.cases
"""


class Count(msgspec.Struct, frozen=True):
    """A node at this moment, from its own database."""

    reports: int
    cases: int
    done: int
    copies: int
    copies_done: int


def run(console: Console, data: Path, once: int, file: Path) -> int:
    """Run until *once* cases are done (0: until told to stop); the exit status."""
    data = data.absolute()
    try:
        topology = load(file)
        with nation(data / "nation.log") as environ:
            console.print(f"正在启动 {topology.title or topology.name}（数据和日志在 {data}）……")
            begin = time.monotonic()
            with Demo(topology, data, environ) as net:
                console.print(f"{len(net.nodes)} 个节点就绪，用时 {time.monotonic() - begin:.0f} 秒")
                return asyncio.run(Tiers(net, console).run(once))
    except (ServerFailed, TopologyError) as error:
        raise click.ClickException(str(error)) from error


class Tiers:
    """The running network, an office in each place where reports enter, and the link that is cut."""

    def __init__(self, net: Network, console: Console) -> None:
        self.net, self.console = net, console
        below = {node.parent for node in net.nodes}
        self.entries = [node for node in net.nodes if node.code not in below]
        """Where reports enter: the nodes without nodes below"""
        cuttable = [node for node in self.entries if not node.host]
        self.victim = cuttable[-1] if cuttable else None
        self.offices: list[Office] = []
        """First those where reports enter, then the cities, to which some governance models hand cases for checking"""
        self.counts: dict[str, Count] = {}
        self.cut_since, self._before = 0.0, 0
        self.said: list[str] = []
        self._databases: dict[str, Any] = {}

    async def run(self, once: int) -> int:
        """Work; the exit status."""
        async with contextlib.AsyncExitStack() as stack:
            await self._open(stack)
            entries = self.offices[: len(self.entries)]
            share = -(-once // len(entries))
            shares = [min(share, once - n * share) for n in range(len(entries))]
            feeds = [o.take(n) if once else o.take_for_ever(1 / len(entries))
                     for o, n in zip(entries, shares, strict=True)]  # fmt: skip
            if not once:
                self.console.print(self.where_to_look())
            crews = [asyncio.create_task(self._work(office)) for office in self.offices]
            feeding = asyncio.gather(*feeds)
            trouble = asyncio.create_task(self._trouble(once))
            try:
                await self._until(once, feeding, [trouble, *crews])
            finally:
                feeding.cancel()
                for task in (*crews, trouble):
                    task.cancel()
                await asyncio.gather(*crews, trouble, feeding, return_exceptions=True)
            for office in self.offices:
                for line in office.complaints[:5]:
                    self.console.print(f"[yellow]被拒[/]（{office.name}）：{line}")
            return self.judge(await self.settled()) if once else 0

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        cities = [node for node in self.net.nodes if node.tier == "city" and node not in self.entries]
        for n, node in enumerate([*self.entries, *cities]):
            http = client(self.net.url(node.code))
            await stack.enter_async_context(http)
            self.offices.append(Office(self.net.kit(node.code), self.net.issuer, http, name=node.name, seed=n + 1))
        for node in self.net.nodes:
            pool = asyncpg.create_pool(self.net.kit(node.code).database_url, min_size=1, max_size=2)
            self._databases[node.code] = await stack.enter_async_context(pool)

    async def _work(self, office: Office) -> None:
        while True:
            if not await office.work():
                await asyncio.sleep(IDLE_S)

    # -- the link that is cut --------------------------------------------------------------------------------------

    async def _trouble(self, once: int) -> None:
        """Cut the victim's link when a part of the cases is in, mend it later; without an end again and again."""
        if self.victim is None:
            return
        await _when(lambda: self._in(once * CUT_AT))
        async for seconds in _times(once):
            async with self._cut(self.victim):
                await asyncio.sleep(seconds)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LONG_CUT_S):
                        await _when(lambda: self._worked_on(CUT_DONE))

    async def _in(self, reports: float) -> bool:
        return sum(len(office.accepted) for office in self.offices) >= reports

    async def _worked_on(self, done: int) -> bool:
        """Whether the place that is cut off has finished so many cases since."""
        return self.victim is not None and self._done(self.victim) >= self._before + done

    def _done(self, node: TopologyNode) -> int:
        count = self.counts.get(node.code)
        return count.done if count else 0

    @contextlib.asynccontextmanager
    async def _cut(self, node: TopologyNode) -> AsyncIterator[None]:
        self._before = self._done(node)
        await asyncio.to_thread(self.net.cut, node.code)
        self.cut_since = time.monotonic()
        self._say(f"[red]{node.name}与上级的链路断开[/]，区里照常办理")
        try:
            yield
        finally:
            lasted, self.cut_since = time.monotonic() - self.cut_since, 0.0
            await asyncio.to_thread(self.net.mend, node.code)
        done = self._done(node) - self._before
        self._say(f"[green]{node.name}的链路接通[/]：断开 {lasted:.0f} 秒，其间区里办结 {done} 件")
        begin = time.monotonic()
        await _when(lambda: self._caught_up(node))
        self._say(f"{node.name}积压的事件已全部到达上级，用时 {time.monotonic() - begin:.1f} 秒")

    async def _caught_up(self, node: TopologyNode) -> bool:
        """Whether the parent knows the newest version of what this node had when asked."""
        own = await self._databases[node.code].fetch("select case_id, version from dispatch.cases where away is null")
        known = await self._databases[node.parent].fetch("select case_id, version from dispatch.copies")
        versions = {row["case_id"]: row["version"] for row in known}
        behind = sum(versions.get(row["case_id"], 0) < row["version"] - 1 for row in own)
        return not behind

    # -- looking on ------------------------------------------------------------------------------------------------

    async def _until(self, once: int, feeding: asyncio.Future[Any], tasks: Sequence[asyncio.Task[None]]) -> None:
        """Show progress until all is worked off (or for ever). *tasks*: the trouble, which ends, and the crews."""
        quiet, last = 0, -1
        with Live(console=self.console, refresh_per_second=4) as live:
            while quiet < 4:
                await self._count()
                live.update(self.progress())
                await asyncio.sleep(0.5)
                for task in (feeding, *tasks):
                    if task.done():
                        task.result()
                acts = sum(office.crew.acts for office in self.offices)
                idle = once and feeding.done() and tasks[0].done() and acts == last
                quiet, last = (quiet + 1 if idle else 0), acts

    async def _count(self) -> None:
        for code, db in self._databases.items():
            self.counts[code] = Count(**await db.fetchrow(_COUNT, code))

    def progress(self) -> Group:
        """The network at this moment, one line for each node."""
        office = self.offices[0]
        local = office.clock.now().astimezone(LOCAL).strftime("%m-%d %H:%M")
        acts = sum(one.crew.acts for one in self.offices)
        table = Table(title=f"虚拟时间 {local} · 各岗位已办理 {acts} 步", title_justify="left")
        for name in ("节点", "层级", "收下上报", "本级案件", "已办结", "下级案件", "其中办结", "与上级"):
            table.add_column(name, justify="left" if name in ("节点", "层级", "与上级") else "right")
        for node in self.net.nodes:
            count = self.counts[node.code]
            own = [str(n) for n in (count.reports, count.cases, count.done)] if node in self.entries else ["", "", ""]
            below = ["", ""] if node in self.entries else [str(count.copies), str(count.copies_done)]
            table.add_row(node.name, TIER_NAMES[node.tier], *own, *below, self._link_of(node))
        return Group(table, *self.said[-4:])

    def _link_of(self, node: TopologyNode) -> str:
        if not node.parent:
            return ""
        if node is self.victim and self.cut_since:
            return f"[red]断开 {time.monotonic() - self.cut_since:.0f} 秒[/]"
        return f"由{self.net.topology.node(node.host).name}承载" if node.host else "连通"

    def _say(self, sentence: str) -> None:
        self.said.append(sentence)

    def where_to_look(self) -> Table:
        """Addresses of a county, its city and the province."""
        table = Table(title="打开看看", title_justify="left")
        for name in ("节点", "层级", *(name for name, _ in PAGES[:2])):
            table.add_column(name, overflow="fold")
        for node in self.net.nodes:
            url = self.net.url(node.code)
            table.add_row(node.name, TIER_NAMES[node.tier], *(url + path for _, path in PAGES[:2]))
        table.caption = f"全网状态：yiwang mesh status --data {self.net.data} --node {self.net.nodes[0].code}"
        return table

    # -- the books -------------------------------------------------------------------------------------------------

    async def settled(self, seconds: float = 180) -> list[NodeBooks]:
        """The books of all nodes once they balance and nothing is on its way, or after *seconds* as they are."""
        kits = {node.code: self.net.kit(node.code) for node in self.net.nodes}
        accepted = {office.code: office.accepted for office in self.offices}
        end = time.monotonic() + seconds
        while True:
            found = await balance_all(self.net.topology, kits, accepted)
            pending = sum(one.own.notices.get("pending", 0) for one in found)
            pending += sum(one.own.sync.get("pending", 0) for one in found if not one.node.parent)
            if (not pending and all(one.balanced for one in found)) or time.monotonic() > end:
                return found
            await asyncio.sleep(0.5)

    def judge(self, found: Sequence[NodeBooks]) -> int:
        """Print the books; 0 only if all balance."""
        self.console.print(network_summary(found))
        for sentence in faults(found):
            self.console.print(f"[red]不平[/]：{sentence}")
        if all(one.balanced for one in found):
            self.console.print("[green]各级账平：没有丢失，没有重复，次序不乱[/]")
            return 0
        return 1


async def _when(true: Callable[[], Awaitable[bool]]) -> None:
    """Return once it is so."""
    while True:
        if await true():
            return
        await asyncio.sleep(0.1)


async def _times(once: int) -> AsyncIterator[float]:
    """How long each cut lasts: one with --once, one every few minutes otherwise."""
    if once:
        yield CUT_S
        return
    while True:
        await asyncio.sleep(CUT_EVERY_S)
        yield LONG_CUT_S
