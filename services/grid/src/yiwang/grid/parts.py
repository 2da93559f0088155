"""Parts (部件): one row of the registry, read from CSV or GeoJSON, and the check of a whole file.

A part's code has 16 digits: county 6, major 2, minor 2, sequence 6 (case-management 3.1; the rule is unverified
against GB/T 30428.2 itself). Since the numbers of CJ/T 214 and GB/T 30428.2 mean different things, every part says
which code set its class is of. Three units: owner (权属), maintenance (养护), supervising (主管).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from yiwang.contracts import PartRef
from yiwang.geo import GeoError, distance_m, normal_crs, to_cgcs2000

from .findings import WARNING, Report
from .tables import TableError, rows_of

LAYER: Final = "parts"
CODE: Final = re.compile(r"^\d{16}$")
STATES: Final = {
    "": "intact", "完好": "intact", "破损": "damaged", "丢失": "lost", "移除": "removed", "废除": "abandoned",
    "intact": "intact", "damaged": "damaged", "lost": "lost", "removed": "removed", "abandoned": "abandoned",
}  # fmt: skip
"""States of a part as files write them (CJ/T 214's five, unverified) → ours"""
GONE: Final = frozenset({"removed", "abandoned"})
"""States of parts that no report can mean any more"""
NAMES: Final = {
    "code": ("code", "ObjID", "标识码"), "name": ("name", "ObjName", "名称"), "state": ("state", "ObjState", "状态"),
    "owner_unit": ("owner_unit", "DeptCode2", "权属单位"), "maintenance_unit": ("maintenance_unit", "DeptCode3", "养护单位"),
    "supervising_unit": ("supervising_unit", "DeptCode1", "主管单位"), "lon": ("lon", "PointX", "经度"),
    "lat": ("lat", "PointY", "纬度"), "note": ("note", "Note", "备注"),
}  # fmt: skip
"""Field → how files call it: ours, the names of a real push interface, and Chinese"""
TILES: Final = 1000
"""Tiles a degree: about 100 m wide"""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part as it is now, in CGCS2000 degrees."""

    code: str
    code_set: str
    major: str
    minor: str
    name: str
    state: str
    owner_unit: str
    maintenance_unit: str
    supervising_unit: str
    lon: float
    lat: float
    note: str = ""

    @property
    def units(self) -> tuple[str, str, str]:
        return (self.owner_unit, self.maintenance_unit, self.supervising_unit)

    def ref(self, source: str, away: float | None = None) -> PartRef:
        """As a case's place tells of it."""
        return PartRef(
            part_id16=self.code, name=self.name, state=self.state, owner_unit=self.owner_unit,
            maintenance_unit=self.maintenance_unit, supervising_unit=self.supervising_unit, source=source, distance_m=away,
        )  # fmt: skip


def tile_of(lon: float, lat: float) -> int:
    return int(lon * TILES) * 1_000_000 + int(lat * TILES)


def tiles_around(lon: float, lat: float) -> list[int]:
    """The tile of a point and the eight around it: all that lies within 90 metres at any latitude of China."""
    x, y = int(lon * TILES), int(lat * TILES)
    return [(x + dx) * 1_000_000 + y + dy for dx in (-1, 0, 1) for dy in (-1, 0, 1)]


def meant(parts: Iterable[Part], lon: float, lat: float, within_m: float) -> PartRef | None:
    """The part that a point most likely means: the nearest within *within_m*, unless another one in reach has other units.

    Two covers of one owner side by side lead to the same unit; two owners are for a person to tell apart.
    """
    near = sorted(
        ((distance_m(lon, lat, p.lon, p.lat), p) for p in parts if p.state not in GONE), key=lambda found: (found[0], found[1].code)
    )
    near = [(away, part) for away, part in near if away <= within_m]
    if not near or any(part.units != near[0][1].units for _, part in near):
        return None
    away, part = near[0]
    return part.ref("nearest", round(away, 1))


# -- files --------------------------------------------------------------------------------------------------------


class _Point(msgspec.Struct, tag="Point", tag_field="type"):
    coordinates: tuple[float, ...]


class _Feature(msgspec.Struct):
    geometry: _Point
    properties: dict[str, Any] = {}


class _Collection(msgspec.Struct, tag="FeatureCollection", tag_field="type"):
    features: list[_Feature]


def rows_in(content: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """(where, row) of a CSV or of a GeoJSON collection of points. Raises TableError with a sentence."""
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"{":
        for line, row in rows_of(content, ()):
            yield f"第 {line} 行", row
        return
    try:
        collection = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Collection)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise TableError(f"不是由点组成的 GeoJSON FeatureCollection（{exc}）：请数据提供方按 RFC 7946 导出") from None
    for number, feature in enumerate(collection.features, 1):
        lon, lat = (*feature.geometry.coordinates, "", "")[:2]
        row = {k: "" if v is None else str(v) for k, v in feature.properties.items()}
        yield f"第 {number} 个要素", {"lon": str(lon), "lat": str(lat)} | row


def read_parts(content: bytes, code_set: str, report: Report, crs: str, units: Mapping[str, str]) -> list[Part]:
    """The usable parts of a file, everything else is said in *report*. *units*: id, name and alias → id; empty: unknown."""
    found: dict[str, Part] = {}
    try:
        frame = normal_crs(crs or "cgcs2000")
        for where, raw in rows_in(content):
            row = {field: _value(raw, names) for field, names in NAMES.items()}
            part = _part(row, where, code_set, frame, report, units)
            if part is not None and part.code in found:
                report.add("duplicate", LAYER, f"{where}：标识码 {part.code} 出现多次，请数据提供方保留一个", where=part.code)
            elif part is not None:
                found[part.code] = part
    except (TableError, GeoError) as exc:
        report.add("table", LAYER, str(exc))
    if not found and not report.failed:
        report.add("empty", LAYER, "文件里没有任何部件：请数据提供方核对导出条件")
    return list(found.values())


def _value(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((str(row[n]).replace("\0", "").strip()[:200] for n in names if row.get(n)), "")


def _part(
    row: dict[str, str], where: str, code_set: str, frame: str, report: Report, units: Mapping[str, str]
) -> Part | None:
    code = row["code"]
    if not CODE.match(code):
        say = f"{where}：标识码“{code[:20]}”不是 16 位数字（县 6、大类 2、小类 2、流水 6），请数据提供方改正"
        report.add("code_rule", LAYER, say, where=code[:20])
        return None
    try:
        lon, lat = to_cgcs2000(float(row["lon"]), float(row["lat"]), frame)
    except ValueError as exc:
        report.add("position", LAYER, f"{where}：{code} 的坐标不能用（{exc}），请数据提供方核对", where=code)
        return None
    if row["state"] not in STATES:
        known = "、".join(s for s in STATES if s)
        report.add("state", LAYER, f"{where}：{code} 的状态“{row['state']}”应为 {known} 之一", where=code)
        return None
    named = {}
    for field in ("owner_unit", "maintenance_unit", "supervising_unit"):
        told = row[field]
        named[field] = units.get(told, told) if told else ""
        if told and units and told not in units:
            say = f"{where}：{code} 的单位“{told}”不在单位库中，请管理员登记该单位或改正"
            report.add("unit_unknown", LAYER, say, where=code)
    if not (named["owner_unit"] or named["maintenance_unit"]):
        report.add("unowned", LAYER, f"{where}：{code} 没有权属和养护单位，其案件按属地派遣", where=code, severity=WARNING)
    return Part(
        code=code, code_set=code_set, major=code[6:8], minor=code[8:10], name=row["name"], state=STATES[row["state"]],
        lon=round(lon, 7), lat=round(lat, 7), note=row["note"], **named,
    )  # fmt: skip


def check_places(parts: Iterable[Part], area_of: Callable[[Part], str], known: Callable[[str], bool], report: Report) -> None:
    """Says which parts have a county nobody knows, or lie elsewhere than their code says. *area_of*: part → county."""
    for part in parts:
        county, lies = part.code[:6], area_of(part)
        if not known(county):
            say = f"{part.code} 的区县代码 {county} 不在区域库中：请数据提供方改正标识码"
            report.add("parent_unknown", LAYER, say, where=part.code)
        elif lies != county:
            there = f"落在 {lies}" if lies else "不在任何区域内"
            report.add("outside_parent", LAYER, f"{part.code} 的坐标{there}：请数据提供方核对坐标和坐标系", where=part.code)
