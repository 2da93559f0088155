"""Cells where a city has none to import yet: squares inside a polygon, shared out to streets and communities.

For demos and tests only: real unit cells follow roads, water and responsibility. The codes are legal (15 digits, the
sequence from 001 west to east, north to south inside a community), the result has neither gap nor overlap, and the
same input gives the same cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from yiwang.geo import METRES_PER_DEGREE

from .layers import Area, Cell

MOST_IN_COMMUNITY: Final = 999
SLIVER: Final = 0.1
"""A clipped square below this share of a whole one is given to the neighbour with which it shares the longest edge."""


def cells_in(polygon: Any, communities: Sequence[Sequence[str]], side_m: float = 100.0) -> list[Cell]:
    """Cells of about *side_m* squared that fill *polygon* (CGCS2000 degrees).

    *communities* lists, street by street, the 12-digit codes to share the cells out to; each gets one patch.
    Raises ValueError when a community would get more than 999 cells.
    """
    squares = _squares(polygon, side_m)
    middles = shapely.get_coordinates(shapely.centroid(squares))
    cells: list[Cell] = []
    weights = [len(street) for street in communities]
    for street, rows in zip(communities, _share(middles, np.arange(len(squares)), weights), strict=True):
        for community, patch in zip(street, _share(middles, rows, [1] * len(street)), strict=True):
            if len(patch) > MOST_IN_COMMUNITY:
                raise ValueError(f"{community} would get {len(patch)} cells, more than 999: widen side_m")
            cells += _coded(community, squares[_reading_order(middles, patch, side_m)])
    return cells


def communities_of(areas: Sequence[Area], parent: str) -> list[list[str]]:
    """The communities below *parent* (a county, or a city without counties), street by street, in code order."""
    children: dict[str, list[str]] = {}
    for area in areas:
        children.setdefault(area.parent, []).append(area.code)
    streets = sorted(code for code in children.get(parent, []) if len(code) == 9)
    return [sorted(children.get(street, [])) or [street + "000"] for street in streets]


def _squares(polygon: Any, side_m: float) -> NDArray[Any]:
    west, south, east, north = polygon.bounds
    dy = side_m / METRES_PER_DEGREE
    dx = dy / math.cos(math.radians((south + north) / 2))
    columns, rows = math.ceil((east - west) / dx), math.ceil((north - south) / dy)
    i, j = (a.ravel() for a in np.meshgrid(np.arange(columns), np.arange(rows)))
    # One number per lattice line, so that neighbours share their corners to the last bit.
    xs, ys = west + dx * np.arange(columns + 1), south + dy * np.arange(rows + 1)
    boxes = shapely.box(xs[i], ys[j], xs[i + 1], ys[j + 1])
    shapely.prepare(polygon)
    inside = shapely.contains_properly(polygon, boxes)
    border = boxes[~inside & shapely.intersects(polygon, boxes)]
    clipped = shapely.intersection(border, polygon)
    clipped = np.array([_polygonal(shape) for shape in clipped], dtype=object)
    clipped = clipped[[shape is not None for shape in clipped]]
    return _without_slivers(np.concatenate([boxes[inside], clipped]), dx * dy * SLIVER)


def _polygonal(shape: Any) -> Any | None:
    """The surface of *shape* without points and lines."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return None if not parts else parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _without_slivers(shapes: NDArray[Any], least: float) -> NDArray[Any]:
    areas = shapely.area(shapes)
    small = np.flatnonzero(areas < least)
    tree = shapely.STRtree(shapes)
    gone: set[int] = set()
    for row in small[np.argsort(areas[small], kind="stable")]:
        near = [n for n in np.sort(tree.query(shapes[row], predicate="intersects")) if n != row and n not in gone]
        shared = [shapely.length(shapely.intersection(shapes[row], shapes[n])) for n in near]
        if near and max(shared) > 0:
            into = near[int(np.argmax(shared))]
            shapes[into] = shapely.union(shapes[into], shapes[row])
            gone.add(int(row))
    return np.array([s for n, s in enumerate(shapes) if n not in gone], dtype=object)


def _share(middles: NDArray[np.float64], rows: NDArray[Any], weights: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Split *rows* into patches of sizes in proportion to *weights*, halving across the longer side each time."""
    if len(weights) == 1:
        yield rows
        return
    half = len(weights) // 2
    part = middles[rows]
    span = np.ptp(part, axis=0) if len(part) else (1.0, 0.0)
    axis = 0 if span[0] >= span[1] else 1
    ordered = rows[np.lexsort((part[:, 1 - axis], part[:, axis]))]
    cut = round(len(rows) * sum(weights[:half]) / sum(weights))
    yield from _share(middles, ordered[:cut], weights[:half])
    yield from _share(middles, ordered[cut:], weights[half:])


def _reading_order(middles: NDArray[np.float64], rows: NDArray[Any], side_m: float) -> NDArray[Any]:
    """West to east in lines from north to south."""
    part = middles[rows]
    line = np.floor(-part[:, 1] / (side_m / METRES_PER_DEGREE))
    return rows[np.lexsort((part[:, 0], line))]


def _coded(community: str, shapes: NDArray[Any]) -> list[Cell]:
    return [Cell(code=f"{community}{n:03d}", geom=shapely.to_wkb(shape)) for n, shape in enumerate(shapes, 1)]
