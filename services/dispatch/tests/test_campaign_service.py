"""Campaigns, ledgers, stations and the grid's teams on real NATS and PostgreSQL."""

from __future__ import annotations

import base64
import datetime as dt
import io
from typing import Any

from openpyxl import Workbook
from yiwang.contracts import (
    CampaignCaseJoined,
    CampaignProgress,
    CaseFiled,
    CaseVerifyRequested,
    LedgerOverdue,
    LedgerRectified,
    StationRecorded,
)
from yiwang.dispatch import campaign_store
from yiwang.dispatch.app import make_service
from yiwang.dispatch.ground import Ground, Station, Team
from yiwang.dispatch.practice import Practice
from yiwang.dispatch.testing import MONDAY, STALLS, located, reported, some_rules
from yiwang.kit import ManualClock
from yiwang.stack.testing_pair import pair

PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}
GROUND = Ground(
    stations=(Station(station_id="Z1", name="桂园驿站", area="440303001001"),),
    teams=(Team(duty_grid_id="LH-01", unit_id="patrol", role="lead"),),
)
PLAN: dict[str, Any] = {
    "title": "城市清洁三年行动", "kind": "multi_year", "basis": "城管委〔2026〕1号", "begins_on": "2026-11-01", "ends_on": "2028-12-31",
    "scope": {"categories": ["event/01/*"], "areas": ["440303"]},
    "targets": [{"area": "440303", "year": 2026, "found": 2, "rate_pct": 50}, {"unit_id": "sanitation", "rectified": 1}],
}  # fmt: skip


def ground_service() -> Any:
    return make_service(lambda _: some_rules(practice=Practice(ground=GROUND)))


async def ask(client: Any, path: str, expect: int = 200, **body: Any) -> Any:
    answer = await client.post(path, json=body)
    assert answer.status_code == expect, (path, answer.status_code, answer.text)
    return answer.json()


async def close(app: Any, case_id: str) -> None:
    """From dispatched to closed, by the hands of its unit, a checker and the leader of the shift."""
    unit = app.http("dept_operator", area="440300", unit_id="sanitation", person_ref="p-unit")
    await ask(unit, f"/cases/{case_id}/assign_handler", handler_ref="p-unit")
    await ask(unit, f"/cases/{case_id}/submit_result", resolution_mode="manage", media=[PHOTO])
    await ask(unit, f"/cases/{case_id}/dept_confirm")
    await ask(app.http("dispatcher", area="440300"), f"/cases/{case_id}/pass")
    checker = app.http("collector", area="440303", unit_id="patrol")
    await ask(checker, f"/cases/{case_id}/check_result", result="pass", media=[PHOTO])
    await ask(app.http("shift_leader", area="440300"), f"/cases/{case_id}/close", closing_condition_ids=["c1-done"])


async def kept(app: Any, campaign_id: str) -> dict[tuple[str, str], tuple[int, int]]:
    """(area, unit) → found and rectified as they are kept, which is what a recount says."""
    sums = await campaign_store.sums(app.pool, campaign_id)
    assert sums == await campaign_store.recount(app.pool, campaign_id)
    return {(c.area, c.unit_id): (c.found, c.rectified) for c in sums}


