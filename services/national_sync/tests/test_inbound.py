"""Another maker's platform reports to us: the same records, as docked events."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from yiwang.contracts import CaseReported, CaseSnapshot
from yiwang.kit.http import http_server
from yiwang.kit.testing import NOON
from yiwang.kit.testing_http import without_lifespan
from yiwang.national_sync.links import Links
from yiwang.national_sync.protocol import Batch, digest_of, signed_headers
from yiwang.national_sync.testing import SECRET, a_batch, a_platform, a_profile, an_envelope, syncing
from yiwang.national_sync.transport import Down, Gap, transport_of

BASE = {
    "case_id": "FT-1",
    "case_no": "4403042026112300001",
    "report_time": "2026-11-23T12:00:00+08:00",
    "source_code": "12345",
    "description": "路面破损",
    "code_set": "ft",
    "kind": "event",
    "major": "05",
    "minor": "01",
    "lon": "114.05",
    "lat": "22.54",
    "street": "440304001",
}
FLOW = {"case_id": "FT-1", "step": 3, "action": "dispatch", "to_state": "handling", "end": "2026-11-23T13:00:00+08:00"}
RESULT = {"case_id": "FT-1", "outcome": "closed", "close_time": "2026-11-23T14:00:00+08:00", "timeliness": "on_time"}
INBOUND = a_platform("futian", more='direction = "in"\nareas = ["440304"]')


def inbound(node: Any, tmp_path: Path, *more: str) -> Any:
    return syncing(node, a_profile(tmp_path, INBOUND, *more), secrets=f"futian={SECRET}")


async def send(app: Any, batch: Batch, secret: str = SECRET, **headers: str) -> httpx.Response:
    body = msgspec.json.encode(batch)
    signed = signed_headers(secret, "m1", int(time.time()), body) | headers
    answer: httpx.Response = await app.http().post("/sync/inbound/futian", content=body, headers=signed)
    return answer


def statuses(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [r["status"] for r in answer.json()["results"]]


async def test_a_foreign_case_becomes_a_docked_report(node: Any, tmp_path: Path) -> None:
    async with inbound(node, tmp_path) as app:
        assert statuses(await send(app, a_batch(an_envelope(1, "case_base", BASE)))) == ["ok"]
        [event] = await node.until(CaseReported)
        assert event.origin is not None
        assert (event.origin.mode, event.origin.system_id, event.actor.kind) == ("docked", "futian", "docked")
        assert (event.jurisdiction, event.case.case_no, event.case.channel.code) == ("440304", BASE["case_no"], "12345")
        assert (event.description_masked, event.case.external_ids[0].id) == ("路面破损", "FT-1")
        assert event.case.category is not None
        assert event.case.category.major == "05"


async def test_steps_and_result_become_snapshots_and_stages_may_be_missing(node: Any, tmp_path: Path) -> None:
    """Only step 3 is ever told; versions run 1, 2, 3 all the same."""
    async with inbound(node, tmp_path) as app:
        await send(app, a_batch(an_envelope(1, "case_base", BASE)))
        await send(app, a_batch(an_envelope(2, "case_flow", FLOW)))
        await send(app, a_batch(an_envelope(3, "case_result", RESULT)))
        handling, closed = await node.until(CaseSnapshot, 2)
        assert [handling.case.case_version, closed.case.case_version] == [2, 3]
        assert (handling.case.state_after, closed.case.state_after) == ("handling", "closed")
        assert [s.seq for s in closed.body.history] == [3]
        assert closed.body.summary is not None
        assert (closed.body.summary.timeliness, closed.body.summary.timeliness_source) == ("on_time", "imported")


async def test_a_case_that_comes_all_at_once_is_one_snapshot(node: Any, tmp_path: Path) -> None:
    async with inbound(node, tmp_path) as app:
        records = [
            an_envelope(1, "case_flow", FLOW),
            an_envelope(2, "case_base", BASE),
            an_envelope(3, "case_result", RESULT),
        ]
        assert statuses(await send(app, a_batch(*records))) == ["ok"] * 3
        [snapshot] = await node.until(CaseSnapshot)
        assert (snapshot.case.case_version, snapshot.body.description_masked) == (1, "路面破损")
        assert await node.events(CaseReported) == []


async def test_the_same_records_again_change_nothing(node: Any, tmp_path: Path) -> None:
    async with inbound(node, tmp_path) as app:
        batch = a_batch(an_envelope(1, "case_base", BASE))
        await send(app, batch)
        assert statuses(await send(app, batch)) == ["duplicate"]
        await node.settled()
        assert len(await node.events(CaseReported)) == 1


async def test_a_number_left_out_is_asked_for(node: Any, tmp_path: Path) -> None:
    async with inbound(node, tmp_path) as app:
        answer = await send(app, a_batch(an_envelope(2, "case_base", BASE)))
        assert (answer.status_code, answer.json()["expected"]) == (409, 1)
        assert await app.pool.fetchval("select count(*) from inbound_records") == 0
        await send(app, a_batch(an_envelope(1, "case_base", BASE)))
        used = await send(app, a_batch(an_envelope(1, "case_base", BASE, record_id="another")))
        assert (used.status_code, used.json()["expected"]) == (409, 2)


@pytest.mark.parametrize(
    ("record", "say"),
    [
        (
            an_envelope(1, "case_base", {k: v for k, v in BASE.items() if k != "report_time"}),
            "缺少必填字段 report_time",
        ),
        (an_envelope(1, "case_base", BASE, hash="0" * 64), "hash 与 payload 不符"),
        (an_envelope(1, "song", BASE), "不接收 song"),
        (an_envelope(1, "case_base", BASE | {"report_time": "yesterday"}), "带时区的时间"),
        (an_envelope(1, "case_flow", FLOW | {"step": "x"}), "step 应为整数"),
        (an_envelope(1, "case_base", BASE, day=NOON.date().replace(day=1)), "day 应为"),
        (an_envelope(1, "case_base", BASE, district="440305"), "与整批的区划"),
        (an_envelope(1, "case_base", BASE | {"case_id": "a\x00b"}), "无法归入案件"),
    ],
)
async def test_a_faulty_record_is_refused_alone_with_a_sentence(
    node: Any, tmp_path: Path, record: Any, say: str
) -> None:
    async with inbound(node, tmp_path) as app:
        good = an_envelope(2, "case_base", BASE | {"case_id": "FT-2"})
        answer = await send(app, a_batch(record, good))
        assert statuses(answer) == ["refused", "ok"]
        assert say in answer.json()["results"][0]["reason"]
        assert len(await node.until(CaseReported)) == 1


async def test_a_platform_reports_for_its_own_area_only(node: Any, tmp_path: Path) -> None:
    async with inbound(node, tmp_path) as app:
        record = an_envelope(1, "case_base", BASE, district="440305")
        answer = await send(app, a_batch(record, district="440305"))
        assert "不能为区划 440305 上报" in answer.json()["results"][0]["reason"]


async def test_nobody_reports_in_our_own_name(node: Any, tmp_path: Path) -> None:
    """Our own services act on cases of our own jurisdiction; another maker's case must not become one of them."""
    platform = a_platform("futian", more='direction = "in"')
    async with syncing(node, a_profile(tmp_path, platform), secrets=f"futian={SECRET}") as app:
        answer = await send(app, a_batch(an_envelope(1, "case_base", BASE, district="440300"), district="440300"))
        assert "由本平台自行办案" in answer.json()["results"][0]["reason"]


