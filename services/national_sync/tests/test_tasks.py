"""Inspection tasks of an upper tier: given, passed on, answered, returned, closed, over a link that may be cut."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yiwang.contracts import (
    Figure,
    NoticeRequested,
    TaskAssigned,
    TaskClosed,
    TaskFeedback,
    TaskReceived,
    TaskReminded,
    TaskShare,
)
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON
from yiwang.national_sync.app import service
from yiwang.national_sync.tasks import NEXT, collected, names_a_person, timeliness
from yiwang.national_sync.testing import SECRET, a_batch, a_platform, a_profile, an_envelope
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import Pair, pair

DUE = NOON + dt.timedelta(days=2)
TASK = {
    "kind": "report",
    "title": "窨井盖专项排查",
    "content": "排查辖区窨井盖，报送排查数和整改数。",
    "feedback_due": DUE.isoformat(),
    "figures_wanted": ["checked", "mended"],
}
DONE = {"result": "done", "summary": "已完成排查", "figures": [{"code": "checked", "value": 120, "unit": "个"},
                                                            {"code": "mended", "value": 7, "unit": "个"}]}  # fmt: skip


def running(both: Pair, node: Any, clock: Any, profile: str = "", **settings: str) -> Any:
    quick = {"poll_seconds": 0.02, "backoff_first_s": 0.02, "backoff_most_s": 0.05} | settings
    return node.running(service, settings=quick, clock=clock, profile=profile, **both.kit(node))


@asynccontextmanager
async def two(servers: TestServers, folder: Path, clock: ManualClock) -> AsyncIterator[tuple[Pair, Any, Any]]:
    """The pair, with the exchange running at the city and at the county."""
    async with (
        pair(servers, folder) as both,
        running(both, both.parent, clock) as city,
        running(both, both.child, clock) as county,
    ):
        yield both, city, county


async def ok(answer: Any) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


async def state_of(http: Any, task_id: str) -> Any:
    return (await ok(await http.get(f"/sync/tasks/{task_id}")))["task"]


async def test_a_task_goes_down_and_its_answer_comes_up_though_the_link_was_cut(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """The county answers in time while it is cut off; the city hears it a day late and counts it as on time."""
    clock = ManualClock(NOON)
    async with two(test_servers, tmp_path, clock) as (both, city, county):
        leader, below = city.http("leader", area="440300"), county.http("leader", area="440304")
        [task] = (await ok(await leader.post("/sync/tasks", json={"to": ["440304"], **TASK})))["task_ids"]
        await both.child.until(TaskReceived)
        [got] = await ok(await below.get("/sync/tasks?side=received"))
        assert (got["task_id"], got["peer"], got["says"]["title"]) == (task, "440300", "窨井盖专项排查")
        await both.parent.until(TaskReceived)

        both.cut()
        await ok(await below.post(f"/sync/tasks/{task}/feedback", json=DONE))
        clock.advance(days=3)
        await both.parent.until(TaskReminded)
        assert (await state_of(leader, task))["overdue"]
        both.mend()
        await both.parent.until(TaskFeedback)
        await both.parent.settled()

        shown = await state_of(leader, task)
        assert (shown["state"], shown["overdue"], shown["share"]["timeliness"]) == ("answered", False, "on_time")
        assert {f["code"]: f["value"] for f in shown["share"]["figures"]} == {"checked": 120, "mended": 7}

        await ok(await leader.post(f"/sync/tasks/{task}/close", json={"result": "done"}))
        await both.child.until(TaskClosed)
        await both.child.settled()
        assert (await state_of(below, task))["state"] == "closed"
        page = await ok(await leader.get(f"/sync/tasks/{task}"))
        assert [s["action"] for s in page["steps"]] == ["assign", "receive", "overdue", "feedback", "close"]


async def test_an_answer_that_is_not_good_enough_goes_into_another_round(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """Returned with a reason and a new deadline; the answer of the old round can't end the new one."""
    clock = ManualClock(NOON)
    async with two(test_servers, tmp_path, clock) as (both, city, county):
        leader, below = city.http("supervisor", area="440300"), county.http("shift_leader", area="440304")
        [task] = (await ok(await leader.post("/sync/tasks", json={"to": ["440304"], **TASK})))["task_ids"]
        await both.child.until(TaskReceived)
        await ok(await below.post(f"/sync/tasks/{task}/feedback", json=DONE))
        await both.parent.until(TaskFeedback)
        await both.parent.settled()
        again = {"opinion": "缺整改照片", "feedback_due": (DUE + dt.timedelta(days=1)).isoformat()}
        assert (await ok(await leader.post(f"/sync/tasks/{task}/return", json=again)))["round"] == 2
        await both.child.until(NoticeRequested, where=lambda n: "退回" in n.params["title"])
        shown = await state_of(below, task)
        assert (shown["state"], shown["round"], shown["says"]["title"]) == ("returned", 2, "窨井盖专项排查")

        await ok(await below.post(f"/sync/tasks/{task}/feedback", json=DONE))
        await both.parent.until(TaskFeedback, 2)
        await both.parent.settled()
        assert (await state_of(leader, task))["state"] == "answered"