async def test_a_campaign_counts_cases_and_its_ledger_against_its_targets(node) -> None:
    """By rule, by hand, from the ledger, through a linked case; sums equal a recount; upper tiers are told."""
    clock = ManualClock(MONDAY)
    async with node.running(ground_service(), clock=clock) as app:
        leader = app.http("leader", area="440300", person_ref="p-leader")
        one = await ask(leader, "/campaigns", 201, **PLAN)
        key = one["campaign"]["campaign_id"]
        assert (one["kind_name"], one["leads_here"]) == ("多年行动计划", True)
        assert (await app.http("leader", area="440304").post("/campaigns", json=PLAN)).status_code == 403
        bad = await leader.post("/campaigns", json=PLAN | {"ends_on": "2026-10-01"})
        assert (bad.status_code, bad.json()["code"]) == (422, "dispatch.campaign_dates")

        for case_id, category in (("litter", None), ("other", STALLS), ("worked", None)):
            first = reported(case_id, **({"category": category} if category else {}))
            await node.publish(first, located(first))
        await node.until(CaseFiled, 2)
        joined = await node.until(CampaignCaseJoined, 2)
        assert {(e.case_id, e.how) for e in joined} == {("litter", "rule"), ("worked", "rule")}
        assert await kept(app, key) == {("440303001", "sanitation"): (2, 0)}

        dispatcher = app.http("dispatcher", area="440300", person_ref="p-d")
        assert await ask(dispatcher, f"/campaigns/{key}/join", nos=["other", "litter"]) == {"changed": 1}
        assert await ask(dispatcher, f"/campaigns/{key}/leave", nos=["other"], opinion="与专项无关") == {"changed": 1}
        cases = (await leader.get(f"/campaigns/{key}/cases", params={"limit": 1})).json()
        assert ([c["case_id"] for c in cases["cases"]], bool(cases["cursor"])) == (["litter"], True)

        entry = await _hazard(node, app, clock, key)
        assert (await ask(dispatcher, f"/ledgers/{entry}/link", case_no="worked"))["entry"]["case_id"] == "worked"
        assert await kept(app, key) == {("440303001", "sanitation"): (1, 0), ("440303001", "patrol"): (1, 0)}
        await close(app, "worked")
        [fixed] = [e for e in await node.until(LedgerRectified, 1) if e.entry_id == entry]
        assert (fixed.case_id, fixed.timeliness) == ("worked", "overdue")
        supervisor = app.http("supervisor", area="440300", person_ref="p-s", unit_id="centre")
        assert (await ask(supervisor, f"/ledgers/{entry}/accept"))["state_name"] == "已销号"
        await close(app, "litter")

        shown = (await leader.get(f"/campaigns/{key}")).json()
        assert (shown["total"]["found"], shown["total"]["rectified"], shown["total"]["overdue"]) == (2, 2, 1)
        assert [t["missing"] for t in shown["targets"]] == [[], []]
        assert [u["name"] for u in shown["units"]] == ["执法队", "环卫所"]
        clock.advance(minutes=11)
        told = (
            await node.until(
                CampaignProgress, 1, timeout=90, where=lambda event: sum(count.rectified for count in event.counts) == 2
            )
        )[-1]
        assert {(c.area, c.unit_id, c.found) for c in told.counts} == {("440303", "patrol", 1), ("440303", "sanitation", 1)}
        await _imported(app, dispatcher, key)
        await ask(leader, f"/campaigns/{key}/end", opinion="如期完成")
        late = await dispatcher.post(f"/campaigns/{key}/join", json={"nos": ["other"]})
        assert (late.status_code, late.json()["code"]) == (409, "dispatch.campaign_over")
        await node.settled()


async def _hazard(node: Any, app: Any, clock: ManualClock, key: str) -> str:
    """Found on patrol, given to a unit that lets the day pass; the unit can't accept its own work. Returns its id."""
    finder = app.http("collector", area="440303", unit_id="inspectors")
    found = {"area": "440303001001", "summary_masked": "化粪池盖破损", "campaign_id": key, "task_id": "t-1"}
    assert (await finder.post("/ledgers", json=found | {"grade": "odd"})).json()["code"] == "dispatch.ledger_grade"
    one = await ask(finder, "/ledgers", 201, **found)
    entry = one["entry"]["entry_id"]
    assert (one["entry"]["found_by"], one["state_name"]) == ("patrol", "待交办")
    dispatcher = app.http("dispatcher", area="440300")
    due = (clock.now() + dt.timedelta(hours=1)).isoformat()
    await ask(dispatcher, f"/ledgers/{entry}/assign", unit_id="执法队", measure_masked="更换井盖", due_at=due)
    clock.advance(hours=2)
    [late] = await node.until(LedgerOverdue)
    assert late.unit_id == "patrol"
    unit = app.http("handler", area="440300", unit_id="patrol", person_ref="p-u")
    assert [e["late"] for e in (await unit.get("/ledgers", params={"late": True})).json()["entries"]] == [True]
    assert (await app.http("handler", area="440300", unit_id="sanitation").get(f"/ledgers/{entry}")).status_code == 404
    refused = await app.http("supervisor", area="440300").post(f"/ledgers/{entry}/accept", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "dispatch.ledger_state")
    return str(entry)


