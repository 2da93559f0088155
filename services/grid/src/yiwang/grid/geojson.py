"""GeoJSON (RFC 7946) of one layer → features in CGCS2000, with every mistake listed.

The old `crs` member is honoured, since survey offices still write it; without it and without an argument the
coordinates are taken as CGCS2000, and the shift test of `checks` looks whether that can be true.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
import shapely
from yiwang.geo import GeoError, check, in_china, normal_crs, to_cgcs2000, to_cgcs2000_many

from .findings import Report

CODE_NAMES: Final = ("code", "CODE", "cell15", "bgid", "BGID", "BGCODE", "street_code12", "community_code12", "id")
Ring = list[list[float]]


class _Polygon(msgspec.Struct, tag="Polygon", tag_field="type"):
    coordinates: list[Ring]

    @property
    def polygons(self) -> list[list[Ring]]:
        return [self.coordinates]


class _MultiPolygon(msgspec.Struct, tag="MultiPolygon", tag_field="type"):
    coordinates: list[list[Ring]]

    @property
    def polygons(self) -> list[list[Ring]]:
        return self.coordinates


class _RawFeature(msgspec.Struct):
    geometry: msgspec.Raw = msgspec.Raw(b"null")
    properties: dict[str, Any] | None = None


class _Collection(msgspec.Struct, tag="FeatureCollection", tag_field="type"):
    features: list[_RawFeature]
    crs: Any = None


class Feature(msgspec.Struct, frozen=True):
    """A feature with its code and its shape in CGCS2000 degrees."""

    code: str
    properties: dict[str, Any]
    shape: Any

    def text(self, *names: str) -> str:
        """The first of the properties that is given, as text."""
        return first_text(self.properties, *names)


def first_text(properties: dict[str, Any], *names: str) -> str:
    """The first of the properties that is given, as text that PostgreSQL can keep."""
    found = next((str(v) for n in names if (v := properties.get(n)) not in (None, "")), "")
    return found.replace("\0", "").strip()[:200]


def read_features(data: bytes, layer: str, report: Report, crs: str = "") -> list[Feature]:
    """The usable features of *data*; everything else is said in *report*."""
    collection = _collection(data, layer, report)
    if collection is None:
        return []
    try:
        frame = normal_crs(crs or _declared(collection.crs) or "cgcs2000")
        to_cgcs2000_many(np.zeros(1), np.zeros(1), frame)
    except GeoError as exc:
        report.add("crs", layer, str(exc))
        return []
    found = []
    for number, raw in enumerate(collection.features, 1):
        properties = raw.properties or {}
        code = first_text(properties, *CODE_NAMES)
        shape = _shape(raw.geometry, f"第 {number} 个要素" + (f"（{code[:20]}）" if code else ""), layer, report, frame)
        if shape is not None:
            found.append(Feature(code, properties, shape))
    return found


def _collection(data: bytes, layer: str, report: Report) -> _Collection | None:
    if not data.strip():
        report.add("empty", layer, "文件是空的：请数据提供方重新导出")
        return None
    try:
        collection = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Collection)
    except msgspec.ValidationError as exc:
        report.add("not_geojson", layer, f"不是 GeoJSON 的 FeatureCollection（{exc}）：请数据提供方按 RFC 7946 导出")
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        report.add("not_json", layer, f"文件不是完整的 JSON（{exc}）：请数据提供方重新导出，检查传输是否中断")
        return None
    if not collection.features:
        report.add("empty", layer, "文件里没有任何要素：请数据提供方核对导出条件")
    return collection


def _declared(crs: Any) -> str:
    """The name in an old-style `crs` member."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    return str(properties.get("name", "")) if isinstance(properties, dict) else ""


def _shape(raw: msgspec.Raw, where: str, layer: str, report: Report, frame: str) -> Any | None:
    try:
        geometry = msgspec.json.decode(raw, type=_Polygon | _MultiPolygon)
    except (msgspec.DecodeError, RecursionError):
        report.add("geometry_type", layer, f"{where}不是面（Polygon 或 MultiPolygon）：请数据提供方改正", where=where)
        return None
    for rings in geometry.polygons:
        for ring in rings:
            if problem := _ring_problem(ring):
                report.add("ring", layer, f"{where}{problem}", where=where)
                return None
            if problem := _position_problem(ring[0], frame):
                report.add("position", layer, f"{where}{problem}", where=where)
                return None
    parts = [shapely.Polygon(rings[0], rings[1:]) for rings in geometry.polygons if rings]
    shape = shapely.force_2d(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts))
    if not parts or not shape.is_valid:
        why = shapely.is_valid_reason(shape) if parts else "没有环"
        report.add("self_intersection", layer, f"{where}的边界自相交或重复（{why}）：请数据提供方修正该面", where=where)
        return None
    moved = _converted(shape, frame)
    west, south, east, north = moved.bounds
    if not (in_china(west, south) and in_china(east, north)):
        report.add("position", layer, f"{where}有点落在中国之外：请数据提供方核对该面的坐标", where=where)
        return None
    return moved


def _ring_problem(ring: Ring) -> str:
    if any(len(position) < 2 for position in ring):
        return "有坐标不足两个数：请数据提供方重新导出"
    if len(ring) < 4:
        return f"的环只有 {len(ring)} 个点，至少要 4 个：请数据提供方改正"
    if ring[0][:2] != ring[-1][:2]:
        return "的环没有闭合（首尾点不同）：请数据提供方补上闭合点"
    return ""


def _position_problem(position: list[float], frame: str) -> str:
    """The first point of a ring tells of swapped axes and wrong zones."""
    try:
        if frame.startswith("EPSG:"):
            to_cgcs2000(position[0], position[1], frame)
        else:
            check(position[0], position[1])
    except GeoError as exc:
        return f"：{exc}"
    return ""


def _converted(shape: Any, frame: str) -> Any:
    if frame in ("cgcs2000", "wgs84"):
        return shape

    def move(coordinates: Any) -> Any:
        return np.column_stack(to_cgcs2000_many(coordinates[:, 0], coordinates[:, 1], frame))

    return shapely.transform(shape, move)