async def test_a_county_splits_a_task_and_its_answer_holds_what_the_towns_said(node: Any) -> None:
    """Shares that are unanswered stop the answer; numbers that nobody gave are the sum of the shares."""
    clock = ManualClock(NOON)
    async with node.running(service, jurisdiction="440304", tier="county", clock=clock) as app:
        leader = app.http("leader", area="440304")
        await node.publish(a_task())
        await node.until(TaskReceived)
        shares = await ok(await leader.post("/sync/tasks/t-1/pass-on", json={"to": ["440304001", "440304002"]}))
        assert [e.addressee for e in await node.until(TaskAssigned, 3)][1:] == ["440304001", "440304002"]
        answer = {"result": "done", "summary": "完成"}
        early = await leader.post("/sync/tasks/t-1/feedback", json=answer)
        assert (early.status_code, early.json()["code"]) == (409, "national_sync.shares_open")

        for n, (town, task) in enumerate(zip(("440304001", "440304002"), shares["task_ids"], strict=True), 1):
            figures = (Figure(code="checked", value=10 * n, unit="个"), Figure(code="mended", value=n, unit="个"))
            said = TaskFeedback(
                jurisdiction=town, task_id=task, result="done", summary_masked="完成", figures=figures,
                occurred_at=NOON + dt.timedelta(hours=n),
            )  # fmt: skip
            await node.publish(said)
        await node.settled()
        await ok(await leader.post("/sync/tasks/t-1/feedback", json=answer))
        ours = [e for e in await node.until(TaskFeedback, 3) if e.task_id == "t-1"]
        assert [(f.code, f.value) for f in ours[0].figures] == [("checked", 30), ("mended", 3)]
        assert [(s.jurisdiction, s.timeliness) for s in ours[0].shares] == [
            ("440304001", "on_time"),
            ("440304002", "on_time"),
        ]

        await node.publish(TaskClosed(jurisdiction="440300", addressee="440304", task_id="t-1", result="done"))
        ended = await node.until(TaskClosed, 3)
        assert {e.addressee for e in ended[1:]} == {"440304001", "440304002"}


def a_task(**change: Any) -> TaskAssigned:
    fields: dict[str, Any] = {
        "jurisdiction": "440300", "addressee": "440304", "task_id": "t-1", "root_task_id": "t-0", "issuer": "440000",
        "kind": "arrange", "title": "排查", "content_masked": "排查窨井盖", "feedback_due": DUE,
        "figures_wanted": ("checked", "mended"),
    }  # fmt: skip
    return TaskAssigned(**(fields | change))


