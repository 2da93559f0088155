"""The one door for coordinates from outside: four datums by name and EPSG frames, through pyproj.

Accepted: ``cgcs2000`` (EPSG:4490), ``wgs84`` (EPSG:4326, CRS84), ``gcj02``, ``bd09``, and every EPSG frame that rests
on CGCS2000 or WGS-84, among them CGCS2000 Gauss-Krüger: 3° zones EPSG:4513-4533 (zone number before the easting) and
4534-4554 (without), 6° zones 4491-4501 and 4502-4512. Beijing 1954, Xian 1980 and a city's own frame are refused: their
parameters belong to the local survey office, and a guess would be off by 50-150 m.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ._area import CHINA, ShiftArea
from ._check import EAST, NORTH, SOUTH, WEST, Position, check, in_china
from ._errors import OutOfChina, SwappedAxes, UnknownDatum
from .datum import bd09_to_wgs84, gcj02_to_wgs84, wgs84_to_bd09, wgs84_to_gcj02

if TYPE_CHECKING:
    import pyproj

DATUMS: Final = ("cgcs2000", "wgs84", "gcj02", "bd09")
_ALIASES: Final = {
    "epsg:4490": "cgcs2000",
    "epsg:4326": "wgs84",
    "crs84": "wgs84",
    "ogc:crs84": "wgs84",
    "bd09ll": "bd09",
    "gcj-02": "gcj02",
    "bd-09": "bd09",
    "wgs-84": "wgs84",
    "国家2000": "cgcs2000",
}
_URN: Final = re.compile(r"^(?:urn:ogc:def:crs:|https?://www\.opengis\.net/def/crs/)(\w+)[:/]+[^:/]*[:/]+(\w+)$", re.I)
_BASES: Final = frozenset({"4490", "4326", "4979", "4480"})


def normal_crs(name: str) -> str:
    """*name* as this library writes it: one of `DATUMS` or ``EPSG:<n>``.

    >>> [normal_crs(n) for n in ("GCJ-02", "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4547", "4490")]
    ['gcj02', 'wgs84', 'EPSG:4547', 'cgcs2000']

    Raises UnknownDatum for anything else.
    """
    word = name.strip().lower()
    if urn := _URN.match(word):
        word = f"{urn[1]}:{urn[2]}"
    if word.isdigit():
        word = f"epsg:{word}"
    word = _ALIASES.get(word, word)
    if word in DATUMS:
        return word
    if re.fullmatch(r"epsg:\d{4,6}", word):
        return word.upper()
    raise UnknownDatum(
        f"不认识坐标系“{name[:60]}”：请数据提供方写明 cgcs2000、wgs84、gcj02、bd09 之一，或 EPSG 编号（如 EPSG:4547）"
    )


def gauss_kruger(meridian: int, *, degrees: int = 3, prefixed: bool = False) -> str:
    """The EPSG name of the CGCS2000 Gauss-Krüger frame of a central meridian.

    *degrees* is the zone's width (3 or 6); *prefixed* means that the zone's number stands before the easting.
    >>> gauss_kruger(114), gauss_kruger(114, prefixed=True), gauss_kruger(111, degrees=6, prefixed=True)
    ('EPSG:4547', 'EPSG:4526', 'EPSG:4497')
    """
    if degrees == 3 and meridian % 3 == 0 and 75 <= meridian <= 135:
        return f"EPSG:{(4513 if prefixed else 4534) + meridian // 3 - 25}"
    if degrees == 6 and meridian % 6 == 3 and 75 <= meridian <= 135:
        return f"EPSG:{(4491 if prefixed else 4502) + (meridian + 3) // 6 - 13}"
    raise UnknownDatum(f"没有中央经线为 {meridian}° 的 {degrees}° 高斯-克吕格分带：请数据提供方核对中央经线")


@lru_cache(maxsize=32)
def _transformer(crs: str, inverse: bool = False) -> pyproj.Transformer:
    import pyproj
    from pyproj.exceptions import CRSError

    try:
        frame = pyproj.CRS.from_user_input(crs)
    except CRSError:
        raise UnknownDatum(f"EPSG 库里没有 {crs}：请数据提供方核对编号") from None
    base = frame.geodetic_crs
    authority = base.to_authority() if base is not None else None
    if authority is None or authority[1] not in _BASES:
        datum = base.name if base is not None else "未知"
        raise UnknownDatum(
            f"{crs} 的基准是 {datum}，换算到国家2000需要本地参数：请测绘主管部门先换算成国家2000再提供"
        )
    ends = ("EPSG:4490", crs) if inverse else (crs, "EPSG:4490")
    return pyproj.Transformer.from_crs(*ends, always_xy=True)


def _from_frame(x: Any, y: Any, crs: str) -> tuple[Any, Any]:
    lon, lat = _transformer(crs).transform(x, y)
    return lon, lat


def to_cgcs2000(lon: float, lat: float, crs: str, *, area: ShiftArea = CHINA) -> Position:
    """The position in CGCS2000 degrees of (*lon*, *lat*) given in *crs*.

    For a projected *crs* the two numbers are easting and northing in metres. Raises UnknownDatum, SwappedAxes or
    OutOfChina, each with a sentence for the sender.
    """
    name = normal_crs(crs)
    if name.startswith("EPSG:"):
        return _projected(lon, lat, name)
    check(lon, lat)
    if name == "gcj02":
        return Position(*gcj02_to_wgs84(lon, lat, area))
    if name == "bd09":
        return Position(*bd09_to_wgs84(lon, lat, area))
    return Position(lon, lat)


def _projected(x: float, y: float, crs: str) -> Position:
    position = Position(*_from_frame(x, y, crs))
    if _plausible(position, crs):
        return position
    if _plausible(Position(*_from_frame(y, x, crs)), crs):
        raise SwappedAxes(f"{crs} 的横坐标和纵坐标写反了：请数据提供方交换两列，东坐标在前")
    raise OutOfChina(f"按 {crs} 换算后不在该分带或中国范围内：请数据提供方核对分带、带号和坐标值")


def _plausible(position: Position, crs: str) -> bool:
    """In China and not more than two degrees outside the frame's own area of use (cities keep to one zone)."""
    if not (math.isfinite(position.lon) and math.isfinite(position.lat)) or not in_china(*position):
        return False
    west, south, east, north = _bounds(crs)
    return west - 2 <= position.lon <= east + 2 and south - 2 <= position.lat <= north + 2


