"""Similar cases (疑似重复): the same minor class near in space and time, found by tiles and shown to the acceptor.

50 m and 24 hours (domain notes, case management 1.5); both are the city's to say. Tiles are as wide as twice the distance,
so that whatever lies near a point lies in at most four of them: an index finds it, nothing is searched through.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts import Point
from yiwang.kit import Sql

from .auto import Work
from .case import Case
from .near import ALIKE, metres
from .policies import Similar
from .rules import Rules
from .states import FINAL

sql: Final = Sql("yiwang.dispatch", "similar.sql")
DEGREE_M: Final = 111_195.0
"""Metres of a degree of latitude (sphere of 6,371 km)"""
WIDEST_LAT: Final = 89.0
MOST: Final = 20
"""Cases looked at in a tile, the newest: where a flooded street brings hundreds, the work must not grow with their square"""


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """A case of the same minor class nearby."""

    case_id: str
    case_no: str
    state: str
    at: dt.datetime
    """When it was reported"""
    distance_m: float


class _Near(msgspec.Struct, frozen=True):
    mine: str
    case_id: str
    at: dt.datetime
    lon: float
    lat: float
    state: str
    case_no: str


def tiles(case: Case, policy: Similar) -> tuple[str, ...]:
    """The tile in which *case* lies, then the others that anything near it may lie in; none without a class or a point."""
    point, category = point_of(case), case.category
    if point is None or category is None:
        return ()
    what = f"{policy.metres}/{category.code_set}/{category.kind}/{category.major}/{category.minor}"
    size, reach = 2 * policy.metres / DEGREE_M, policy.metres / DEGREE_M
    rows = (point.lat, point.lat - reach, point.lat + reach)
    found: list[str] = []
    for row in dict.fromkeys(math.floor(lat / size) for lat in rows):
        width = size / math.cos(math.radians((row + 0.5) * size))
        columns = (point.lon, point.lon - width / 2, point.lon + width / 2)
        found += [f"{what}@{row}:{column}" for column in dict.fromkeys(math.floor(lon / width) for lon in columns)]
    return tuple(found)


def point_of(case: Case) -> Point | None:
    """Where it lies, in the datum of the places; None where only an area is known, or at the poles."""
    point = case.place.point if case.place and case.located else None
    return point if point and point.crs in ALIKE and abs(point.lat) < WIDEST_LAT else None


async def look(tx: Any, works: Sequence[Work], rules: Rules, now: dt.datetime) -> None:
    """Remember where located cases lie, and note on each the nearest older one that is still open."""
    policy, window = rules.policies.similar, dt.timedelta(hours=rules.policies.similar.hours)
    cases = [w.case for w in works if w.case.imported is None and not w.case.away and tiles(w.case, policy)]
    if not cases:
        return
    points = [point for case in cases if (point := point_of(case))]
    await sql.run(
        tx, "keep_spots", [tiles(case, policy)[0] for case in cases], [case.created_at for case in cases],
        [case.case_id for case in cases], [p.lon for p in points], [p.lat for p in points], now - 2 * window,
    )  # fmt: skip
    found = await neighbours(tx, cases, policy)
    for case in cases:
        older = [n for n in found[case.case_id] if n.state not in FINAL and (n.at, n.case_id) < (case.created_at, case.case_id)]
        case.similar_of = min(older, key=lambda n: n.distance_m).case_id if older else ""


async def neighbours(tx: Any, cases: Sequence[Case], policy: Similar) -> dict[str, list[Neighbour]]:
    """The neighbours of each of *cases*, nearest first."""
    window, found = dt.timedelta(hours=policy.hours), {case.case_id: list[Neighbour]() for case in cases}
    by_id = {case.case_id: case for case in cases}
    asked = [(case.case_id, tile, case.created_at - window, case.created_at + window) for case in cases for tile in tiles(case, policy)]
    if not asked:
        return found
    for one in await sql.rows(tx, "near_spots", _Near, *(list(column) for column in zip(*asked, strict=True)), MOST):
        here = point_of(by_id[one.mine])
        away = metres(here, msgspec.structs.replace(here, lon=one.lon, lat=one.lat)) if here else None
        if away is not None and away <= policy.metres:
            found[one.mine].append(
                Neighbour(case_id=one.case_id, case_no=one.case_no, state=one.state, at=one.at, distance_m=away)
            )
    for some in found.values():
        some.sort(key=lambda n: (n.distance_m, n.at))
    return found
