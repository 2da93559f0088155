"""Dispatch on real NATS and PostgreSQL: the main line, numbers, refusals, imports and timers."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import Any

import httpx
import pytest
from yiwang.contracts import (
    CaseAccepted,
    CaseClosed,
    CaseDispatched,
    CaseEvent,
    CaseFiled,
    CaseVerifyRequested,
    UnitRef,
)
from yiwang.contracts.case import ImportedOutcome
from yiwang.dispatch.app import make_service
from yiwang.dispatch.testing import BY_HAND, PLACE, STALLS, located, reported, some_rules

PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}


def service(**rules: Any):
    """Dispatch with the small city's rules."""
    return make_service(lambda _: some_rules(**rules))


async def put(node: Any, *case_ids: str, **report: Any) -> None:
    """Reports and where they lie, as intake and grid say them."""
    events: list[CaseEvent] = []
    for case_id in case_ids:
        first = reported(case_id, at=dt.datetime.now(dt.UTC), **report)
        events += [first, located(first)]
    await node.publish(*events)


class Desk:
    """The people of the small city, each with a client of the API."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.clients: dict[str, httpx.AsyncClient] = {}

    def __getitem__(self, role: str) -> httpx.AsyncClient:
        if role not in self.clients:
            unit = {"dept_operator": "sanitation", "handler": "sanitation", "collector": "inspectors"}.get(role, "")
            self.clients[role] = self.app.http(role, area="440300", unit_id=unit, person_ref=f"p-{role}")
        return self.clients[role]

    async def act(self, role: str, no: str, action: str, expect: int = 200, **body: Any) -> dict[str, Any]:
        answer = await self[role].post(f"/cases/{no}/{action}", json=body)
        assert answer.status_code == expect, (action, answer.status_code, answer.text)
        return answer.json()

    async def case(self, no: str, role: str = "acceptor") -> dict[str, Any]:
        answer = await self[role].get(f"/cases/{no}")
        assert answer.status_code == 200, answer.text
        return answer.json()


async def test_a_patrols_case_goes_from_report_to_closing(node) -> None:
    """Rules bring it to the unit; people handle, confirm, check and close; versions run 1..n in the stream."""
    async with node.running(service(two_commands=True)) as app:
        await put(node, "case-1")
        city, district = await node.until(CaseDispatched, 2)
        assert [city.dispatch_level, district.dispatch_level] == ["city", "district"]
        [filed] = await node.until(CaseFiled)
        no = filed.case.case_no
        assert len(no) == 19
        assert no.startswith("440300")

        desk = Desk(app)
        offered = (await desk["dept_operator"].get(f"/cases/{no}/actions")).json()
        assert {a["action"] for a in offered["actions"]} >= {"dept_return", "assign_handler", "postpone_apply", "hang_apply"}
        await desk.act("dept_operator", no, "assign_handler", handler_ref="p-handler", version=offered["version"])
        await desk.act("handler", no, "submit_result", resolution_mode="manage", media=[PHOTO])
        await desk.act("dept_operator", no, "dept_confirm")
        await desk.act("dispatcher", no, "pass")
        await desk.act("collector", no, "check_result", result="pass", media=[PHOTO])
        await desk.act("acceptor", no, "close", closing_condition_ids=["c1-done"])

        [closed] = await node.until(CaseClosed)
        assert closed.summary.timeliness == "on_time"
        assert closed.archive_type == 1
        await node.settled()
        said = [e for e in await node.events() if isinstance(e, CaseEvent)]
        assert [e.case.case_version for e in said] == list(range(1, len(said) + 1))
        assert all(a.case.state_after == b.case.state_before for a, b in itertools.pairwise(said[1:]))

        shown = await desk.case(no)
        assert [line["seq"] for line in shown["history"]] == list(range(1, len(shown["history"]) + 1))
        [clock] = shown["clocks"]
        assert clock["stopped_at"]
        assert "4 工作时" in clock["explanation"]
        assert clock["slots"]


async def test_a_citizens_report_is_verified_first_and_then_goes_on_by_rule(node) -> None:
    """Accepting before the inspector's answer is refused with a sentence."""
    async with node.running(service()) as app:
        await put(node, "case-1", verify_policy="must")
        [asked] = await node.until(CaseVerifyRequested)
        desk = Desk(app)

        answer = await desk.act("acceptor", "case-1", "accept", expect=409)
        assert "核实中" in answer["detail"]
        assert asked.assignee.duty_grid_id == "LH-01"
        await desk.act("collector", "case-1", "verify_result", result="exist", expect=422)
        done = await desk.act("collector", "case-1", "verify_result", result="exist", media=[PHOTO])

        assert done["state"] == "dispatched"
        assert len(done["case_no"]) == 19