@lru_cache(maxsize=32)
def _bounds(crs: str) -> tuple[float, float, float, float]:
    from pyproj import CRS

    use = CRS.from_user_input(crs).area_of_use
    return (WEST, SOUTH, EAST, NORTH) if use is None else (use.west, use.south, use.east, use.north)


def to_cgcs2000_many(lon: Any, lat: Any, crs: str, *, area: ShiftArea = CHINA) -> tuple[Any, Any]:
    """`to_cgcs2000` for numpy arrays, without the check of each point."""
    from . import arrays

    name = normal_crs(crs)
    if name.startswith("EPSG:"):
        return _from_frame(lon, lat, name)
    if name == "bd09":
        return arrays.gcj02_to_wgs84(*arrays.bd09_to_gcj02(lon, lat), area)
    return arrays.gcj02_to_wgs84(lon, lat, area) if name == "gcj02" else (lon, lat)


def convert(lon: float, lat: float, source: str, target: str, *, area: ShiftArea = CHINA) -> Position:
    """From any accepted frame to another, e.g. out to ``gcj02`` for a map on a phone."""
    here = to_cgcs2000(lon, lat, source, area=area)
    name = normal_crs(target)
    if name.startswith("EPSG:"):
        return Position(*_transformer(name, inverse=True).transform(*here))
    if name == "gcj02":
        return Position(*wgs84_to_gcj02(*here, area))
    return Position(*wgs84_to_bd09(*here, area)) if name == "bd09" else here


def convert_many(lon: Any, lat: Any, source: str, target: str, *, area: ShiftArea = CHINA) -> tuple[Any, Any]:
    """`convert` for numpy arrays, without the check of each point."""
    from . import arrays

    lon, lat = to_cgcs2000_many(lon, lat, source, area=area)
    name = normal_crs(target)
    if name.startswith("EPSG:"):
        return tuple(_transformer(name, inverse=True).transform(lon, lat))
    if name in ("gcj02", "bd09"):
        lon, lat = arrays.wgs84_to_gcj02(lon, lat, area)
    return arrays.gcj02_to_bd09(lon, lat) if name == "bd09" else (lon, lat)
