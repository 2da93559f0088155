"""Figures over HTTP, with real NATS and PostgreSQL."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
from yiwang.contracts import MeshHeartbeat
from yiwang.evaluation.app import service
from yiwang.evaluation.testing import MORNING, Life
from yiwang.evaluation.vocabulary import NAMES
from yiwang.kit import ManualClock
from yiwang.stack.testing import TestNode

DONE = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 240", "+60 handle service", "+0 confirm", "+5 close"]
LATE = ["report 11 reply", "+1 accept", "+5 file", "+5 dispatch u2 60", "+90 confirm", "+5 close", "+5 visit 2 satisfied"]
OPEN = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 240"]
NOW = MORNING + dt.timedelta(hours=3)
MONTH = {"period": "2026-11"}


async def got(http: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await http.get(f"/evaluation/{path}", params=MONTH | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rate(figure: dict[str, Any], code: str) -> str:
    return str(next(one["shown"] for one in figure["indicators"] if one["code"] == code))


async def lives(node: TestNode) -> None:
    """Two cases done in one district and one open in another, and one of the year before."""
    told = [
        Life("a").lead(*DONE),
        Life("b", cls="event/04/01").lead(*LATE),
        Life("c", place="440303001002", custody="440303").lead(*OPEN),
        Life("old", at=MORNING - dt.timedelta(days=365)).lead(*DONE),
        Life("drill", purpose="drill").lead(*DONE),
    ]
    await node.publish(*[event for life in told for event in life.events])
    await node.settled()


async def test_figures_rankings_trends_and_the_cases_behind_a_number(node: TestNode) -> None:
    """One city's month: sums of its districts, rates from sums, drill-down to the very cases."""
    async with node.running(service, clock=ManualClock(NOW)) as app:
        await lives(node)
        http = app.http("evaluator")

        city = await got(http, "figures")
        counters = city["counters"]
        assert (counters["report_num"], counters["archive_num"], counters["intime_archive"]) == (3, 2, 1)
        assert rate(city, "intime_archive_rate") == "50.00%"
        districts = [(await got(http, "figures", object=code))["counters"] for code in ("440310", "440303")]
        assert counters == {n: s for n in NAMES if (s := sum(d.get(n, 0) for d in districts))}

        assert (await got(http, "figures", category="event/04/01"))["counters"]["report_num"] == 1
        assert (await got(http, "figures", object="440310001003", category="event/01/10"))["counters"]["report_num"] == 1
        assert (await got(http, "figures", category="@public"))["counters"]["overtime_dispose"] == 1
        assert (await got(http, "figures", purpose="drill"))["counters"]["report_num"] == 1
        for kind, code in (("grid", "440310-G01"), ("unit", "u1"), ("person", "p-collector"), ("post", "post-closer")):
            assert (await got(http, "figures", kind=kind, object=code))["counters"], kind

        places = await got(http, "ranking", indicator="archive_rate", level="county")
        assert [(p["object"], p["rank"]) for p in places] == [("440310", 1), ("440303", None)]
        units = await got(http, "ranking", indicator="intime_dispose_rate", kind="unit")
        assert [(p["object"], p["rank"], float(p["value"])) for p in units] == [("u1", 1, 0.5), ("u2", 2, 0.0)]

        both = await got(http, "comparison")
        assert both["periods"] == ["2026-11", "2026-10", "2025-11"]
        assert both["counters"]["archive_num"] == [2, 0, 1]
        points = await got(http, "trend", indicator="archive_rate")
        assert len(points) == 30
        assert [p["period"] for p in points if p["counters"]] == ["2026-11-23"]
        for query in ({}, {"object": "440310"}, {"category": "event/04"}, {"kind": "unit", "object": "u1"},
                      {"kind": "post", "object": "post-closer"}, {"category": "@patrol"}):  # fmt: skip
            day = (await got(http, "figures", period="2026-11-23", **query))["counters"]
            hours = await got(http, "trend", indicator="archive_rate", period="2026-11-23", by="hour", **query)
            assert {name: sum(p["counters"].get(name, 0) for p in hours) for name in day} == day, query
            assert [p["period"] for p in hours if p["counters"]] == ["2026-11-23T09"]
            assert len(hours) == 24

        for counter, value in counters.items():
            page = await got(http, "cases", counter=counter, limit=2)
            assert page["total"] == value
            rest = (await got(http, "cases", counter=counter, after=page["next"]))["items"] if page["next"] else []
            assert sum(one["amount"] for one in [*page["items"], *rest]) == value, counter
        unit = await got(http, "cases", counter="overtime_dispose", kind="unit", object="u2")
        assert [one["case_id"] for one in unit["items"]] == ["b"]


