"""Rules are data; a wrong file stops the start with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from yiwang.intake.profile import FILES, BadProfile, load


def _profile(tmp_path: Path, name: str, text: str) -> str:
    (tmp_path / "intake").mkdir()
    (tmp_path / "intake" / name).write_text(text, "utf-8")
    return str(tmp_path)


HEAD = "code,name,reporter_kind,verify_policy,roles,anonymous,systems,summary_limit,follow_up\n"


def test_a_place_replaces_a_file_and_keeps_the_others(tmp_path: Path) -> None:
    profile = _profile(tmp_path, "channels.csv", HEAD + "61,美丽深圳,citizen,must,,yes,mlsz,100,yes\n")
    rules = load(profile)

    assert list(rules.channels) == ["61"]
    assert rules.channels["61"].summary_limit == 100
    assert rules.nature("投诉", "citizen").is_case


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("channels.csv", HEAD + "61,X,citizen,perhaps,,no,,0,yes\n", "verify_policy"),
        ("channels.csv", HEAD + "61,X,citizen,must,,yes,,0,yes\n", "systems"),
        ("channels.csv", HEAD + "61,X\n", "列数"),
        ("natures.csv", "code,name,is_case,answer_code,aliases\na,A,yes,,c\nb,B,no,,c\n", "同时属于"),
        ("self_disposal.csv", "code_set,kind,major,minor,name\nc,thing,01,07,X\n", "kind"),
        ("control_areas.geojson", '{"features":[{"properties":{"id":"a"},"geometry":{}}]}', "message"),
    ],
)
def test_a_wrong_file_says_what_to_write(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(BadProfile, match=says):
        load(_profile(tmp_path, name, text))


def test_every_file_ships_with_a_default() -> None:
    assert load().stage("closed").word == "已办结"
    assert len(FILES) == 6


def test_a_state_that_a_newer_dispatch_invented_is_told_as_in_progress() -> None:
    assert load().stage("negotiating").word == "办理中"


PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"


@pytest.mark.parametrize("name", ["shenzhen", "dongguan"])
def test_the_profiles_that_ship_are_right(name: str) -> None:
    """Each has channels of its own under a version of its own; what citizens use is open without a login."""
    rules = load(str(PROFILES / name))

    assert rules.version.startswith(name)
    assert {code for code, channel in rules.channels.items() if channel.anonymous} >= {"33", "wechat", "app"}
    assert bool(rules.control_areas) is (name == "dongguan")
    assert "非法小广告" in rules.self_disposal.values()
