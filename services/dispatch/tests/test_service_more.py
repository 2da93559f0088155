"""Dispatch over time and after accidents: warnings and deadlines, suspension, outcomes, snapshots, restored backups."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from yiwang.contracts import (
    Actor,
    CaseClosed,
    CaseDeadlineWarned,
    CaseDispatched,
    CaseEvent,
    CaseFiled,
    CaseOverdue,
    CaseReferredToEnforcement,
    CaseResumed,
    CaseSnapshot,
    CaseVerifyRequested,
    EnforcementClosed,
    LogPosition,
    SnapshotRequested,
)
from yiwang.dispatch.app import make_service
from yiwang.dispatch.app import service as real_service
from yiwang.dispatch.testing import BY_HAND, MONDAY, PLACE, located, reported, some_rules
from yiwang.kit import ManualClock

PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}
PROFILES = Path(__file__).parents[3] / "deploy" / "profiles"


def service(**rules: Any):
    return make_service(lambda _: some_rules(**rules))


async def put(node: Any, *case_ids: str, at: dt.datetime = MONDAY, **report: Any) -> None:
    events: list[CaseEvent] = []
    for case_id in case_ids:
        first = reported(case_id, at=at, **report)
        events += [first, located(first)]
    await node.publish(*events)


async def act(client: Any, no: str, action: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/cases/{no}/{action}", json=body)
    assert answer.status_code == 200, (action, answer.text)
    return answer.json()


async def test_a_unit_is_warned_before_its_deadline_and_the_case_is_overdue_after_it(node) -> None:
    """Four working hours from 09:00: warned at 12:00 (three quarters), due at 15:00 after the noon break, overdue then."""
    clock = ManualClock(MONDAY)
    async with node.running(service(), clock=clock) as app:
        await put(node, "case-1")
        [sent] = await node.until(CaseDispatched)
        assert sent.assignments[0].clock.due_at == MONDAY + dt.timedelta(hours=6)

        clock.advance(hours=3)
        [warned] = await node.until(CaseDeadlineWarned)
        assert (warned.stage, warned.unit_id) == ("disposal", "sanitation")
        clock.advance(hours=3)
        await node.settled()
        assert await node.events(CaseOverdue) == []
        clock.advance(hours=1)
        [overdue] = await node.until(CaseOverdue)
        assert overdue.overdue_multiple == 0.25
        assert overdue.case.flags.overdue

        unit = app.http("dept_operator", area="440300", unit_id="sanitation")
        await act(unit, "case-1", "assign_handler", handler_ref="h")
        await act(unit, "case-1", "submit_result", resolution_mode="manage", media=[PHOTO])
        await act(unit, "case-1", "dept_confirm")
        await node.settled()
        assert not await app.pool.fetchval("select count(*) from kit_timer")
        listed = (await app.http("acceptor").get("/cases", params={"overdue": True})).json()["cases"]
        assert [c["case_id"] for c in listed] == ["case-1"]


async def test_a_day_whose_numbers_are_used_up_loses_nothing(node) -> None:
    """By rule the case waits accepted; the person who files it is told who must do what."""
    async with node.running(service(), clock=ManualClock(MONDAY)) as app:
        day = MONDAY.date()
        await app.pool.execute("insert into numbers values ('440300', $1, 99998)", day)
        await put(node, "case-1", "case-2", "case-3")
        await node.settled()
        waiting = (await app.http("acceptor").get("/cases", params={"queue": "file"})).json()["cases"]
        filed = [e.case.case_no for e in await node.events(CaseFiled)]
        assert len(waiting) + len(filed) == 3

        answers = [
            await app.http("shift_leader").post(f"/cases/{c['case_id']}/file", json={}) for c in waiting
        ]

        told = [a.json() for a in answers if a.status_code == 503]
        assert {t["who"] for t in told} == {"admin"}
        assert "99999" in told[0]["detail"]
        numbers = filed + [a.json()["case_no"] for a in answers if a.status_code == 200]
        assert numbers == ["4403002026112399999"]


async def test_only_live_cases_have_timers(node) -> None:
    """Drills and history never ring."""
    async with node.running(service(), clock=ManualClock(MONDAY)) as app:
        await put(node, "case-1", purpose="drill")
        await node.until(CaseDispatched)
        await node.settled()

        assert not await app.pool.fetchval("select count(*) from kit_timer")


async def test_a_suspended_case_resumes_by_itself_with_its_time_kept(node) -> None:
    """The clock stands from the suspension to its date; the deadline moves by what was left."""
    clock = ManualClock(MONDAY)
    async with node.running(service(), clock=clock) as app:
        await put(node, "case-1")
        await node.until(CaseDispatched)
        clock.advance(hours=1)
        date = MONDAY + dt.timedelta(days=7)
        leader = app.http("dispatcher")
        late = await leader.post(
            "/cases/case-1/suspend", json={"resume_on": (MONDAY + dt.timedelta(days=400)).isoformat(), "opinion": "等"}
        )
        assert late.status_code == 422
        await act(leader, "case-1", "suspend", resume_on=date.isoformat(), opinion="雨季后施工")
        clock.advance(days=6)
        await node.settled()
        assert await node.events(CaseOverdue) == []

        clock.advance(days=1)
        [resumed] = await node.until(CaseResumed)

        assert resumed.cause == "timer"
        # One of four working hours was used; three are left from 10:00, the noon break lies between.
        assert resumed.new_due_at == MONDAY + dt.timedelta(days=7, hours=6)
        shown = (await leader.get("/cases/case-1")).json()
        assert shown["case"]["state"] == "dispatched"


async def test_the_outcome_of_a_referral_is_noted_in_the_history(node) -> None:
    """The case stays in handling; what enforcement decided can be read in it."""
    async with node.running(service(), clock=ManualClock(MONDAY)) as app:
        await put(node, "case-1")
        await node.until(CaseDispatched)
        unit = app.http("dept_operator", area="440300", unit_id="sanitation")
        await act(unit, "case-1", "assign_handler", handler_ref="h")
        await act(unit, "case-1", "refer", agency_id="agency-1", item_code="i1", opinion="涉嫌违法倾倒")
        [referred] = await node.until(CaseReferredToEnforcement)
        assert referred.case.state_after == "handling"
        assert referred.case.open_clocks

        await node.publish(
            EnforcementClosed(
                file_id="f-1", agency_id="agency-1", referral_id=referred.referral_id, case_id="case-1",
                log=LogPosition(log_id="l", leaf_index=1, leaf_hash="h"), node_code="closed", outcome="penalty",
                outcome_name="罚款", occurred_at=MONDAY, actor=Actor(role="agency_head"),
            )
        )  # fmt: skip
        await node.settled()

        shown = (await unit.get("/cases/case-1")).json()
        assert shown["history"][-1]["result"] == "penalty"
        assert shown["history"][-1]["result_name"] == "罚款"
        assert shown["referral"]["outcome"] == "penalty"
        assert shown["case"]["state"] == "handling"


async def test_a_reader_gets_every_case_again_in_pages(node) -> None:
    """snapshot.requested: everything with its version and history, to the one who asked."""
    async with node.running(service(), clock=ManualClock(MONDAY), settings={"snapshot_page": 3}):
        await put(node, *(f"case-{n}" for n in range(7)))
        await node.until(CaseDispatched, 7)
        await node.settled()

        await node.publish(SnapshotRequested(reader="evaluation", since=MONDAY - dt.timedelta(days=1)))
        await node.until(CaseSnapshot, 7)
        await node.settled()

        told = await node.events(CaseSnapshot)
        assert sorted(e.case.case_id for e in told) == [f"case-{n}" for n in range(7)]
        assert {(e.reader, e.case.case_version, e.case.state_after) for e in told} == {("evaluation", 5, "dispatched")}
        assert {tuple(r.action for r in e.body.history) for e in told} == {("report", "accept", "file", "dispatch")}


async def test_after_a_restored_backup_nothing_is_said_or_numbered_twice(node) -> None:
    """The tables go back to the morning; what was said since is learnt from the stream before work begins."""
    async with node.running(service(auto=BY_HAND), clock=ManualClock(MONDAY)) as app:
        await put(node, "old-1", "old-2")
        await node.settled()
        desk = app.http("acceptor", person_ref="a"), app.http("shift_leader", person_ref="s")
        await act(desk[0], "old-1", "accept")
        await act(desk[1], "old-1", "file")
        await node.settled()
        backup = await _tables(app)

        await act(app.http("dispatcher"), "old-1", "dispatch")
        await act(desk[0], "old-2", "accept")
        lost = await act(desk[1], "old-2", "file")
        await put(node, "new-1", at=MONDAY + dt.timedelta(minutes=5))
        await node.settled()
        await act(desk[0], "new-1", "accept")
        await node.settled()
    await _restore(node.database_url, backup)

    async with node.running(service(auto=BY_HAND), clock=(clock := ManualClock(MONDAY))) as app:
        await node.settled()
        shown = {no: (await app.http("acceptor").get(f"/cases/{no}")).json() for no in ("old-1", "old-2", "new-1")}
        assert {no: (c["case"]["state"], c["case"]["version"]) for no, c in shown.items()} == {
            "old-1": ("dispatched", 5), "old-2": ("filed", 4), "new-1": ("accepted", 3),
        }  # fmt: skip
        assert shown["old-2"]["case"]["case_no"] == lost["case_no"]

        following = await act(app.http("shift_leader"), "new-1", "file")
        assert int(following["case_no"][-5:]) == 3
        await act(
            app.http("dept_operator", area="440300", unit_id="sanitation"), "old-1", "assign_handler", handler_ref="h"
        )
        clock.advance(hours=7)
        late = await node.until(CaseOverdue, 3)
        assert {(e.case.case_id, e.stage) for e in late} == {
            ("old-1", "disposal"), ("old-2", "dispatch"), ("new-1", "dispatch"),
        }  # fmt: skip
        await node.settled()

        said = [e for e in await node.events() if isinstance(e, CaseEvent)]
        for _, events in itertools.groupby(sorted(said, key=lambda e: e.case.case_id), key=lambda e: e.case.case_id):
            versions = [e.case.case_version for e in events]
            assert versions == list(range(1, len(versions) + 1))
        numbers = [e.case.case_no for e in await node.events(CaseFiled)]
        assert len(set(numbers)) == len(numbers) == 3


TABLES = ("cases", "flow_pages", "numbers", "allocation", "kit_position", "kit_inbox", "kit_outbox", "kit_timer")


async def _tables(app: Any) -> dict[str, str]:
    return {t: await app.pool.fetchval(f"select coalesce(json_agg(t), '[]') from {t} t") for t in TABLES}


async def _restore(url: str, backup: dict[str, str]) -> None:
    """As a restored dump would be: tables as they were, and the node's incarnation raised."""
    db = await asyncpg.connect(url)
    await db.execute("set search_path = dispatch; alter table flow_pages disable trigger all")
    for table, rows in backup.items():
        await db.execute(f"delete from {table}")
        over = "overriding system value" if table == "kit_outbox" else ""
        await db.execute(
            f"insert into {table} {over} select * from json_populate_recordset(null::{table}, $1::json)", rows
        )
    await db.execute("alter table flow_pages enable trigger all; update yw.node set incarnation = incarnation + 1")
    await db.close()


