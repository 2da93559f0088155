"""Bringing a grid in: what is refused, and with which sentence; what only deserves a warning."""

from __future__ import annotations

import json
import time
from typing import Any

import grids
import numpy as np
import pytest
import shapely
from grids import WEST, cell_code
from shapely.geometry import mapping
from yiwang.geo import arrays, convert_many, gauss_kruger
from yiwang.grid.checks import suspected_datum
from yiwang.grid.domain import Locator
from yiwang.grid.findings import Report
from yiwang.grid.importing import build
from yiwang.grid.layers import GridData

BASE = grids.small()
SHAPES = {cell.code: shapely.from_wkb(cell.geom) for cell in BASE.cells}


def geojson(shapes: dict[str, Any], **extra: Any) -> bytes:
    features = [
        {"type": "Feature", "properties": {"code": c}, "geometry": mapping(s) if hasattr(s, "area") else s}
        for c, s in shapes.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features, **extra}).encode()


def polygon(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [corners]}


def moved(convert: Any) -> dict[str, Any]:
    return {
        code: shapely.transform(shape, lambda c: np.column_stack(convert(c[:, 0], c[:, 1])))
        for code, shape in SHAPES.items()
    }


def errors(report: Report) -> list[str]:
    return [finding.rule for finding in report.errors]


def test_a_grid_goes_out_as_geojson_and_comes_back_the_same() -> None:
    data, report = build("v2", {"cells": geojson(SHAPES)}, BASE)

    assert [(f.rule, f.severity) for f in report.findings] == [("no_duty_grid", "warning")]
    assert report.counts["cells"] == 400
    assert data.version == "v2"
    assert {c.code: shapely.from_wkb(c.geom) for c in data.cells} == SHAPES


