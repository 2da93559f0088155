"""A province that carries two cities on its servers, of which one moves to its own; and what an administrator types."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg
import nats.errors
from nats.js.errors import APIError, NoStreamResponseError
from yiwang.contracts import AreaRef, CaseLocated, Category, Code, Custody, Place
from yiwang.kit.link import Link
from yiwang.kit.testing import a_head, a_report
from yiwang.stack.books import Stream, read_stream
from yiwang.stack.books_tiers import LinkBooks, compare, whole
from yiwang.stack.embedded import Postgres
from yiwang.stack.network import Network
from yiwang.stack.tally import ids
from yiwang.stack.topology import read

from .mesh import QUICK, said, until

PROVINCE, CITY, OTHER = "440000", "440300", "440100"
NODES: Final = """
name = "moving"
nodes = [
    { code = "440000", name = "广东省", profile = "shenzhen" },
    { code = "440300", name = "深圳市", profile = "shenzhen", HOSTED },
    { code = "440100", name = "广州市", profile = "guangzhou", host = "440000", quotas = { max_file_gib = 8 } },
    { code = "441500", name = "汕尾市", profile = "shenzhen", elsewhere = true, address = "shanwei.invalid" },
]
[defaults.province]
sync = "2m"
services = { SERVICES }
[defaults.city]
sync = "2m"
services = { SERVICES }
"""
FEW: Final = "intake = 0, grid = 0, evaluation = 0, enforcement = 0, notification = 0, national_sync = 0, identity = 0"
"""Dispatch and the mesh alone; what intake and grid would say is put into the streams"""
LITTER: Final = Category(code_set="gbt30428.2-2013", version="2013", kind="event", major="01", minor="10")
TURNED_AWAY: Final = (nats.errors.Error, NoStreamResponseError, APIError, TimeoutError)


def before(services: str) -> str:
    """The topology with the city on the province's servers."""
    hosted = NODES.replace("HOSTED", 'host = "440000", quotas = { max_file_gib = 8 }')
    return hosted.replace("SERVICES", services)


def after(services: str) -> str:
    """The topology with the city on servers of its own."""
    return NODES.replace(", HOSTED", "").replace("SERVICES", services)


class Moving(Network):
    """A network in which the city that moves gets a database server of its own, too."""

    own: Postgres | None = None

    def __init__(self, *what: Any, **more: Any) -> None:
        super().__init__(*what, **more)
        self.taken: set[str] = set()
        """Events that `take` had acknowledged: nobody sends those again"""

    def environ(self, code: str) -> dict[str, str]:
        found = super().environ(code)
        if self.own is not None and code == CITY and not self.topology.node(CITY).host:
            found["YIWANG_DATABASE_URL"] = self.own.create_database(self.topology.node(code).database)
        return found

    @contextlib.contextmanager
    def own_database(self) -> Iterator[None]:
        """The database server that awaits the city at its new place."""
        with Postgres(self.data / "own", durable=False, max_connections=120) as self.own:
            yield
            self.hosts.stop_all()


@contextlib.contextmanager
def network(services: str, **environ: str) -> Iterator[tuple[Moving, Path]]:
    """The running network, and a directory beside it. The parent speaks down once a minute, as it usually does."""
    slow = {"YIWANG_MESH_HEARTBEAT_SECONDS": "60", "YIWANG_MESH_SILENT_AFTER_S": "600"}
    with (
        tempfile.TemporaryDirectory(prefix="yiwang-moving-") as name,
        Moving(
            read(before(services)), Path(name) / "net", processes="each", durable=False, connections=300,
            environ={**QUICK, **slow, **environ},
        ) as net,
    ):  # fmt: skip
        yield net, Path(name)


async def yiwang(net: Network, *arguments: str, fails: bool = False) -> str:
    """One command of an administrator; what it prints."""
    command = [sys.executable, "-m", "yiwang.stack", *arguments, "--data", str(net.data)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("YIWANG_")}
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, env=environ, check=False)
    assert bool(done.returncode) is fails, (arguments, done.stdout, done.stderr[-3000:])
    return done.stdout + done.stderr