async def test_where_nothing_is_left_to_rules_people_do_every_step(node) -> None:
    """Accept, choose a condition, dispatch to another unit than the matrix's with a reason."""
    async with node.running(service(auto=BY_HAND)) as app:
        await put(node, "case-1", category=STALLS)
        await node.settled()
        desk = Desk(app)
        queues = {q["queue"]: q["waiting"] for q in (await desk["acceptor"].get("/cases/queues")).json()}
        assert queues["accept"] == 1

        await desk.act("acceptor", "case-1", "accept")
        unclear = await desk.act("shift_leader", "case-1", "file", expect=422)
        assert "2 个立案条件" in unclear["detail"]
        filed = await desk.act("shift_leader", "case-1", "file", condition_id="c2")
        assert filed["case_no"].endswith("00001"), "a refused filing uses no number"
        await desk.act("dispatcher", "case-1", "dispatch", unit_id="sanitation", expect=422)
        await desk.act("dispatcher", "case-1", "dispatch", unit_id="sanitation", overridden_reason="就近处置")
        await desk.act("dept_operator", filed["case_no"], "dept_return", opinion="不属本单位职责")
        await desk.act("dispatcher", filed["case_no"], "dispatch")

        shown = await desk.case(filed["case_no"])
        assert shown["case"]["unit_name"] == "执法队"
        assert shown["return_count"] == 1


async def test_a_stale_version_is_refused_with_the_present_one(node) -> None:
    """Who was slower is told, and changes nothing."""
    async with node.running(service(auto=BY_HAND)) as app:
        await put(node, "case-1")
        await node.settled()
        desk = Desk(app)
        await desk.act("acceptor", "case-1", "accept", version=2)

        answer = await desk.act("acceptor", "case-1", "void", version=2, reason_code="x", opinion="重复", expect=409)

        assert answer["code"] == "dispatch.stale_version"
        assert "第 3 版" in answer["detail"]
        assert (await desk.case("case-1"))["case"]["state"] == "accepted"


async def test_roles_areas_and_units_that_may_not_are_refused(node) -> None:
    """A role that may not, another district's acceptor and another unit's operator all get a sentence."""
    async with node.running(service(auto=BY_HAND)) as app:
        await put(node, "case-1")
        await node.settled()
        desk = Desk(app)

        wrong_role = await desk["dispatcher"].post("/cases/case-1/accept", json={})
        assert wrong_role.status_code == 403
        district = app.http("acceptor", area="440305")
        elsewhere = await district.post("/cases/case-1/accept", json={})
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "dispatch.outside_area")
        assert (await district.get("/cases/case-1")).status_code == 404
        await desk.act("acceptor", "case-1", "accept")
        await desk.act("acceptor", "case-1", "file")
        await desk.act("dispatcher", "case-1", "dispatch")
        other = app.http("dept_operator", area="440300", unit_id="patrol")
        refused = await other.post("/cases/case-1/assign_handler", json={"handler_ref": "x"})
        assert (refused.status_code, refused.json()["code"]) == (403, "dispatch.outside_unit")
        above = app.http("dept_operator", area="440300", unit_id="bureau")
        assert (await above.post("/cases/case-1/assign_handler", json={"handler_ref": "x"})).status_code == 200


async def test_the_district_accepts_and_checks_where_the_city_is_governed_so(node) -> None:
    """two_supervise_two_command: the district's acceptor may, another district's may not, the city's may."""
    async with node.running(service(auto=BY_HAND, supervise="district", two_commands=True)) as app:
        await put(node, "case-1", "case-2")
        await node.settled()

        own, other = app.http("acceptor", area="440303"), app.http("acceptor", area="440304")
        assert (await other.post("/cases/case-1/accept", json={})).status_code == 403
        assert (await own.post("/cases/case-1/accept", json={})).status_code == 200
        assert (await Desk(app)["acceptor"].post("/cases/case-2/accept", json={})).status_code == 200