@pytest.mark.parametrize(
    ("profile", "jurisdiction", "county"), [("shenzhen", "440300", "440303"), ("dongguan", "441900", "441900003")]
)
async def test_a_case_lives_under_each_shipped_profile(node, profile: str, jurisdiction: str, county: str) -> None:
    """The same people and steps; codes, limits, governance and areas are the city's own."""
    place = msgspec.structs.replace(
        PLACE,
        area=msgspec.structs.replace(
            PLACE.area, city=jurisdiction, county=county,
            street9="441900003" if profile == "dongguan" else "440303001", community12="",
        ),
        cell15="",
    )  # fmt: skip
    async with node.running(
        real_service, jurisdiction=jurisdiction, profile=PROFILES / profile, clock=ManualClock(MONDAY)
    ) as app:
        rules = app.get(type(some_rules()))
        row = next(r for r in rules.codes.categories.values() if r.code_set == rules.code_set and r.kind == "event")
        category = rules.codes.category(*row.key)
        first = reported("case-1", category=category, verify_policy="must")
        head = msgspec.structs.replace(
            first.case, custody=msgspec.structs.replace(first.case.custody, jurisdiction=jurisdiction)
        )
        first = msgspec.structs.replace(first, case=head, jurisdiction=jurisdiction)
        await node.publish(first, located(first, place=place))
        await node.settled()
        asked = await node.events(CaseVerifyRequested)

        def who(role: str, unit: str = "") -> Any:
            return app.http(role, area=jurisdiction, unit_id=unit)

        if not asked:
            await act(who("acceptor"), "case-1", "send_verify")
        await act(who("collector"), "case-1", "verify_result", result="exist", media=[PHOTO])
        conditions = rules.codes.conditions_of(category, MONDAY.date())
        shown = (await who("acceptor").get("/cases/case-1")).json()
        if shown["case"]["state"] == "accepted":
            await act(who("shift_leader"), "case-1", "file", condition_id=conditions[0].condition_id)
        while (shown := (await who("acceptor").get("/cases/case-1")).json())["case"]["state"] == "filed":
            can = {a["action"] for a in (await who("dispatcher").get("/cases/case-1/actions")).json()["actions"]}
            assert can & {"dispatch", "dispatch_down"}
            step = "dispatch_down" if shown["case"]["queue"] == "dispatch_city" else "dispatch"
            await act(who("dispatcher"), "case-1", step)
        unit = who("dept_operator", shown["case"]["unit_id"])
        await act(unit, "case-1", "assign_handler", handler_ref="h")
        await act(unit, "case-1", "submit_result", resolution_mode="manage", media=[PHOTO])
        await act(unit, "case-1", "dept_confirm")
        await act(who("dispatcher"), "case-1", "pass")
        await act(who("collector"), "case-1", "check_result", result="pass", media=[PHOTO])
        closing = (await who("acceptor").get("/cases/case-1")).json()["closing_conditions"]
        await act(who("acceptor"), "case-1", "close", closing_condition_ids=list(closing))

        [closed] = await node.until(CaseClosed)
        assert closed.case.case_no == f"{jurisdiction}2026112300001"
        assert closed.case.pinned_versions["matrix"]
        levels = [e.dispatch_level for e in await node.events(CaseDispatched)]
        assert levels == (["city", "district"] if rules.two_commands else ["city"])
