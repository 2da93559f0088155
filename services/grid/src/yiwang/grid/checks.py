"""The checks of a whole version: codes, parents, overlaps, gaps, and whether the datum can be what is said.

Sources: 15-digit code rule and topology of unit cells (DB11 text cited in the domain notes, section 4), area codes
GB/T 2260 and GB/T 10114.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from yiwang.contracts.areas import level_of
from yiwang.geo import METRES_PER_DEGREE, to_cgcs2000_many

from .findings import WARNING, Report
from .index import GridIndex
from .layers import GridData
from .tables import parent_of

TOLERATED_M2: Final = 1.0
"""Overlaps up to this area are rounding, not a dispute."""
EDGE: Final = 200 / METRES_PER_DEGREE
"""How far (degrees) a child's border may stray over its parent's before it counts as outside.

Two sources of one real border differ by up to that much: of the corners of Dongguan's 35 towns 5.0 % lie more than
50 m outside the city's boundary, 1.7 % more than 200 m; in a mistaken GCJ-02 or BD-09 it is 7.6 %.
"""


def _square_m(shape: Any) -> float:
    """Square metres in a square degree where *shape* lies."""
    return float(METRES_PER_DEGREE**2 * np.cos(np.radians(shape.bounds[1])))


def check_version(data: GridData, report: Report) -> None:
    """Everything that can be said about *data* as a whole."""
    report.counts = {
        "areas": len(data.areas),
        "cells": len(data.cells),
        "duty_grids": len(data.duty_grids),
        "addresses": len(data.addresses),
    }
    check_codes(data, report)
    if report.failed:
        return
    index = GridIndex(data, tolerance_m=0)
    check_overlaps(index.shapes, index.codes, "cells", report)
    check_parents(index, data, report)
    check_duties(index, data, report)


def check_codes(data: GridData, report: Report) -> None:
    """Digits, duplicates, parents that are missing."""
    areas = [area.code for area in data.areas]
    known = set(areas)
    cells = [cell.code for cell in data.cells]
    _duplicates(areas, "areas", report)
    _duplicates(cells, "cells", report)
    _duplicates([duty.id for duty in data.duty_grids], "duty_grids", report)
    _duplicates([row.code for row in data.addresses], "addresses", report)
    for code in cells:
        if len(code) != 15 or not code.isdigit():
            say = f"单元网格编码“{code[:20]}”应为 15 位数字（区县 6、街道 3、社区 3、序号 3）：请数据提供方改正"
            report.add("code_rule", "cells", say, where=code[:20])
        elif code.endswith("000"):
            report.add("code_rule", "cells", f"单元网格 {code} 的序号应从 001 起：请数据提供方改正", where=code)
    for parent in sorted({code[:12] for code in cells} - known) if known else []:
        say = f"单元网格编码所属的社区 {parent} 不在区域表中：请管理员先补区域表，或请数据提供方改正编码"
        report.add("parent_unknown", "cells", say, where=parent)
    for area in data.areas:
        if area.parent and area.parent not in known:
            say = f"{area.name}（{area.code}）的上级 {area.parent} 不在区域表中：请管理员补上"
            report.add("parent_unknown", "areas", say, where=area.code)
        if area.parent and level_of(area.code) != "extension" and parent_of(area.code) != area.parent:
            say = f"{area.name}的代码 {area.code} 与上级 {area.parent} 不符：请数据提供方改正其一"
            report.add("code_rule", "areas", say, where=area.code)


def _duplicates(codes: Sequence[str], layer: str, report: Report) -> None:
    for code, times in sorted(Counter(codes).items()):
        if times > 1:
            report.add("duplicate", layer, f"编码 {code} 出现 {times} 次：请数据提供方保留一个", where=code)


def check_overlaps(shapes: NDArray[Any], codes: Sequence[str], layer: str, report: Report) -> None:
    """Pairs that share more than a square metre; the ground belongs to one inspector only."""
    if len(shapes) < 2:
        return
    a, b = shapely.STRtree(shapes).query(shapes)
    a, b = a[a < b], b[a < b]
    shared = shapely.area(shapely.intersection(shapes[a], shapes[b])) * _square_m(shapes[0])
    for i in np.flatnonzero(shared > TOLERATED_M2):
        say = f"{codes[a[i]]} 与 {codes[b[i]]} 重叠约 {shared[i]:,.0f} 平方米：请数据提供方划清边界"
        report.add("overlap", layer, say, where=codes[a[i]])


def check_parents(index: GridIndex, data: GridData, report: Report) -> None:
    """Children against the polygon of their parent: right datum, inside, without gaps."""
    polygons = {a.code: shapely.from_wkb(a.geom) for a in data.areas if a.geom is not None}
    names = {a.code: a.name for a in data.areas}
    for parent in sorted({a.parent for a in data.areas}):
        siblings = [a.code for a in index.tree.children(parent) if a.code in polygons]
        check_overlaps(np.array([polygons[code] for code in siblings], dtype=object), siblings, "areas", report)
    for code, polygon in polygons.items():
        rows = index.cells_under(code) if not code.endswith("0000") else []
        if not rows and code.endswith("00") and level_of(code) == "city":
            rows = [n for n, cell in enumerate(index.codes) if cell.startswith(code)]
        if rows:
            _check_children(index.shapes[rows], polygon, "cells", code, names[code], report)
        children = [polygons[c.code] for c in index.tree.children(code) if c.code in polygons]
        if children and level_of(code) != "province":
            _check_children(np.array(children, dtype=object), polygon, "areas", code, names[code], report)


def _check_children(shapes: NDArray[Any], parent: Any, layer: str, code: str, name: str, report: Report) -> None:
    datum = suspected_datum(shapes, parent)
    if datum:
        say = (
            f"{name}（{code}）下的图形按 {datum} 换算后与其边界吻合得多，原样则偏出约 600 米：请数据提供方确认坐标系；"
            f"若确是 {datum}，请管理员以 crs={datum} 重新上传"
        )
        report.add("datum_suspected", layer, say, where=code)
        return
    outside = outside_share(shapes, parent)
    if outside > 0.02:
        say = f"{name}（{code}）下的图形有 {outside:.0%} 的边界点在其范围之外：请数据提供方核对所属区域或边界"
        report.add("outside_parent", layer, say, where=code)
    gap = shapely.difference(parent, shapely.union_all(shapes)).area
    if gap > parent.area * 0.001:
        share = f"{gap / parent.area:.1%} 的面积（约 {gap * _square_m(parent) / 1e6:.2f} 平方公里）"
        say = f"{name}（{code}）有 {share}没有覆盖：请管理员核对"
        report.add("gap", layer, say, where=code, severity=WARNING)


def outside_share(shapes: NDArray[Any], parent: Any) -> float:
    """Share of the shapes' corners more than 200 m outside *parent*."""
    return _outside(shapely.get_coordinates(shapes), _widened(parent))


