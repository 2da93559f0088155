"""Is this a place in China, and are its two numbers in the right order?"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from ._errors import OutOfChina, SwappedAxes

WEST, SOUTH, EAST, NORTH = 72.0, 3.0, 136.0, 54.0
_BOX: Final = f"经度 {WEST:g}~{EAST:g}、纬度 {SOUTH:g}~{NORTH:g}"


class Position(NamedTuple):
    """Degrees, longitude first."""

    lon: float
    lat: float


def in_china(lon: float, lat: float) -> bool:
    """Inside the box that holds China's land and islands."""
    return WEST <= lon <= EAST and SOUTH <= lat <= NORTH


def check(lon: float, lat: float) -> None:
    """Raise SwappedAxes or OutOfChina, with a sentence, unless (*lon*, *lat*) in degrees may be a place in China."""
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise OutOfChina("坐标不是数值：请上报方检查经度和纬度两个字段")
    if in_china(lon, lat):
        return
    if in_china(lat, lon):
        raise SwappedAxes(f"经度和纬度写反了（经度 {lon:g}、纬度 {lat:g}）：请上报方交换两个字段，经度在前")
    raise OutOfChina(f"坐标（经度 {lon:g}、纬度 {lat:g}）不在中国范围内（{_BOX}）：请上报方核对坐标及其坐标系")
