"""What a report needs; every mistake is found at once and named by its place."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from yiwang.contracts import Point
from yiwang.geo import GeoError
from yiwang.intake.checks import control_area, convert, mistakes_of, self_disposal, source_mistakes
from yiwang.intake.rules import LOCAL, ControlArea
from yiwang.intake.submission import ReportedPoint, Source
from yiwang.intake.testing import NOW, RULES, a_submission

CHANNEL = RULES.channels["1"]


def _category(**change: str) -> dict[str, str]:
    return {"code_set": "x", "version": "1", "kind": "part", "major": "1", "minor": "1"} | change


def _paths(**change: Any) -> list[str]:
    report = a_submission(**change)
    assert isinstance(report.channel, str)
    return [mistake.path for mistake in mistakes_of(report, RULES.channels[report.channel], NOW)]


def test_a_complete_report_has_no_mistake() -> None:
    assert _paths() == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"occurred_at": "2026-11-23T12:06:00+08:00"}, "$.occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "$.occurred_at"),
        ({"device_at": "9999-12-31T23:59:59-12:00"}, "$.device_at"),
        ({"description": " \n"}, "$.description"),
        ({"description": None}, "$.description"),
        ({"place": {}}, "$.place"),
        ({"place": {"county": "440310"}}, "$.place"),
        ({"place": {"street9": "440310006", "community12": "440310007001"}}, "$.place.community12"),
        ({"place": {"county": "440306", "street9": "440310006"}}, "$.place.street9"),
        ({"urgency": "asap"}, "$.urgency"),
        ({"channel": "33", "self_disposed": True}, "$.self_disposed"),
        ({"category": _category(kind="thing")}, "$.category.kind"),
        ({"category": _category(code_set="x" * 65)}, "$.category"),
        ({"imported": {"unit": {"unit_id": "1"}, "timeliness": "late"}}, "$.imported.timeliness"),
        ({"imported": {"unit": {"unit_id": "1"}, "closed_at": "2026-11-01T00:00:00Z"}}, "$.imported.closed_at"),
    ],
)
def test_names_the_place_of_a_mistake(change: dict[str, Any], path: str) -> None:
    assert _paths(**change) == [path]


def test_finds_all_mistakes_at_once() -> None:
    assert _paths(description="", place={}, urgency="x") == ["$.urgency", "$.description", "$.place"]


@pytest.mark.parametrize(
    "place",
    [
        {"cell15": "440310006002001"},
        {"community12": "440310006002"},
        {"street9": "441900003", "county": "441900"},
        {"address": "兴华路12号"},
    ],
)
def test_one_way_to_find_the_place_is_enough(place: dict[str, Any]) -> None:
    assert _paths(place=place) == []


def test_a_part_s_code_is_a_place() -> None:
    assert _paths(place={}, part_id="4403100101000001") == []


def test_an_imported_record_needs_neither_text_nor_place() -> None:
    """History can't be asked: what the old system didn't write down is left out."""
    assert _paths(description=None, place={}, imported={"unit": {"unit_id": "8508"}, "timeliness": "on_time"}) == []


def test_a_clock_five_minutes_ahead_is_let_pass() -> None:
    assert _paths(occurred_at="2026-11-23T12:05:00+08:00") == []


@pytest.mark.parametrize(
    "point",
    [
        {"lon": 22.69, "lat": 114.34, "crs": "wgs84"},
        {"lon": 0.0, "lat": 0.0, "crs": "wgs84"},
        {"lon": 114.3, "lat": 22.6, "crs": "mars"},
        {"lon": 1e308, "lat": -1e308, "crs": "gcj02"},
        {"lon": 1e308, "lat": 1e308, "crs": "EPSG:4547"},
        {"lon": 114.3, "lat": 22.6, "crs": "EPSG:999999"},
    ],
)
def test_a_point_that_is_no_place_in_china_says_so(point: dict[str, Any]) -> None:
    with pytest.raises(GeoError):
        convert(msgspec.convert(point, ReportedPoint))


def test_points_of_every_datum_meet_in_cgcs2000() -> None:
    """The published vector: one place in Guangzhou in three datums."""
    given = [
        ("wgs84", 113.3192, 23.1090),
        ("gcj02", 113.3246105200526, 23.10638916075787),
        ("bd09", 113.33115209191764, 23.11215240311741),
    ]
    found = [convert(ReportedPoint(lon=lon, lat=lat, crs=crs)) for crs, lon, lat in given]

    assert {(round(p.lon, 5), round(p.lat, 5), p.crs) for p in found} == {(113.3192, 23.109, "cgcs2000")}


TRIVIAL = msgspec.structs.replace(RULES, self_disposal={("t", "event", "02", "01"): "非法小广告"})


@pytest.mark.parametrize(
    ("category", "path", "says"),
    [
        (_category(minor_name="占道经营"), "$.self_disposed", "“占道经营”不在可自行处置的事项清单内（非法小广告）"),
        (None, "$.category", "自行处置的须写明类别，可自行处置的事项有：非法小广告"),
    ],
)
def test_only_what_is_on_the_list_may_be_mended_on_the_spot(category: Any, path: str, says: str) -> None:
    """自处置 (case management 1.4): a trivial list, and the refusal says what stands on it."""
    [mistake] = self_disposal(a_submission(self_disposed=True, category=category), TRIVIAL)

    assert mistake.path == path
    assert says in mistake.say


def test_what_is_on_the_list_history_and_ordinary_reports_are_not_refused() -> None:
    listed = {"code_set": "t", "version": "1", "kind": "event", "major": "02", "minor": "01"}
    imported = {"unit": {"unit_id": "8508"}, "timeliness": "on_time"}

    assert self_disposal(a_submission(self_disposed=True, category=listed), TRIVIAL) == []
    assert self_disposal(a_submission(self_disposed=True, imported=imported), TRIVIAL) == []
    assert self_disposal(a_submission(), RULES) == []


def test_without_a_list_nothing_is_mended_on_the_spot() -> None:
    [mistake] = self_disposal(a_submission(self_disposed=True, category=_category()), RULES)

    assert "没有可自行处置的事项清单" in mistake.say


def test_nobody_takes_the_numbers_of_another_system() -> None:
    web = RULES.channels["33"]

    assert source_mistakes(Source(system="12345", record_id="x" * 20), web, known=False)[0].path == "$.source.system"
    assert source_mistakes(Source(system="web", record_id="1"), web, known=False)[0].path == "$.source.record_id"
    assert source_mistakes(Source(system="web", record_id="x" * 16), web, known=False) == []


def _market(**change: Any) -> ControlArea:
    fields: dict[str, Any] = {
        "area_id": "market",
        "message": "夜市试点区域 18:00-23:00 不上报占道经营",
        "rings": (((114.34, 22.68), (114.36, 22.68), (114.36, 22.70), (114.34, 22.70)),),
        "valid_from": dt.datetime(2026, 11, 1, tzinfo=LOCAL),
        "valid_to": dt.datetime(2026, 12, 1, tzinfo=LOCAL),
        "daily_from": dt.time(11),
        "daily_to": dt.time(13),
        "minors": frozenset({"event/01/13"}),
    }
    return ControlArea(**(fields | change))


@pytest.mark.parametrize(
    ("change", "blocked"),
    [
        ({}, True),
        ({"daily_from": dt.time(18), "daily_to": dt.time(23)}, False),
        ({"daily_from": dt.time(22), "daily_to": dt.time(12, 30)}, True),
        ({"daily_from": dt.time(0), "daily_to": dt.time(0)}, True),
        ({"minors": frozenset({"event/04/06"})}, False),
        ({"minors": frozenset()}, True),
        ({"valid_to": dt.datetime(2026, 11, 2, tzinfo=LOCAL)}, False),
        ({"reporter_kinds": frozenset({"citizen"})}, False),
        ({"rings": (((114.0, 22.0), (114.1, 22.0), (114.1, 22.1)),)}, False),
    ],
)
def test_a_control_area_refuses_by_place_time_and_problem(change: dict[str, Any], blocked: bool) -> None:
    rules = msgspec.structs.replace(RULES, control_areas=(_market(**change),))
    point = Point(lon=114.3461, lat=22.6908, crs="cgcs2000")

    assert (control_area(a_submission(), CHANNEL, rules, point, NOW) is not None) is blocked