async def _imported(app: Any, dispatcher: Any, key: str) -> None:
    """Looked at, brought in, brought in again."""
    csv = "编号,区划,描述,责任单位,整改措施,整改期限\n1,440303001,树穴破损,环卫所,修补,2026-12-31\n2,440303001,灯杆倾斜,,,\n"
    body = {"campaign_id": key, "csv": csv}
    assert (await ask(dispatcher, "/ledgers/import", **body))["written"] is False
    done = await ask(dispatcher, "/ledgers/import", **body, check=False)
    assert (done["new"], done["assigned"], done["written"]) == (2, 1, True)
    again = await ask(dispatcher, "/ledgers/import", **body, check=False)
    assert (again["new"], again["known"]) == (0, 2)
    wrong = await dispatcher.post("/ledgers/import", json=body | {"csv": csv + "3,441900,x,,,\n", "check": False})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "dispatch.ledger_import")
    await _from_a_workbook(dispatcher, key)
    lists = {c["name"]: c["n"] for c in (await dispatcher.get("/ledgers/lists")).json()}
    assert lists == {"hazards": 2, "problems": 0, "satisfied": 0, "done": 1}
    assert await kept(app, key) == {
        ("440303001", "sanitation"): (2, 1), ("440303001", "patrol"): (1, 1), ("440303001", ""): (1, 0),
    }  # fmt: skip


async def _from_a_workbook(dispatcher: Any, key: str) -> None:
    """The same lines from a spreadsheet are known; a broken or a second file is told in the report."""
    book = Workbook()
    for cells in (["编号", "区划", "描述"], [1, 440303001, "树穴破损"], [2, "440303001", "灯杆倾斜"]):
        book.active.append(cells)
    book.save(out := io.BytesIO())
    sheet = base64.b64encode(out.getvalue()).decode()
    known = await ask(dispatcher, "/ledgers/import", campaign_id=key, xlsx=sheet, check=False)
    assert (known["lines"], known["known"], known["new"], known["mistakes"]) == (2, 2, 0, [])
    for body, word in (({"xlsx": sheet[:-40]}, "xlsx"), ({"xlsx": "A"}, "base64"), ({"xlsx": sheet, "csv": "x"}, "一个文件")):
        told = await ask(dispatcher, "/ledgers/import", campaign_id=key, **body)
        assert word in told["mistakes"][0]


