"""Point → cell, duty grid, area: in memory, immutable, swapped as a whole when a version is activated.

A point belongs to a cell when the cell covers it, border included; of several cells (a seam) the lowest code wins.
A point in no cell belongs to the nearest cell within the tolerance; at equal distance (to the millimetre) the lowest
code wins. Containment is decided in degrees with exact predicates, distances in metres of a local plane.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from yiwang.contracts.areas import level_of
from yiwang.geo import METRES_PER_DEGREE, metric_plane

from .layers import Cell, GridData
from .tree import AreaTree

DEPTH: Final = ("community", "street", "extension", "county", "city", "province")
"""Levels from the most to the least precise."""
NONE: Final = -1


class Hit(NamedTuple):
    """A cell found for a point: its row in `GridIndex.cells`, and how far away it is (0 when it covers the point)."""

    row: int
    distance_m: float


class GridIndex:
    """All lookups of one version."""

    def __init__(self, data: GridData, *, tolerance_m: float = 30.0) -> None:
        self.version, self.tolerance_m = data.version, tolerance_m
        self.cells: list[Cell] = sorted(data.cells, key=lambda cell: cell.code)
        self.codes = [cell.code for cell in self.cells]
        self.row_of = {code: row for row, code in enumerate(self.codes)}
        self.tree = AreaTree(data.areas, data.version)
        self.shapes: NDArray[Any] = np.asarray(shapely.from_wkb([cell.geom for cell in self.cells]), dtype=object)
        shapely.prepare(self.shapes)
        self._rtree = shapely.STRtree(self.shapes)
        self.duty_grids = {duty.id: duty for duty in data.duty_grids}
        self.duty_of = self._assign_duties(data)
        outlined = [(a, shapely.from_wkb(a.geom)) for a in data.areas if a.geom is not None]
        outlined.sort(key=lambda pair: (DEPTH.index(level_of(pair[0].code)), pair[1].area, pair[0].code))
        self._areas = [area for area, _ in outlined]
        self._area_shapes = np.array([shape for _, shape in outlined], dtype=object)
        shapely.prepare(self._area_shapes)
        self._area_rtree = shapely.STRtree(self._area_shapes)

    def _assign_duties(self, data: GridData) -> list[str]:
        """row → id of its duty grid; cells listed by code first, polygons for the rest; the lowest id wins."""
        duties = [""] * len(self.cells)
        ordered = sorted(data.duty_grids, key=lambda duty: duty.id)
        for duty in ordered:
            for code in duty.cells:
                row = self.row_of.get(code, NONE)
                if row != NONE and not duties[row]:
                    duties[row] = duty.id
        for duty in ordered:
            if duty.geom is not None:
                shape = shapely.from_wkb(duty.geom)
                rows = self._rtree.query(shape)
                middles = shapely.point_on_surface(self.shapes[rows])
                for row in rows[shapely.intersects(shape, middles)]:
                    duties[row] = duties[row] or duty.id
        return duties

    def cell_at(self, lon: float, lat: float) -> Hit | None:
        """The cell of a point in CGCS2000 degrees, or None when none is within the tolerance."""
        point = shapely.points(lon, lat)
        rows = self._rtree.query(point, predicate="intersects")
        if len(rows):
            return Hit(int(rows.min()), 0.0)
        return self._nearest(point, lat) if self.tolerance_m > 0 and len(self.cells) else None

    def cells_at(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """`cell_at` for arrays: rows (-1 where there is none) and distances in metres."""
        points = shapely.points(lon, lat)
        found = np.full(len(points), len(self.cells), dtype=np.int64)
        which, rows = self._rtree.query(points, predicate="intersects")
        np.minimum.at(found, which, rows)
        found[found == len(self.cells)] = NONE
        distances = np.zeros(len(points))
        if self.tolerance_m > 0 and len(self.cells):
            for i in np.flatnonzero(found == NONE):
                if hit := self._nearest(points[i], lat[i]):
                    found[i], distances[i] = hit
        return found, distances

    def _nearest(self, point: Any, lat: float) -> Hit | None:
        plane = metric_plane(lat)
        reach = self.tolerance_m / (METRES_PER_DEGREE * max(0.2, float(np.cos(np.radians(lat)))))
        rows = np.sort(self._rtree.query(point, predicate="dwithin", distance=reach))
        if not len(rows):
            return None
        shapes, here = shapely.transform(self.shapes[rows], plane), shapely.transform(point, plane)
        away = np.round(shapely.distance(shapes, here), 3)
        best = int(away.argmin())  # the first of equals: the lowest code
        return Hit(int(rows[best]), float(away[best])) if away[best] <= self.tolerance_m else None

    def area_at(self, lon: float, lat: float) -> str:
        """Code of the deepest area whose polygon covers the point; empty when none does.

        Of several of one level the smallest wins: a functional zone inside a town is the more precise answer.
        """
        rows = self._area_rtree.query(shapely.points(lon, lat), predicate="intersects")
        return self._areas[int(rows.min())].code if len(rows) else ""

    def cells_under(self, code: str) -> list[int]:
        """Rows of the cells whose code begins with *code*: that of a community, street or county, or a prefix of it."""
        return list(range(bisect_left(self.codes, code), bisect_left(self.codes, code + "~")))

    def outline(self, code: str) -> Any | None:
        """The polygon of a cell or area, from its own geometry or from its cells; None when neither is known."""
        if code in self.row_of:
            return self.shapes[self.row_of[code]]
        area = self.tree.get(code)
        if area is not None and area.geom is not None:
            return shapely.from_wkb(area.geom)
        rows = self.cells_under(code) if len(code) in (9, 12) or not code.endswith("00") else []
        return shapely.union_all(self.shapes[rows]) if rows else None
