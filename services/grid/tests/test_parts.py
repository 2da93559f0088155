"""The parts registry: files checked whole, versions by day, and the part that a report means."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from grids import SOUTH, STEP, WEST
from test_service import at, report, stocked
from yiwang.contracts import CaseLocated, Category
from yiwang.grid.app import service
from yiwang.grid.findings import Report
from yiwang.grid.parts import Part, meant, read_parts, tile_of, tiles_around
from yiwang.stack.testing import TestNode

UNITS = {"gas": "gas", "燃气公司": "gas", "water": "water", "roads": "roads"}
COVER = Category(code_set="gbt30428.2-2013", version="2013", kind="part", major="01", minor="02", minor_name="污水井盖")
ONE, TWO, THREE = "4403100102000001", "4403100102000002", "4403100102000003"


def line(code: str, column: float, row: float, owner: str = "water", maintenance: str = "", state: str = "完好") -> str:
    lon, lat = WEST + STEP * column, SOUTH + STEP * row
    return f"{code},污水井盖,{state},{owner},{maintenance},roads,{lon:.7f},{lat:.7f}"


def table(*lines: str) -> bytes:
    head = "code,name,state,owner_unit,maintenance_unit,supervising_unit,lon,lat"
    return "\n".join([head, *lines]).encode()


def part(code: str = ONE, lon: float = WEST, lat: float = SOUTH, **change: Any) -> Part:
    fields = {"code": code, "code_set": "x", "major": "01", "minor": "02", "name": "", "state": "intact"}
    fields |= {"owner_unit": "water", "maintenance_unit": "", "supervising_unit": "", "lon": lon, "lat": lat}
    return Part(**(fields | change))


def rules_in(content: bytes, units: dict[str, str] = UNITS) -> list[str]:
    found = Report()
    read_parts(content, "x", found, "", units)
    return [f.rule for f in found.findings]


def test_a_part_is_read_by_our_names_by_those_of_a_push_interface_and_from_geojson() -> None:
    """Three ways to write the same cover."""
    pushed = {"ObjID": ONE, "ObjName": "污水井盖", "ObjState": "完好"}
    pushed |= {"DeptCode2": "燃气公司", "DeptCode3": "water", "DeptCode1": "roads"}
    spot = {"type": "Point", "coordinates": [114.3, 22.7]}
    geo = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": pushed, "geometry": spot}]}
    csv = table(f"{ONE},污水井盖,完好,gas,water,roads,114.3,22.7")
    found = [read_parts(content, "x", Report(), "", UNITS) for content in (json.dumps(geo).encode(), csv)]
    assert found[0] == found[1]
    [one] = found[0]
    assert (one.major, one.minor, one.state) == ("01", "02", "intact")
    assert one.units == ("gas", "water", "roads")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (table("440310010200001,盖,完好,water,,,114.3,22.7"), "code_rule"),
        (table(line(ONE, 1, 1), line(ONE, 2, 2)), "duplicate"),
        (table(line(ONE, 1, 1, owner="nobody")), "unit_unknown"),
        (table(line(ONE, 1, 1, owner="")), "unowned"),
        (table(line(ONE, 1, 1, state="歪了")), "state"),
        (table(f"{ONE},盖,完好,water,,,22.7,114.3"), "position"),
        (table(), "empty"),
        (b'{"type": "FeatureCollection", "features": [{"geometry": {"type": "Polygon"}}]}', "table"),
        ("code,name\n一".encode("utf-16"), "table"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(content: bytes, rule: str) -> None:
    """Each mistake by its rule."""
    assert rules_in(content) == [rule]


def test_a_point_means_the_nearest_part_unless_two_owners_are_in_reach() -> None:
    """Two covers of one owner lead to the same unit; with two owners a person decides; what is gone is nobody's."""
    east = 0.00008  # about 8 m
    assert meant([part(), part(TWO, WEST + east)], WEST, SOUTH, 20).part_id16 == ONE
    assert meant([part(), part(TWO, WEST + east, owner_unit="gas")], WEST, SOUTH, 20) is None
    assert meant([part(), part(TWO, WEST + 10 * east, owner_unit="gas")], WEST, SOUTH, 20).part_id16 == ONE
    assert meant([part(state="removed"), part(TWO, WEST + east)], WEST, SOUTH, 20).part_id16 == TWO
    assert meant([part()], WEST + 10 * east, SOUTH, 20) is None
    assert tile_of(WEST, SOUTH) in tiles_around(WEST + 0.0009, SOUTH - 0.0009)