async def test_a_problem_named_at_a_station_ends_on_the_list_of_satisfaction(node) -> None:
    """Residents name it at the station, a unit rectifies, the residents' word decides; the grid's department verifies."""
    clock = ManualClock(MONDAY)
    async with node.running(ground_service(), clock=clock) as app:
        people = app.http("community_worker", area="440303001001", person_ref="p-c")
        problem = {"kind": "problem", "area": "440303001001", "summary_masked": "楼下夜间噪声", "station_id": "Z1"}
        assert (await people.post("/ledgers", json=problem | {"station_id": "Z9"})).status_code == 404
        entry = (await ask(people, "/ledgers", 201, **problem))["entry"]["entry_id"]
        opinions = {"mechanism": "opinions", "residents": 12, "units": ["执法队"], "entry_ids": [entry]}
        await ask(people, "/stations/Z1/records", 201, **opinions)
        [said] = await node.until(StationRecorded)
        assert (said.held_on, said.units, said.entry_ids) == (dt.date(2026, 11, 23), ("patrol",), (entry,))
        odd = await people.post("/stations/Z1/records", json={"mechanism": "dance"})
        assert (odd.status_code, odd.json()["code"]) == (422, "dispatch.station_mechanism")

        shift = app.http("shift_leader", area="440300", person_ref="p-l", unit_id="centre")
        unit = app.http("dept_operator", area="440300", unit_id="patrol", person_ref="p-u")
        await ask(shift, f"/ledgers/{entry}/assign", unit_id="patrol", measure_masked="约谈商户")
        await ask(unit, f"/ledgers/{entry}/rectify", result_masked="已约谈", media=[PHOTO])
        assert (await ask(shift, f"/ledgers/{entry}/accept"))["state_name"] == "待群众确认"
        back = await ask(people, f"/ledgers/{entry}/confirm", asked=5, content=3, opinion="深夜仍有噪声")
        assert (back["entry"]["state"], back["entry"]["round"]) == ("reopened", 2)
        await ask(shift, f"/ledgers/{entry}/assign", measure_masked="加装隔音")
        await ask(unit, f"/ledgers/{entry}/rectify", result_masked="已加装", media=[PHOTO])
        await ask(shift, f"/ledgers/{entry}/accept")
        done = await ask(people, f"/ledgers/{entry}/confirm", asked=5, content=5)
        assert done["state_name"] == "群众满意"
        lists = {c["name"]: c["n"] for c in (await people.get("/ledgers/lists")).json()}
        assert lists == {"hazards": 0, "problems": 0, "satisfied": 1, "done": 0}
        page = (await people.get("/ledgers", params={"list": "satisfied", "station_id": "Z1"})).json()
        assert [e["entry"]["entry_id"] for e in page["entries"]] == [entry]

        [board] = (await people.get("/stations", params={"month": "2026-11"})).json()
        assert {m["code"]: (m["done"], m["met"]) for m in board["mechanisms"]}["opinions"] == (1, True)
        assert (board["residents"], board["problems"], board["satisfied"]) == (12, 1, 1)
        assert len((await people.get("/stations/Z1/records")).json()) == 1
        assert (await app.http("community_worker", area="440304001001").get("/stations")).json() == []

        [team] = (await people.get("/tasks/teams", params={"grid": "LH-01"})).json()
        assert (team["unit_name"], team["role"]) == ("执法队", "lead")
        first = reported("case-1", verify_policy="must")
        await node.publish(first, located(first))
        [asked] = await node.until(CaseVerifyRequested)
        assert asked.assignee.unit_id == "patrol"
        ours, others = (
            app.http("collector", area="440303", unit_id=unit, person_ref=f"p-{unit}") for unit in ("patrol", "sanitation")
        )
        assert [c["case_id"] for c in (await ours.get("/tasks/mine")).json()["cases"]] == ["case-1"]
        assert (await others.get("/tasks/mine")).json()["cases"] == []
        refused = await others.post("/cases/case-1/verify_result", json={"result": "exist", "media": [PHOTO]})
        assert (refused.status_code, refused.json()["code"]) == (403, "dispatch.not_the_department")
        await node.settled()


async def test_a_district_takes_part_in_the_citys_campaign_and_the_city_sees_what_it_does(test_servers, tmp_path) -> None:
    """Announced downward, counted below, told upward: the city's sum is its own and the district's."""
    async with (
        pair(test_servers, tmp_path, child="440303", name="campaign_tiers") as both,
        both.parent.running(ground_service(), **both.kit(both.parent)) as city,
        both.child.running(ground_service(), **both.kit(both.child), settings={"progress_minutes": 1}) as district,
    ):
        today = dt.datetime.now(dt.UTC).date()
        span = {"begins_on": str(today - dt.timedelta(days=2)), "ends_on": str(today + dt.timedelta(days=2)), "targets": []}
        leader = city.http("leader", area="440300")
        key = (await ask(leader, "/campaigns", 201, **(PLAN | span), spread=True))["campaign"]["campaign_id"]
        found = district.http("collector", area="440303")
        while (await found.get(f"/campaigns/{key}")).status_code == 404:
            await both.child.settled()
        entry = {"area": "440303001001", "summary_masked": "边坡开裂", "campaign_id": key}
        await ask(found, "/ledgers", 201, **entry)
        mine = await district.http("leader", area="440303").post(f"/campaigns/{key}/end", json={})
        assert (mine.status_code, mine.json()["code"]) == (403, "dispatch.campaign_not_yours")

        await district.pool.execute("update kit_timer set due = now() where kind = 'campaign'")
        await both.parent.until(CampaignProgress, 1, timeout=90)

        while not (shown := (await leader.get(f"/campaigns/{key}")).json())["below"]:
            await both.parent.settled()
        assert (shown["total"]["found"], shown["below"][0]["jurisdiction"]) == (1, "440303")
        assert shown["below"][0]["sum"]["found"] == 1
