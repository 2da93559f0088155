"""The benchmark's numbers, small: it runs, and what it says is of the right order."""

from __future__ import annotations

from yiwang.grid.bench import bench


def test_the_benchmark_finds_more_at_once_than_one_by_one() -> None:
    found = bench(points=5_000, singles=500)

    assert found["grid_points_per_s"] > 1e6 / found["grid_us_single"]
    assert 1 < found["grid_us_single"] < 2_000
