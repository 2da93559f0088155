"""How fast the grid finds: points a second at once, microseconds for one, and whole reports.

``python -m yiwang.grid.bench`` prints it; `bench()` is called by the project's benchmark.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import shapely
from yiwang.contracts import ClaimedPlace, Point

from .domain import Locator
from .layers import Area, Cell, GridData

SIDE = 100
WEST, SOUTH, STEP = 114.0, 22.5, 0.001


def ten_thousand() -> GridData:
    """100 × 100 cells of about 100 m in ten communities."""
    cells = [
        Cell(
            code=f"440310001{n // 999 + 1:03d}{n % 999 + 1:03d}",
            geom=shapely.to_wkb(shapely.box(*(_corner(n % SIDE, n // SIDE)), *(_corner(n % SIDE + 1, n // SIDE + 1)))),
        )
        for n in range(SIDE * SIDE)
    ]
    areas = [
        Area(code="440310", name="坪山区", level="county"),
        Area(code="440310001", name="坪山街道", level="street"),
    ]
    return GridData(version="bench", areas=tuple(areas), cells=tuple(cells))


def _corner(column: int, row: int) -> tuple[float, float]:
    return WEST + STEP * column, SOUTH + STEP * row


def _seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """CPU seconds of one call, median of *rounds*."""
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return statistics.median(taken)


def bench(points: int = 100_000, singles: int = 5_000) -> dict[str, float]:
    """Medians over random points inside 10,000 cells, and over 1 % of them beside the grid (nearest)."""
    grid = Locator(ten_thousand(), "440300")
    rng = np.random.default_rng(20261123)
    lon = rng.uniform(WEST, WEST + SIDE * STEP, points)
    lat = rng.uniform(SOUTH, SOUTH + SIDE * STEP, points)
    beside = lon.copy()
    beside[::100] = WEST - 0.0001
    pairs = list(zip(lon[:singles].tolist(), lat[:singles].tolist(), strict=True))
    claims = [ClaimedPlace(point=Point(lon=x, lat=y, crs="cgcs2000")) for x, y in pairs]
    grid.locate_many(claims)  # places are made once per cell

    def one_by_one() -> None:
        for x, y in pairs:
            grid.index.cell_at(x, y)

    def in_batches() -> None:
        for begin in range(0, len(claims), 200):
            grid.locate_many(claims[begin : begin + 200])

    return {
        "grid_points_per_s": points / _seconds(lambda: grid.index.cells_at(lon, lat)),
        "grid_points_per_s_1pct_nearest": points / _seconds(lambda: grid.index.cells_at(beside, lat)),
        "grid_us_single": 1e6 * _seconds(one_by_one) / singles,
        "grid_us_report_in_batch_of_200": 1e6 * _seconds(in_batches) / singles,
        "grid_s_build_index": _seconds(lambda: Locator(ten_thousand(), "440300"), 3),
    }


if __name__ == "__main__":
    for name, value in bench().items():
        sys.stdout.write(f"{name:36} {value:14,.1f}\n")
