"""Reports from every county at an even rate, people who work some of the cases, and how far above they have come."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg
import httpx
import msgspec
from yiwang.stack.demo_feed import Draw
from yiwang.stack.demo_office import Office, client
from yiwang.stack.network import Network
from yiwang.stack.topology import TopologyNode

ENDED: Final = ("closed", "voided")
LOOK_S: Final = 10.0
EVENTS: Final = 5
"""Of a case, from its report to its unit"""
STEP_S: Final = 3.0
"""Between two steps with the same case"""
_OWN: Final = "select count(*), coalesce(sum(version), 0) from dispatch.cases where away is null"
_COPIES: Final = "select count(*), coalesce(sum(version), 0) from dispatch.copies"
_DISPATCHED: Final = "select count(*) from dispatch.cases where state not in ('reported', 'accepted', 'filed')"


class Sight(msgspec.Struct, frozen=True):
    """How it stands at a moment."""

    sent: int
    dispatched: int
    own: tuple[int, int]
    """Cases and the sum of their versions, at the nodes that have them"""
    above: tuple[int, int]
    """The same of the province's copies"""

    @property
    def level(self) -> bool:
        """Whether everything that was sent stands above in its newest version."""
        return self.own == self.above and self.own[0] >= self.sent

    @property
    def behind(self) -> int:
        """Events that the province does not know yet."""
        return EVENTS * max(0, self.sent - self.own[0]) + self.own[1] - self.above[1]


