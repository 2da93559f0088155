"""Platforms as data: what is sent under which name and code, and mistakes in a profile told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from yiwang.national_sync.links import load_links
from yiwang.national_sync.profile import Refused, load_platforms, parse, translate, untranslate
from yiwang.national_sync.settings import Settings, pairs

PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
SMALL = """
name = "upper"
title = "上级"
version = "1"
[crosswalks.source]
codes = { "1" = "A1" }
strict = true
[records.case_base.fields]
CASE_ID = { from = "case_id", required = true }
SRC = { from = "source_code", crosswalk = "source" }
[records.case_flow]
name = "FLOW"
[records.case_flow.fields]
NO = "step"
"""


def platform(text: str = SMALL) -> Any:
    return parse(text.encode(), "upper.toml")


def test_a_record_takes_their_names_and_codes() -> None:
    assert translate(platform(), "case_base", {"case_id": "c", "source_code": "1", "lon": "1.0"}) == {
        "CASE_ID": "c",
        "SRC": "A1",
    }


def test_a_missing_field_or_code_is_refused_with_what_to_mend() -> None:
    with pytest.raises(Refused, match="CASE_ID"):
        translate(platform(), "case_base", {"source_code": "1"})
    with pytest.raises(Refused, match="对照表 source 没有 99"):
        translate(platform(), "case_base", {"case_id": "c", "source_code": "99"})


def test_their_records_come_back_under_our_names() -> None:
    assert untranslate(platform(), "case_base", {"CASE_ID": "c", "SRC": "A1", "PHONE": "x"}) == {
        "case_id": "c",
        "source_code": "1",
    }
    with pytest.raises(Refused, match="不接收"):
        untranslate(platform(), "media_ref", {})


@pytest.mark.parametrize(
    ("old", "new", "say"),
    [
        ('from = "case_id"', 'from = "phone"', "there is no field 'phone'"),
        ("[records.case_flow", "[records.person", "unknown kind of record"),
        ('crosswalk = "source"', 'crosswalk = "other"', "there is no crosswalk"),
        ('version = "1"', 'version = "1"\nbatch_size = 0', "choose 1 to 5000"),
        ('title = "上级"', "", "missing required field `title`"),
        ('title = "上级"', 'title = "上级"\ncolour = 1', "unknown field `colour`"),
        ("codes = {", "codes = [", "upper.toml"),
    ],
)
def test_a_faulty_profile_is_refused_with_file_and_place(old: str, new: str, say: str) -> None:
    with pytest.raises(ValueError, match=say):
        platform(SMALL.replace(old, new))


@pytest.mark.parametrize("city", ["shenzhen", "dongguan"])
def test_a_shipped_platform_wants_every_kind_and_is_not_verified(city: str) -> None:
    nation = load_platforms(str(PROFILES / city))["nation"]
    assert nation.kinds == [
        "case_base", "case_flow", "case_result", "media_ref", "grid_ref", "unit_ref", "task", "task_feedback",
    ]  # fmt: skip
    assert not nation.verified


def test_swapped_majors_reach_the_nation_in_its_own_numbers() -> None:
    """04 is 突发事件 in Dongguan and 街面秩序 for the nation."""

    def told(city: str, code_set: str, major: str) -> tuple[Any, Any]:
        nation = load_platforms(str(PROFILES / city))["nation"]
        base = {"case_id": "c", "report_time": "t", "source_code": "1", "code_set": code_set, "major": major}
        sent = translate(nation, "case_base", base | {"kind": "event", "class_key": f"{code_set}/event/{major}"})
        return sent["code_set"], sent["major"]

    assert told("dongguan", "gbt30428.2-2013-dg", "04") == ("gbt30428.2-2013", "05")
    assert told("dongguan", "gbt30428.2-2013-dg", "01") == ("gbt30428.2-2013", "01")
    assert told("shenzhen", "gbt30428.2-2013", "04") == ("gbt30428.2-2013", "04")


def a_profile(folder: Path, **files: str) -> str:
    (folder / "sync").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "sync" / f"{name}.toml").write_text(text, "utf-8")
    return str(folder)


def test_addresses_and_secrets_come_from_the_settings(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3\n", "utf-8")
    profile = a_profile(tmp_path, upper=SMALL)
    settings = Settings(endpoints="upper=http://u/x", secrets=f"upper=file:{secret}")
    link = load_links(profile, settings).by_name["upper"]
    assert (link.endpoint, link.secret, link.missing) == ("http://u/x", "s3", "")
    bare = load_links(profile, Settings()).by_name["upper"]
    assert "YIWANG_NATIONAL_SYNC_ENDPOINTS" in bare.missing


def test_a_mistyped_platform_name_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'uper'"):
        load_links(a_profile(tmp_path, upper=SMALL), Settings(endpoints="uper=http://u"))
    with pytest.raises(ValueError, match="is taken by another file"):
        load_links(a_profile(tmp_path, other=SMALL), Settings())
    with pytest.raises(ValueError, match="name=value"):
        pairs("upper", "YIWANG_X")


def test_without_a_profile_there_is_no_platform() -> None:
    assert load_links("", Settings()).by_name == {}
