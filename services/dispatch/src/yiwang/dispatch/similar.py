"""Similar cases (疑似重复): the same minor class near in space and time, found by tiles and shown to the acceptor.

50 m and 24 hours (domain notes, case management 1.5); both are the city's to say. Tiles are as wide as twice the distance,
so that whatever lies near a point lies in at most four of them: an index finds it, nothing is searched through.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from yiwang.contracts import Point
from yiwang.kit import Sql

from .auto import Work
from .case import Case
from .near import ALIKE, EARTH_M, metres
from .policies import Similar
from .rules import Rules
from .states import FINAL

sql: Final = Sql("yiwang.dispatch", "similar.sql")
DEGREE_M: Final = 111_195.0
"""Metres of a degree of latitude (sphere of 6,371 km)"""
WIDEST_LAT: Final = 89.0
SPREAD: Final = 0x9E3779B97F4A7C15
"""Odd, so that no two tiles of a class become one number"""
ALL: Final = 2**64 - 1
ROUNDED: Final = 0.05
"""Distances are told to a tenth of a metre"""
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


@lru_cache(maxsize=4096)
def _class(metres: int, *category: str) -> int:
    return int.from_bytes(hashlib.blake2b("/".join((str(metres), *category)).encode(), digest_size=8).digest())


@lru_cache(maxsize=65536)
def _width(row: int, size: float) -> float:
    return size / math.cos(math.radians((row + 0.5) * size))


def _nearest(at: float) -> tuple[int, int]:
    """The tile around *at*, and the one beside it into which half a tile reaches."""
    here = math.floor(at)
    return here, here + 1 if at - here >= 0.5 else here - 1


def tiles(case: Case, policy: Similar) -> tuple[int, ...]:
    """The tile in which *case* lies, then the others that anything near it may lie in; none without a class or a point.

    A tile is the number of its row and column, spread over 64 bits and mixed with that of the class.
    """
    point, category = point_of(case), case.category
    if point is None or category is None:
        return ()
    what = _class(policy.metres, category.code_set, category.kind, category.major, category.minor)
    size = 2 * policy.metres / DEGREE_M
    found: list[int] = []
    for row in _nearest(point.lat / size):
        for column in _nearest(point.lon / _width(row, size)):
            mixed = ((row << 32) + column) * SPREAD & ALL ^ what
            found.append(mixed - (mixed >> 63 << 64))  # as the database counts: with a sign
    return tuple(found)


def point_of(case: Case) -> Point | None:
    """Where it lies, in the datum of the places; None where only an area is known, or at the poles."""
    point = case.place.point if case.place and case.located else None
    return point if point and point.crs in ALIKE and abs(point.lat) < WIDEST_LAT else None


async def look(tx: Any, works: Sequence[Work], rules: Rules, now: dt.datetime) -> None:
    """Remember where located cases lie, and note on each the nearest older one that is still open."""
    policy, window = rules.policies.similar, dt.timedelta(hours=rules.policies.similar.hours)
    asked = [(w.case, tiles(w.case, policy)) for w in works if w.case.imported is None and not w.case.away]
    lying = [(case, some, point) for case, some in asked if some and (point := point_of(case))]
    if not lying:
        return
    occupied = await tx.fetch(
        sql["keep_spots"], [some[0] for _, some, _ in lying], [case.created_at for case, _, _ in lying],
        [case.case_id for case, _, _ in lying], [p.lon for _, _, p in lying], [p.lat for _, _, p in lying],
        list({tile for _, some, _ in lying for tile in some}), min(case.created_at for case, _, _ in lying) - window,
    )  # fmt: skip
    before, own = {row[0] for row in occupied}, Counter(some[0] for _, some, _ in lying)
    near = [
        (case.case_id, tile, case.created_at - window, case.created_at, p.lon, p.lat)
        for case, some, p in lying for tile in some if tile in before or own[tile] > (tile == some[0])
    ]  # fmt: skip
    found: dict[str, str] = {}
    if near:  # else nobody lies nearby, as almost always
        columns = (list(column) for column in zip(*near, strict=True))
        rows = await tx.fetch(sql["nearest_open"], *columns, MOST, policy.metres + ROUNDED, EARTH_M, list(FINAL))
        found = dict(rows)
    for case, _, _ in lying:
        case.similar_of = found.get(case.case_id, "")


async def forget(db: Any, rules: Rules, now: dt.datetime) -> None:
    """Drop what is too old to be near anything."""
    await sql.run(db, "forget_spots", now - 2 * dt.timedelta(hours=rules.policies.similar.hours))


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
