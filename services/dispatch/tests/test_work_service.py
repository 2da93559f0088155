"""Shared work, arrival, whistles and recomputed limits on real NATS and PostgreSQL."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from yiwang.contracts import (
    CaseArrived,
    CaseDeadlineRecomputed,
    CaseDispatched,
    CaseHandlingConfirmed,
    CaseSubtaskConfirmed,
    ConfigAdopted,
    ConfigApplied,
    NoticeRequested,
    WhistleBlown,
    WhistleOverdue,
    WhistleScored,
)
from yiwang.dispatch.app import make_service
from yiwang.dispatch.app import service as real_service
from yiwang.dispatch.matrix import Matrix, Rule
from yiwang.dispatch.practice import Arrival, Practice, Scope
from yiwang.dispatch.testing import MONDAY, located, reported, some_rules
from yiwang.kit import ManualClock, VirtualClock
from yiwang.kit.announced import digest_of

PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}
PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"
VIDEO = Arrival(scope=Scope(), limit=30, unit_kind="urgent_minute")


def two_units() -> Any:
    base = some_rules()
    matrix = Matrix([Rule(rule_id="all", lead="unit:sanitation", co=("unit:patrol",))], base.units, "m1")
    return make_service(lambda _: some_rules(matrix=matrix, practice=Practice(arrivals=(VIDEO,))))


async def act(client: Any, path: str, expect: int = 200, **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == expect, (path, answer.status_code, answer.text)
    return answer.json()


async def test_two_units_come_work_and_are_judged_and_a_whistle_is_answered(node) -> None:
    """The co-unit finds its part in its own list, sees the case, and the lead waits for it; then a community whistles."""
    clock = ManualClock(MONDAY)
    async with node.running(two_units(), clock=clock) as app:
        first = reported("case-1")
        await node.publish(first, located(first))
        [sent] = await node.until(CaseDispatched)
        assert [a.role for a in sent.assignments] == ["lead", "co"]
        assert {c.stage for c in sent.case.open_clocks} == {"disposal", "co", "arrive"}
        lead = app.http("dept_operator", area="440300", unit_id="sanitation", person_ref="p-lead")
        co = app.http("dept_operator", area="440300", unit_id="patrol", person_ref="p-co")

        parts = (await co.get("/cases/parts")).json()["parts"]
        assert [(p["unit_id"], p["state"], p["case"]["case_id"]) for p in parts] == [("patrol", "waiting", "case-1")]
        assert (await lead.get("/cases/parts")).json()["parts"] == []
        shown = (await co.get("/cases/case-1")).json()
        assert [c["stage_name"] for c in shown["clocks"]] == ["处置", "协办", "到场"]
        possible = {a["action"] for a in (await co.get("/cases/case-1/actions")).json()["actions"]}
        assert possible == {"assign_co_handler", "submit_co_result", "confirm_co", "return_co"}

        await act(lead, "/cases/case-1/assign_handler", handler_ref="p-lead")
        await act(lead, "/cases/case-1/arrive", statement="已到现场")
        [came] = await node.until(CaseArrived)
        assert (came.timeliness, came.unit_id) == ("on_time", "sanitation")
        await act(lead, "/cases/case-1/submit_result", resolution_mode="manage", media=[PHOTO])
        refused = await lead.post("/cases/case-1/dept_confirm", json={})
        assert (refused.status_code, refused.json()["code"]) == (409, "dispatch.parts_missing")
        assert "执法队" in refused.json()["detail"]
        await act(co, "/cases/case-1/assign_co_handler", handler_ref="p-co")
        await act(co, "/cases/case-1/submit_co_result", media=[PHOTO])
        await act(co, "/cases/case-1/confirm_co")
        assert (await co.get("/cases/parts")).json()["parts"] == []
        await act(lead, "/cases/case-1/dept_confirm")
        [part], [whole] = await node.until(CaseSubtaskConfirmed), await node.until(CaseHandlingConfirmed)
        assert (part.unit_id, part.timeliness, whole.timeliness) == ("patrol", "on_time", "on_time")

        await _whistle(node, app, clock, co)


async def _whistle(node: Any, app: Any, clock: ManualClock, called: Any) -> None:
    """The called unit is warned of its lateness, comes, settles; the community judges."""
    people = app.http("community_worker", area="440303001001", person_ref="p-community")
    elsewhere = app.http("community_worker", area="440303002001")
    call = {"kind": "emergency", "area": "440303001001", "units": ["patrol"], "summary_masked": "楼道堆物"}
    assert (await elsewhere.post("/cases/whistles", json=call)).status_code == 403
    one = await act(people, "/cases/whistles", 201, **call)
    key = one["whistle"]["whistle_id"]
    [blown] = await node.until(WhistleBlown)
    assert [(u.unit_id, u.role) for u in blown.units] == [("patrol", "lead")]
    clock.advance(minutes=31)
    late = await node.until(WhistleOverdue, 2)
    assert {e.what for e in late} == {"respond", "arrive"}
    listed = (await called.get("/cases/whistles", params={"state": "called"})).json()["whistles"]
    assert [(w["whistle"]["whistle_id"], w["late"]) for w in listed] == [(key, ["执法队未按时到场"])]
    await act(called, f"/cases/whistles/{key}/arrive", statement="到达，社区人员在场")
    await act(called, f"/cases/whistles/{key}/resolve", result_masked="已清理")
    await act(people, f"/cases/whistles/{key}/score", satisfied=True)
    [judged] = await node.until(WhistleScored)
    assert (judged.responded, judged.score) == (0, 60)
    told = await node.until(NoticeRequested, 6)
    assert {n.audience for n in told} == {"unit:patrol", "community_worker@440303001001"}
    assert (await elsewhere.get("/cases/whistles")).json()["whistles"] == []
    await node.settled()


async def test_when_a_years_holidays_are_announced_open_provisional_limits_are_told_anew(node) -> None:
    """The case is filed at the year's end; the table for the next year moves its deadline, and the history says so."""
    begun = dt.datetime(2026, 12, 31, 2, tzinfo=dt.UTC)
    clock = VirtualClock(begun, 1.0)
    async with node.running(
        real_service, jurisdiction="440300", profile=PROFILES / "shenzhen", clock=clock
    ) as app:
        category = {"code_set": "gbt30428.2-2013", "version": "2013", "kind": "part", "major": "01", "minor": "01"}
        first = reported("case-1", at=begun, category=None)
        await node.publish(first, located(first))
        await node.settled()
        acceptor = app.http("acceptor", area="440300")
        kind = {name: category[name] for name in ("kind", "major", "minor")}
        await act(acceptor, "/cases/case-1/accept", category=kind)
        await act(acceptor, "/cases/case-1/file", condition_id="P0101-3")
        await act(app.http("dispatcher", area="440300"), "/cases/case-1/dispatch_down")
        dispatcher = app.http("dispatcher", area="440303")
        choices = (await dispatcher.get("/cases/case-1/choices")).json()
        await act(dispatcher, "/cases/case-1/dispatch", unit_id=choices["units"][0]["unit_id"], overridden_reason="就近")
        *_, sent = await node.until(CaseDispatched, 2)
        assert sent.assignments[0].clock.provisional

        days = "date,kind,name\n2027-01-01,holiday,元旦\n2027-01-02,workday,元旦调休\n"
        own = (PROFILES.parents[1] / "services/dispatch/src/yiwang/dispatch/data/holidays.csv").read_text("utf-8")
        content = own + days.partition("\n")[2]
        await node.publish(
            ConfigAdopted(
                set_name="holidays", version="2018-2027", valid_from=begun, digest=digest_of(content), content=content,
                issuer="440000",
            )
        )  # fmt: skip
        await node.until(ConfigApplied)
        [moved] = await node.until(CaseDeadlineRecomputed)
        assert moved.case.pinned_versions["calendar"] == "2018-2027"
        assert not moved.case.open_clocks[0].provisional
        assert moved.changes[0].new_due_at < moved.changes[0].old_due_at
        shown = (await acceptor.get("/cases/case-1")).json()
        [line] = [one for one in shown["history"] if one["action"] == "recompute_deadline"]
        assert line["action_name"] == "期限重算"
        assert "放假安排已公布（日历 2018-2027）" in line["note"]
        assert "1月1日、1月3日不是工作日，不计" in next(c["explanation"] for c in shown["clocks"] if c["stage"] == "disposal")
        await node.settled()
