"""A city and its district, each with its own dispatch on real servers: hand-over, copies, and a link that is cut."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from yiwang.contracts import (
    Actor,
    AreaRef,
    CaseClosed,
    CaseDirected,
    CaseDispatched,
    CaseEvent,
    CaseHandoverAccepted,
    CaseHandoverOffered,
    CaseHandoverRefused,
    CaseHandoverWithdrawn,
    CaseOverdue,
    CaseReferredToEnforcement,
    CaseReopened,
    CaseSupervised,
    CaseVisited,
    ContactSettled,
    ContactWanted,
    CopyWanted,
    Custody,
    CustodyAnswered,
    DirectiveApplied,
    DirectiveExpired,
    DirectiveRefused,
    EnforcementClosed,
    LogPosition,
    Place,
    ReferralClosed,
)
from yiwang.dispatch.app import make_service
from yiwang.dispatch.testing import BY_HAND, MONDAY, PLACE, located, reported, some_rules
from yiwang.dispatch.tiers import HOLDERS, Governance, Press
from yiwang.kit import ManualClock
from yiwang.kit.link import api
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import Pair, pair

PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": "440303"}
CITY, LUOHU = "440300", "440303"
PATIENCE_S = 60.0


def service(governance: str = "one_supervise_two_command", **change: Any) -> Any:
    """Dispatch with the small city's rules under a governance; `take`, `offer_minutes`, `visits` and `press` go to it."""
    how = {k: change.pop(k) for k in ("take", "offer_minutes", "visits", "press") if k in change}
    rules: dict[str, Any] = {
        "supervise": "district" if governance.startswith("two_s") else "city",
        "two_commands": governance != "single",
        "governance": Governance(name=governance, holders=HOLDERS[governance], **how),
    }
    return make_service(lambda _: some_rules(**(rules | change)))