async def test_numbers_have_no_gap_under_concurrent_filings(node) -> None:
    """Many people file at once, some are refused: the day's numbers are 1..n, each once."""
    ids = [f"case-{n}" for n in range(30)]
    async with node.running(service(auto=BY_HAND)) as app:
        await put(node, *ids)
        await put(node, "stalls", category=STALLS)
        await node.settled()
        desk = Desk(app)
        await asyncio.gather(*(desk.act("acceptor", i, "accept") for i in [*ids, "stalls"]))

        async def file(case_id: str) -> httpx.Response:
            return await desk["shift_leader"].post(f"/cases/{case_id}/file", json={})

        answers = await asyncio.gather(*(file(i) for i in [*ids[:15], "stalls", *ids[15:], *ids[:5]]))

        numbers = sorted(a.json()["case_no"] for a in answers if a.status_code == 200)
        assert [int(no[-5:]) for no in numbers] == list(range(1, 31))
        await node.settled()
        assert sorted(e.case.case_no for e in await node.events(CaseFiled)) == numbers


async def test_imported_cases_close_with_what_their_source_tells(node) -> None:
    """Unit, timeliness and place as told, also without a place; no timer, no live event."""
    async with node.running(service()) as app:
        events: list[CaseEvent] = []
        at = dt.datetime(2018, 7, 4, 9, 24, tzinfo=dt.UTC)
        for n, timeliness in enumerate(("on_time", "overdue", None)):
            told = ImportedOutcome(unit=UnitRef(unit_id="8508", unit_name="综合执法队"), timeliness=timeliness)
            first = reported(f"old-{n}", at=at, imported=told, purpose="historical", verify_policy="must")
            events += [first, located(first, outcome="located" if n else "unlocated")]
        await node.publish(*events)

        closed = await node.until(CaseClosed, 3)
        await node.settled()

        assert {e.summary.timeliness for e in closed} == {"on_time", "overdue", None}
        assert {e.purpose for e in await node.events() if e.source.endswith("/dispatch")} == {"historical"}
        assert [e.case.case_no for e in closed] == [f"4403002018070400{n:03d}" for n in (1, 2, 3)]
        assert {e.case.lead_assignment.unit_id for e in closed} == {"8508"}
        assert not await app.pool.fetchval("select count(*) from kit_timer")


async def test_the_flow_can_neither_be_changed_nor_deleted(node) -> None:
    """Flow records are evidence: the database itself refuses."""
    async with node.running(service()) as app:
        await put(node, "case-1")
        await node.until(CaseAccepted)
        await node.settled()
        for statement in ("update flow_pages set lines = 'x'", "delete from flow_pages", "truncate flow_pages"):
            with pytest.raises(Exception, match="flow records are evidence"):
                await app.pool.execute(statement)


async def test_a_place_found_later_by_a_person_corrects_the_case(node) -> None:
    """The grid's manual answer becomes case.corrected and the case goes on by rule."""
    async with node.running(service()) as app:
        first = reported("case-1", at=dt.datetime.now(dt.UTC))
        await node.publish(first, located(first, outcome="unlocated"))
        await node.settled()
        assert (await Desk(app).case("case-1"))["case"]["queue"] == "locate"

        await node.publish(located(first, place=PLACE))
        await node.until(CaseDispatched)

        tags = [type(e).__name__ for e in await node.events() if isinstance(e, CaseEvent)]
        assert tags[3:5] == ["CaseCorrected", "CaseAccepted"]


async def test_a_place_told_twice_in_one_batch_is_followed_once(node) -> None:
    """Report, unlocated and the person's answer may come together: every version is said once."""
    first = reported("case-1", at=dt.datetime.now(dt.UTC))
    await node.publish(first, located(first, outcome="unlocated"), located(first), located(first))
    async with node.running(service()):
        await node.until(CaseDispatched)
        await node.settled()

        said = [e for e in await node.events() if isinstance(e, CaseEvent) and e.source.endswith("/dispatch")]
        assert [e.case.case_version for e in said] == [3, 4, 5, 6]


async def test_lists_filter_and_page_without_repeating(node) -> None:
    """Keyset pages cover every case once, in order, also under filters."""
    async with node.running(service(auto=BY_HAND)) as app:
        await put(node, *(f"case-{n:02}" for n in range(25)))
        await node.settled()
        client = Desk(app)["acceptor"]
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await client.get("/cases", params={"limit": 10, "queue": "accept", "cursor": cursor})).json()
            seen += [c["case_id"] for c in page["cases"]]
            cursor = page["cursor"]
            if not cursor:
                break
        assert sorted(seen) == [f"case-{n:02}" for n in range(25)]
        assert len(set(seen)) == 25
        assert (await client.get("/cases", params={"area": "440305"})).json()["cases"] == []
        assert len((await client.get("/cases", params={"area": "440303001"})).json()["cases"]) == 25
        assert (await client.get("/cases", params={"overdue": True})).json()["cases"] == []
        assert (await client.get("/cases", params={"cursor": "!!"})).status_code == 400