@pytest.mark.parametrize(
    ("content", "rule", "words"),
    [
        (b"", "empty", "文件是空的"),
        (b"  \n", "empty", "文件是空的"),
        (b"PK\x03\x04 not a map", "not_json", "不是完整的 JSON"),
        (geojson(SHAPES)[:-20], "not_json", "传输是否中断"),
        (b'{"type": "Topology"}', "not_geojson", "FeatureCollection"),
        (b"[1, 2]", "not_geojson", "FeatureCollection"),
        (geojson({}), "empty", "没有任何要素"),
        (geojson({cell_code(0, 0): {"type": "Point", "coordinates": [114.3, 22.7]}}), "geometry_type", "不是面"),
        (geojson({cell_code(0, 0): None}), "geometry_type", "不是面"),
        (geojson({cell_code(0, 0): {"type": "Polygon", "coordinates": "x"}}), "geometry_type", "不是面"),
        (
            geojson({"440310001001001": polygon((114, 22), (114.1, 22), (114.1, 22.1), (114, 22.1))}),
            "ring",
            "没有闭合",
        ),
        (
            geojson({"440310001001001": polygon((114, 22), (114.1, 22), (114, 22))}),
            "ring",
            "至少要 4 个",
        ),
        (
            geojson({"x": polygon((114, 22), (114.1, 22.1), (114.1, 22), (114, 22.1), (114, 22))}),
            "self_intersection",
            "自相交",
        ),
        (geojson(moved(lambda x, y: (y, x))), "position", "写反"),
        (geojson({"x": polygon((114, 22), (114.1, 22), (0, 0), (114, 22))}), "position", "中国之外"),
        (b'{"type":"FeatureCollection","features":[{"properties":{"a":' + b"[" * 100_000, "not_json", "重新导出"),
        (geojson({"44031000100100": SHAPES[cell_code(0, 0)]}), "code_rule", "15 位"),
        (geojson({"440310001001000": SHAPES[cell_code(0, 0)]}), "code_rule", "001"),
        (geojson({"440399001001001": SHAPES[cell_code(0, 0)]}), "parent_unknown", "440399001001"),
        (geojson(SHAPES, crs={"type": "name", "properties": {"name": "EPSG:2383"}}), "crs", "本地参数"),
        (geojson(SHAPES, crs={"type": "name", "properties": {"name": "shenzhen"}}), "crs", "不认识坐标系"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_grid_is_refused_with_a_sentence(content: bytes, rule: str, words: str) -> None:
    _, report = build("v2", {"cells": content}, BASE)

    assert rule in errors(report)
    assert any(words in f.say for f in report.errors)
    assert all("请" in f.say for f in report.errors)


def test_a_code_that_occurs_twice_is_refused() -> None:
    twice = json.loads(geojson(SHAPES))
    twice["features"].append(twice["features"][0])
    _, report = build("v2", {"cells": json.dumps(twice).encode()}, BASE)

    assert errors(report) == ["duplicate"]


def test_cells_that_overlap_are_named_in_pairs_with_their_square_metres() -> None:
    wide = SHAPES | {cell_code(3, 3): SHAPES[cell_code(3, 3)].buffer(0.0001, join_style="mitre")}
    _, report = build("v2", {"cells": geojson(wide)}, BASE)

    assert set(errors(report)) == {"overlap"}
    assert len(report.errors) == 8
    assert "平方米" in report.errors[0].say
    assert not build("v2", {"cells": geojson(wide)}, BASE, accept=("overlap",))[1].errors


def test_a_missing_cell_is_a_gap_and_only_a_warning() -> None:
    holed = {code: shape for code, shape in SHAPES.items() if code != cell_code(5, 5)}
    _, report = build("v2", {"cells": geojson(holed), "duty_grids": b"id,cell\n"}, BASE)

    assert [(f.rule, f.severity) for f in report.findings] == [("gap", "warning")]


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_a_grid_in_a_map_maker_s_datum_is_suspected_and_the_right_crs_mends_it(datum: str) -> None:
    wrong = geojson(moved(lambda x, y: convert_many(x, y, "cgcs2000", datum)))
    _, report = build("v2", {"cells": wrong}, BASE)
    data, mended = build("v2", {"cells": wrong}, BASE, crs=datum)

    assert errors(report) == ["datum_suspected"]
    assert f"crs={datum}" in report.errors[0].say
    assert mended.errors == []
    assert Locator(data, "440300").index.cell_at(WEST + 0.0005, 22.7005) is not None


def test_a_grid_in_a_survey_frame_is_converted() -> None:
    frame = gauss_kruger(114)
    survey = geojson(
        moved(lambda x, y: convert_many(x, y, "cgcs2000", frame)),
        crs={"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{frame[5:]}"}},
    )
    data, report = build("v2", {"cells": survey}, BASE)

    assert report.errors == []
    assert shapely.hausdorff_distance(shapely.from_wkb(data.cells[0].geom), SHAPES[data.cells[0].code]) < 1e-8


def test_a_survey_file_with_northing_first_is_refused() -> None:
    frame = gauss_kruger(114)
    turned = geojson(moved(lambda x, y: convert_many(x, y, "cgcs2000", frame)[::-1]))
    _, report = build("v2", {"cells": turned}, BASE, crs=frame)

    assert set(errors(report)) == {"position"}
    assert "东坐标在前" in report.errors[0].say


def test_a_duty_grid_with_an_unknown_cell_is_refused() -> None:
    _, report = build("v2", {"duty_grids": "id,name,cell\nZ9,九,440310001001999\n".encode()}, BASE)

    assert errors(report) == ["cell_unknown"]


@pytest.mark.parametrize(
    ("layer", "content", "words"),
    [
        ("areas", "name\n坪山区\n".encode(), "缺少列 code"),
        ("areas", "code,name\n4403,深圳\n".encode(), "不是区域代码"),
        ("areas", b"", "文件是空的"),
        ("duty_grids", b"", "缺少列 id"),
        ("addresses", b"code,name,full,lon,lat\nA,a,a,22.7,114.3\n", "写反"),
        ("addresses", "code,name,full,lon,lat,kind\nA,a,a,114.3,22.7,星球\n".encode(), "地址类型"),
        ("addresses", b"code,name,full,lon,lat\nA,a,a,,\n", "不能用"),
        ("addresses", b"\xff\xff\x00", "编码"),
        ("areas", b"code,name\n440310," + b"x" * 200_000, "不是合格的 CSV"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_line(layer: str, content: bytes, words: str) -> None:
    _, report = build("v2", {layer: content}, BASE)

    assert any(words in f.say for f in report.errors)


def test_a_table_from_an_office_suite_in_gb18030_is_read() -> None:
    content = "code,name,full,lon,lat,kind\nA,和平路,坪山街道和平路,114.3,22.7,街巷\n".encode("gb18030")

    assert build("v2", {"addresses": content}, BASE)[0].addresses[0].name == "和平路"


def test_a_nul_character_in_a_name_is_taken_out_because_no_database_keeps_it() -> None:
    code = cell_code(0, 0)
    found = json.loads(geojson({code: SHAPES[code]}))
    found["features"][0]["properties"] = {"code": code, "name": "甲\0乙"}
    data, _ = build("v2", {"cells": json.dumps(found).encode()}, BASE)

    assert data.cells[0].name == "甲乙"


def test_boundaries_complete_the_areas_and_keep_their_names() -> None:
    data, report = build("v2", {"areas": geojson({"440310": grids.COUNTY.buffer(0.0001)})}, BASE)
    pingshan = next(area for area in data.areas if area.code == "440310")

    assert (pingshan.name, len(data.areas)) == ("坪山区", len(BASE.areas))
    assert report.errors == []


def test_a_table_of_names_keeps_boundaries_and_the_cities_around() -> None:
    table = "code,name\n440000,广东省\n440300,深圳市\n440310,坪山\n".encode()
    data, _ = build("v2", {"areas": table}, BASE, accept=("parent_unknown",))
    areas = {area.code: area for area in data.areas}

    assert set(areas) == {"440000", "440300", "440310", "441900"}
    assert (areas["440310"].name, areas["440310"].geom) == ("坪山", BASE.areas[2].geom)
    assert areas["441900"].geom is not None


def test_ten_thousand_cells_are_checked_in_seconds() -> None:
    boxes = {f"4403100010{10 + n // 999:02d}{n % 999 + 1:03d}": grids.square(n % 100, n // 100) for n in range(10_000)}
    begin = time.perf_counter()
    _, report = build("big", {"cells": geojson(boxes)}, GridData())

    assert report.errors == []
    assert time.perf_counter() - begin < 20


@pytest.mark.skipif(not grids.REAL_TOWNS.is_file(), reason="real town boundaries are not beside the repository")
def test_the_real_towns_of_dongguan_are_brought_in_and_their_datum_is_judged() -> None:
    """35 towns directly under the city; given in GCJ-02 they are suspected, as they are they are not."""
    from yiwang.grid.boundaries import boundaries

    city = boundaries("city", lambda code: code == "441900")["441900"][1]
    accept = ("parent_unknown", "overlap")
    data, report = build("real", {"areas": grids.REAL_TOWNS.read_bytes()}, GridData(), accept=accept)
    shapes = np.array([shapely.from_wkb(area.geom) for area in data.areas], dtype=object)
    shifted = shapely.transform(shapes, lambda c: np.column_stack(arrays.wgs84_to_gcj02(c[:, 0], c[:, 1])))

    assert (len(data.areas), report.errors) == (35, [])
    assert {area.parent for area in data.areas} == {"441900"}
    assert suspected_datum(shapes, city) == ""
    assert suspected_datum(shifted, city) == "gcj02"
    zones = {f.where for f in report.findings if f.rule == "overlap"}
    assert zones, "functional zones lie inside towns: that is said, and accepted"
    index = Locator(data, "441900").index
    for shape in shapes:
        inside = shape.point_on_surface()
        covering = [(s.area, a.code) for s, a in zip(shapes, data.areas, strict=True) if s.intersects(inside)]
        assert index.area_at(inside.x, inside.y) == min(covering)[1]
