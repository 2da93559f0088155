"""Reports over HTTP, with real NATS and PostgreSQL."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import asyncpg
import msgspec
import pytest
from yiwang.contracts import (
    CaseAccepted,
    CaseClosed,
    CaseReported,
    CaseSummary,
    Category,
    Event,
    ReportAnswered,
    ReportContact,
    encode,
)
from yiwang.intake.app import service
from yiwang.intake.domain import case_id_of, report_id_of
from yiwang.intake.fast import post_reports
from yiwang.intake.submission import Receipt, Source
from yiwang.intake.testing import a_body, a_citizen_body
from yiwang.kit import Caller, ManualClock, Post, Role
from yiwang.kit.http import Asked
from yiwang.kit.testing import NOON
from yiwang.stack.testing import TestNode

NUMBER = {"system": "pda-01", "record_id": "R-2026-0001"}
CITIZEN = {"system": "web", "record_id": "3f2c9d8e-5a41-4c0e-9f0a-0d1f3c6b7a88"}


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock(NOON)


async def test_a_report_is_in_the_stream_when_it_is_accepted(node: TestNode, clock: ManualClock) -> None:
    async with node.running(service, clock=clock) as app:
        answer = await app.http("collector").post("/reports", json=a_body(source=NUMBER))
        [event] = await node.events(CaseReported)

    assert answer.status_code == 202, answer.text
    report_id = report_id_of(Source(**NUMBER))
    assert answer.json() == {"report_id": report_id, "case_id": case_id_of(report_id)}
    assert (event.report_id, event.case.case_id, event.case.case_version) == (report_id, case_id_of(report_id), 1)
    assert (event.actor.role, event.jurisdiction, event.purpose) == ("collector", "440300", "live")
    assert event.claimed_place.point is not None
    assert event.occurred_at == dt.datetime(2026, 11, 23, 3, 50, tzinfo=dt.UTC)


async def test_the_fast_and_the_documented_route_say_the_same(node: TestNode, clock: ManualClock) -> None:
    """The documented route takes a JSON body with a parameter that the fast one leaves to it."""
    async with node.running(service, clock=clock) as app:
        http = app.http("collector")
        fast = await http.post("/reports", json=a_body(source=NUMBER))
        body = msgspec.json.encode(a_body(source=NUMBER))
        slow = await http.post("/reports", content=body, headers={"content-type": "application/json; profile=slow"})

    assert (fast.status_code, slow.status_code) == (202, 202)
    assert slow.json() == fast.json() | {"duplicate": True}


async def test_reports_of_one_turn_are_each_judged_alone(node: TestNode, clock: ManualClock) -> None:
    """Numbers, digests, logins and mistakes of one are no matter of the others, and each keeps who handed it in."""

    def asked(person: str, body: bytes, key: str = "") -> Asked:
        posts = (Post(post_id=f"{person}-1", role=Role.COLLECTOR, areas=("440300",)),) if person else ()
        return Asked(Caller(person_ref=person, posts=posts), body, key)

    numbered = msgspec.json.encode(a_body(source=NUMBER))
    other = msgspec.json.encode(a_body(source=NUMBER, description="另一件事情"))
    async with node.running(service, clock=clock) as app:
        first, again, changed, broken, stranger, keyed = await post_reports(
            app.app,
            [
                asked("anna", numbered),
                asked("bert", numbered),
                asked("anna", other),
                asked("anna", b"{"),
                asked("", msgspec.json.encode(a_body())),
                asked("carl", msgspec.json.encode(a_body()), "shift-7:42"),
            ],
        )
        events = await node.events(CaseReported)

    assert isinstance(first, Receipt)
    assert again == msgspec.structs.replace(first, duplicate=True)
    assert [getattr(one, "code", "") for one in (changed, broken, stranger)] == [
        "intake.conflict", "intake.not_json", "intake.channel_login"]  # fmt: skip
    assert isinstance(keyed, Receipt)
    assert {(e.report_id, e.actor.person_ref) for e in events} == {(first.report_id, "anna"), (keyed.report_id, "carl")}
    assert len(events) == 2


async def test_a_repetition_is_one_report(node: TestNode, clock: ManualClock) -> None:
    """The reporter may send until there is an answer; the answer is the same, the stream holds one event."""
    async with node.running(service, clock=clock) as app:
        http = app.http()
        first = await http.post("/reports", json=a_citizen_body(source=CITIZEN))
        again = await http.post("/reports", json=a_citizen_body(source=CITIZEN))
        await node.settled()
        late = await http.post("/reports", json=a_citizen_body(source=CITIZEN))
        events = await node.events()

    assert first.status_code == again.status_code == late.status_code == 202
    assert first.json()["token"]
    assert again.json() == late.json() == first.json() | {"duplicate": True}
    assert sorted(type(e).__name__ for e in events) == ["CaseReported", "ReportContact"]


@pytest.mark.parametrize("wait", [False, True], ids=["within the stream's window", "by the read model"])
async def test_another_report_under_the_same_number_is_refused(node: TestNode, clock: ManualClock, wait: bool) -> None:
    async with node.running(service, clock=clock) as app:
        http = app.http("collector")
        await http.post("/reports", json=a_body(source=NUMBER))
        if wait:
            await node.settled()
        answer = await http.post("/reports", json=a_body(source=NUMBER, description="另一件事情"))
        events = await node.events(CaseReported)

    assert answer.status_code == 409
    assert answer.json()["code"] == "intake.conflict"
    assert NUMBER["record_id"] in answer.json()["detail"]
    assert [e.description_masked for e in events] == [a_body()["description"]]


async def test_the_read_model_protects_beyond_the_stream_s_window(node: TestNode, clock: ManualClock) -> None:
    """The stream forgets ids after its window; the reports table doesn't."""
    async with node.running(service, clock=clock, duplicate_window_s=1) as app:
        http = app.http("collector")
        await http.post("/reports", json=a_body(source=NUMBER))
        await node.settled()
        await _window_over(app)
        same = await http.post("/reports", json=a_body(source=NUMBER))
        other = await http.post("/reports", json=a_body(source=NUMBER, description="另一件事情"))
        events = await node.events(CaseReported)

    assert (same.status_code, same.json().get("duplicate"), other.status_code) == (202, True, 409)
    assert len(events) == 1


