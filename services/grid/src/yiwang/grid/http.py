"""Questions to the grid: which cell, which area, which address; today or on a past day."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

import msgspec
import shapely
from litestar import get
from litestar.params import Parameter
from shapely.geometry import mapping
from yiwang.contracts import AreaRef, ClaimedPlace, Place, Point
from yiwang.geo import GeoError, metric_plane, to_cgcs2000
from yiwang.kit import App, allow, answers

from . import errors
from .domain import Locator, area_names
from .service import Grids
from .tree import short_code

Day = Annotated[dt.date | None, Parameter(description="Which version: that of this day; today's if not given")]
CodeOf = Annotated[str, Parameter(pattern=r"^[0-9A-Z]{6,15}$")]


class LocateView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a point lies."""

    outcome: str
    place: Place
    names: str
    reason: str = ""


class MatchView(msgspec.Struct, frozen=True, kw_only=True):
    """One meaning of an address."""

    matched: str
    kind: str
    place: Place
    names: str


class CellView(msgspec.Struct, frozen=True, kw_only=True):
    """A unit cell with its GeoJSON geometry in CGCS2000."""

    code: str
    name: str
    area: AreaRef
    names: str
    duty_grid_id: str
    land_use: str
    manage_level: str
    area_m2: float
    version: str
    geometry: dict[str, Any]


class ChildView(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str
    level: str
    kind: str


class AreaView(msgspec.Struct, frozen=True, kw_only=True):
    """An area with what lies directly below it."""

    code: str
    name: str
    level: str
    parent: str
    kind: str
    valid_from: str
    valid_to: str
    predecessor: str
    successors: list[str]
    children: list[ChildView]
    cells: int
    version: str


@get("/grid/locate", guards=[allow()], responses=answers(errors.BAD_POINT, errors.NO_VERSION_THEN))
async def locate(app: App, lon: float, lat: float, crs: str = "cgcs2000", on: Day = None) -> LocateView:
    """The cell, duty grid and area of a point in any datum or EPSG frame."""
    grid = await app.get(Grids).on(app, on)
    found = grid.locate(ClaimedPlace(point=point_of(lon, lat, crs), original_point=Point(lon=lon, lat=lat, crs=crs)))
    return LocateView(
        outcome=found.outcome, place=found.place, names=area_names(found.place.area), reason=found.reason
    )


def point_of(lon: float, lat: float, crs: str) -> Point:
    """The point in CGCS2000. Raises grid.bad_point with the reason."""
    try:
        x, y = to_cgcs2000(lon, lat, crs)
    except GeoError as exc:
        raise errors.BAD_POINT(why=str(exc)) from None
    return Point(lon=x, lat=y, crs="cgcs2000")


@get("/grid/geocode", guards=[allow()], responses=answers(errors.NO_AREA))
async def geocode(
    app: App,
    address: Annotated[str, Parameter(min_length=1, max_length=200)],
    area: Annotated[str, Parameter(pattern=r"^([0-9A-Z]{6,15})?$")] = "",
) -> list[MatchView]:
    """What an address may mean: one answer, several candidates of equal rank, or none."""
    grid = app.get(Grids).current
    inside = short_code(area)
    if inside and grid.index.tree.get(inside) is None:
        raise errors.NO_AREA(code=area, version=grid.version)
    views = []
    for match in grid.geocoder.search(address, inside)[:20]:
        place = grid.place_of_match(match)
        kind = match.address.kind if match.address else "区域"
        views.append(MatchView(matched=match.matched, kind=kind, place=place, names=area_names(place.area)))
    return views


@get("/grid/cells/{code:str}", guards=[allow()], responses=answers(errors.NO_CELL, errors.NO_VERSION_THEN))
async def cell(app: App, code: CodeOf, on: Day = None) -> CellView:
    """One unit cell, by its 15 digits."""
    grid = await app.get(Grids).on(app, on)
    index = grid.index
    row = index.row_of.get(code)
    if row is None:
        raise errors.NO_CELL(code=code, version=grid.version)
    shape, found, area = index.shapes[row], index.cells[row], index.tree.ref(code)
    metres = shapely.transform(shape, metric_plane(shape.centroid.y))
    return CellView(
        code=code,
        name=found.name,
        area=area,
        names=area_names(area),
        duty_grid_id=index.duty_of[row],
        land_use=found.land_use,
        manage_level=found.manage_level,
        area_m2=round(metres.area, 1),
        version=grid.version,
        geometry=mapping(shape),
    )


@get("/grid/areas/{code:str}", guards=[allow()], responses=answers(errors.NO_AREA, errors.NO_VERSION_THEN))
async def area(app: App, code: CodeOf, on: Day = None) -> AreaView:
    """One area of the tree and its children."""
    grid = await app.get(Grids).on(app, on)
    return area_view(grid, short_code(code))


def area_view(grid: Locator, code: str) -> AreaView:
    """Raises grid.no_area."""
    tree = grid.index.tree
    found = tree.get(code)
    if found is None:
        raise errors.NO_AREA(code=code, version=grid.version)
    children = [ChildView(code=a.code, name=a.name, level=a.level, kind=a.kind) for a in tree.children(code)]
    prefix = code if not code.endswith("00") or len(code) > 6 else code[:4] if not code.endswith("0000") else code[:2]
    return AreaView(
        code=found.code,
        name=found.name,
        level=found.level,
        parent=found.parent,
        kind=found.kind,
        valid_from=found.valid_from,
        valid_to=found.valid_to,
        predecessor=found.predecessor,
        successors=tree.successors(code),
        children=children,
        cells=len(grid.index.cells_under(prefix)),
        version=grid.version,
    )


LOOKUPS: Final = (locate, geocode, cell, area)