class Two:
    """City and district, their link, their people."""

    def __init__(self, both: Pair, city: Any, county: Any, clock: ManualClock) -> None:
        self.both, self.city, self.county, self.clock = both, city, county, clock

    def desk(self, app: Any, role: str) -> httpx.AsyncClient:
        area = CITY if app is self.city else LUOHU
        unit = {"dept_operator": "sanitation", "handler": "sanitation", "collector": "inspectors"}.get(role, "")
        return app.http(role, area=area, unit_id=unit, person_ref=f"p-{role}")

    async def act(self, app: Any, role: str, path: str, expect: int = 200, **body: Any) -> Any:
        answer = await self.desk(app, role).post(f"/cases/{path}", json=body)
        assert answer.status_code == expect, (path, answer.status_code, answer.text)
        return answer.json()

    async def get(self, app: Any, path: str, role: str = "acceptor") -> Any:
        answer = await self.desk(app, role).get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def take(self, at: str = CITY, case_id: str = "case-1", **report: Any) -> None:
        """A report that a node took, and its place."""
        node = self.both.parent if at == CITY else self.both.child
        first = reported(case_id, at=self.clock.now(), jurisdiction=at, custody=Custody(jurisdiction=at), **report)
        await node.publish(first, located(first, jurisdiction=at))

    async def handled(self, no: str) -> None:
        """The district's unit does its work, its dispatcher lets the result pass."""
        county = self.county
        await self.act(county, "dept_operator", f"{no}/assign_handler", handler_ref="p-handler")
        await self.act(county, "handler", f"{no}/submit_result", resolution_mode="manage", media=[PHOTO])
        await self.act(county, "dept_operator", f"{no}/dept_confirm")
        await self.act(county, "dispatcher", f"{no}/pass")

    async def until_case(self, app: Any, no: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The case as *app* shows it, once it *fits*."""
        shown: dict[str, Any] = {}

        async def there() -> bool:
            answer = await self.desk(app, "acceptor").get(f"/cases/{no}")
            shown.clear()
            shown.update(answer.json())
            return answer.status_code == 200 and fits(shown)

        await until(there, lambda: str({k: shown.get(k) for k in ("case", "custody", "detail")}))
        return shown


async def until(happened: Callable[[], Awaitable[bool]], why: Callable[[], str]) -> None:
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while not await happened():
        assert asyncio.get_running_loop().time() < end, why()
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def two(
    servers: TestServers, folder: Path, name: str, *, above: Any = None, below: Any = None, **settings: Any
) -> AsyncIterator[Two]:
    clock = ManualClock(MONDAY)
    async with (
        pair(servers, folder, child=LUOHU, name=name) as both,
        both.parent.running(above or service(), clock=clock, settings=settings, **both.kit(both.parent)) as city,
        both.child.running(below or service(), clock=clock, settings=settings, **both.kit(both.child)) as county,
    ):
        yield Two(both, city, county, clock)


def elsewhere(code: str) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: shown["custody"]["read_only"] and shown["custody"]["custodian"] == code


async def test_the_city_accepts_the_district_handles_the_city_checks_and_closes(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """One number, one history, versions 1..n whoever wrote them; each side sees where the case is and may not write
    while the other has it."""
    async with two(test_servers, tmp_path, "custody_life") as t:
        await t.take(CITY)
        [there, back] = await t.both.parent.until(CaseDispatched, 2, timeout=PATIENCE_S)
        assert [there.dispatch_level, back.dispatch_level] == ["city", "district"]
        assert [there.jurisdiction, back.jurisdiction] == [CITY, LUOHU]
        no = there.case.case_no
        assert no.startswith(CITY)
        assert back.case.case_no == no

        shown = await t.until_case(t.city, no, elsewhere(LUOHU))
        assert shown["custody"]["custodian_name"] == "区"
        refused = await t.act(t.city, "shift_leader", f"{no}/void", expect=409, reason_code="x", opinion="作废")
        assert "区（440303）" in refused["detail"]
        own = await t.get(t.city, "/cases")
        assert own["cases"] == []
        [listed] = (await t.get(t.city, "/cases?scope=subtree"))["cases"]
        assert (listed["custodian"], listed["custodian_name"]) == (LUOHU, "区")
        assert listed["as_of"]

        await t.handled(no)
        shown = await t.until_case(t.county, no, elsewhere(CITY))
        assert shown["case"]["state"] == "checking"
        await t.until_case(t.city, no, lambda s: not s["custody"]["read_only"])
        refused = await t.act(t.county, "collector", f"{no}/check_result", expect=409, result="pass", media=[PHOTO])
        assert "市（440300）" in refused["detail"]
        await t.act(t.city, "collector", f"{no}/check_result", result="pass", media=[PHOTO])
        await t.act(t.city, "acceptor", f"{no}/close", closing_condition_ids=["c1-done"])

        [closed] = await t.both.parent.until(CaseClosed)
        assert closed.summary.timeliness == "on_time"
        assert closed.summary.units[0].unit_id == "sanitation"
        said = sorted((e for e in await t.both.parent.events() if isinstance(e, CaseEvent)), key=lambda e: e.case.case_version)
        assert [e.case.case_version for e in said] == list(range(1, len(said) + 1))
        assert [e.case.custody.epoch for e in said] == sorted(e.case.custody.epoch for e in said)
        assert {e.case.case_no for e in said if e.case.case_no} == {no}
        shown = await t.get(t.city, f"/cases/{no}")
        assert [line["seq"] for line in shown["history"]] == list(range(1, len(shown["history"]) + 1))
        below = await t.until_case(t.county, no, lambda s: s["case"]["state"] == "closed")
        assert below["custody"]["custodian"] == CITY
        assert [line["action"] for line in shown["history"]].count("take_over") == 2
        assert not await t.both.parent.parked()
        assert not await t.both.child.parked()


async def test_a_district_goes_on_while_its_link_is_cut(test_servers: TestServers, tmp_path: Path) -> None:
    """What it took itself it accepts, files and handles alone; the city has it all when the link is mended, and checks."""
    async with two(test_servers, tmp_path, "custody_cut") as t:
        t.both.cut()
        await t.take(LUOHU)
        [sent] = await t.both.child.until(CaseDispatched, timeout=PATIENCE_S)
        no = sent.case.case_no
        assert no.startswith(LUOHU)
        await t.handled(no)
        await t.both.child.until(CaseHandoverOffered, timeout=PATIENCE_S)
        assert (await t.desk(t.city, "acceptor").get(f"/cases/{no}")).status_code == 404
        shown = await t.get(t.county, f"/cases/{no}")
        assert shown["custody"]["offer"]["to"] == CITY
        assert not shown["custody"]["read_only"], "until the city takes it, it stays here"

        t.both.mend()
        await t.until_case(t.city, no, lambda s: not s["custody"]["read_only"])
        await t.act(t.city, "collector", f"{no}/check_result", result="not_pass", opinion="未清理干净")
        shown = await t.until_case(t.county, no, lambda s: not s["custody"]["read_only"])
        assert (shown["case"]["state"], shown["rework_count"]) == ("dispatched", 1)
        assert shown["custody"]["epoch"] == 3


async def test_an_offer_that_nobody_answers_is_told_and_the_sender_may_go_on(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """The link is cut, the offer is late: somebody is told; who goes on takes it back, and the district learns so."""
    async with two(test_servers, tmp_path, "custody_late", above=service(offer_minutes=30)) as t:
        t.both.cut()
        await t.take(CITY)
        [offer] = await t.both.parent.until(CaseHandoverOffered, timeout=PATIENCE_S)
        t.clock.advance(minutes=31)
        overdue = await t.both.parent.until(CaseOverdue, where=lambda e: e.stage == "handover", timeout=PATIENCE_S)
        assert overdue[0].unit_id == LUOHU
        no = offer.case.case_no
        shown = await t.get(t.city, f"/cases/{no}")
        assert shown["custody"]["offer"]["late"]

        await t.act(t.city, "dispatcher", f"{no}/dispatch", unit_id="sanitation")
        [withdrawn] = await t.both.parent.until(CaseHandoverWithdrawn)
        assert withdrawn.reason == "went_on"
        t.both.mend()

        async def ended() -> bool:
            row = await t.county.pool.fetchrow("select state from offers where offer_id = $1", offer.offer_id)
            return row is not None and row["state"] == "withdrawn"

        await until(ended, lambda: "the district doesn't know that the offer was taken back")
        await t.both.parent.until(CustodyAnswered, timeout=PATIENCE_S)
        shown = await t.get(t.city, f"/cases/{no}")
        assert not shown["custody"]["read_only"]
        assert shown["case"]["state"] == "dispatched"


async def test_people_refuse_and_accept_offers(test_servers: TestServers, tmp_path: Path) -> None:
    """A refusal needs a reason, comes back with it, and isn't offered again by rule; a person offers anew."""
    below = service(take=frozenset())
    async with two(test_servers, tmp_path, "custody_people", below=below) as t:
        await t.take(CITY)
        [offer] = await t.both.parent.until(CaseHandoverOffered, timeout=PATIENCE_S)

        async def waits() -> bool:
            return bool(await t.get(t.county, "/cases/offers"))

        await until(waits, lambda: "no offer came")
        [waiting] = await t.get(t.county, "/cases/offers")
        assert (waiting["sender_name"], waiting["cause_name"], waiting["state_name"]) == ("市", "派遣", "待接收")
        path = f"offers/refuse?offer_id={offer.offer_id}"
        await t.act(t.county, "dispatcher", path, expect=422)
        await t.act(t.county, "dispatcher", path, opinion="不属我区")
        await t.act(t.county, "dispatcher", path, expect=409, opinion="不属我区")
        [refused] = await t.both.parent.until(CaseHandoverRefused, timeout=PATIENCE_S)
        assert refused.jurisdiction == CITY, "only the custodian writes"
        no = refused.case.case_no
        shown = await t.get(t.city, f"/cases/{no}")
        assert shown["history"][-1]["opinion"] == "不属我区"
        assert shown["custody"]["offer"] is None

        await t.act(t.city, "acceptor", f"{no}/hand_over", expect=422)
        await t.act(t.city, "dispatcher", f"{no}/hand_over", opinion="经核实在你区")
        again = (await t.both.parent.until(CaseHandoverOffered, 2, timeout=PATIENCE_S))[1]

        async def waits_again() -> bool:
            return [o["offer_id"] for o in await t.get(t.county, "/cases/offers")] == [again.offer_id]

        await until(waits_again, lambda: "the second offer did not come")
        await t.act(t.county, "dispatcher", f"offers/accept?offer_id={again.offer_id}")
        await t.both.parent.until(CaseHandoverAccepted, timeout=PATIENCE_S)
        await t.until_case(t.county, no, lambda s: not s["custody"]["read_only"])


async def test_a_report_taken_in_the_wrong_place_goes_where_it_belongs(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """The grid calls it foreign: the node of its place gets it, and the one that took it sees where it went."""
    async with two(test_servers, tmp_path, "custody_foreign") as t:
        first = reported("case-1", at=t.clock.now(), jurisdiction=LUOHU, custody=Custody(jurisdiction=LUOHU))
        futian = AreaRef(province="440000", city=CITY, county="440304", street9="440304001")
        there = Place(area=futian, method="point")
        await t.both.child.publish(first, located(first, outcome="foreign", place=there, jurisdiction=LUOHU))
        shown = await t.until_case(t.city, "case-1", lambda s: not s["custody"]["read_only"])
        assert shown["custody"]["taken_by"] == LUOHU
        assert shown["case"]["case_no"].startswith(CITY), "the city went on with it by rule"
        below = await t.until_case(t.county, "case-1", elsewhere(CITY))
        assert below["case"]["area"].startswith("440304")


async def test_a_gap_in_a_copy_is_mended_by_asking_for_the_case(test_servers: TestServers, tmp_path: Path) -> None:
    """Events were lost between the nodes: the copy holds what comes after them, asks, and is whole again."""
    async with two(test_servers, tmp_path, "custody_gap", below=service(auto=BY_HAND), gap_patience_s=0.2) as t:
        await t.take(LUOHU)
        for node in (t.city, t.county):
            await t.until_case(node, "case-1", lambda s: s["case"]["version"] == 2)
        t.both.cut()
        await t.act(t.county, "acceptor", "case-1/accept")
        done = await t.act(t.county, "acceptor", "case-1/file")
        await t.both.child.settled()
        await api((await t.both.child.link()).nc, "STREAM.PURGE.UP")
        t.both.mend()
        await t.act(t.county, "dispatcher", "case-1/dispatch")

        async def held() -> bool:
            return bool(await t.city.pool.fetchval("select count(*) from copy_waiting"))

        await until(held, lambda: "the copy doesn't hold what came too early")
        t.clock.advance(seconds=1)
        [asked] = await t.both.parent.until(CopyWanted, timeout=PATIENCE_S)
        assert (asked.addressee, asked.from_version) == (LUOHU, 2)
        shown = await t.until_case(t.city, done["case_no"], lambda s: s["case"]["state"] == "dispatched")
        assert [line["action"] for line in shown["history"]] == ["report", "accept", "file", "dispatch"]
        row = await t.city.pool.fetchrow("select * from copies")
        assert row["custodian"] == LUOHU
        assert row["filed_at"] is not None
        assert row["dispatched_at"] is not None
        assert row["unit_id"] == "sanitation"
        assert not await t.city.pool.fetchval("select count(*) from copy_waiting")


async def test_a_case_that_was_handed_over_has_no_alarm_at_its_sender(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """Limits are watched by whoever has the case."""
    async with two(test_servers, tmp_path, "custody_alarm") as t:
        await t.take(CITY)
        await t.both.parent.until(CaseHandoverAccepted, timeout=PATIENCE_S)
        await t.both.parent.until(CaseDispatched, 2, timeout=PATIENCE_S)

        async def silent() -> bool:
            return not await t.city.pool.fetchval("select count(*) from kit_timer where kind in ('alarm', 'offer')")

        await until(silent, lambda: "the city still watches the clock")
        t.clock.advance(hours=20)
        [overdue] = await t.both.parent.until(CaseOverdue, timeout=PATIENCE_S)
        assert overdue.jurisdiction == LUOHU
        assert overdue.occurred_at - overdue.due_at < dt.timedelta(days=1)
        assert PLACE.area.county == LUOHU


async def test_the_city_presses_a_case_of_its_district_and_is_answered(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """Supervised with a reply due: the district sees it, is told when it is late, and answers; the city sees it all."""
    async with two(test_servers, tmp_path, "directive_reply") as t:
        await t.take(LUOHU)
        [sent] = await t.both.parent.until(CaseDispatched, timeout=PATIENCE_S)
        no = sent.case.case_no
        await t.until_case(t.city, no, elsewhere(LUOHU))
        due = t.clock.now() + dt.timedelta(minutes=30)
        body = {"kind": "leader", "opinion": "限时办结", "reply_required": True, "reply_due": due.isoformat()}
        await t.act(t.city, "dispatcher", f"{no}/directives", expect=403, **body)
        await t.act(t.city, "leader", f"{no}/directives", expect=422, **(body | {"opinion": ""}))
        await t.act(t.county, "leader", f"{no}/directives", expect=409, action="recall", opinion="收回")
        given = await t.act(t.city, "leader", f"{no}/directives", **body)
        assert (given["state"], given["custodian_name"]) == ("issued", "区")

        [applied] = await t.both.parent.until(DirectiveApplied, timeout=PATIENCE_S)
        assert applied.directive_id == given["directive_id"]
        shown = await t.get(t.county, f"/cases/{no}")
        [pressed] = shown["custody"]["supervisions"]
        assert (pressed["issuer"], pressed["kind"], pressed["opinion"]) == (CITY, "leader", "限时办结")
        t.clock.advance(minutes=31)
        await t.both.parent.until(CaseOverdue, where=lambda e: e.stage == "supervision", timeout=PATIENCE_S)
        reply = {"directive_id": given["directive_id"], "opinion": "已安排人员，今日办结"}
        await t.act(t.county, "dispatcher", f"{no}/supervision_reply", **reply)
        await t.act(t.county, "dispatcher", f"{no}/supervision_reply", expect=409, **reply)
        seen = await t.until_case(t.city, no, lambda s: bool(s["custody"]["supervisions"][0].get("replied_at")))
        assert seen["custody"]["supervisions"][0]["overdue"]
        assert seen["history"][-1]["opinion"] == "已安排人员，今日办结"
        [known] = await t.get(t.city, f"/cases/{no}/directives", "leader")
        assert (known["state_name"], known["side"]) == ("已执行", "issued")


async def test_an_overdue_case_is_pressed_by_rule_first_at_home_then_from_above(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """After an hour the district's own rule presses it, after three the city's, which wants an answer and gets it. The
    city's word comes to a case that has moved on, so it is given anew. Once is enough for each rule."""
    rules = (
        Press(level="county", after_hours=1, opinion="区级超时督办"),
        Press(level="city", after_hours=3, opinion="市级超时督办", reply_hours=2),
        Press(level="province", after_hours=1, opinion="省级超时督办"),
    )
    async with two(test_servers, tmp_path, "pressed", above=service(press=rules), below=service(press=rules)) as t:
        await t.take(LUOHU)
        [sent] = await t.both.parent.until(CaseDispatched, timeout=PATIENCE_S)
        no = sent.case.case_no
        await t.until_case(t.city, no, elsewhere(LUOHU))
        t.clock.advance(hours=20)
        [late] = await t.both.parent.until(CaseOverdue, where=lambda e: e.stage == "disposal", timeout=PATIENCE_S)
        await t.until_case(t.city, no, lambda s: s["case"]["overdue"])
        [own] = await t.both.parent.until(CaseSupervised, timeout=PATIENCE_S)
        assert (own.issuer, own.kind, own.level, own.actor.kind) == (LUOHU, "timeout", "county", "system")
        t.both.cut()
        await t.act(t.county, "dept_operator", f"{no}/assign_handler", handler_ref="p-handler")
        gone = (late.due_at + dt.timedelta(hours=3) - t.clock.now()).total_seconds()
        t.clock.advance(seconds=max(gone, 0) + 1)
        [given] = await t.both.parent.until(CaseDirected, timeout=PATIENCE_S)
        t.both.mend()
        await t.both.parent.until(DirectiveRefused, where=lambda e: e.reason_code == "stale", timeout=PATIENCE_S)
        await t.until_case(t.city, no, lambda s: s["case"]["state"] == "handling")

        async def known() -> bool:
            found = await t.get(t.city, f"/cases/{no}/directives", "leader")
            return any(one["state"] == "refused" for one in found)

        await until(known, lambda: "the city doesn't know of the refusal")
        t.clock.advance(minutes=2)
        await t.both.parent.until(DirectiveApplied, timeout=PATIENCE_S)
        shown = await t.until_case(t.city, no, lambda s: len(s["custody"]["supervisions"]) == 2)
        [_, pressed] = shown["custody"]["supervisions"]
        assert (pressed["issuer"], pressed["opinion"], pressed["reply_required"]) == (CITY, "市级超时督办", True)
        assert given.directive_id != pressed["directive_id"]
        t.clock.advance(hours=2, minutes=1)
        await t.both.parent.until(CaseOverdue, where=lambda e: e.stage == "supervision", timeout=PATIENCE_S)
        reply = {"directive_id": pressed["directive_id"], "opinion": "夜间办结"}
        await t.act(t.county, "dispatcher", f"{no}/supervision_reply", **reply)
        shown = await t.until_case(
            t.city, no, lambda s: bool(s["custody"]["supervisions"][1].get("replied_at"))
        )
        assert [one["result_name"] for one in shown["history"] if one["action"] == "supervise"] == ["超时督办"] * 2


async def test_a_directive_that_comes_too_late_is_refused_and_a_silent_district_is_told_of(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """The link is cut until after its end: the city is told that nobody answered, then why it was refused."""
    async with two(test_servers, tmp_path, "directive_late") as t:
        await t.take(LUOHU)
        [sent] = await t.both.parent.until(CaseDispatched, timeout=PATIENCE_S)
        no = sent.case.case_no
        await t.until_case(t.city, no, elsewhere(LUOHU))
        t.both.cut()
        ends = t.clock.now() + dt.timedelta(minutes=10)
        await t.act(t.city, "supervisor", f"{no}/directives", opinion="请办理", expires_at=ends.isoformat())
        assert len(await t.get(t.city, "/cases/directives", "leader")) == 1
        t.clock.advance(minutes=11)
        await t.both.parent.until(DirectiveExpired, timeout=PATIENCE_S)
        t.both.mend()
        [refused] = await t.both.parent.until(DirectiveRefused, timeout=PATIENCE_S)
        assert refused.reason_code == "expired"
        assert "重新下达" in refused.reason

        async def known() -> bool:
            found = await t.get(t.city, f"/cases/{no}/directives", "leader")
            return found[0]["state"] == "refused"

        await until(known, lambda: "the city doesn't know of the refusal")
        assert not (await t.get(t.county, f"/cases/{no}"))["custody"]["supervisions"]


async def test_the_city_takes_a_case_back(test_servers: TestServers, tmp_path: Path) -> None:
    """Recalled, it comes with everything and isn't sent down again by rule."""
    async with two(test_servers, tmp_path, "directive_recall") as t:
        await t.take(CITY)
        [_, sent] = await t.both.parent.until(CaseDispatched, 2, timeout=PATIENCE_S)
        no = sent.case.case_no
        shown = await t.until_case(t.city, no, lambda s: s["case"]["state"] == "dispatched")
        stale = await t.act(
            t.city, "leader", f"{no}/directives", expect=409, action="recall", opinion="x", version=1
        )
        assert "您看到的是第 1 版" in stale["detail"]
        body = {"action": "recall", "opinion": "由市直接处置", "version": shown["case"]["version"]}
        await t.act(t.city, "leader", f"{no}/directives", **body)
        shown = await t.until_case(t.city, no, lambda s: not s["custody"]["read_only"])
        assert (shown["case"]["state"], shown["custody"]["epoch"]) == ("dispatched", 3)
        await t.act(t.city, "dept_operator", f"{no}/assign_handler", handler_ref="p-handler")
        await t.until_case(t.county, no, lambda s: s["case"]["state"] == "handling" and s["custody"]["read_only"])


async def test_the_tier_that_took_the_report_asks_the_reporter(test_servers: TestServers, tmp_path: Path) -> None:
    """A citizen's report taken in the district is closed by the city: the district asks, the city's history tells. Who is
    dissatisfied has the case taken up again: the city opens the next round, the district handles it, the city checks and
    closes it, and the district asks again; one number and one history throughout."""
    async with two(test_servers, tmp_path, "visit_below") as t:
        await t.take(LUOHU, reporter_kind="citizen")
        [sent] = await t.both.parent.until(CaseDispatched, timeout=PATIENCE_S)
        no = sent.case.case_no
        await t.handled(no)
        await t.until_case(t.city, no, lambda s: not s["custody"]["read_only"])
        await t.act(t.city, "collector", f"{no}/check_result", result="pass", media=[PHOTO])
        await t.act(t.city, "acceptor", f"{no}/close", closing_condition_ids=["c1-done"])

        async def asked() -> bool:
            return bool(await t.get(t.county, "/cases/visits"))

        await until(asked, lambda: "nobody in the district is asked to visit")
        assert await t.get(t.city, "/cases/visits") == []
        await t.act(t.city, "acceptor", f"{no}/visit", expect=404, score=2)
        done = await t.act(t.county, "acceptor", f"{no}/visit", score=4, opinion="垃圾又有了")
        assert not done["satisfied"]
        await t.act(t.county, "acceptor", f"{no}/visit", expect=404, score=2)
        [visited] = await t.both.parent.until(CaseVisited, timeout=PATIENCE_S)
        assert (visited.jurisdiction, visited.score, visited.satisfied) == (CITY, 4, False)
        [again] = await t.both.parent.until(CaseReopened, timeout=PATIENCE_S)
        assert (again.jurisdiction, again.case.round, again.case.case_no) == (CITY, 2, no)

        shown = await t.until_case(
            t.county, no, lambda s: s["case"]["state"] == "dispatched" and not s["custody"]["read_only"]
        )
        told = {line["action"]: line for line in shown["history"]}
        assert (told["visit"]["action_name"], told["visit"]["result_name"]) == ("回访", "不满意")
        assert told["reopen"]["action_name"] == "重新办理"
        await t.handled(no)
        await t.until_case(t.city, no, lambda s: not s["custody"]["read_only"])
        await t.act(t.city, "collector", f"{no}/check_result", result="pass", media=[PHOTO])
        await t.act(t.city, "acceptor", f"{no}/close", closing_condition_ids=["c1-done"])
        await until(asked, lambda: "nobody in the district is asked to visit again")
        await t.act(t.county, "acceptor", f"{no}/visit", score=1, opinion="已清理干净")
        shown = await t.until_case(t.county, no, lambda s: s["history"][-1]["action"] == "visit")
        assert (shown["case"]["state"], shown["history"][-1]["result_name"]) == ("closed", "非常满意")
        whole = (await t.get(t.city, f"/cases/{no}"))["history"]
        assert [line["version"] for line in whole] == sorted(line["version"] for line in whole)


async def test_the_tier_that_closes_asks_the_reporter_once_the_contact_was_handed_over(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """As the city's rule says it asks for the contact, sealed, and visits when it has it. When nobody answers, or the
    time is over, the visit is the district's again; who erased the reporter is asked no more."""
    above = service(visits="custodian")
    async with two(test_servers, tmp_path, "visit_above", above=above) as t:
        await t.take(LUOHU, reporter_kind="citizen")
        [sent] = await t.both.parent.until(CaseDispatched, timeout=PATIENCE_S)
        no, case_id = sent.case.case_no, sent.case.case_id
        await t.handled(no)
        await t.until_case(t.city, no, lambda s: not s["custody"]["read_only"])
        await t.act(t.city, "acceptor", f"{no}/visit_here", expect=409, opinion="市级回访")
        await t.act(t.city, "collector", f"{no}/check_result", result="pass", media=[PHOTO])
        await t.act(t.city, "acceptor", f"{no}/close", closing_condition_ids=["c1-done"])
        [wanted] = await t.both.parent.until(ContactWanted, timeout=PATIENCE_S)
        assert (wanted.holder, wanted.report_ids, wanted.jurisdiction) == (LUOHU, sent.case.report_ids, CITY)

        async def settle(outcome: str, ask_id: str) -> None:
            about = {"case_id": case_id, "case_no": no, "report_id": wanted.report_ids[0], "ask_id": ask_id}
            await t.both.parent.publish(ContactSettled(outcome=outcome, **about))

        async def visits(app: Any, *ids: str) -> None:
            async def there() -> bool:
                return [one.get("ask_id", "") for one in await t.get(app, "/cases/visits")] == list(ids)

            await until(there, lambda: f"other visits than {ids} are to be made")

        assert await t.get(t.city, "/cases/visits") == await t.get(t.county, "/cases/visits") == []
        await settle("silent", "ask-1")
        await visits(t.county, "")
        await t.act(t.city, "acceptor", f"{no}/visit_here", opinion="督办件由市级回访")
        await t.act(t.city, "acceptor", f"{no}/visit_here", expect=409, opinion="督办件由市级回访")
        await settle("held", "ask-2")
        await visits(t.city, "ask-2")
        await settle("erased", "ask-2")
        await visits(t.city)
        await t.act(t.city, "acceptor", f"{no}/visit_here", opinion="再试一次")
        await settle("held", "ask-3")
        await visits(t.city, "ask-3")
        await t.act(t.city, "acceptor", f"{no}/visit", score=2)
        [visited] = await t.both.parent.until(CaseVisited, timeout=PATIENCE_S)
        assert (visited.jurisdiction, visited.score, visited.satisfied) == (CITY, 2, True)


async def test_what_came_of_a_referral_finds_the_case_where_it_is_by_then(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """The district referred it; when its agency is done, the city has the case: its history reads the agency's words."""
    async with two(test_servers, tmp_path, "referral") as t:
        await t.take(LUOHU)
        [sent] = await t.both.parent.until(CaseDispatched, timeout=PATIENCE_S)
        no = sent.case.case_no
        await t.act(t.county, "dept_operator", f"{no}/assign_handler", handler_ref="p-handler")
        why = {"agency_id": "agency-1", "item_code": "i1", "opinion": "涉嫌违法倾倒"}
        await t.act(t.county, "dept_operator", f"{no}/refer", **why)
        [referred] = await t.both.child.until(CaseReferredToEnforcement, timeout=PATIENCE_S)
        await t.act(t.county, "handler", f"{no}/submit_result", resolution_mode="enforce", media=[PHOTO])
        await t.act(t.county, "dept_operator", f"{no}/dept_confirm")
        await t.act(t.county, "dispatcher", f"{no}/pass")
        await t.until_case(t.city, no, lambda s: not s["custody"]["read_only"])
        await t.until_case(t.county, no, elsewhere(CITY))
        ended = EnforcementClosed(
            file_id="f-1", agency_id="agency-1", referral_id=referred.referral_id, case_id=sent.case.case_id,
            log=LogPosition(log_id="l", leaf_index=1, leaf_hash="h"), node_code="closing", outcome="filed",
            outcome_name="立案查处（罚款）", occurred_at=t.clock.now(), actor=Actor(role="agency_head"), jurisdiction=LUOHU,
        )  # fmt: skip
        await t.both.child.publish(ended)
        shown = await t.until_case(t.city, no, lambda s: s["history"][-1]["action"] == "enforcement_closed")
        last = shown["history"][-1]
        assert (last["action_name"], last["result_name"]) == ("执法结果", "立案查处（罚款）")
        assert (shown["referral"]["outcome"], shown["referral"]["file_id"]) == ("filed", "f-1")
        assert shown["case"]["state"] == "checking"
        [passed] = await t.both.parent.until(ReferralClosed, timeout=PATIENCE_S)
        assert (passed.jurisdiction, passed.addressee) == (LUOHU, CITY)


async def test_a_restored_district_gives_no_number_before_the_city_has_told_the_highest(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """Its streams were lost with it; the city's copies know what it had given."""
    clock = ManualClock(MONDAY)
    async with (
        pair(test_servers, tmp_path, child=LUOHU, name="numbers_told") as both,
        both.parent.running(service(), clock=clock, **both.kit(both.parent)) as city,
    ):
        async with both.child.running(service(), clock=clock, **both.kit(both.child)) as county:
            t = Two(both, city, county, clock)
            for n in range(3):
                await t.take(LUOHU, f"case-{n}")
            await both.parent.until(CaseDispatched, 3, timeout=PATIENCE_S)
            await both.child.settled()
            await county.pool.execute("delete from cases; delete from numbers")  # an older backup came back
            url = both.child.database_url
        await api((await both.child.link()).nc, "STREAM.PURGE.UP")
        db = await asyncpg.connect(url)
        await db.execute("update yw.node set incarnation = incarnation + 1")
        await db.close()

        both.cut()
        async with both.child.running(service(), clock=clock, **both.kit(both.child)) as county:
            t = Two(both, city, county, clock)
            await t.take(LUOHU, "case-after")
            await both.child.settled()
            shown = await t.get(county, "/cases/case-after")
            assert (shown["case"]["state"], shown["case"]["case_no"]) == ("accepted", "")
            refused = await t.act(county, "acceptor", "case-after/file", expect=503)
            assert "暂不发号" in refused["detail"]
            both.mend()
            shown = await t.until_case(county, "case-after", lambda s: s["case"]["state"] == "dispatched")
            assert shown["case"]["case_no"].endswith("00004")


async def test_a_restored_backup_knows_what_was_handed_over_since(test_servers: TestServers, tmp_path: Path) -> None:
    """The district let a case go after its backup: it doesn't write it again. The city had taken one: it goes on with it."""
    clock = ManualClock(MONDAY)
    async with pair(test_servers, tmp_path, child=LUOHU, name="restored_custody") as both:
        async with (
            both.parent.running(service(), clock=clock, **both.kit(both.parent)) as city,
            both.child.running(service(), clock=clock, **both.kit(both.child)) as county,
        ):
            t = Two(both, city, county, clock)
            await t.take(LUOHU)
            [sent] = await both.parent.until(CaseDispatched, timeout=PATIENCE_S)
            no = sent.case.case_no
            backup = await county.pool.fetchrow("select doc, version, state, queue from cases")
            await t.handled(no)
            await t.until_case(city, no, lambda s: not s["custody"]["read_only"])
            await t.act(city, "collector", f"{no}/check_result", result="pass", media=[PHOTO])
            await t.until_case(county, no, lambda s: s["case"]["state"] == "closing")
            version = (await t.get(city, f"/cases/{no}"))["case"]["version"]
            await county.pool.execute(
                "update cases set doc = $1, version = $2, state = $3, queue = $4, away = null", *backup.values()
            )
            await county.pool.execute("delete from copies")
            await city.pool.execute("delete from cases")
        for node in (both.parent, both.child):
            db = await asyncpg.connect(node.database_url)
            await db.execute("update yw.node set incarnation = incarnation + 1")
            await db.close()
        async with (
            both.parent.running(service(), clock=clock, **both.kit(both.parent)) as city,
            both.child.running(service(), clock=clock, **both.kit(both.child)) as county,
        ):
            t = Two(both, city, county, clock)
            refused = await t.act(county, "dispatcher", f"{no}/pass", expect=409)
            assert "市（440300）" in refused["detail"]
            shown = await t.get(city, f"/cases/{no}")
            assert (shown["case"]["version"], shown["case"]["state"]) == (version, "closing")
            assert [line["seq"] for line in shown["history"]] == list(range(1, len(shown["history"]) + 1))
            await t.act(city, "acceptor", f"{no}/close", closing_condition_ids=["c1-done"])
            [closed] = await both.parent.until(CaseClosed, timeout=PATIENCE_S)
            assert closed.case.case_version == version + 1

            async def waits() -> bool:
                return bool(await county.pool.fetchval("select count(*) from copy_waiting"))

            await until(waits, lambda: "the district doesn't hear of the end")
            clock.advance(seconds=10)
            await t.until_case(county, no, lambda s: s["case"]["state"] == "closed")