def suspected_datum(shapes: NDArray[Any], parent: Any) -> str:
    """``gcj02`` or ``bd09`` when the shapes fit *parent* far better after a conversion from it, else empty.

    The shift test: a datum mistaken by 600-1,200 m pushes a strip of corners over the border of the parent.
    """
    corners = shapely.get_coordinates(shapes)
    wide = _widened(parent)
    as_given = _outside(corners, wide)
    if as_given < 0.01:
        return ""
    fits = {}
    for datum in ("gcj02", "bd09"):
        lon, lat = to_cgcs2000_many(corners[:, 0], corners[:, 1], datum)
        fits[datum] = _outside(np.column_stack([lon, lat]), wide)
    best = min(fits, key=lambda datum: fits[datum])
    return best if fits[best] < as_given * 0.4 else ""


def _widened(parent: Any) -> Any:
    wide = shapely.buffer(shapely.simplify(parent, EDGE / 10), EDGE)
    shapely.prepare(wide)
    return wide


def _outside(corners: NDArray[np.float64], wide: Any) -> float:
    inside = shapely.contains_xy(wide, corners[:, 0], corners[:, 1])
    return float(1 - inside.mean()) if len(corners) else 0.0


def check_duties(index: GridIndex, data: GridData, report: Report) -> None:
    """Cells that a duty grid names but that don't exist, and cells without a duty grid."""
    for duty in data.duty_grids:
        unknown = [code for code in duty.cells if code not in index.row_of]
        if unknown:
            say = f"责任网格 {duty.id} 列出的 {len(unknown)} 个单元网格不存在（如 {unknown[0][:20]}）：请数据提供方改正"
            report.add("cell_unknown", "duty_grids", say, where=duty.id)
    without = sum(1 for duty in index.duty_of if not duty)
    if data.duty_grids and without:
        say = f"{without} 个单元网格不属于任何责任网格：请管理员补上，否则那里的任务没有监督员"
        report.add("no_duty_grid", "duty_grids", say, severity=WARNING)
