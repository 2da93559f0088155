"""The conversions of `datum` for numpy arrays: the same formulas, some fifty times as many points a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._area import CHINA, ShiftArea
from .datum import bd_shift, gcj_shift, invert

Floats = NDArray[np.float64]


def _where(moved: Any, new: tuple[Floats, Floats], old: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    return np.where(moved, new[0], old[0]), np.where(moved, new[1], old[1])


def wgs84_to_gcj02(lon: Floats, lat: Floats, area: ShiftArea = CHINA) -> tuple[Floats, Floats]:
    d_lon, d_lat = gcj_shift(lon, lat, np)
    return _where(area.covers_many(lon, lat), (lon + d_lon, lat + d_lat), (lon, lat))


def gcj02_to_wgs84(lon: Floats, lat: Floats, area: ShiftArea = CHINA) -> tuple[Floats, Floats]:
    x, y = invert(gcj_shift, lon, lat, np)
    return _where(area.covers_many(x, y), (x, y), (lon, lat))


def gcj02_to_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    d_lon, d_lat = bd_shift(lon, lat, np)
    return lon + d_lon, lat + d_lat


def bd09_to_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = invert(bd_shift, lon, lat, np)
    return x, y
