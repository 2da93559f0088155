"""One node on real servers: its own side of the links, its state, and what was refused."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import msgspec
import pytest
from yiwang.contracts import MeshAlarmRaised, MeshHeartbeat
from yiwang.kit import JetStreamError
from yiwang.kit.link import api
from yiwang.kit.mesh import Mesh, MeshNode, MeshPage
from yiwang.kit.testing import a_report
from yiwang.kit.testing_http import assert_api_holds
from yiwang.mesh.app import service
from yiwang.mesh.keep import keep_links
from yiwang.mesh.service import Page
from yiwang.stack.testing import TestNode

CITY = MeshNode(code="440100", name="广州市", tier="city", services=("mesh",))
TIANHE = MeshNode(code="440106", name="天河区", parent="440100")
BAIYUN = MeshNode(code="440111", name="白云区", parent="440100")
SETTINGS = {"watch_seconds": 0.2, "heartbeat_seconds": 0.5}


def write(page: Path, *nodes: MeshNode) -> Path:
    """The page with these nodes."""
    page.write_bytes(msgspec.json.encode(MeshPage(topology="test", version=str(len(nodes)), nodes=nodes)))
    return page


async def test_links_are_made_once_and_a_second_look_changes_nothing(node: TestNode, tmp_path: Path) -> None:
    page = write(tmp_path / "mesh.json", CITY, TIANHE)
    async with node.running(service, jurisdiction="440100", mesh=str(page), settings=SETTINGS) as app:
        mesh = Mesh.load(str(page), "440100")
        assert mesh is not None
        await keep_links(app.app, mesh)
        assert await keep_links(app.app, mesh) == []
        landing = (await api(app.nc, "STREAM.INFO.IN_440106"))["config"]
        up = (await api(app.nc, "STREAM.INFO.UP"))["config"]
        down = (await api(app.nc, "CONSUMER.INFO.DOWN.DOWNLINK_440106"))["config"]
    assert landing["sources"][0]["consumer"]["name"] == "UPLINK_440106"
    assert up["sources"] == [{"name": "IN_440106", "filter_subject": "yw.up.440100.440106.>"}]
    assert down["filter_subjects"] == ["yw.down.440100.440106.>", "yw.down.440100.all.>"]


async def test_a_new_county_is_linked_by_a_new_page_and_one_that_goes_keeps_what_it_sent(
    node: TestNode, tmp_path: Path
) -> None:
    """No restart: the service looks at the page; what a county sent before it went stays in UP and in its landing."""
    page = write(tmp_path / "mesh.json", CITY, TIANHE)
    async with node.running(service, jurisdiction="440100", mesh=str(page), settings=SETTINGS) as app:
        watch = app.get(Page)
        before = watch.refresh()
        assert before is not None
        await keep_links(app.app, before)
        await app.nc.jetstream().publish("yw.up.440100.440100.01.x", b"{}")
        write(page, CITY, BAIYUN)
        after = watch.refresh()
        assert after is not None
        await keep_links(app.app, after)
        up = await api(app.nc, "STREAM.INFO.UP")
        gone = (await api(app.nc, "STREAM.INFO.IN_440106"))["config"]
    assert {source["name"] for source in up["config"]["sources"]} == {"IN_440106", "IN_440111"}
    assert up["state"]["messages"] >= 1
    assert not gone.get("sources")


async def test_a_broken_page_leaves_the_old_one_in_use_and_is_shown(node: TestNode, tmp_path: Path) -> None:
    page = write(tmp_path / "mesh.json", CITY, TIANHE)
    async with node.running(service, jurisdiction="440100", mesh=str(page), settings=SETTINGS) as app:
        page.write_text("{")
        state = (await app.http("auditor").get("/mesh")).json()
    assert [place["code"] for place in state["places"]] == ["440100", "440106"]
    assert "yiwang topology render" in state["page_broken"]


async def test_a_node_without_a_page_stands_alone_and_says_so(node: TestNode) -> None:
    async with node.running(service, jurisdiction="440100", settings=SETTINGS) as app:
        answer = await app.http("admin").get("/mesh")
    assert answer.status_code == 409
    assert answer.json()["code"] == "mesh.no_page"


@pytest.mark.parametrize(("role", "status"), [("leader", 200), ("admin", 200), ("auditor", 200), ("acceptor", 403)])
async def test_the_state_is_for_leaders_admins_and_auditors(
    node: TestNode, tmp_path: Path, role: str, status: int
) -> None:
    page = write(tmp_path / "mesh.json", CITY)
    async with node.running(service, jurisdiction="440100", mesh=str(page), settings=SETTINGS) as app:
        assert (await app.http(role).get("/mesh")).status_code == status


async def test_what_a_county_says_of_itself_and_its_cases_are_shown(node: TestNode, tmp_path: Path) -> None:
    """Its heartbeat with its own number of cases, the number that has arrived here, and its alarms."""
    carried = msgspec.structs.replace(TIANHE, hosted={"intake": "440100"})  # so that UP takes facts in its name
    page = write(tmp_path / "mesh.json", CITY, carried)
    async with node.running(service, jurisdiction="440100", mesh=str(page), settings=SETTINGS) as app:
        now = app.app.clock.now()
        await node.publish(
            MeshHeartbeat(
                node="440106", jurisdiction="440106", tier="county", version="1", started_at=now, cases_today=3
            ),
            MeshAlarmRaised(
                node="440106", jurisdiction="440106", alarm="unsent", kind="unsent", sentence="请检查", since=now
            ),
            *(a_report(jurisdiction="440106") for _ in range(2)),
            now=dt.datetime.now(dt.UTC),
        )
        await node.settled()
        state = (await app.http("leader").get("/mesh")).json()
    [county] = [place for place in state["places"] if place["code"] == "440106"]
    assert (county["cases_today"], county["cases_here"], county["version"]) == (3, 2, "1")
    assert "unsent" in {alarm["alarm"] for alarm in state["alarms"] if alarm["node"] == "440106"}


async def test_confirming_what_was_never_refused_is_an_error(node: TestNode, tmp_path: Path) -> None:
    page = write(tmp_path / "mesh.json", CITY, TIANHE)
    async with node.running(service, jurisdiction="440100", mesh=str(page), settings=SETTINGS) as app:
        answer = await app.http("admin").post("/mesh/quarantine/440106/seen")
    assert answer.status_code == 404
    assert answer.json()["code"] == "mesh.nothing_unseen"


@pytest.mark.timeout(420)
async def test_the_api_holds_what_its_page_promises(node: TestNode, tmp_path: Path) -> None:
    """No 500, no undocumented answer, whatever is sent."""
    page = write(tmp_path / "mesh.json", CITY, TIANHE)
    async with node.running(service, jurisdiction="440100", mesh=str(page), settings=SETTINGS) as app:
        await assert_api_holds(app, area="440100", examples=6, timeout_s=380)


async def test_a_new_link_starts_only_when_the_other_side_listens(node: TestNode, tmp_path: Path) -> None:
    """Nothing is handed to nobody: the consumer rests until somebody hears it, then all comes from the first event on."""
    page = write(tmp_path / "mesh.json", CITY, TIANHE)
    async with node.running(service, jurisdiction="440100", mesh=str(page), settings=SETTINGS) as app:
        await app.nc.jetstream().publish("yw.down.440100.440106.01.x", b"{}")

        async def state() -> dict[str, object]:
            try:
                return await api(app.nc, "CONSUMER.INFO.DOWN.DOWNLINK_440106")
            except JetStreamError:
                return {}  # not yet made

        async with asyncio.timeout(30):
            while not (await state()).get("paused"):
                await asyncio.sleep(0.05)
        heard = await app.nc.subscribe("_S.dn.n440106")
        message = await heard.next_msg(timeout=30)
        while message.headers:  # heartbeats and flow control come before
            message = await heard.next_msg(timeout=30)
        assert message.subject == "yw.down.440100.440106.01.x"
        assert not (await state()).get("paused")
