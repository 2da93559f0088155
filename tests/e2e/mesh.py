"""A small real mesh for the end-to-end tests: a province, a city and three counties, one of them on the city's servers."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import nats
import pytest_asyncio
from nats.aio.client import Client
from yiwang.contracts import CaseHandoverRefused, Event
from yiwang.kit import Node
from yiwang.kit.link import api, ready
from yiwang.kit.testing import a_head, a_report, complete
from yiwang.stack.network import Network, Processes
from yiwang.stack.tally import Reader, Result, Sender, compare, ids
from yiwang.stack.topology import read

PROVINCE, CITY, TIANHE, BAIYUN, HUANGPU = "440000", "440100", "440106", "440111", "440112"
TOPOLOGY: Final = """
name = "small"
nodes = [
    { code = "440000", name = "广东省" },
    { code = "440100", name = "广州市" },
    { code = "440106", name = "天河区" },
    { code = "440111", name = "白云区", host = "440100" },
    { code = "440112", name = "黄埔区" },
    { code = "441900", name = "东莞市", docked = true, lacks = ["不提供处置过程，只提供结案结果"] },
]
[defaults.province]
sync = "2m"
services = { NOTHING_ELSE }
[defaults.city]
sync = "2m"
services = { NOTHING_ELSE }
[defaults.county]
sync = "2m"
services = { NOTHING_ELSE }
quotas = { max_file_gib = 2 }
""".replace(
    "NOTHING_ELSE",
    "intake = 0, grid = 0, dispatch = 0, enforcement = 0, notification = 0, national_sync = 0, identity = 0, evaluation = 0",
)
"""Only the mesh services run: what the links carry is put into the streams by the tests."""
QUICK: Final = {
    "YIWANG_MESH_WATCH_SECONDS": "0.5", "YIWANG_MESH_HEARTBEAT_SECONDS": "1", "YIWANG_MESH_CUT_AFTER_S": "3",
    "YIWANG_MESH_STALL_AFTER_S": "2", "YIWANG_MESH_DEAD_AFTER_S": "20", "YIWANG_MESH_SILENT_AFTER_S": "60",
    "YIWANG_LOG_LEVEL": "warning",
}  # fmt: skip
UP: Final = "yw.up.*.*.*.case.reported.v1"


def node_of(code: str) -> Node:
    """Who speaks when a test speaks for a county."""
    return Node(node_id=code, tenant_id=code, jurisdiction=code, tier="county")


def said(code: str, event: Event) -> tuple[str, bytes]:
    """(subject, data) of *event* as the node *code* would publish it."""
    out = ready(complete(event, node_of(code), dt.datetime.now(dt.UTC)))
    return out.subject, out.data


def reports_of(code: str) -> Callable[[str, str], tuple[str, bytes]]:
    """Makes reports of a county: one case has many, so that the order of a case can be seen."""

    def make(key: str, event_id: str) -> tuple[str, bytes]:
        return said(code, a_report(id=event_id, head_change={"case_id": key}))

    return make


def answers_of(code: str, addressee: str) -> Callable[[str, str], tuple[str, bytes]]:
    """Makes facts of *code* that concern the node *addressee*: refusals of a hand-over."""

    def make(key: str, event_id: str) -> tuple[str, bytes]:
        event = CaseHandoverRefused(
            id=event_id, case=a_head(case_id=key), addressee=addressee, offer_id="offer", from_jurisdiction=addressee,
            to_jurisdiction=code, epoch=1, reason="不在本区",
        )  # fmt: skip
        return said(code, event)

    return make


class Mesh:
    """The running mesh, a client for each node, and what was sent so far."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.clients: dict[str, Client] = {}
        self._names = 0
        self._readers: dict[tuple[str, str, str], Reader] = {}

    async def client(self, code: str) -> Client:
        """Logged in as the node's services are; survives outages."""
        if code not in self.clients:
            environ = self.net.environ(code)

            async def hear(_: Exception) -> None: ...

            self.clients[code] = await nats.connect(
                environ["YIWANG_NATS_URL"].split(","), nkeys_seed=environ["YIWANG_NATS_NKEY_FILE"],
                max_reconnect_attempts=-1, reconnect_time_wait=0.2, error_cb=hear,
            )  # fmt: skip
        return self.clients[code]

    async def sender(self, code: str, make: Callable[[str, str], tuple[str, bytes]] | None = None) -> Sender:
        """A new sender of a node, with ids of its own."""
        self._names += 1
        return Sender(await self.client(code), f"s{self._names}x{code}", make or reports_of(code))

    async def find(self, code: str, stream: str, sender: Sender, filter_subject: str = ">", suffix: str = "") -> Result:
        """How what *sender* sent stands in a stream of another node."""
        sent = {key: [one + suffix for one in keyed] for key, keyed in sender.sent.items()}  # before it sends more
        found = await ids(await self.client(code), stream, filter_subject)
        return compare(sent, found, prefix=f"{sender.name}-")

    async def arrived(
        self, code: str, stream: str, sender: Sender, seconds: float = 60, *, filter_subject: str = ">", suffix: str = ""
    ) -> float:
        """Wait until all that *sender* has sent when this is called is there; returns the seconds that it took."""
        begin = asyncio.get_running_loop().time()
        wanted = {one + suffix for keyed in sender.sent.values() for one in keyed}
        at = (code, stream, filter_subject)
        if at not in self._readers:
            self._readers[at] = Reader(await self.client(code), stream, filter_subject)
        reader = self._readers[at]

        async def there() -> bool:
            await reader.look()
            return wanted <= reader.seen

        def why() -> str:
            return f"{stream} of {code} lacks {len(wanted - reader.seen)} of {len(wanted)} events of {sender.name}"

        await until(there, why, seconds)
        return asyncio.get_running_loop().time() - begin

    async def http(self, code: str, method: str, path: str, role: str = "admin") -> Any:
        """The answer of a node's HTTP, as JSON."""
        headers = {"Authorization": f"Bearer {self.net.token(role, code)}"}
        async with httpx.AsyncClient(base_url=self.net.url(code), timeout=30) as http:
            answer = await http.request(method, path, headers=headers)
            assert answer.status_code < 300, answer.text
            return answer.json()

    async def place(self, viewer: str, code: str) -> dict[str, Any]:
        """What *viewer* shows of a place."""
        state = await self.http(viewer, "GET", "/mesh")
        found: dict[str, Any] = next(p for p in state["places"] if p["code"] == code)
        return found

    async def alarms(self, viewer: str) -> set[str]:
        """Names of the alarms that *viewer* shows."""
        return {alarm["alarm"] for alarm in (await self.http(viewer, "GET", "/mesh"))["alarms"]}

    async def info(self, code: str, stream: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """STREAM.INFO."""
        return await api(await self.client(code), f"STREAM.INFO.{stream}", body)


async def until(happened: Callable[[], Awaitable[bool]], why: Callable[[], str] | str, seconds: float = 60.0) -> None:
    """Wait for a condition; fail with *why* after *seconds*."""
    end = asyncio.get_running_loop().time() + seconds
    while not await happened():
        assert asyncio.get_running_loop().time() < end, why if isinstance(why, str) else why()
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def standing(topology: str, *, processes: Processes = "together", patience: float = 60.0) -> AsyncIterator[Mesh]:
    """A mesh of *topology* on servers of its own, once the province sees all its links stand."""
    with (
        tempfile.TemporaryDirectory(prefix="yiwang-mesh-") as directory,
        Network(read(topology), Path(directory), processes=processes, environ=QUICK, durable=False) as net,
    ):
        running = Mesh(net)

        async def stands() -> bool:
            state = await running.http(PROVINCE, "GET", "/mesh")
            return all(place["state"] in ("here", "ok", "docked") for place in state["places"])

        await until(stands, "the links do not stand", patience)
        yield running
        for client in running.clients.values():
            await client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mesh() -> AsyncIterator[Mesh]:
    """The mesh of this module, with its links standing."""
    async with standing(TOPOLOGY) as running:
        yield running


__all__ = ["BAIYUN", "CITY", "HUANGPU", "PROVINCE", "TIANHE", "UP", "Mesh", "mesh", "standing", "until"]
