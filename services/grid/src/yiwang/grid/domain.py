"""Where a report lies: by its point, else its cell, else its community or street, else its address.

What can't be placed is `unlocated` with a reason for a person, and what lies in somebody else's jurisdiction is
`foreign`; the reasons are read by acceptors, hence in Chinese.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import shapely
from msgspec.structs import replace
from yiwang.contracts import AreaRef, CaseHead, CaseLocated, CaseReported, ClaimedPlace, Place, Point
from yiwang.contracts.areas import contains, level_of
from yiwang.geo import GeoError, to_cgcs2000

from .geocoder import Geocoder, Match
from .index import NONE, GridIndex, Hit
from .layers import GridData
from .tree import short_code

VERSION: Final = 2
"""The case version of a first location; everything after is set by dispatch."""
ENOUGH: Final = ("street", "community", "cell", "extension")
"""A code names a place from the street (or town) down."""
MOST_CANDIDATES: Final = 10


class Located(msgspec.Struct, frozen=True):
    """The answer: `outcome` is located, unlocated or foreign."""

    place: Place
    outcome: str
    reason: str = ""
    candidates: tuple[Place, ...] = ()


class Locator:
    """One version's index and geocoder, and the jurisdiction in whose name we look."""

    def __init__(self, data: GridData, jurisdiction: str, *, tolerance_m: float = 30.0) -> None:
        self.index = GridIndex(data, tolerance_m=tolerance_m)
        self.geocoder = Geocoder(data)
        self.jurisdiction = jurisdiction
        self.version = data.version
        self._cell_places: dict[int, Place] = {}
        self._code_places: dict[str, Place] = {}

    # -- the rule ------------------------------------------------------------------------------------------------

    def locate(self, claim: ClaimedPlace, hit: Hit | None = None, *, searched: bool = False) -> Located:
        """The place of one claim. *hit* is the cell of its point when *searched* was done for many points at once."""
        notes: list[str] = []
        base = Place(point=claim.point, original_point=claim.original_point, address_masked=claim.address_masked)
        place = self._by_point(claim, base, hit, searched, notes) or self._by_codes(claim, base, notes)
        if place is not None:
            return self._judge(place, "；".join(notes))
        return self._by_address(claim, base, notes)

    def locate_many(self, claims: Sequence[ClaimedPlace]) -> list[Located]:
        """`locate` for many claims, with one search in the index for all their points."""
        pointed = [i for i, claim in enumerate(claims) if claim.point is not None]
        hits: dict[int, Hit | None] = {}
        if pointed:
            positions = [(c.point.lon, c.point.lat) for i in pointed if (c := claims[i]).point is not None]
            lon, lat = np.array(positions, dtype=np.float64).T
            for i, row, away in zip(pointed, *self.index.cells_at(lon, lat), strict=True):
                hits[i] = None if row == NONE else Hit(int(row), float(away))
        return [self.locate(claim, hits.get(i), searched=i in hits) for i, claim in enumerate(claims)]

    def _by_point(
        self, claim: ClaimedPlace, base: Place, hit: Hit | None, searched: bool, notes: list[str]
    ) -> Place | None:
        if claim.point is None:
            return None
        lon, lat = claim.point.lon, claim.point.lat
        hit = hit if searched else self.index.cell_at(lon, lat)
        if hit is not None:
            method = "nearest" if hit.distance_m else "point"
            return _over(self._cell_place(hit.row), base, method, hit.distance_m)
        area = self.index.area_at(lon, lat)
        if area and (level_of(area) in ENOUGH or not contains(self.jurisdiction, area)):
            return _over(self._area_place(area), base, "point", 0.0)
        where = f"位于{self.index.tree.by_code[area].name}" if area else "不在任何区域内"
        notes.append(f"坐标{where}，但 {self.index.tolerance_m:g} 米内没有单元网格")
        return None

    def _by_codes(self, claim: ClaimedPlace, base: Place, notes: list[str]) -> Place | None:
        for code in (claim.cell15, claim.community12, claim.street9):
            if code and (place := self.place_of(code)) is not None:
                return _keep(place, base)
            if code and self._is_elsewhere(code):
                return _over(self._area_place(short_code(code)), base, "code", None)
            if code:
                notes.append(f"编码 {code[:20]} 不在现行网格和区域代码中")
        if claim.county and self._is_elsewhere(claim.county):
            return _over(self._area_place(claim.county), base, "code", None)
        return None

    def _is_elsewhere(self, code: str) -> bool:
        """Whether *code* is a legal code outside our jurisdiction, neither below nor above it."""
        try:
            level_of(code)
        except ValueError:
            return False
        return not contains(self.jurisdiction, code) and not contains(code, self.jurisdiction)

    def place_of(self, code: str) -> Place | None:
        """The place that a cell, community, street, town or zone code names; None for an unknown or too wide code."""
        code = code.strip()
        if (row := self.index.row_of.get(code)) is not None:
            return replace(self._cell_place(row), method="code", point=_representative(self.index, code))
        current = self.index.tree.current(code)
        if len(current) != 1 or level_of(current[0]) not in ENOUGH:
            return None
        return self._code_place(current[0])

    def _by_address(self, claim: ClaimedPlace, base: Place, notes: list[str]) -> Located:
        area = short_code(claim.community12 or claim.street9 or claim.county)
        known = area if self.index.tree.get(area) else ""
        matches = self.geocoder.search(claim.address_masked, known) if claim.address_masked else []
        places = [self.place_of_match(m) for m in matches[:MOST_CANDIDATES]]
        if len(places) == 1:
            return self._judge(_keep(places[0], base), "；".join(notes))
        if places:
            notes.append(f"地址匹配到 {len(matches)} 处，请受理员选定")
        elif claim.address_masked:
            notes.append("地址在地址库和区域名称中找不到匹配，请受理员补充")
        elif not notes:
            notes.append("上报内容没有坐标、网格或区域编码，也没有地址，请受理员补充")
        place = replace(base, area=self.index.tree.ref(self.jurisdiction), grid_version=self.version, method="")
        return Located(place, "unlocated", "；".join(notes), tuple(places))

    def place_of_match(self, match: Match) -> Place:
        """The place of a geocoder's match."""
        row = match.address
        if row is None:
            return replace(self._code_place(match.area), method="address")
        point = Point(lon=row.lon, lat=row.lat, crs="cgcs2000", source="address")
        hit = self.index.cell_at(row.lon, row.lat)
        if row.cell in self.index.row_of:
            place = self._cell_place(self.index.row_of[row.cell])
        elif hit is not None:
            place = self._cell_place(hit.row)
        else:
            code = row.community or row.street or self.index.area_at(row.lon, row.lat)
            place = self._area_place(code) if code else Place(grid_version=self.version)
        return replace(place, point=point, method="address", address_masked=row.full)

    def _judge(self, place: Place, reason: str) -> Located:
        area = place.area
        own = next((c for c in (area.community12, area.street9, area.county, area.city, area.province) if c), "")
        if not own:
            return Located(place, "unlocated", "匹配到的地址没有坐标和区域，请管理员补全地址库")
        if contains(self.jurisdiction, own):
            return Located(place, "located", reason)
        name = area.names.get(own) or next((area.names[c] for c in (area.county, area.city) if c in area.names), own)
        return Located(place, "foreign", f"位于{name}（{own}），不在本平台管辖范围 {self.jurisdiction} 内")

    # -- places, made once ---------------------------------------------------------------------------------------

    def _cell_place(self, row: int) -> Place:
        found = self._cell_places.get(row)
        if found is None:
            code = self.index.codes[row]
            found = self._cell_places[row] = Place(
                area=self.index.tree.ref(code),
                cell15=code,
                duty_grid_id=self.index.duty_of[row],
                grid_version=self.version,
            )
        return found

    def _code_place(self, code: str) -> Place:
        """By code: with a representative point, and the duty grid when all the area's cells share one."""
        found = self._code_places.get(code)
        if found is None:
            duties = {self.index.duty_of[row] for row in self.index.cells_under(code)}
            found = self._code_places[code] = replace(
                self._area_place(code),
                method="code",
                point=_representative(self.index, code),
                duty_grid_id=duties.pop() if len(duties) == 1 else "",
            )
        return found

    def _area_place(self, code: str) -> Place:
        return Place(area=self.index.tree.ref(code), grid_version=self.version)


