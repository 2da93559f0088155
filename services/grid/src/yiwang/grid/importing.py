"""Files of an import → one whole version, or a report of why not. Pure: nothing is stored here."""

from __future__ import annotations

from collections.abc import Mapping

import shapely
from msgspec.structs import replace
from yiwang.contracts.areas import city_of, level_of
from yiwang.geo import GeoError, normal_crs

from .checks import check_version
from .findings import Report
from .geojson import Feature, read_features
from .layers import LAYERS, Address, Area, Cell, DutyGrid, GridData
from .tables import TableError, parent_of, read_addresses, read_areas, read_duty_grids
from .tree import short_code


def build(
    version: str, files: Mapping[str, bytes], base: GridData, *, crs: str = "", accept: tuple[str, ...] = ()
) -> tuple[GridData, Report]:
    """Version *version* from *files* (layer → content) over *base*, and the report of all checks.

    A layer without a file is taken from *base*. `areas` may be a CSV (names) or GeoJSON (boundaries, which complete
    the areas of *base*), `duty_grids` either, `cells` GeoJSON, `addresses` CSV. A report with errors means: refuse.
    """
    report = Report(accepted=accept)
    data = replace(base, version=version)
    for layer in LAYERS:
        if layer in files:
            data = _READ[layer](data, files[layer], report, crs)
    if not report.failed:
        check_version(data, report)
    return data, report


def _is_json(content: bytes) -> bool:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _areas(data: GridData, content: bytes, report: Report, crs: str) -> GridData:
    if not content.strip():
        report.add("empty", "areas", "文件是空的：请数据提供方重新导出")
        return data
    if not _is_json(content):
        try:
            tabled = read_areas(content)
        except TableError as exc:
            report.add("table", "areas", str(exc))
            return data
        return replace(data, areas=_completed(tabled, data.areas))
    known = {area.code: area for area in data.areas}
    seen: set[str] = set()
    for feature in read_features(content, "areas", report, crs):
        area = _area_of(feature, known, report)
        if area is not None and area.code in seen:
            report.add("duplicate", "areas", f"编码 {area.code} 出现多次：请数据提供方保留一个", where=area.code)
        if area is not None:
            known[area.code] = area
            seen.add(area.code)
    return replace(data, areas=tuple(known.values()))


def _completed(tabled: list[Area], before: tuple[Area, ...]) -> tuple[Area, ...]:
    """A table replaces the areas of its cities; boundaries of the same codes and other cities stay."""
    shapes = {area.code: area.geom for area in before}
    codes, cities = {area.code for area in tabled}, {city_of(area.code) for area in tabled}
    others = [area for area in before if area.code not in codes and city_of(area.code) not in cities]
    return (*(replace(area, geom=shapes.get(area.code)) for area in tabled), *others)


def _area_of(feature: Feature, known: Mapping[str, Area], report: Report) -> Area | None:
    code = short_code(feature.code)
    try:
        level = level_of(code)
    except ValueError:
        say = f"“{feature.code[:20]}”不是区域代码：请数据提供方给出 6、9 或 12 位代码"
        report.add("code_rule", "areas", say, where=feature.code[:20])
        return None
    if level == "cell":
        report.add("code_rule", "areas", f"{code} 是单元网格编码：请管理员放到 cells 图层上传", where=code)
        return None
    old = known.get(code) or Area(code=code, name=code, level=level, parent=parent_of(code))
    return replace(old, name=feature.text("name", "NAME") or old.name, geom=shapely.to_wkb(feature.shape))


def _cells(data: GridData, content: bytes, report: Report, crs: str) -> GridData:
    cells = [
        Cell(
            code=feature.code,
            geom=shapely.to_wkb(feature.shape),
            name=feature.text("name", "NAME"),
            land_use=feature.text("land_use"),
            manage_level=feature.text("manage_level"),
        )
        for feature in read_features(content, "cells", report, crs)
    ]
    return replace(data, cells=tuple(cells))


def _duty_grids(data: GridData, content: bytes, report: Report, crs: str) -> GridData:
    if _is_json(content):
        found = []
        for feature in read_features(content, "duty_grids", report, crs):
            duty = feature.code or feature.text("name")
            if not duty:
                report.add("code_rule", "duty_grids", "有责任网格没有编号：请数据提供方补上 code 属性")
            found.append(DutyGrid(id=duty, name=feature.text("name"), geom=shapely.to_wkb(feature.shape)))
        return replace(data, duty_grids=tuple(found))
    try:
        return replace(data, duty_grids=tuple(read_duty_grids(content)))
    except TableError as exc:
        report.add("table", "duty_grids", str(exc))
        return data


def _addresses(data: GridData, content: bytes, report: Report, crs: str) -> GridData:
    rows: list[Address] = []
    try:
        rows = read_addresses(content, normal_crs(crs or "cgcs2000"))
    except (TableError, GeoError) as exc:
        report.add("table", "addresses", str(exc))
    return replace(data, addresses=tuple(rows))


_READ = {"areas": _areas, "cells": _cells, "duty_grids": _duty_grids, "addresses": _addresses}