class Flow:
    """What comes into a running network."""

    def __init__(self, net: Network, cases: int, seconds: float, acted: int, behind: int = 0) -> None:
        """*acted*: cases that people work to their end over HTTP; the others stay with their unit.

        *behind*: places wait while the province is so many events behind; what they could not send in time is not sent.
        """
        self.net, self.cases, self.seconds, self.acted = net, cases, seconds, acted
        below = {node.parent for node in net.nodes}
        self.entries = [node for node in net.nodes if node.code not in below]
        self.top = next(node for node in net.nodes if not node.parent)
        self.offices: dict[str, Office] = {}
        self.accepted: dict[str, set[str]] = {node.code: set() for node in self.entries}
        self.took: list[float] = []
        self.waited = 0
        """Reports sent again: asked to by a 503, or without an answer in time"""
        self._fed, self._free = asyncio.Event(), asyncio.Event()
        self._free.set()
        self._behind = behind
        self.begun = 0.0
        self.states_seen: dict[str, str] = {}
        self._databases: dict[str, asyncpg.Connection[Any]] = {}
        self._clients: list[httpx.AsyncClient] = []
        self._people: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        for n, node in enumerate(self.net.nodes):
            self._databases[node.code] = await asyncpg.connect(self.net.kit(node.code).database_url)
            if node is self.top:
                continue
            http = client(self.net.url(node.code))
            self._clients.append(http)
            seed = time.time_ns() + n  # another run's reports are other reports
            self.offices[node.code] = Office(self.net.kit(node.code), self.net.issuer, http, name=node.name, seed=seed)

    async def close(self) -> None:
        for task in self._people:
            task.cancel()
        for http in self._clients:
            await http.aclose()
        for db in self._databases.values():
            await db.close()

    async def feed(self, told: Callable[[str], None]) -> float:
        """Send all reports at their rate; returns the seconds from the first to the last answer."""
        for node in self.entries:
            assert self.offices[node.code].feed  # made now, not while reports are due
        begin = self.begun = time.monotonic()
        looking = asyncio.create_task(self._look(told, begin))
        async with asyncio.TaskGroup() as places:
            for n, node in enumerate(self.entries):
                places.create_task(self._from(node, n))
        lasted = time.monotonic() - begin
        self._fed.set()
        await looking
        return lasted

    async def _look(self, told: Callable[[str], None], begin: float) -> None:
        while not self._fed.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._fed.wait()
            sight = await self.sight()
            told(f"{time.monotonic() - begin:5.0f} s: {self.line(sight)}")
            if self._behind and sight.behind > self._behind:
                self._free.clear()
            elif sight.behind < self._behind / 2:
                self._free.set()
        self._free.set()

    def line(self, sight: Sight) -> str:
        """One line of progress."""
        return (
            f"sent {sight.sent}, dispatched below {sight.dispatched}, known to the province {sight.above[0]} "
            f"({sight.behind} events behind), worked to the end {self.ended}, load {os.getloadavg()[0]:.1f}"
        )

    @property
    def ended(self) -> int:
        return sum(state in ENDED for state in self.states_seen.values())

    async def _from(self, node: TopologyNode, place: int) -> None:
        """What one place sends, evenly, whatever the answers take; beginnings are spread."""
        count = self.cases // len(self.entries) + (place < self.cases % len(self.entries))
        some = self.acted // len(self.entries) + (place < self.acted % len(self.entries))
        every = max(1, count // some) if some else 0
        pace, office = self.seconds / max(1, count), self.offices[node.code]
        first = time.monotonic() + pace * place / len(self.entries)
        async with asyncio.TaskGroup() as reports:
            for n in range(count):
                await asyncio.sleep(max(0.0, first + n * pace - time.monotonic()))
                if not self._free.is_set():
                    before = time.monotonic()
                    await self._free.wait()
                    first += time.monotonic() - before
                if time.monotonic() > self.begun + self.seconds + pace:
                    break
                reports.create_task(self._report(office, n, bool(every) and n % every == 0))

    async def _report(self, office: Office, number: int, act: bool) -> None:
        drawn = by_inspector(office, number)
        headers = {"Authorization": f"Bearer {office.token(drawn.role)}"}
        begin = time.monotonic()
        while (answer := await sent(office.http, drawn.report, headers)) is None or answer.status_code == 503:
            self.waited += 1
            await asyncio.sleep(1)
        if answer.status_code != 202:
            raise RuntimeError(f"{office.name}: {answer.status_code} {answer.text[:300]}")
        self.took.append(time.monotonic() - begin)
        self.accepted[office.code].add(answer.json()["report_id"])
        if act:
            task = asyncio.create_task(self._work(answer.json()["case_id"], office))
            self._people.add(task)
            task.add_done_callback(self._people.discard)

    async def _work(self, case_id: str, office: Office) -> None:
        """A case's people, from unit to the end, wherever it goes."""
        while True:
            case = await office.crew.step(case_id, office.clock.now())
            self.states_seen[case_id] = case.get("state", "")
            if case.get("state") in ENDED:
                return
            office = self.offices.get(case.get("custodian", ""), office)
            await asyncio.sleep(STEP_S)

    async def sight(self) -> Sight:
        """How it stands now."""
        sent = sum(len(reports) for reports in self.accepted.values())
        own, dispatched = [0, 0], 0
        for node in self.net.nodes:
            db = self._databases[node.code]
            if node is not self.top:
                cases, versions = next(iter(await db.fetch(_OWN)))
                own = [own[0] + int(cases), own[1] + int(versions)]
                dispatched += await db.fetchval(_DISPATCHED)
        copies, versions = next(iter(await self._databases[self.top.code].fetch(_COPIES)))
        return Sight(sent, dispatched, (own[0], own[1]), (int(copies), int(versions)))

    async def drained(self, told: Callable[[str], None], patience: float) -> float:
        """Wait until the people are done and the province knows everything; returns the seconds. Raises TimeoutError."""
        begin = said = time.monotonic()
        async with asyncio.timeout(patience):
            while self._people or not (sight := await self.sight()).level:
                if time.monotonic() - said > LOOK_S:
                    said = time.monotonic()
                    told(f"draining, {said - begin:4.0f} s: {self.line(await self.sight())}")
                await asyncio.sleep(0.5)
        told(f"drained: {self.line(sight)}")
        return time.monotonic() - begin

    @property
    def refusals(self) -> list[str]:
        """What people were refused."""
        return [line for office in self.offices.values() for line in office.complaints]


async def sent(http: httpx.AsyncClient, report: dict[str, Any], headers: dict[str, str]) -> httpx.Response | None:
    """The answer; None when none came in time: the same report may be sent again, its record is known by its number."""
    try:
        return await http.post("/reports", json=report, headers=headers)
    except httpx.TimeoutException:
        return None


def by_inspector(office: Office, number: int) -> Draw:
    """A report of an inspector: the profile takes it to its unit by itself."""
    while (drawn := office.feed.draw(number, office.clock.now())).role != "collector":
        pass
    return drawn


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which *share* of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
