"""The requirements of the classes are data, and the report says how each one stands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from yiwang.stack.acceptance import Finding, Item, RulesError, load
from yiwang.stack.acceptance.command import CHECKS
from yiwang.stack.acceptance.items import CLASSES, judged
from yiwang.stack.acceptance.report import Report, html, markdown

PUBLISHED = {
    "time.case_locate": 3, "time.terminal_locate": 3, "time.map_locate": 5, "time.wireless_query": 20, "time.report": 30,
    "time.task_listed": 10, "time.task_pushed": 10,
}  # fmt: skip
"""Seconds, as tenders of the time of CJJ/T 106 publish them (case-management.md 7)."""


@pytest.mark.parametrize("klass", CLASSES)
def test_each_class_keeps_the_published_response_times(klass: str) -> None:
    """No class is let off, every requirement names its source and a measurement that exists."""
    items = {item.id: item for item in load(klass).items}

    assert {name: items[name].limit for name in PUBLISHED} == PUBLISHED
    assert all(item.source and item.check in CHECKS for item in items.values())
    assert load(klass).note


def test_a_higher_class_asks_for_everything_of_the_lower_one_or_more() -> None:
    basic, standard, smart = (load(klass) for klass in CLASSES)
    ids = [{item.id for item in book.items} for book in (basic, standard, smart)]

    assert ids[0] < ids[1] < ids[2]
    days = [next(item.limit for item in book.items if item.id == "run.days") for book in (basic, standard, smart)]
    assert days == sorted(days)


def test_a_place_sets_its_own_limits(tmp_path: Path) -> None:
    (tmp_path / "basic.toml").write_text(
        'title = "本市基础型"\n[[items]]\nid = "run.days"\ngroup = "运行"\ntitle = "试运行"\ncheck = "days_run"\n'
        'limit = 180\nunit = "天"\nat_most = false\nsource = "本市验收办法"\n', "utf-8",
    )  # fmt: skip

    [item] = load("basic", tmp_path).items

    assert item.limit_text == "≥ 180 天"


@pytest.mark.parametrize(
    ("text", "say"),
    [('title = "甲"\nextends = "basic"', "绕成了圈"), ("title = ", "不能使用"), ("[[items]]", "不能使用")],
)
def test_a_wrong_file_of_requirements_is_refused_with_a_sentence(text: str, say: str, tmp_path: Path) -> None:
    (tmp_path / "basic.toml").write_text(text, "utf-8")

    with pytest.raises(RulesError, match=say):
        load("basic", tmp_path)


def an_item(**change: object) -> Item:
    fields = {"id": "x", "group": "响应时间", "title": "查询<定位>", "limit": 3.0, "unit": "秒", "source": "条文|甲"}
    return Item(**(fields | change))  # type: ignore[arg-type]


def a_report(*findings: Finding) -> Report:
    at = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
    return Report(book=load("basic"), code="440305", name="南山区", tier="县级", at=at, findings=findings)


@pytest.mark.parametrize(("seconds", "state"), [(2.99, "pass"), (3.0, "pass"), (3.01, "fail")])
def test_a_figure_is_judged_by_its_limit(seconds: float, state: str) -> None:
    assert judged(an_item(), seconds, digits=2).state == state
    assert judged(an_item(at_most=False), -seconds).state == "fail"


def test_only_a_measured_failure_fails_the_acceptance() -> None:
    """What people must look at is listed, not counted."""
    fine, manual, absent = (Finding(an_item(), state) for state in ("pass", "manual", "na"))

    assert a_report(fine, manual, absent).passed
    assert not a_report(fine, Finding(an_item(), "fail")).passed
    assert "需人工核对 1" in a_report(fine, manual).verdict


def test_the_printed_report_holds_figure_limit_source_and_signatures() -> None:
    report = a_report(judged(an_item(), 0.25, "5 次中最慢的一次", digits=2))

    assert "| 查询<定位> | ≤ 3 秒 | 0.25 秒 | 合格 | 5 次中最慢的一次 | 条文／甲 |" in markdown(report)
    page = html(report)
    assert "查询&lt;定位&gt;" in page
    assert "验收专家组" in page
    assert "http" not in page.replace("m.bdocx.com", "")
