"""Profiles: the two that ship are whole, and a broken one tells every mistake as a sentence."""

# ruff: noqa: E501 - sentences are quoted whole

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from yiwang.contracts import AreaRef, Category, Place
from yiwang.dispatch.calendar import SHANGHAI, deadline
from yiwang.dispatch.profile import BadProfile, Profile, load_profile

PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
NAMES = ("shenzhen", "dongguan")
DAY = dt.date(2026, 3, 10)


@pytest.fixture(scope="module", params=NAMES)
def profile(request: pytest.FixtureRequest) -> Profile:
    return load_profile(PROFILES / request.param)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A copy of a good profile, to be spoiled."""
    copy = tmp_path / "city"
    shutil.copytree(PROFILES / "shenzhen", copy)
    return copy


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) >= 1, f"{file.name} no longer holds {old!r}"
    file.write_text(text.replace(old, new, 1), "utf-8")


def mistakes(directory: Path) -> list[str]:
    with pytest.raises(BadProfile) as told:
        load_profile(directory)
    return list(told.value.mistakes)


def line_of(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text("utf-8").splitlines(), 1) if text in line)


def test_every_class_of_new_cases_can_be_filed_and_finds_a_unit(profile: Profile) -> None:
    rules = profile.rules
    town = {"440300": ("440306", "440306018"), "441900": ("", "441900003")}[profile.jurisdiction]
    place = Place(area=AreaRef(city=profile.jurisdiction, county=town[0], street9=town[1]))
    for row in rules.codes.categories.values():
        if row.code_set != rules.code_set:
            continue
        category = rules.codes.category(*row.key)
        assert category is not None
        assert rules.codes.conditions_of(category, DAY), f"{row.key} has no condition"
        found = rules.matrix.assign(category, "", place, DAY)
        assert found is not None
        assert found.rule_id != "no-place", f"{row.key} finds nobody in {town}"


def test_every_area_has_a_command_centre_and_somebody_for_what_nobody_owns(profile: Profile) -> None:
    rules = profile.rules
    for area in rules.command_units:
        place = Place(
            area=AreaRef(
                city=profile.jurisdiction, county=area if len(area) == 6 else "", street9=area if len(area) == 9 else ""
            )
        )
        found = rules.matrix.assign(
            Category(code_set="none", version="", kind="event", major="", minor=""), "", place, DAY
        )
        assert found is not None


def test_the_two_cities_number_street_order_differently() -> None:
    """Domain notes, trap 2: 04 is 街面秩序 here and 突发事件 there."""
    names = {}
    for name in NAMES:
        rules = load_profile(PROFILES / name).rules
        category = rules.codes.category(rules.code_set, "event", "04", "01")
        assert category is not None
        names[name] = category.major_name

    assert names == {"shenzhen": "街面秩序", "dongguan": "突发事件"}


def test_a_class_goes_over_to_the_national_numbering_and_back() -> None:
    rules = load_profile(PROFILES / "dongguan").rules
    stall = rules.codes.category(rules.code_set, "event", "05", "01")
    assert stall is not None
    national = rules.codes.translate(stall, "gbt30428.2-2013")
    assert national is not None

    assert ("04", "01", stall.minor_name) == (national.major, national.minor, national.minor_name)
    assert stall == rules.codes.translate(national, rules.code_set)


def test_a_historical_case_has_a_limit_though_its_class_is_in_no_list(profile: Profile) -> None:
    old = Category(code_set="pingshan-2018", version="2018", kind="event", major="178", minor="602")

    assert [c.condition_id for c in profile.rules.codes.conditions_of(old, dt.date(2018, 7, 4))] == ["PS-2018"]


@pytest.mark.parametrize(
    ("day", "works"),
    [
        pytest.param("2026-02-14", True, id="2026: make-up Saturday before Spring Festival"),
        pytest.param("2026-02-23", False, id="2026: last day of Spring Festival"),
        pytest.param("2026-02-28", True, id="2026: make-up Saturday after it"),
        pytest.param("2025-01-26", True, id="2025: make-up Sunday"),
        pytest.param("2025-10-08", False, id="2025: National Day and Mid-autumn together"),
        pytest.param("2024-09-14", True, id="2024: make-up Saturday of Mid-autumn"),
        pytest.param("2024-02-18", True, id="2024: make-up Sunday of Spring Festival"),
        pytest.param("2020-01-31", False, id="2020: Spring Festival was lengthened"),
    ],
)
def test_the_published_holidays_are_those_of_the_notices(profile: Profile, day: str, works: bool) -> None:
    assert works == profile.rules.calendar.is_working_day(dt.date.fromisoformat(day))


def test_a_working_day_limit_at_the_end_of_2026_is_provisional(profile: Profile) -> None:
    calendar = profile.rules.calendar

    assert deadline(dt.datetime(2026, 12, 31, 10, tzinfo=SHANGHAI), 2, "work_day", calendar).provisional
    assert not deadline(dt.datetime(2026, 12, 28, 10, tzinfo=SHANGHAI), 2, "work_day", calendar).provisional


def test_every_set_has_a_version_and_every_file_a_digest(profile: Profile) -> None:
    assert {"codes", "conditions", "matrix", "calendar", "units", "profile"} == profile.rules.versions.keys()
    assert {"profile.toml", "holidays.csv", "dispatch/units.csv", "dispatch/matrix.csv"} <= profile.digests.keys()


def test_a_changed_file_has_another_digest(broken: Path) -> None:
    before = load_profile(broken).digests
    change(broken / "dispatch/units.csv", "宝安区环境卫生中心", "宝安区环境卫生所")

    assert {"dispatch/units.csv"} == {n for n, d in load_profile(broken).digests.items() if before[n] != d}


def test_inspectors_cases_go_by_rule_and_citizens_wait_for_a_person() -> None:
    first, second = load_profile(PROFILES / "shenzhen").rules.auto_rules

    assert first.covers("1", "event/01/10")
    assert not first.covers("12345", "event/01/10")
    assert first.auto.dispatch
    assert second.covers("12345", "")
    assert not second.auto.accept


def test_all_mistakes_are_told_at_once(broken: Path) -> None:
    units, conditions, matrix = (broken / "dispatch" / f"{n}.csv" for n in ("units", "conditions", "matrix"))
    change(units, "440306-env,宝安区环境卫生中心,2,440306-command", "440306-env,宝安区环境卫生中心,two,440306-nobody")
    change(
        conditions,
        "E0110-1,gbt30428.2-2013,event,01,10,垃圾暴露、未及时清运,4,work_hour",
        "E0110-1,gbt30428.2-2013,event,01,70,垃圾暴露、未及时清运,0,hours",
    )
    change(matrix, "trade:enforcement@street", "trade:enforcment@street")
    line = {
        name: line_of(file, text)
        for name, file, text in (
            ("units", units, "440306-env,"),
            ("conditions", conditions, "E0110-1"),
            ("matrix", matrix, "enforcment"),
        )
    }

    assert [
        f"dispatch/conditions.csv line {line['conditions']} column limit: '0' is no number; write a whole number from 1 up",
        f"dispatch/conditions.csv line {line['conditions']} column unit_kind: 'hours' isn't known here; write one of urgent_minute, urgent_hour, urgent_day, natural_day, work_hour, work_day",
        f"dispatch/conditions.csv line {line['conditions']} column minor: the class gbt30428.2-2013/event/01/70 isn't in the categories; add it or correct it here",
        f"dispatch/units.csv line {line['units']} column level: 'two' is no number; write a whole number from 1 up",
        "dispatch/units.csv: unit '440306-env' has the parent '440306-nobody', which doesn't exist; add it or clear the field",
        f"dispatch/matrix.csv line {line['matrix']} column lead: no unit does 'enforcment'; give some unit this trade or correct it here",
    ] == mistakes(broken)  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("profile.toml", 'governance = "one_supervise_two_command"', 'governance = "both"',
         "profile.toml [profile] governance: 'both' isn't known; write one of one_supervise_two_command, two_supervise_two_command, single"),
        ("profile.toml", 'jurisdiction = "440300"', 'jurisdiction = "4403"',
         "profile.toml [profile] jurisdiction: '4403' is no area code: "),
        ("profile.toml", "warn_fraction = 0.75", "warn_fracton = 0.75",
         "profile.toml [dispatch] warn_fracton: isn't known; correct its spelling or drop it"),
        ("profile.toml", "warn_fraction = 0.75", "warn_fraction = 75",
         "profile.toml [dispatch] warn_fraction: 75.0 isn't between 0 and 1; write 0.75 to warn at three quarters"),
        ("profile.toml", 'accept = { limit = 15, unit = "urgent_minute" }', "",
         'profile.toml [dispatch] stages: accept has no limit; add accept = { limit = 30, unit = "urgent_minute" }'),
        ("profile.toml", 'matrix = "2026.1"', "",
         'profile.toml [dispatch] versions: matrix has no version; add one, e.g. matrix = "2026.1"'),
        ("profile.toml", '"14:00-18:00"', '"11:00-18:00"',
         "profile.toml [[dispatch.schedules]] standard: '11:00-18:00' ends before it begins, or begins too early; put it right"),
        ("profile.toml", '"14:00-18:00"', '"afternoon"',
         "profile.toml [[dispatch.schedules]] standard: 'afternoon' are no hours; write them as 08:00-12:00"),
        ("profile.toml", 'code_set = "gbt30428.2-2013"  #', 'code_set = "gbt"  #',
         "profile.toml [dispatch] code_set: 'gbt' isn't among code_sets; add it there"),
        ("dispatch/categories.csv", "minor_name,extension", "extension",
         "dispatch/categories.csv line 1: the column minor_name is missing; add it to the first line"),
        ("dispatch/categories.csv", "公用设施,上水井盖,", "公用设施,上水井盖",
         "dispatch/categories.csv line 2: has not as many fields as line 1; quote a text that has a comma"),
        ("dispatch/units.csv", "宝安区环境卫生中心", "宝安区园林绿化管护中心",
         "dispatch/units.csv: the name '宝安区园林绿化管护中心' belongs to 440306-env, 440306-green; only an id can tell them apart"),
        ("dispatch/units.csv", "sanitation,440306,", "sanitation,44036,",
         "dispatch/units.csv line 44 column areas: '44036' is no area code: "),
        ("dispatch/matrix.csv", "unit:440300-command", "unit:gone",
         "dispatch/matrix.csv line 81 column lead: there is no unit 'gone'; add it to the units or correct it here"),
        ("dispatch/matrix.csv", "no-place,*,*", "no-place,*,part",
         "dispatch/matrix.csv: no rule catches everything; end with * in code_set, kind, major and minor and unit:<id> as lead"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_place_and_remedy(broken: Path, file: str, old: str, new: str, sentence: str) -> None:
    change(broken / file, old, new)

    [told] = mistakes(broken)
    assert told.startswith(sentence)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("2026-01-01,holiday,元旦\n2026-01-01,holiday,元旦", "holidays.csv line 3 column date: 2026-01-01 stands there twice; drop one"),
        ("2026-01-05,workday,调休", "holidays.csv line 2 column kind: 2026-01-05 is no weekend, it needs no make-up workday; write holiday or drop the line"),
        ("1.1.2026,holiday,元旦\n2026-01-01,holiday,元旦", "holidays.csv line 2 column date: '1.1.2026' is no day; write it as 2026-01-31"),
    ],
)  # fmt: skip
def test_a_wrong_holiday_is_told(broken: Path, rows: str, sentence: str) -> None:
    change(
        broken / "profile.toml",
        "[dispatch.files]",
        '[dispatch.files]\nholidays = "holidays.csv"',
    )
    (broken / "holidays.csv").write_text(f"date,kind,name\n{rows}\n", "utf-8")

    assert [sentence] == mistakes(broken)


def test_a_missing_file_and_a_wrong_encoding_are_told(broken: Path) -> None:
    (broken / "dispatch/matrix.csv").unlink()
    units = broken / "dispatch/units.csv"
    units.write_bytes(units.read_text("utf-8").encode("gb18030"))

    told = mistakes(broken)

    assert "dispatch/units.csv line 2: is no UTF-8; save the file as UTF-8" in told
    assert "dispatch/matrix.csv: can't be read in city; put the file there" in told


def test_broken_toml_and_an_empty_setting_are_told(broken: Path) -> None:
    (broken / "profile.toml").write_text("[profile\n", "utf-8")

    assert "profile.toml: " in mistakes(broken)[0]
    assert mistakes(Path("")) == ["YIWANG_PROFILE is empty; set it to a directory such as deploy/profiles/shenzhen"]


def test_the_list_of_trivial_matters_is_checked_against_the_classes(broken: Path) -> None:
    """Both city profiles have one; a class that doesn't exist or a name of another class stops the start."""
    listed = load_profile(broken).rules.self_disposal
    assert ("gbt30428.2-2013", "event", "02", "01") in listed

    file = broken / "intake" / "self_disposal.csv"
    change(file, "event,01,07,", "event,01,77,")
    change(file, "非法小广告", "小广告")

    assert mistakes(broken) == [
        "intake/self_disposal.csv line 2 column minor: the class gbt30428.2-2013/event/01/77 isn't in the categories;"
        " add it or correct it here",
        f"intake/self_disposal.csv line {line_of(file, '小广告')} column name: '小广告' isn't the name of that class;"
        " write 非法小广告",
    ]
