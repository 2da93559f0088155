"""Small grids for tests: a county of four communities, ten by ten cells of 100 m each."""

from __future__ import annotations

from pathlib import Path

import shapely
from yiwang.grid.layers import Address, Area, Cell, DutyGrid, GridData

REPOSITORY = Path(__file__).parents[3]
PROFILES = REPOSITORY / "deploy" / "profiles"
REAL_TOWNS = REPOSITORY.parent / "shared" / "data" / "geo" / "dongguan_towns_35_real.geojson"
PINGSHAN = REPOSITORY.parent / "shared" / "data" / "reports" / "pingshan_2018.csv"
WEST, SOUTH, STEP = 114.30, 22.70, 0.001
COMMUNITIES = ("440310001001", "440310001002", "440310002001", "440310002002")
COUNTY = shapely.box(WEST, SOUTH, WEST + 20 * STEP, SOUTH + 20 * STEP)


def square(column: int, row: int) -> shapely.Polygon:
    west, south = WEST + STEP * column, SOUTH + STEP * row
    return shapely.box(west, south, WEST + STEP * (column + 1), SOUTH + STEP * (row + 1))


def cell_code(column: int, row: int) -> str:
    community = COMMUNITIES[(column >= 10) * 2 + (row < 10)]
    return f"{community}{(9 - row % 10) * 10 + column % 10 + 1:03d}"


def small(version: str = "v1") -> GridData:
    cells = [Cell(code=cell_code(c, r), geom=shapely.to_wkb(square(c, r))) for c in range(20) for r in range(20)]
    return GridData(
        version=version,
        areas=(
            Area(code="440000", name="广东省", level="province"),
            Area(code="440300", name="深圳市", level="city", parent="440000"),
            Area(code="440310", name="坪山区", level="county", parent="440300", geom=shapely.to_wkb(COUNTY)),
            Area(code="440306", name="宝安区", level="county", parent="440300"),
            Area(code="440310001", name="坪山街道", level="street", parent="440310"),
            Area(code="440310002", name="马峦街道", level="street", parent="440310", predecessor="440307020"),
            *(
                Area(code=code, name=name, level="community", parent=code[:9])
                for code, name in zip(
                    COMMUNITIES, ("坪山社区居委会", "和平社区居委会", "马峦社区居委会", "江岭社区居委会"), strict=True
                )
            ),
            Area(
                code="441900", name="东莞市", level="city", parent="440000",
                geom=shapely.to_wkb(shapely.box(113.5, 22.75, 114.25, 23.15)),
            ),
        ),
        cells=tuple(sorted(cells, key=lambda cell: cell.code)),
        duty_grids=(
            DutyGrid(id="Z1", name="第一网格", cells=tuple(c.code for c in cells if c.code.startswith(COMMUNITIES[0]))),
            DutyGrid(id="Z2", geom=shapely.to_wkb(shapely.box(WEST + 10 * STEP, SOUTH, WEST + 20 * STEP, SOUTH + 1))),
        ),
        addresses=(
            Address(
                code="D1", kind="门牌", name="和平路32号", full="深圳市坪山区坪山街道和平社区和平路32号",
                lon=WEST + 0.0025, lat=SOUTH + 0.0025,
            ),
            Address(
                code="D2", kind="街巷", name="和平路", full="深圳市坪山区坪山街道和平社区和平路",
                lon=WEST + 0.0035, lat=SOUTH + 0.0025, community=COMMUNITIES[1],
            ),
            Address(
                code="D3", kind="小区", name="翠景花园", full="坪山区马峦街道翠景花园",
                lon=WEST + 0.0125, lat=SOUTH + 0.0155, street="440310002",
            ),
            Address(
                code="D4", kind="小区", name="翠景花园", full="坪山区坪山街道翠景花园",
                lon=WEST + 0.0025, lat=SOUTH + 0.0155, street="440310001",
            ),
        ),
    )  # fmt: skip