@contextlib.asynccontextmanager
async def linked(net: Network, code: str) -> AsyncIterator[Link]:
    """Logged in as the services of a node."""
    link = await Link.open(net.kit(code), "test")
    try:
        yield link
    finally:
        await link.nc.close()


async def take(net: Moving, link: Link, code: str, county: str, name: str) -> bool:
    """A patrol's report and its place, as intake and grid of the city would say them; False when it is turned away.

    The seal may come between the two; what was acknowledged before isn't said again.
    """
    area = AreaRef(province=PROVINCE, city=code, county=county, street9=f"{county}001", community12=f"{county}001001")
    place = Place(area=area, grid_version="1", method="code")
    base: dict[str, Any] = {
        "case_id": name, "custody": Custody(jurisdiction=code), "report_ids": (f"r-{name}",),
        "channel": Code(code_set="channel", version="1", code="1"),
    }  # fmt: skip
    report = a_report(id=f"{name}-1", head=a_head(**base), claimed_category=LITTER, jurisdiction=code)
    head = a_head(**base, case_version=2, state_before="reported", place=place)
    located = CaseLocated(id=f"{name}-2", case=head, place=place, outcome="located", jurisdiction=code)
    for event in (report, located):
        if event.id in net.taken:
            continue
        subject, data = said(code, event)
        try:
            await link.nc.jetstream().publish(subject, data, headers={"Nats-Msg-Id": event.id}, timeout=30)
        except TURNED_AWAY:
            return False
        net.taken.add(event.id)
    return True


async def arrived(net: Network, code: str) -> tuple[Stream, Stream]:
    """UP of the city and of the province, once everything of the city is there."""
    found: list[Stream] = []

    async def there() -> bool:
        found[:] = [await read_stream(net.kit(code)), await read_stream(net.kit(PROVINCE))]
        return not compare(*found, [code]).missing

    await until(there, f"something of {code} is missing at the province", 120)
    return found[0], found[1]


async def rows(net: Network, code: str, query: str) -> list[Any]:
    """What a node's database says."""
    db = await asyncpg.connect(net.kit(code).database_url)
    try:
        return list(await db.fetch(query))
    finally:
        await db.close()


async def numbers(net: Network, code: str) -> list[str]:
    """Case numbers that a city has given."""
    found = await rows(net, code, "select case_no from dispatch.cases where case_no <> '' order by 1")
    return [str(row["case_no"]) for row in found]


async def copied(net: Network) -> bool:
    """Whether the province's copies of the city's cases are what the cases are."""
    own = await rows(net, CITY, "select case_id, version, state from dispatch.cases where away is null")
    above = await rows(net, PROVINCE, "select case_id, version, state from dispatch.copies")
    return {tuple(row) for row in own} <= {tuple(row) for row in above}


async def balanced(net: Moving) -> LinkBooks:
    """Nothing missing, doubled or disordered at the province; versions and case numbers without a gap."""
    stream, province = await arrived(net, CITY)
    await until(lambda: copied(net), "the province's copies differ", 120)
    link = compare(stream, province, [CITY])
    assert link.clean, link
    assert set(stream.ids) == {CITY}
    assert all(map(whole, stream.course.values()))
    assert all(map(whole, (province.course[case] for case in stream.course)))
    for code, name in ((CITY, "UP"), (CITY, "DOWN"), (PROVINCE, "UP"), (PROVINCE, f"IN_{CITY}")):
        async with linked(net, code) as at:
            twice = [one for one, times in Counter(await ids(at.nc, name)).items() if times > 1]
        assert twice == [], (code, name)
    days: dict[str, list[int]] = {}
    for number in await numbers(net, CITY):
        days.setdefault(number[:-5], []).append(int(number[-5:]))
    assert {day: sorted(given) for day, given in days.items()} == {
        day: list(range(1, len(given) + 1)) for day, given in days.items()
    }
    return link