async def test_strangers_and_wrong_signatures_are_refused(node: Any, tmp_path: Path) -> None:
    async with inbound(node, tmp_path, a_platform("nation")) as app:
        batch = a_batch(an_envelope(1, "case_base", BASE))
        wrong = await send(app, batch, secret="guess")
        assert (wrong.status_code, wrong.json()["code"]) == (401, "national_sync.bad_signature")
        old = await send(app, batch, **{"webhook-timestamp": "1000"})
        assert old.status_code == 401
        http = app.http()
        assert (await http.post("/sync/inbound/nobody", content=b"{}")).status_code == 404
        assert (await http.post("/sync/inbound/nation", content=b"{}")).status_code == 403
        body = b'{"sender": 1}'
        bad = await http.post(
            "/sync/inbound/futian", content=body, headers=signed_headers(SECRET, "m", int(time.time()), body)
        )
        assert (bad.status_code, bad.json()["code"]) == (400, "national_sync.bad_batch")
        assert (await http.get("/sync/platforms")).status_code == 401


async def test_a_day_can_be_compared_with_us(node: Any, tmp_path: Path) -> None:
    async with inbound(node, tmp_path) as app:
        record = an_envelope(1, "case_base", BASE)
        await send(app, a_batch(record))
        for what, expected in (
            ("digest", {"count": 1, "digest": digest_of([("theirs/1", record.hash)])}),
            ("records", [{"record_id": "theirs/1", "hash": record.hash}]),
        ):
            target = f"/sync/inbound/futian/{what}?sender=futian&district=440304&day=2026-11-23"
            headers = signed_headers(SECRET, "m", int(time.time()), target.encode())
            answer = await app.http().get(target, headers=headers)
            assert answer.json() == expected, answer.text


async def test_what_came_from_a_platform_goes_up_but_not_back_to_it(node: Any, tmp_path: Path) -> None:
    both = a_platform("futian", more='direction = "both"')
    async with syncing(node, a_profile(tmp_path, both, a_platform("nation")), secrets=f"futian={SECRET}") as app:
        await send(app, a_batch(an_envelope(1, "case_base", BASE)))
        await node.until(CaseReported)
        await node.settled()
        rows = await app.pool.fetch("select distinct platform from deliveries")
        assert [r["platform"] for r in rows] == ["nation"]


async def test_our_own_pusher_and_inbound_side_understand_each_other(node: Any, tmp_path: Path) -> None:
    """A city of ours reports to a province of ours over real HTTP: one node plays both."""
    profile = a_profile(tmp_path, a_platform("province"), a_platform("sz", more='direction = "in"'))
    secrets = f"province={SECRET} sz={SECRET}"
    async with (
        syncing(node, profile, secrets=secrets) as upper,
        http_server(without_lifespan(upper._asgi), "127.0.0.1", 0) as port,
    ):
        batch = a_batch(an_envelope(1, "case_base", BASE))
        link = msgspec.structs.replace(
            upper.get(Links).by_name["province"], endpoint=f"http://127.0.0.1:{port}/sync/inbound/sz"
        )
        async with httpx.AsyncClient() as client:
            transport = transport_of(link, client)
            assert [r.status for r in await transport.send(batch)] == ["ok"]
            assert [r.status for r in await transport.send(batch)] == ["duplicate"]
            with pytest.raises(Gap) as gap:
                await transport.send(a_batch(an_envelope(9, "case_base", BASE)))
            assert gap.value.expected == 2
            held = await transport.digest("x", "440304", "2026-11-23")
            assert held is not None
            assert held.count == 1
            assert [k.record_id for k in await transport.known("x", "440304", "2026-11-23")] == ["theirs/1"]
            stranger = transport_of(msgspec.structs.replace(link, secret="guess"), client)
            with pytest.raises(Down, match="核对双方密钥"):
                await stranger.send(batch)
