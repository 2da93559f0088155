"""What `yiwang mesh status` shows, from answers of a node."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from yiwang.stack.mesh_status import age, not_today, picture

NOW = "2026-11-23T08:00:00Z"


def place(code: str, name: str, parent: str = "", **change: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "code": code, "name": name, "tier": "county", "parent": parent, "klass": "basic", "host": "", "state": "ok",
        "lacks": [], "as_of": NOW, "version": "1", "lag": 0, "unsent_s": 0.0, "up_ms": 3.0, "down_ms": 2.0, "refused": 0,
        "parked": 0, "cases_today": 0, "cases_here": 0, "last_case_at": None, "links": [],
    }  # fmt: skip
    return fields | change


def answer(*places: dict[str, Any], alarms: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {
        "node": "440000",
        "topology": "t",
        "version": "1",
        "at": NOW,
        "places": list(places),
        "alarms": alarms or [],
    }


PROVINCE = place("440000", "广东省", state="here")


def shown(found: dict[str, Any]) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(picture(found))
    return console.export_text()


def test_a_cut_county_is_shown_with_what_waits_and_what_to_do() -> None:
    county = place("440106", "天河区", "440000", state="cut", lag=120, unsent_s=5400.0)
    alarm = {
        "node": "440000",
        "alarm": "link_cut/440106/up",
        "kind": "link_cut",
        "sentence": "请检查网络",
        "since": NOW,
    }
    text = shown(answer(PROVINCE, county, alarms=[alarm]))
    for word in ("天河区 440106", "中断", "120", "1.5 小时", "请检查网络", "告警"):
        assert word in text


def test_a_node_that_is_cut_off_says_so_of_itself() -> None:
    own = place("440106", "天河区", state="here", links=[{"direction": "down", "state": "cut", "peer": "440100"}])
    assert "本节点（与上级中断）" in shown(answer(own) | {"node": "440106"})


def test_a_docked_platform_is_shown_with_what_it_lacks() -> None:
    docked = place("441900", "东莞市", "440000", state="docked", as_of=None, lacks=["只提供结案结果"], version="")
    text = shown(answer(PROVINCE, docked))
    assert "缺项" in text
    assert "只提供结案结果" in text


def test_who_has_sent_nothing_today_is_named() -> None:
    """A place counts as heard by its heartbeat of today, or by a case of its own or from below it."""
    old = "2026-11-21T08:00:00Z"
    found = answer(
        PROVINCE,
        place("440100", "广州市", "440000", as_of=old),
        place("440106", "天河区", "440100", as_of=old, cases_here=3),
        place("440300", "深圳市", "440000", as_of=old),
        place("440303", "罗湖区", "440300", as_of=None),
    )
    assert not_today(found) == ["深圳市", "罗湖区"]


def test_a_node_with_another_mesh_page_is_told_apart() -> None:
    """Mixed versions: the county has not yet got the page that the province has."""
    assert "网络页不同" in shown(answer(PROVINCE, place("440106", "天河区", "440000", page="older")))
    assert "网络页不同" not in shown(answer(PROVINCE, place("440106", "天河区", "440000", page="1")))


def test_nothing_wrong_is_said_too() -> None:
    assert "没有告警" in shown(answer(PROVINCE))


def test_an_age_is_in_the_largest_unit_that_fits() -> None:
    assert [age(s) for s in (0, 40, 90, 7200, 2 * 86400)] == ["", "40 秒", "1.5 分", "2.0 小时", "2.0 天"]