async def test_the_deadline_rings_twice_for_the_receiver(node: Any) -> None:
    """A reminder a day before, and the mark when it has passed."""
    clock = ManualClock(NOON)
    async with node.running(service, jurisdiction="440304", tier="county", clock=clock) as app:
        await node.publish(a_task())
        await node.until(NoticeRequested)
        clock.advance(days=1, minutes=1)
        await node.until(NoticeRequested, 2)
        clock.advance(days=1)
        told = await node.until(NoticeRequested, 3)
        assert [n.params["title"].partition("：")[0] for n in told] == ["收到上级任务", "任务即将到期", "任务已超期"]
        assert {n.audience for n in told} == {"supervisor@440304"}
        shown = await state_of(app.http("auditor", area="440304"), "t-1")
        assert shown["overdue"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": ["440103"]}, "national_sync.not_below"),
        ({"to": ["440300"]}, "national_sync.not_below"),
        ({"feedback_due": "2026-01-01T00:00:00+08:00"}, "national_sync.late_deadline"),
        ({"content": "请联系 13800138000"}, "national_sync.task_has_personal_data"),
        ({"media_ids": ["ab" * 32]}, "national_sync.no_media"),
    ],
)
async def test_a_task_that_can_not_be_given_is_refused_with_a_sentence(node: Any, change: Any, code: str) -> None:
    """Neighbours, oneself, a past deadline, personal data and files that aren't here."""
    async with node.running(service, clock=ManualClock(NOON)) as app:
        refused = await app.http("leader").post("/sync/tasks", json={"to": ["440304"], **TASK} | change)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
        assert (await app.http("acceptor").post("/sync/tasks", json={"to": ["440304"], **TASK})).status_code == 403
        assert await node.events(TaskAssigned) == []


async def test_the_nation_gives_a_task_by_the_exchange_and_hears_the_answer_by_it(node: Any, tmp_path: Path) -> None:
    """In as a signed record, out as a record that waits for the pusher."""
    profile = a_profile(tmp_path, a_platform(more='direction = "both"\nendpoint = "http://127.0.0.1:9"'))
    clock = ManualClock(NOON)
    secrets = {"secrets": f"nation={SECRET}"}
    async with node.running(service, settings=secrets, clock=clock, profile=profile) as app:
        payload = {"task_id": "N-7", "kind": "supervise", "title": "督办", "content": "限期整改", "issuer": "100000",
                   "feedback_due": DUE.isoformat(), "figures_wanted": ["mended"]}  # fmt: skip
        batch = a_batch(an_envelope(1, "task", payload, district="440300"), sender="nation", district="440300")
        answer = await send(app, batch)
        assert answer["results"][0]["status"] == "ok", answer
        leader = app.http("leader")
        await ok(await leader.post("/sync/tasks/N-7/feedback", json={**DONE, "summary": "已整改"}))
        rows = await app.pool.fetch("select r.kind, d.state, r.payload from records r join deliveries d using (n)")
        assert [(r["kind"], d["summary"]) for r in rows if (d := msgspec.json.decode(r["payload"]))] == [
            ("task_feedback", "已整改")
        ]
        wrong = a_batch(
            an_envelope(2, "task", {"task_id": "N-8", "title": "x"}, district="440300", record_id="theirs/w"),
            an_envelope(3, "task", {"task_id": "N-9", "action": "close"}, district="440300", record_id="theirs/c"),
            sender="nation", district="440300",
        )  # fmt: skip
        refused = await send(app, wrong)
        assert [r["status"] for r in refused["results"]] == ["refused", "refused"]
        assert "没有任务 N-9" in refused["results"][1]["reason"]


async def send(app: Any, batch: Any) -> Any:
    import time

    from yiwang.national_sync.protocol import signed_headers

    body = msgspec.json.encode(batch)
    headers = signed_headers(SECRET, f"m-{batch.records[0].seq}", int(time.time()), body)
    answer = await app.http().post(
        "/sync/inbound/nation", content=body, headers=headers | {"content-type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_numbers_of_different_units_are_not_added() -> None:
    """And a ratio is never the sum of ratios."""
    shares = [
        TaskShare(jurisdiction="a", task_id="1", figures=(Figure(code="n", value=2, unit="件"), Figure(code="r", value=90, unit="%"))),
        TaskShare(jurisdiction="b", task_id="2", figures=(Figure(code="n", value=3, unit="件"), Figure(code="n", value=1, unit="处"))),
    ]  # fmt: skip
    assert [(f.code, f.unit, f.value) for f in collected((), shares)] == [("n", "件", 5), ("n", "处", 1)]
    own = (Figure(code="n", value=9, unit="件"),)
    assert collected(own, shares) == own


def test_the_table_knows_every_state_and_ends() -> None:
    """A closed task stays closed; an answer at the deadline is on time."""
    assert not [key for key in NEXT if key[1] == "closed"]
    assert timeliness(DUE, DUE) == "on_time"
    assert timeliness(DUE + dt.timedelta(seconds=1), DUE) == "overdue"
    assert names_a_person("身份证 11010519491231002X")
    assert not names_a_person("案件 4403002026112300001 已办")
