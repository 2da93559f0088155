"""Datums and frames: vectors and error bounds were measured over 20,000 random points per box."""

from __future__ import annotations

import doctest
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yiwang import geo
from yiwang.geo import _area, arrays, datum, frames, metric

LON = st.floats(109.6, 117.4, allow_nan=False)
LAT = st.floats(20.2, 25.6, allow_nan=False)
HONG_KONG = ((113.83, 22.19), (114.44, 22.19), (114.44, 22.49), (113.83, 22.49))


def test_the_vectors_of_the_canton_tower_come_out_to_the_last_digit() -> None:
    gcj = geo.wgs84_to_gcj02(113.3192, 23.1090)

    assert gcj == (113.3246105200526, 23.10638916075787)
    assert geo.gcj02_to_bd09(*gcj) == pytest.approx((113.33115209191764, 23.11215240311741), abs=1e-12)


@given(LON, LAT)
def test_gcj02_comes_back_within_a_tenth_of_a_millimetre(lon: float, lat: float) -> None:
    back = geo.gcj02_to_wgs84(*geo.wgs84_to_gcj02(lon, lat))

    assert geo.distance_m(lon, lat, *back) < 0.0001


@given(LON, LAT)
def test_bd09_comes_back_within_a_millimetre(lon: float, lat: float) -> None:
    back = geo.bd09_to_wgs84(*geo.wgs84_to_bd09(lon, lat))

    assert geo.distance_m(lon, lat, *back) < 0.001


@pytest.mark.parametrize(("steps", "least", "most"), [(1, 2.0, 2.8), (2, 0.005, 0.02), (3, 0.0, 0.0001)])
def test_each_step_of_the_inverse_gains_what_was_measured(steps: int, least: float, most: float) -> None:
    """One step leaves metres in Guangdong, two a centimetre, three nothing."""
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(109.6, 117.4, 20_000), rng.uniform(20.2, 25.6, 20_000)
    x, y = datum.invert(datum.gcj_shift, *arrays.wgs84_to_gcj02(lon, lat), np, steps)
    worst = max(geo.distance_m(*p) for p in zip(lon, lat, x, y, strict=True))

    assert least <= worst < most


def test_the_shift_over_guangdong_is_as_measured() -> None:
    """WGS to GCJ 579 m on average and 644 m at most; WGS to BD 1,219 m on average."""
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(109.6, 117.4, 5_000), rng.uniform(20.2, 25.6, 5_000)
    gcj = arrays.wgs84_to_gcj02(lon, lat)
    metres = np.array([geo.distance_m(*p) for p in zip(lon, lat, *gcj, strict=True)])
    bd = np.array([geo.distance_m(*p) for p in zip(lon, lat, *arrays.gcj02_to_bd09(*gcj), strict=True)])

    assert metres.mean() == pytest.approx(579, abs=10)
    assert metres.max() < 650
    assert bd.mean() == pytest.approx(1219, abs=15)


@given(st.lists(st.tuples(LON, LAT), min_size=1, max_size=20), st.sampled_from(["gcj02", "bd09", "wgs84", "cgcs2000"]))
def test_arrays_say_what_single_points_say(points: list[tuple[float, float]], crs: str) -> None:
    lon, lat = np.array(points).T
    x, y = geo.to_cgcs2000_many(lon, lat, crs)

    for (a, b), c, d in zip(points, x, y, strict=True):
        assert geo.to_cgcs2000(a, b, crs) == pytest.approx((c, d), abs=1e-11)


def test_hong_kong_is_not_shifted_where_the_deployment_says_so() -> None:
    """A box around China would move Hong Kong by 595 m."""
    area = geo.ShiftArea(unshifted=(HONG_KONG,))
    central, futian = (114.158, 22.285), (114.055, 22.523)

    assert geo.to_cgcs2000(*central, "gcj02", area=area) == central
    assert geo.distance_m(*central, *geo.wgs84_to_gcj02(*central)) == pytest.approx(595, abs=15)
    assert geo.to_cgcs2000(*futian, "gcj02", area=area) == geo.to_cgcs2000(*futian, "gcj02")
    x, y = geo.to_cgcs2000_many(np.array([central[0]]), np.array([central[1]]), "gcj02", area=area)
    assert (x[0], y[0]) == central


@pytest.mark.parametrize("frame", ["EPSG:4547", "EPSG:4526", "EPSG:4508", "EPSG:32649"])
def test_projected_survey_coordinates_come_back_to_the_millimetre(frame: str) -> None:
    lon, lat = 113.9413, 22.5311
    east, north = geo.convert(lon, lat, "cgcs2000", frame)

    assert north == pytest.approx(2_492_000, abs=5_000)
    assert geo.distance_m(lon, lat, *geo.to_cgcs2000(east, north, frame)) < 0.001


def test_a_zone_number_before_the_easting_belongs_to_the_frame() -> None:
    east, _ = geo.convert(113.9413, 22.5311, "cgcs2000", geo.gauss_kruger(114, prefixed=True))

    assert 38_400_000 < east < 38_600_000


@pytest.mark.parametrize(
    ("lon", "lat", "crs", "error", "words"),
    [
        (22.53, 113.94, "wgs84", geo.SwappedAxes, "写反"),
        (2492000.0, 493000.0, "EPSG:4547", geo.SwappedAxes, "东坐标在前"),
        (-0.12, 51.5, "gcj02", geo.OutOfChina, "不在中国范围"),
        (0.0, 0.0, "wgs84", geo.OutOfChina, "不在中国范围"),
        (float("nan"), 22.5, "wgs84", geo.OutOfChina, "不是数值"),
        (float("inf"), 22.5, "EPSG:4547", geo.OutOfChina, "EPSG:4547"),
        (113.9, 22.5, "beijing54", geo.UnknownDatum, "不认识坐标系"),
        (113.9, 22.5, "EPSG:4610", geo.UnknownDatum, "本地参数"),
        (113.9, 22.5, "EPSG:999999", geo.UnknownDatum, "没有 EPSG:999999"),
    ],
)
def test_a_wrong_coordinate_is_refused_with_a_sentence(
    lon: float, lat: float, crs: str, error: type[geo.GeoError], words: str
) -> None:
    with pytest.raises(error, match=words):
        geo.to_cgcs2000(lon, lat, crs)


def test_no_gauss_kruger_zone_lies_between_two_meridians() -> None:
    with pytest.raises(geo.UnknownDatum, match="中央经线"):
        geo.gauss_kruger(113)


def test_every_three_degree_frame_has_the_meridian_that_its_name_says() -> None:
    import pyproj

    for meridian in range(75, 136, 3):
        for prefixed in (False, True):
            frame = pyproj.CRS.from_user_input(geo.gauss_kruger(meridian, prefixed=prefixed))
            assert f'"Longitude of natural origin",{meridian}' in frame.to_wkt()
    for meridian in range(75, 136, 6):
        frame = pyproj.CRS.from_user_input(geo.gauss_kruger(meridian, degrees=6, prefixed=True))
        assert f'"Longitude of natural origin",{meridian}' in frame.to_wkt()
        assert "Gauss-Kruger zone" in frame.name


@pytest.mark.parametrize("module", [geo, datum, frames, metric, _area])
def test_the_examples_in_the_docstrings_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0
