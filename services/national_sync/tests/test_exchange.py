"""The exchange on real servers, against a receiver that checks everything."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yiwang.contracts import CaseSnapshot, CaseSnapshotBody, FlowRecord, SyncDelivered, SyncRefused
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON, a_head, a_report
from yiwang.national_sync.app import service
from yiwang.national_sync.protocol import signed_headers, unsigned_because
from yiwang.national_sync.testing import SECRET, a_course, a_platform, a_profile, syncing
from yiwang.stack.receiver import Receiver, listening

DAY = "2026-11-23"


async def until(true: Callable[[], Any], what: str = "") -> None:
    """Wait until *true* (a function, async or not) gives something true."""
    async with asyncio.timeout(60):
        while True:
            found = true()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return
            await asyncio.sleep(0.01)


def links(url: str, name: str = "nation") -> dict[str, str]:
    return {"endpoints": f"{name}={url}", "secrets": f"{name}={SECRET}"}


async def books(app: Any, name: str = "nation") -> Any:
    answer = await app.http("admin").get("/sync/platforms")
    assert answer.status_code == 200, answer.text
    return next(p for p in answer.json()["platforms"] if p["name"] == name)


async def nothing_pending(app: Any) -> bool:
    pending = await app.pool.fetchval("select count(*) from deliveries where state = 'pending'")
    total = await app.pool.fetchval("select count(*) from deliveries")
    return bool(total > 0 and pending == 0)


def flows(receiver: Receiver) -> list[Any]:
    return [r for r in receiver.records.values() if r["kind"] == "case_flow"]


async def test_the_course_of_live_cases_reaches_the_nation_in_order_and_without_a_gap(
    node: Any, tmp_path: Path
) -> None:
    receiver = Receiver(SECRET)
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        for _ in range(5):
            await node.publish(*a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        assert len(flows(receiver)) == 20
        assert (receiver.gaps, receiver.duplicates, receiver.refused) == (0, 0, [])
        assert sorted(r["seq"] for r in receiver.records.values()) == list(range(1, len(receiver.records) + 1))
        by_case: dict[str, list[tuple[int, int]]] = {}
        for r in flows(receiver):
            by_case.setdefault(r["payload"]["case_id"], []).append((r["seq"], r["payload"]["step"]))
        assert all([step for _, step in sorted(steps)] == [1, 2, 3, 4] for steps in by_case.values())
        said = await node.until(SyncDelivered)
        assert sum(e.seq_to - e.seq_from + 1 for e in said) == len(receiver.records)


async def test_the_books_balance(node: Any, tmp_path: Path) -> None:
    """flow records of live cases = delivered + refused + pending"""
    receiver = Receiver(SECRET, refuse=lambda r: "办件类型不符" if r["payload"].get("step") == 2 else "")
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        await node.publish(*a_course(), *a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        seen = await books(app)
        count = seen["books"]
        assert (count["flows"], count["flows_refused"]) == (8, 2)
        assert count["flows"] == count["flows_delivered"] + count["flows_refused"] + count["flows_pending"]
        assert (seen["verified"], seen["note"]) == (False, "字段与代码尚未经对方真实平台确认")


@pytest.mark.parametrize("purpose", ["demo", "test", "drill", "historical"])
async def test_only_live_cases_are_told(node: Any, tmp_path: Path, purpose: str) -> None:
    async with syncing(node, a_profile(tmp_path, a_platform())) as app:
        await node.publish(*(msgspec.structs.replace(e, purpose=purpose) for e in a_course()))
        await node.settled()
        assert await app.pool.fetchval("select count(*) from records") == 0


async def test_cases_of_the_whole_subtree_are_told_each_in_its_district_sequence(node: Any, tmp_path: Path) -> None:
    receiver = Receiver(SECRET)
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        for district in ("440300", "440304", "440305"):
            await node.publish(*(msgspec.structs.replace(e, jurisdiction=district) for e in a_course()))
        await node.settled()
        await until(lambda: nothing_pending(app))
        assert {district for _, district in receiver.next} == {"440300", "440304", "440305"}
        assert receiver.gaps == 0


async def test_days_without_a_link_lose_nothing_and_are_shown(node: Any, tmp_path: Path) -> None:
    receiver = Receiver(SECRET)
    async with listening(receiver) as url:
        port = int(url.split(":")[2].split("/")[0])
    clock = ManualClock(NOON + dt.timedelta(hours=4))
    async with syncing(node, a_profile(tmp_path, a_platform()), clock=clock, **links(url)) as app:
        await node.publish(*a_course())
        await node.settled()

        async def failing() -> bool:
            return bool((await books(app))["books"]["failures"] > 3)

        await until(failing)
        clock.advance(days=3)
        seen = await books(app)
        assert seen["lag_seconds"] >= 3 * 86400
        assert "连不上" in seen["books"]["last_error"]

        async def well_again() -> bool:
            seen = await books(app)
            return (seen["lag_seconds"], seen["books"]["failures"]) == (0, 0)

        async with listening(receiver, port=port):
            await until(lambda: nothing_pending(app))
            await until(well_again)
        assert len(flows(receiver)) == 4


async def test_a_refused_record_is_listed_and_sent_again_over_http(node: Any, tmp_path: Path) -> None:
    stubborn = {"on": True}
    receiver = Receiver(SECRET, refuse=lambda r: "结果不全" if stubborn["on"] and r["kind"] == "case_result" else "")
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        await node.publish(*a_course())
        [said] = await node.until(SyncRefused)
        assert (said.reason, len(said.record_ids)) == ("结果不全", 1)
        http = app.http("admin")
        [refused] = (await http.get("/sync/refused", params={"platform": "nation"})).json()
        assert (refused["kind"], refused["reason"]) == ("case_result", "结果不全")
        stubborn["on"] = False
        answer = await http.post(f"/sync/refused/{refused['id']}/resend")
        assert answer.status_code == 201, answer.text
        await until(lambda: any(r["kind"] == "case_result" for r in receiver.records.values()))
        assert (await http.get("/sync/refused")).json() == []
        assert (await http.post(f"/sync/refused/{refused['id']}/resend")).status_code == 404
        assert receiver.gaps == 0


async def test_all_that_was_refused_for_a_reason_is_sent_again_at_once(node: Any, tmp_path: Path) -> None:
    stubborn = {"on": True}
    receiver = Receiver(SECRET, refuse=lambda r: "不收" if stubborn["on"] and r["kind"] == "case_flow" else "")
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        await node.publish(*a_course(), *a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        stubborn["on"] = False
        http = app.http("admin")
        assert (await http.post("/sync/platforms/nation/resend", json={"reason": "别的"})).json() == {"count": 0}
        assert (await http.post("/sync/platforms/nation/resend", json={"reason": "不收"})).json() == {"count": 8}
        await until(lambda: len(flows(receiver)) == 8)
        assert receiver.gaps == 0


async def test_what_the_profile_cannot_express_is_refused_here_and_leaves_no_gap(node: Any, tmp_path: Path) -> None:
    strict = '[crosswalks.nature]\ncodes = { "complaint" = "1" }\nstrict = true\n'
    head, rest = a_platform().split("[records", 1)
    rest = rest.replace('nature = "nature"', 'nature = { from = "nature", crosswalk = "nature" }')
    receiver = Receiver(SECRET)
    profile = a_profile(tmp_path, f"{head}{strict}[records{rest}")
    async with listening(receiver) as url, syncing(node, profile, **links(url)) as app:
        await node.publish(a_report(head=a_head(nature="riddle")), a_report())
        [said] = await node.until(SyncRefused)
        assert "对照表 nature 没有 riddle" in said.reason
        await node.settled()
        await until(lambda: nothing_pending(app))
        assert (receiver.gaps, len(flows(receiver))) == (0, 2)
        assert sorted(r["seq"] for r in receiver.records.values()) == [1, 2, 3]


async def test_a_receiver_that_was_restored_gets_what_it_lost(node: Any, tmp_path: Path) -> None:
    """It asks for an earlier number; everything from there on is sent again."""
    receiver = Receiver(SECRET)
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        await node.publish(*a_course(), *a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        before = dict(receiver.records)
        lost = [key for key, r in receiver.records.items() if r["seq"] >= 4]
        for key in lost:
            del receiver.records[key]
        receiver.next = dict.fromkeys(receiver.next, 4)
        await node.publish(*a_course())
        await node.settled()
        await until(lambda: len(flows(receiver)) == 12)
        assert set(before) <= set(receiver.records)


async def test_a_sender_that_was_restored_goes_on_after_the_receivers_number(node: Any, tmp_path: Path) -> None:
    """No number is used twice for different records."""
    receiver = Receiver(SECRET)
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        await node.publish(*a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        await app.pool.execute("update sequences set last = 1")
        await node.publish(*a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        assert len(flows(receiver)) == 8
        assert sorted(r["seq"] for r in receiver.records.values()) == list(range(1, len(receiver.records) + 1))


async def test_a_platform_added_later_gets_everything_from_the_first_record(node: Any, tmp_path: Path) -> None:
    async with syncing(node, a_profile(tmp_path, a_platform("other"))):
        await node.publish(*a_course())
        await node.settled()
    receiver = Receiver(SECRET)
    profile = a_profile(tmp_path, a_platform("other"), a_platform("nation"))
    async with listening(receiver) as url, syncing(node, profile, **links(url)):
        await until(lambda: len(flows(receiver)) == 4)


async def test_a_wrong_secret_is_told_as_such_and_nothing_is_taken(node: Any, tmp_path: Path) -> None:
    receiver = Receiver("another secret")
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        await node.publish(*a_course())

        async def told() -> bool:
            return "核对双方密钥" in (await books(app))["books"]["last_error"]

        await until(told)
        assert receiver.records == {}
        assert receiver.unsigned > 0


async def test_what_is_not_set_up_waits_and_says_who_must_set_what(node: Any, tmp_path: Path) -> None:
    async with syncing(node, a_profile(tmp_path, a_platform())) as app:
        await node.publish(*a_course())
        await node.settled()
        seen = await books(app)
        assert "请管理员" in seen["missing"]
        assert seen["books"]["flows_pending"] == 4


async def test_an_ended_day_is_compared_and_what_the_receiver_lacks_is_sent_again(node: Any, tmp_path: Path) -> None:
    receiver = Receiver(SECRET)
    clock = ManualClock(NOON + dt.timedelta(hours=4))
    profile = a_profile(tmp_path, a_platform())
    async with listening(receiver) as url, syncing(node, profile, clock=clock, **links(url)) as app:
        await node.publish(*a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        lost = next(key for key, r in receiver.records.items() if r["kind"] == "case_flow")
        taken = receiver.records.pop(lost)
        foreign = taken | {"record_id": "nobody's", "hash": "0" * 64}
        receiver.records[lost[0], "nobody's"] = foreign
        clock.advance(days=1)
        await until(lambda: lost in receiver.records)
        await until(lambda: nothing_pending(app))
        http = app.http("auditor")
        [found] = (await http.get("/sync/platforms/nation/reconciliations")).json()
        assert found["foreign_ids"] == ["nobody's"]
        del receiver.records[lost[0], "nobody's"]
        answer = await app.http("admin").post("/sync/platforms/nation/reconcile", json={"day": DAY})
        [equal] = answer.json()
        assert equal["our_digest"] == equal["their_digest"]
        assert (equal["our_count"], equal["missing"]) == (equal["their_count"], [])


async def test_a_directory_gets_whole_signed_files(node: Any, tmp_path: Path) -> None:
    """For a network without a wire; a carrier takes the files across."""
    folder = tmp_path / "out"
    platform = a_platform(more='transport = "directory"')
    async with syncing(node, a_profile(tmp_path, platform), **links(str(folder))) as app:
        await node.publish(*a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        receiver = Receiver(SECRET)
        for file in sorted(folder.iterdir()):
            assert file.suffix == ".json"
            carried = json.loads(file.read_text("utf-8"))
            status, _ = receiver.answer("POST", "/", b"", carried["headers"], carried["body"].encode())
            assert status == 200
        assert len(flows(receiver)) == 4
        refused = await app.http("admin").post("/sync/platforms/nation/reconcile", json={"day": DAY})
        assert (refused.status_code, refused.json()["code"]) == (409, "national_sync.not_comparable")


def a_step(n: int) -> FlowRecord:
    return FlowRecord(
        seq=n, action="x", state_before="", state_after="reported", role="system", started_at=NOON, ended_at=NOON
    )


async def test_snapshots_fill_what_a_long_cut_lost_and_double_nothing(node: Any, tmp_path: Path) -> None:
    receiver = Receiver(SECRET)
    course = a_course("c-1")
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        await node.publish(course[0])
        history = tuple(a_step(n) for n in (1, 2, 3))
        head = a_head(case_id="c-1", case_version=3)
        snapshot = CaseSnapshot(case=head, reader="national_sync", body=CaseSnapshotBody(head=head, history=history))
        others = CaseSnapshot(case=a_head(), reader="evaluation", body=CaseSnapshotBody(head=head, history=history))
        await node.publish(snapshot, others)
        await node.settled()
        await until(lambda: nothing_pending(app))
        assert sorted(r["record_id"] for r in flows(receiver)) == ["c-1/flow/1", "c-1/flow/2", "c-1/flow/3"]


async def test_a_restart_sends_nothing_twice_and_loses_nothing(node: Any, tmp_path: Path) -> None:
    receiver = Receiver(SECRET)
    profile = a_profile(tmp_path, a_platform(more="batch_size = 3"))
    async with listening(receiver) as url:
        for _ in range(3):
            async with syncing(node, profile, **links(url)):
                await node.publish(*a_course())
                await node.settled()
        async with syncing(node, profile, **links(url)) as app:
            await until(lambda: nothing_pending(app))
        assert len(flows(receiver)) == 12
        assert receiver.gaps == 0


async def test_a_receiver_that_cannot_take_large_batches_gets_small_ones(node: Any, tmp_path: Path) -> None:
    class Small(Receiver):
        def take(self, batch: dict[str, Any]) -> tuple[int, Any]:
            return (413, {"detail": "too large"}) if len(batch["records"]) > 2 else super().take(batch)

    receiver = Small(SECRET)
    async with listening(receiver) as url, syncing(node, a_profile(tmp_path, a_platform()), **links(url)) as app:
        await node.publish(*a_course())
        await node.settled()
        await until(lambda: nothing_pending(app))
        assert len(flows(receiver)) == 4


def a_raw_record(payload: dict[str, str]) -> dict[str, Any]:
    """A record as it stands on the wire."""
    body = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return {
        "record_id": "r",
        "kind": "unit_ref",
        "district": "440300",
        "seq": 1,
        "day": DAY,
        "occurred_at": NOON.isoformat(),
        "payload": payload,
        "hash": hashlib.sha256(body).hexdigest(),
    }


def a_raw_batch(payload: dict[str, str]) -> dict[str, Any]:
    return {"sender": "s", "district": "440300", "records": [a_raw_record(payload)]}


def test_the_receivers_book_survives_its_restart(tmp_path: Path) -> None:
    book, batch = tmp_path / "book.jsonl", a_raw_batch({"unit_code": "u"})
    assert Receiver(SECRET, file=book).take(batch)[0] == 200
    again = Receiver(SECRET, file=book)
    assert again.take(batch)[1]["results"][0]["status"] == "duplicate"
    assert again.next == {("s", "440300"): 2}


@pytest.mark.parametrize(
    ("payload", "say"),
    [
        ({"unit_code": "u", "phone": "x"}, "个人信息"),
        ({"unit_code": "u", "name": "打13800000000"}, "手机号码"),
        ({}, "缺少必填字段"),
    ],
)
def test_the_receiver_refuses_what_is_personal_or_incomplete(payload: dict[str, str], say: str) -> None:
    _, answer = Receiver(SECRET).take(a_raw_batch(payload))
    assert say in answer["results"][0]["reason"]


def test_the_receiver_refuses_a_changed_payload_and_a_reused_id() -> None:
    receiver, batch = Receiver(SECRET), a_raw_batch({"unit_code": "u"})
    batch["records"][0]["payload"] = {"unit_code": "other"}
    assert "hash" in receiver.take(batch)[1]["results"][0]["reason"]
    assert receiver.take(a_raw_batch({"unit_code": "u"}) | {"district": "440304"})[1]["results"][0]["status"] == "ok"
    again = receiver.take(a_raw_batch({"unit_code": "v"}) | {"district": "440304"})
    assert "同一编号" in again[1]["results"][0]["reason"]


def test_the_receiver_takes_nothing_of_a_batch_with_a_gap() -> None:
    receiver, batch = Receiver(SECRET), a_raw_batch({"unit_code": "u"})
    batch["records"][0]["seq"] = 3
    assert receiver.take(batch) == (409, {"expected": 1, "detail": "expected 1"})
    assert receiver.records == {}


def test_both_sides_sign_alike() -> None:
    headers = signed_headers(SECRET, "id", 1000, b"body")
    receiver = Receiver(SECRET, now=lambda: 1000.0)
    assert receiver.unsigned_because(headers, b"body") == unsigned_because(SECRET, headers, b"body", 1000) == ""
    assert receiver.unsigned_because(headers, b"other")


def test_the_service_hears_every_event_of_a_case() -> None:
    assert {"case.reported.v1", "case.closed.v1", "case.snapshot.v1", "case.merged.v1"} <= set(service.subscriptions)
