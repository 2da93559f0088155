"""Province, city and two counties on real servers: tasks, photos and announcements pass through all tiers."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from yiwang.kit._media import Media
from yiwang.kit.testing import a_head, a_report

from .mesh import BAIYUN, CITY, PROVINCE, TIANHE, Mesh, said, standing, until

pytestmark = pytest.mark.timeout(420)
TOPOLOGY: Final = """
name = "downward"
nodes = [
    { code = "440000", name = "广东省" },
    { code = "440100", name = "广州市" },
    { code = "440106", name = "天河区" },
    { code = "440111", name = "白云区", host = "440100" },
]
[defaults.province]
sync = "2m"
services = { EXCHANGE_ONLY }
[defaults.city]
sync = "2m"
services = { EXCHANGE_ONLY }
[defaults.county]
sync = "2m"
services = { EXCHANGE_ONLY }
quotas = { max_file_gib = 2 }
""".replace(
    "EXCHANGE_ONLY",
    "intake = 0, grid = 0, dispatch = 0, enforcement = 0, notification = 0, national_sync = 1, identity = 0, evaluation = 0",
)
JPEG: Final = b"\xff\xd8\xff\xe0" + b"yiwang" * 100_000
PATIENCE_S: Final = 120.0


class Offices:
    """The people of all nodes."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh

    async def ask(self, code: str, method: str, path: str, role: str = "leader", **body: Any) -> Any:
        """The answer of a node, which must be a good one."""
        answer = await self.try_(code, method, path, role, **body)
        assert answer.status_code < 300, (path, answer.text)
        return answer.json()

    async def try_(self, code: str, method: str, path: str, role: str = "leader", **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.mesh.net.token(role, code)}"}
        async with httpx.AsyncClient(base_url=self.mesh.net.url(code), timeout=60) as http:
            return await http.request(method, path, headers=headers, json=body if method == "POST" else None)

    async def wait(self, code: str, path: str, happened: Any, why: str) -> Any:
        """What a node shows at *path*, once it is as wanted."""
        found: list[Any] = []

        async def there() -> bool:
            answer = await self.try_(code, "GET", path)
            found[:] = [answer.json()]
            return answer.status_code == 200 and bool(happened(found[0]))

        await until(there, lambda: f"{why}: {found}", PATIENCE_S)
        return found[0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def offices() -> AsyncIterator[Offices]:
    """The exchange of every node, with the links standing."""
    async with standing(TOPOLOGY, patience=PATIENCE_S) as mesh:
        yield Offices(mesh)


async def test_a_task_passes_through_three_tiers_and_the_sum_comes_back(offices: Offices) -> None:
    """The city splits it; one county answers while its line is cut; the province reads one answer with both shares."""
    due = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()
    task = {
        "kind": "report",
        "title": "排查",
        "content": "排查井盖",
        "feedback_due": due,
        "figures_wanted": ["checked"],
    }
    [number] = (await offices.ask(PROVINCE, "POST", "/sync/tasks", to=[CITY], **task))["task_ids"]
    await offices.wait(CITY, "/sync/tasks?side=received", lambda found: len(found) == 1, "the city has no task")
    shares = await offices.ask(CITY, "POST", f"/sync/tasks/{number}/pass-on", to=[TIANHE, BAIYUN])
    numbers = dict(zip((TIANHE, BAIYUN), shares["task_ids"], strict=True))
    for county in numbers:
        await offices.wait(county, "/sync/tasks", lambda found: len(found) == 1, f"{county} has no task")

    offices.mesh.net.cut(TIANHE)
    for n, (county, one) in enumerate(numbers.items(), 1):
        figures = [{"code": "checked", "value": 10 * n, "unit": "个"}]
        await offices.ask(county, "POST", f"/sync/tasks/{one}/feedback", result="done", summary="完成", figures=figures)
    early = await offices.try_(CITY, "POST", f"/sync/tasks/{number}/feedback", result="done", summary="完成")
    assert early.json()["code"] == "national_sync.shares_open"
    offices.mesh.net.mend(TIANHE)
    for one in numbers.values():
        path = f"/sync/tasks/{one}"
        await offices.wait(CITY, path, lambda found: found["task"]["state"] == "answered", "a share is missing")

    await offices.ask(CITY, "POST", f"/sync/tasks/{number}/feedback", result="done", summary="全市完成")
    path = f"/sync/tasks/{number}"
    found = await offices.wait(PROVINCE, path, lambda f: f["task"]["state"] == "answered", "no answer")
    assert [(f["code"], f["value"]) for f in found["task"]["share"]["figures"]] == [("checked", 30)]
    await offices.ask(PROVINCE, "POST", f"/sync/tasks/{number}/close", result="done")
    for county, one in numbers.items():
        await offices.wait(county, f"/sync/tasks/{one}", lambda f: f["task"]["state"] == "closed", "not closed")


async def test_a_photo_of_a_county_is_seen_at_the_province(offices: Offices) -> None:
    """Over two links, byte for byte; the county on the city's servers, too."""
    for county in (TIANHE, BAIYUN):
        client = await offices.mesh.client(county)
        data = JPEG + county.encode()
        stored = await Media(client, county).put(data)
        subject, body = said(county, a_report(head=a_head(), media=(stored.ref("report"),)))
        await client.jetstream().publish(subject, body)
        path = f"/sync/media/{stored.media_id}"
        await offices.wait(PROVINCE, path, lambda found: found["here"], f"the photo of {county} hasn't come")
        headers = {"Authorization": f"Bearer {offices.mesh.net.token('leader', PROVINCE)}"}
        async with httpx.AsyncClient(base_url=offices.mesh.net.url(PROVINCE), timeout=60) as http:
            assert (await http.get(f"{path}/content", headers=headers)).content == data


async def test_an_announcement_reaches_every_node_below_and_their_answers_come_back(offices: Offices) -> None:
    """The province sees who refused an older version, and who is silent."""
    now = dt.datetime.now(dt.UTC)
    new = {"version": "2", "valid_from": now.isoformat(), "content": "code,name\n1,信息采集\n"}
    old = {"version": "1", "valid_from": (now - dt.timedelta(days=9)).isoformat(), "content": "code,name\n"}
    await offices.ask(PROVINCE, "POST", "/sync/config/sets/channels", role="admin", **new)
    for code in (CITY, TIANHE, BAIYUN):
        await offices.wait(
            code, "/sync/config/received", lambda f: [r["state"] for r in f] == ["adopted"], "not adopted"
        )
    await offices.ask(PROVINCE, "POST", "/sync/config/sets/channels", role="admin", **old)
    path = "/sync/config/sets/channels/1"
    found = await offices.wait(PROVINCE, path, lambda f: f["refused"] == 3, "not refused by all")
    assert all("更早" in node["reason"] for node in found["nodes"])
    silent = await offices.ask(PROVINCE, "GET", "/sync/config/sets/channels/2")
    assert {node["node"]: node["state"] for node in silent["nodes"]} == dict.fromkeys((CITY, TIANHE, BAIYUN), "silent")