async def test_parts_come_in_whole_are_kept_by_day_and_reports_say_which_they_mean(node: TestNode) -> None:
    """A refused file stores nothing; changes begin a new shape; named, nearest and doubtful parts."""
    async with node.running(service) as app:
        await stocked(app)
        admin = app.http("admin", area="440310")
        params = {"code_set": COVER.code_set}
        stranger = "4404100102000009,盖,完好,water,,,114.3005,22.7005"
        far = f"{TWO},盖,完好,water,,,113.6,22.9"
        bad = await admin.post("/grid/parts", params=params, content=table(line(ONE, 1.5, 1.5), stranger, far))
        assert bad.status_code == 422
        assert {e["path"] for e in bad.json()["errors"]} == {"parts.parent_unknown", "parts.outside_parent"}
        assert await app.pool.fetchval("select count(*) from part") == 0

        first = table(line(ONE, 1.5, 1.5), line(TWO, 8.5, 8.5, owner="", maintenance="roads"), line(THREE, 8.55, 8.5, owner="gas"))
        tried = (await admin.post("/grid/parts", params=params | {"trial": True}, content=first)).json()
        assert (tried["counts"], tried["report"]["counts"]) == (None, {"parts": 3})
        done = (await admin.post("/grid/parts", params=params, content=first)).json()["counts"]
        assert (done["added"], done["changed"], done["ended"], done["unchanged"]) == (3, 0, 0, 0)
        second = table(line(ONE, 1.5, 1.5, maintenance="roads"), line(THREE, 8.55, 8.5, owner="gas"))
        done = (await admin.post("/grid/parts", params=params | {"whole": True}, content=second)).json()["counts"]
        assert (done["added"], done["changed"], done["ended"], done["unchanged"]) == (0, 1, 1, 1)
        assert (await admin.get(f"/grid/parts/{ONE}")).json()["maintenance_unit"] == "roads"
        assert (await admin.get(f"/grid/parts/{TWO}")).status_code == 404
        assert await app.pool.fetchval("select count(*) from part where code = $1", ONE) == 2
        assert [i["added"] for i in (await admin.get("/grid/parts/imports")).json()] == [0, 3]
        assert (await app.http("collector").post("/grid/parts", params=params, content=first)).status_code == 403

        await admin.post("/grid/parts", params=params, content=table(line(TWO, 8.5, 8.5, owner="roads")))
        await node.publish(
            report(at(9, 9), "named", part_id=ONE),
            report(at(1.55, 1.5), "near", claimed_category=COVER),
            report(at(8.5, 8.5), "doubtful", claimed_category=COVER),
            report(at(1.5, 1.5), "event", claimed_category=msgspec.structs.replace(COVER, kind="event")),
        )
        said = {e.case.case_id: e.place.part for e in await node.until(CaseLocated, 4)}
        assert (said["named"].owner_unit, said["named"].maintenance_unit, said["named"].source) == ("water", "roads", "named")
        assert (said["near"].part_id16, said["near"].source) == (ONE, "nearest")
        assert 4 < said["near"].distance_m < 7
        assert said["doubtful"] is None
        assert said["event"] is None
        around = {"lon": WEST + STEP * 8.5, "lat": SOUTH + STEP * 8.5, "major": "01", "minor": "02", **params}
        shown = (await app.http("acceptor").get("/grid/parts/near", params=around)).json()
        assert [one["part"]["code"] for one in shown] == [TWO, THREE]