async def test_intake_goes_on_when_the_database_does_not_answer(node: TestNode, clock: ManualClock) -> None:
    """Taking reports needs the stream only; the table is asked for protection, not for permission."""
    async with node.running(service, clock=clock) as app:
        async with app.pool.acquire() as db:
            await db.execute("begin; lock table intake.reports in access exclusive mode")
            answer = await app.http("collector").post("/reports", json=a_body(source=NUMBER))
            await db.execute("rollback")
        await node.until(CaseReported, 1)

    assert answer.status_code == 202, answer.text


async def test_intake_goes_on_while_the_database_is_away(node: TestNode, clock: ManualClock) -> None:
    """Reports, repetitions and conflicts as ever; what was taken is in the table once the database is back."""
    server, _, name = node.database_url.rpartition("/")
    admin = await asyncpg.connect(f"{server}/postgres")
    async with node.running(service, clock=clock) as app:
        http = app.http("collector")
        await admin.execute(f"alter database {name} with allow_connections false")
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
        taken = await http.post("/reports", json=a_body(source=NUMBER))
        again = await http.post("/reports", json=a_body(source=NUMBER))
        other = await http.post("/reports", json=a_body(source=NUMBER, description="另一件事情"))
        await admin.execute(f"alter database {name} with allow_connections true")
        await node.settled()
        rows = await app.pool.fetch("select report_id from reports")
    await admin.close()

    assert (taken.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert [row["report_id"] for row in rows] == [taken.json()["report_id"]]


async def test_an_idempotency_key_numbers_a_report_that_has_no_number(node: TestNode, clock: ManualClock) -> None:
    key = {"Idempotency-Key": "9a0d6f0e-5f0b-4f5e-a6a1-0a4b7c1d2e3f"}
    async with node.running(service, clock=clock) as app:
        first = await app.http().post("/reports", json=a_citizen_body(), headers=key)
        again = await app.http().post("/reports", json=a_citizen_body(), headers=key)
        other = await app.http().post("/reports", json=a_citizen_body(urgency="urgent"), headers=key)
        short = await app.http().post("/reports", json=a_citizen_body(), headers={"Idempotency-Key": "1"})

    assert again.json() == first.json() | {"duplicate": True}
    assert (other.status_code, short.status_code) == (409, 400)


async def test_what_a_citizen_says_is_sealed_and_stays_local(node: TestNode, clock: ManualClock) -> None:
    async with node.running(service, clock=clock) as app:
        answer = await app.http().post("/reports", json=a_citizen_body(source=CITIZEN))
        [contact] = await node.events(ReportContact)
        [reported] = await node.events(CaseReported)
        opened = await app.vault.open(contact.report_id, contact.phone)
        text = await app.vault.open(contact.report_id, contact.text)

    assert (contact.case_id, contact.consent) == (answer.json()["case_id"], "call")
    assert opened == "13800138000"
    assert text == a_citizen_body()["description"]
    everything = encode(contact).decode() + encode(reported).decode()
    assert not [word for word in ("13800138000", "张三丰", "501房", answer.json()["token"]) if word in everything]


async def test_a_thank_you_is_registered_and_answered_and_never_a_case(node: TestNode, clock: ManualClock) -> None:
    async with node.running(service, clock=clock) as app:
        answer = await app.http().post("/reports", json=a_citizen_body(nature="感谢", source=CITIZEN))
        [event] = await node.events(ReportAnswered)
        cases = await node.events(CaseReported)
        await node.settled()
        told = await app.http().get(f"/reports/{event.report_id}", params={"token": answer.json()["token"]})

    assert answer.status_code == 202
    assert "case_id" not in answer.json()
    assert (event.nature, event.answer_code, cases) == ("感谢", "thanks_received", [])
    assert (told.json()["state"], told.json()["word"]) == ("answered", "已答复")


async def test_the_reporter_is_told_where_it_stands_in_plain_words(node: TestNode, clock: ManualClock) -> None:
    async with node.running(service, clock=clock) as app:
        taken = (await app.http().post("/reports", json=a_citizen_body(source=CITIZEN))).json()
        where = f"/reports/{taken['report_id']}"
        at_once = await app.http().get(where, headers={"Follow-Up-Token": taken["token"]})
        [reported] = await node.events(CaseReported)
        for event in (_closed(reported, 3), _accepted(reported, 2)):  # whatever the order of arrival
            await node.publish(event)
        await node.settled()
        told = await app.http().get(where, headers={"Follow-Up-Token": taken["token"]})

    assert at_once.json()["word"] == "已收到"
    assert (told.json()["state"], told.json()["word"]) == ("closed", "已办结")
    assert [step["word"] for step in told.json()["steps"]] == ["已收到", "已受理", "已办结"]
    assert not [word for word in ("张三丰", "13800138000", "138 0013", "垃圾") if word in told.text]


async def test_a_stranger_learns_nothing(node: TestNode, clock: ManualClock) -> None:
    """No token, a wrong token, another report's token, another area's staff: as if the report weren't there."""
    async with node.running(service, clock=clock) as app:
        taken = (await app.http().post("/reports", json=a_citizen_body(source=CITIZEN))).json()
        other = (await app.http().post("/reports", json=a_citizen_body())).json()
        await node.settled()
        where = f"/reports/{taken['report_id']}"
        asked = [
            await app.http().get(where),
            await app.http().get(where, params={"token": "x" * 32}),
            await app.http().get(where, params={"token": other["token"]}),
            await app.http("acceptor", area="440100").get(where),
            await app.http().get("/reports/no-such-report"),
        ]
        staff = await app.http("acceptor").get(where)

    assert [answer.status_code for answer in asked] == [404] * 5
    assert {answer.json()["code"] for answer in asked} == {"intake.report_not_found"}
    assert staff.status_code == 200


async def test_the_acceptor_who_calls_back_opens_the_contact_until_it_is_erased(
    node: TestNode, clock: ManualClock
) -> None:
    async with node.running(service, clock=clock) as app:
        taken = (await app.http().post("/reports", json=a_citizen_body(source=CITIZEN))).json()
        await node.settled()
        where = f"/reports/{taken['report_id']}"
        acceptor = app.http("acceptor")
        opened = await acceptor.get(f"{where}/contact")
        refused = await app.http("dispatcher").get(f"{where}/contact")
        far = await app.http("acceptor", area="440100").post(f"{where}/erase", json={"reason": "本人要求"})
        erased = await acceptor.post(f"{where}/erase", json={"reason": "本人要求删除"})
        twice = await acceptor.post(f"{where}/erase", json={"reason": "本人要求删除"})
        gone = await acceptor.get(f"{where}/contact")
        again = await app.http().post("/reports", json=a_citizen_body(source=CITIZEN))
        [contact] = await node.events(ReportContact)
        phone = await app.vault.open(contact.report_id, contact.phone)
        looks = await app.pool.fetch("select report_id, by from looks")
    async with asyncpg.create_pool(node.database_url, min_size=1) as pool:
        audited = await pool.fetchval(
            "select count(*) from intake.kit_audit where route = '/reports/{report_id}/erase' and status = 200"
        )

    assert (opened.json()["name"], opened.json()["phone"]) == ("张三丰", "13800138000")
    assert (refused.status_code, far.status_code) == (403, 403)
    assert (erased.status_code, twice.status_code) == (200, 200)
    assert gone.json() == {"report_id": taken["report_id"]}
    assert phone is None
    assert again.json()["duplicate"]
    assert audited == 2
    assert {tuple(look) for look in looks} == {(taken["report_id"], "dev-acceptor")}


async def test_imported_records_take_the_same_path(node: TestNode, clock: ManualClock) -> None:
    """History as NDJSON by a system account: unknown codes pass, nothing personal is made up, repeating is safe."""
    lines = [_imported(str(n), nature) for n, nature in enumerate(("投诉", "求决", "咨询", "-"))]
    async with node.running(service, clock=clock) as app:
        http = app.http("system_account")
        first = await _ndjson(http, lines)
        again = await _ndjson(http, lines)
        await node.settled()
        later = await _ndjson(http, lines)
        cases, others = await node.events(CaseReported), await node.events(ReportAnswered)
        contacts = await node.events(ReportContact)

    assert (first.status_code, first.json()["taken"]) == (200, 4)
    assert [r.get("duplicate") for r in again.json()["results"] + later.json()["results"]] == [True] * 8
    assert {e.nature for e in cases} == {"投诉", "求决"}
    assert {e.nature for e in others} == {"咨询", "-"}
    assert {e.purpose for e in (*cases, *others)} == {"historical"}
    assert contacts == []


async def test_a_batch_takes_the_good_lines_and_says_why_it_refuses_the_others(
    node: TestNode, clock: ManualClock
) -> None:
    number = iter(range(100))

    def line(**change: Any) -> bytes:
        source = {"system": "pda", "record_id": f"{next(number)}"}
        return msgspec.json.encode(a_body(**({"source": source} | change)))

    twin = line(source={"system": "pda", "record_id": "twin"})
    lines = [
        line(), b"{not json", b"", line(channel="77"), twin, twin,
        line(source={"system": "pda", "record_id": "twin"}, description="另一件"), line(source=None),
        line(channel="12345"), line(occurred_at="2026-11-23T11:50:00"),
    ]  # fmt: skip
    async with node.running(service, clock=clock) as app:
        answer = await _ndjson(app.http("collector"), lines)
        events = await node.events(CaseReported)

    results = {r["line"]: r for r in answer.json()["results"]}
    assert answer.status_code == 207
    assert {n: r["status"] for n, r in results.items()} == {
        1: 202, 2: 400, 4: 400, 5: 202, 6: 202, 7: 409, 8: 400, 9: 403, 10: 400,
    }  # fmt: skip
    assert results[6]["duplicate"]
    assert results[4]["problem"]["errors"][0]["path"] == "$.channel"
    assert results[10]["problem"]["errors"][0]["path"] == "$.occurred_at"
    assert (answer.json()["taken"], answer.json()["refused"]) == (3, 6)
    assert {e.report_id for e in events} == {results[1]["report_id"], results[5]["report_id"]}


async def test_a_batch_during_an_outage_of_the_stream_stores_nothing_it_does_not_report(
    node: TestNode, clock: ManualClock
) -> None:
    """A full stream says no: every line of it is told so, with 503."""
    async with node.running(service, clock=clock, stream_max_gib=0.00002) as app:
        answer = await _ndjson(app.http("system_account"), [_imported(str(n), "投诉") for n in range(60)])
        events = await node.events(CaseReported)

    refused = [r for r in answer.json()["results"] if r["status"] != 202]
    assert refused
    assert {r["problem"]["code"] for r in refused} == {"intake.not_safe"}
    assert len(events) < 60


async def test_a_report_can_be_checked_before_it_is_sent(node: TestNode, clock: ManualClock) -> None:
    """A form or an import asks first: how it would be taken, or all that is wrong; nothing is stored."""
    gcj = {"lon": 113.3246105200526, "lat": 23.10638916075787, "crs": "gcj02"}
    async with node.running(service, clock=clock) as app:
        http = app.http("collector")
        good = await http.post("/reports/check", json=a_body(nature="咨询", place={"point": gcj}))
        bad = await http.post("/reports/check", json=a_body(description="", place={}))
        unknown = await http.post("/reports/check", json=a_body(lattitude=1))
        events = await node.events()

    assert good.status_code == 200
    assert (good.json()["nature"], good.json()["is_case"], good.json()["verify_policy"]) == ("咨询", False, "skip")
    assert (round(good.json()["lon"], 5), round(good.json()["lat"], 5)) == (113.3192, 23.109)
    assert (bad.status_code, unknown.status_code) == (400, 400)
    assert [error["path"] for error in bad.json()["errors"]] == ["$.description", "$.place"]
    assert events == []


async def _window_over(app: Any) -> None:
    """Wait until the stream has forgotten an id that it learns now, and so all earlier ones."""
    probe = [("yw.up.440300.440300.00.probe.v1", b"{}", "probe", "")]
    await app.publisher.publish(probe)
    while (await app.publisher.publish(probe))[0].duplicate:
        await asyncio.sleep(0.05)


async def test_a_report_that_cannot_be_kept_is_refused_with_a_time_to_come_back(
    node: TestNode, clock: ManualClock
) -> None:
    """No 202 without JetStream's word: a full stream makes it 503 with Retry-After, and nothing is there."""
    async with node.running(service, clock=clock, stream_max_gib=0.0000005) as app:
        answer = await app.http("collector").post("/reports", json=a_body(source=NUMBER))
        events = await node.events(CaseReported)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["code"] == "intake.not_safe"
    assert events == []


def _imported(number: str, nature: str) -> bytes:
    return msgspec.json.encode({
        "source": {"system": "pingshan-2018", "record_id": number},
        "channel": {"code_set": "pingshan-channel", "version": "2018", "code": "@坪山"},
        "nature": nature,
        "occurred_at": "2018-07-04T17:24:41+08:00",
        "category": {"code_set": "pingshan-2018", "version": "1", "kind": "event", "major": "1159", "minor": "1160"},
        "place": {"street9": "440310006"},
        "imported": {"unit": {"unit_id": "8508", "unit_name": "龙田街道综合执法队"}, "timeliness": "on_time"},
    })  # fmt: skip


async def _ndjson(http: Any, lines: list[bytes]) -> Any:
    return await http.post("/reports", content=b"\n".join(lines), headers={"content-type": "application/x-ndjson"})


def _accepted(reported: CaseReported, version: int) -> Event:
    head = msgspec.structs.replace(reported.case, case_version=version, state_before="reported", state_after="accepted")
    category = Category(code_set="x", version="1", kind="event", major="01", minor="13")
    return CaseAccepted(case=head, category=category, occurred_at=NOON + dt.timedelta(minutes=1))


def _closed(reported: CaseReported, version: int) -> Event:
    head = msgspec.structs.replace(
        reported.case,
        case_version=version,
        state_before="accepted",
        state_after="closed",
        case_no="4403102026112300001",
    )
    at = NOON + dt.timedelta(minutes=2)
    return CaseClosed(case=head, archive_type=1, summary=CaseSummary(reported_at=NOON, closed_at=at), occurred_at=at)