async def test_targets_surveys_scores_and_goals(node: TestNode) -> None:
    """What people enter is kept, the newest counts; a score explains every line."""
    async with node.running(service, clock=ManualClock(NOW)) as app:
        await lives(node)
        http = app.http("evaluator")
        for value in (4.0, 2.0):
            target = {"source": "target", "name": "patrol", "period": "2026-11", "value": value}
            assert (await http.post("/evaluation/inputs", json=target)).status_code == 201
        survey = {"period": "2026-11", "answers": {"100": 60, "80": 30, "0": 10}}
        assert (await http.post("/evaluation/surveys", json=survey)).json()["value"] == "0.84"

        assert rate(await got(http, "figures"), "task_rate") == "100.00%"
        listed = await got(http, "inputs")
        assert {(one["source"], one["value"]) for one in listed} == {("target", "2"), ("survey", "0.84")}
        told = await got(http, "scores", scheme="jinhua")
        assert told["score"]["grade"] == "C"
        assert all(line["why"] for line in told["score"]["lines"])
        assert [p["rank"] for p in await got(http, "scores/ranking", scheme="jinhua")] == [1, 2]
        goals = await got(http, "goals")
        assert [g["goal"] for g in goals["goals"]] == ["干净", "整洁", "有序", "安全", "群众满意"]
        assert next(g["value"] for g in goals["goals"] if g["goal"] == "安全") is None


async def test_everybody_sees_what_is_theirs_and_no_more(node: TestNode) -> None:
    """Overseers their areas, people of a unit their unit, nobody else anything; wrong words are refused with a sentence."""
    async with node.running(service, clock=ManualClock(NOW)) as app:
        await lives(node)
        district = app.http("leader", area="440310")
        unit = app.http("dept_operator", area="440310", unit_id="u1")

        async def status(http: httpx.AsyncClient, path: str = "figures", **query: Any) -> int:
            return (await http.get(f"/evaluation/{path}", params=MONTH | query)).status_code

        assert await status(district, object="440310001") == 200
        assert await status(district) == await status(district, object="440303") == 403
        assert await status(district, kind="grid", object="440310-G01") == 200
        assert await status(district, kind="person", object="p-collector") == 403
        assert await status(unit, kind="unit", object="u1") == 200
        assert await status(unit, kind="unit", object="u2") == await status(unit, object="440310") == 403
        assert await status(unit, "ranking", kind="unit", indicator="archive_rate") == 403
        assert await status(app.http("collector"), object="440310") == 403
        http = app.http("evaluator")
        assert await status(http, period="2026-13") == await status(http, category="@nobody") == 400
        assert await status(http, "trend", indicator="archive_rate", by="hour") == 400
        assert await status(http, "cases", counter="nothing") == await status(http, "trend", indicator="nothing") == 404
        told = await app.http("leader").post("/evaluation/surveys", json={"period": "2026-11", "answers": {"100": 1}})
        assert told.status_code == 403


async def test_a_city_says_as_of_when_while_a_district_is_cut_off(node: TestNode) -> None:
    """Heartbeats tell; the figures of the district that is heard are complete."""
    async with node.running(service, clock=ManualClock(NOW)) as app:
        beats = [
            MeshHeartbeat(node=code, tier="county", version="1", started_at=MORNING, jurisdiction=code, recorded_at=at)
            for code, at in (("440310", NOW), ("440303", NOW - dt.timedelta(hours=2)))
        ]
        await node.publish(*beats)
        await lives(node)
        http = app.http("evaluator")

        told = (await got(http, "figures"))["as_of"]
        assert (told["complete"], [n["node"] for n in told["nodes"] if n["cut"]]) == (False, ["440303"])
        assert "440303" in told["sentence"]
        assert (await got(http, "figures", object="440310"))["as_of"]["complete"]