def _over(place: Place, base: Place, method: str, distance_m: float | None) -> Place:
    """*place* with what the reporter gave."""
    return replace(
        place,
        point=base.point,
        original_point=base.original_point,
        address_masked=base.address_masked,
        method=method,
        distance_m=distance_m,
    )


def _keep(place: Place, base: Place) -> Place:
    """*place* with the reporter's point and words where there are any."""
    return replace(
        place,
        point=base.point or place.point,
        original_point=base.original_point,
        address_masked=base.address_masked or place.address_masked,
    )


def _representative(index: GridIndex, code: str) -> Point | None:
    outline = index.outline(code)
    if outline is None:
        return None
    inside = shapely.point_on_surface(outline)
    return Point(lon=round(inside.x, 7), lat=round(inside.y, 7), crs="cgcs2000", source="representative")


# -- events -------------------------------------------------------------------------------------------------------


def located(event: CaseReported, found: Located) -> CaseLocated:
    """The answer to a report."""
    place = replace(found.place, part_id16=event.part_id) if event.part_id else found.place
    return CaseLocated(
        case=head_of(event.case, place),
        place=place,
        candidates=found.candidates,
        outcome=found.outcome,
        reason=found.reason,
    )


def head_of(head: CaseHead, place: Place) -> CaseHead:
    """The report's head at version 2, with its place."""
    return replace(head, case_version=VERSION, state_before="reported", state_after="reported", place=place)


def claim_of(event: CaseReported) -> ClaimedPlace:
    """What the reporter claims; a place that the head already has counts where the claim is silent."""
    claim = event.claimed_place
    return claim if claim.point is None else normalised(claim)


def normalised(claim: ClaimedPlace) -> ClaimedPlace:
    """*claim* with its point in CGCS2000; intake converts at the edge, other senders may not have.

    A point that can't be one is taken out, so that codes and address still count.
    """
    point = claim.point
    if point is None:
        return claim
    if not (-180 <= point.lon <= 180 and -90 <= point.lat <= 90):  # nor is it a number, perhaps
        return replace(claim, point=None, original_point=claim.original_point or point)
    if point.crs == "cgcs2000":
        return claim
    try:
        lon, lat = to_cgcs2000(point.lon, point.lat, point.crs)
    except GeoError:
        return replace(claim, point=None, original_point=claim.original_point or point)
    return replace(
        claim, point=replace(point, lon=lon, lat=lat, crs="cgcs2000"), original_point=claim.original_point or point
    )


def area_names(ref: AreaRef) -> str:
    """``深圳市 坪山区 龙田街道``: the path in words."""
    codes = (ref.city, ref.county, ref.street9, ref.community12)
    return " ".join(ref.names[c] for c in codes if c in ref.names)
