"""Where the GCJ-02 shift applies.

The usual libraries shift everything inside a box around China, and the boxes differ: one of them moves Hong Kong by
595 m, two disagree by 522 m at the edge (measured). So the area is an argument: a box, and the polygons inside it
where maps are not shifted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ShiftArea:
    """A box in WGS-84 degrees with holes.

    >>> hole = ((113.8, 22.1), (114.5, 22.1), (114.5, 22.5), (113.8, 22.5))
    >>> CHINA.covers(114.16, 22.28), ShiftArea(unshifted=(hole,)).covers(114.16, 22.28)
    (True, False)
    """

    west: float = 72.004
    south: float = 0.8293
    east: float = 137.8347
    north: float = 55.8271
    unshifted: tuple[Ring, ...] = field(default=())
    """Rings of (lon, lat), e.g. of Hong Kong, Macao and Taiwan as the deployment's boundary data has them"""

    @classmethod
    def without(cls, geometries: Sequence[Any]) -> ShiftArea:
        """The box around China without *geometries* (shapely polygons or multipolygons; inner rings are ignored)."""
        rings = []
        for geometry in geometries:
            for part in getattr(geometry, "geoms", [geometry]):
                rings.append(tuple((float(x), float(y)) for x, y in part.exterior.coords))
        return cls(unshifted=tuple(rings))

    def covers(self, lon: float, lat: float) -> bool:
        """Whether a map shifts the WGS-84 point (*lon*, *lat*)."""
        if not (self.west <= lon <= self.east and self.south <= lat <= self.north):
            return False
        return not any(_inside(ring, lon, lat) for ring in self.unshifted)

    def covers_many(self, lon: Any, lat: Any) -> Any:
        """`covers` for arrays; returns an array of bool."""
        import numpy as np

        inside = (self.west <= lon) & (lon <= self.east) & (self.south <= lat) & (lat <= self.north)
        if self.unshifted:
            import shapely

            for ring in self.unshifted:
                inside &= ~shapely.contains_xy(shapely.Polygon(ring), lon, lat)
        return np.asarray(inside, dtype=bool)


def _inside(ring: Ring, lon: float, lat: float) -> bool:
    """Even-odd rule; good enough at a border, where a map's own shift is not defined to the metre."""
    inside = False
    x1, y1 = ring[-1]
    for x2, y2 in ring:
        if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            inside = not inside
        x1, y1 = x2, y2
    return inside


CHINA: Final = ShiftArea()
"""The box alone: right for the mainland. A deployment beside Hong Kong or Macao gives the holes too."""
