"""Where a thing is: datums, projected frames and distances, for every service that touches a coordinate.

Everything inside the mesh is CGCS2000 in degrees. `to_cgcs2000` is the one door for what comes from outside:

>>> from yiwang.geo import to_cgcs2000
>>> lon, lat = to_cgcs2000(113.3246105200526, 23.10638916075787, "gcj02")
>>> round(lon, 6), round(lat, 6)
(113.3192, 23.109)
"""

from ._area import CHINA, ShiftArea
from ._check import Position, check, in_china
from ._errors import GeoError, OutOfChina, SwappedAxes, UnknownDatum
from .datum import bd09_to_gcj02, bd09_to_wgs84, gcj02_to_bd09, gcj02_to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from .frames import DATUMS, convert, convert_many, gauss_kruger, normal_crs, to_cgcs2000, to_cgcs2000_many
from .metric import METRES_PER_DEGREE, distance_m, metric_plane

__all__ = [
    "CHINA",
    "DATUMS",
    "METRES_PER_DEGREE",
    "GeoError",
    "OutOfChina",
    "Position",
    "ShiftArea",
    "SwappedAxes",
    "UnknownDatum",
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "check",
    "convert",
    "convert_many",
    "distance_m",
    "gauss_kruger",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "in_china",
    "metric_plane",
    "normal_crs",
    "to_cgcs2000",
    "to_cgcs2000_many",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
]
