"""Notices to other systems and mailboxes: signed, recorded, tried again, and never to where nobody allowed."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from standardwebhooks.webhooks import Webhook
from yiwang.contracts import CaseMerged, NoticeDelivered, NoticeFailed, ReportContact
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON, a_head
from yiwang.notification.app import service
from yiwang.notification.testing import a_wish, closed, daytime, dispatched
from yiwang.notification.testing_receivers import MailServer, Receiver, a_mail_server, a_receiver
from yiwang.stack.testing import TestNode

ALLOW = {"webhook_allow": "127.0.0.0/8", "announce_inbox": False}


async def endpoint(app: Any, target: str, *audiences: str, **more: Any) -> dict[str, Any]:
    """A new endpoint, made by the administrator."""
    body = {
        "channel": "webhook",
        "name": "执法队平台",
        "target": target,
        "audiences": audiences or ["unit:8508"],
    } | more
    answer = await app.http("admin").post("/notices/endpoints", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    with a_mail_server(tmp_path) as running:
        yield running


async def until(condition: Callable[[], bool], timeout: float = 45.0) -> None:
    """Wait for what another thread does."""
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.02)


async def books(app: Any) -> dict[str, int]:
    found: dict[str, int] = (await app.http("admin").get("/notices/summary")).json()["notices"]
    assert found["due"] == sum(count for name, count in found.items() if name != "due")
    return found


async def test_a_webhook_is_signed_with_the_secret_that_was_shown_once(node: TestNode, receiver: Receiver) -> None:
    """The receiver verifies it with the library of the spec; the event says that it was delivered."""
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        made = await endpoint(app, receiver.url("/hook?key=abc"))
        await node.publish(a_wish())
        [delivered] = await node.until(NoticeDelivered)

        [got] = receiver.got
        verified = Webhook(made["secret"]).verify(got.body.decode(), got.headers)
        assert verified["type"] == "notice.message"
        assert verified["data"]["title"] == "暴雨预警"
        assert got.path == "/hook?key=abc"
        assert (delivered.channel, delivered.attempt, len(delivered.receipt_hash)) == ("webhook", 1, 64)
        shown = (await app.http("admin").get("/notices/endpoints")).text
        assert made["secret"] not in shown
        assert "key=abc" not in shown
        assert made["secret"] not in str(await app.pool.fetch("select * from endpoint"))


async def test_a_failed_attempt_is_repeated_by_the_schedule_with_the_same_id(
    node: TestNode, receiver: Receiver
) -> None:
    """503, then nothing for five seconds, then again; the receiver knows it by webhook-id."""
    clock = ManualClock(NOON)
    async with node.running(service, settings=ALLOW, clock=clock) as app:
        await endpoint(app, receiver.url())
        receiver.answers = [(503, {}), (503, {"retry-after": "1000"})]
        await node.publish(a_wish())
        await until(lambda: len(receiver.got) == 1)
        await attempts_are(app, ["transient"])
        clock.advance(seconds=6)
        await attempts_are(app, ["transient", "retry_after"])
        due = await app.pool.fetchval("select due_at from delivery")
        assert due >= clock.now() + dt.timedelta(seconds=1000)
        clock.advance(seconds=1100)
        await node.until(NoticeDelivered)

        assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
        assert len(receiver.got) == 3


async def attempts_are(app: Any, classes: list[str]) -> None:
    """Wait until the books show exactly these attempts."""
    async with asyncio.timeout(45):
        while [r["class"] for r in await app.pool.fetch("select class from attempt order by n")] != classes:
            await asyncio.sleep(0.02)


async def test_a_crash_between_sending_and_recording_sends_again_with_the_same_id(
    node: TestNode, receiver: Receiver
) -> None:
    """At least once to the outside: the claim ends, another sender takes over."""
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        await endpoint(app, receiver.url())
        await node.publish(a_wish())
        await node.until(NoticeDelivered)
        await app.pool.execute("delete from attempt")
        await app.pool.execute(
            "update delivery set state = 'pending', attempts = 0, claimed_until = now() - interval '1 s'"
        )
        await until(lambda: len(receiver.got) == 2)

        assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
        assert await books(app) == {"due": 1, "delivered": 1, "failed": 0, "unsent": 0, "pending": 0}


async def test_a_receiver_that_is_gone_is_switched_off_and_the_administrator_told(
    node: TestNode, receiver: Receiver
) -> None:
    """410: no further attempt, to nobody; the notice itself still stands in the unit's inbox."""
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        made = await endpoint(app, receiver.url())
        receiver.answers = [(410, {})]
        await node.publish(a_wish(), a_wish(business_id="flood/2"))
        [failed, *_] = await node.until(NoticeFailed)
        assert failed.failure_class == "permanent_recipient"

        listed = (await app.http("admin").get("/notices/endpoints")).json()
        assert not listed[0]["enabled"]
        [told] = (await app.http("admin").get("/notices")).json()["items"]
        assert told["title"] == "通知出口已停用：执法队平台"
        assert (await books(app))["failed"] == 0

        answer = await app.http("admin").post(f"/notices/endpoints/{made['endpoint']['endpoint_id']}/enable")
        assert answer.json()["enabled"]


async def test_after_ten_attempts_over_three_days_it_has_failed(node: TestNode, receiver: Receiver) -> None:
    """Every attempt stands in the books with its class."""
    clock = ManualClock(NOON)
    async with node.running(service, settings=ALLOW, clock=clock) as app:
        await endpoint(app, receiver.url(), "reporter:*")
        receiver.answers = [(500, {})] * 10
        await node.publish(ReportContact(report_id="r-1", case_id="c-1", phone=await app.vault.seal("r-1", "1380000")))
        await node.settled()
        await node.publish(closed("c-1"))
        for n in range(1, 11):
            await until(lambda n=n: len(receiver.got) == n)  # type: ignore[misc]
            await attempts_are(app, ["transient"] * n)
            clock.advance(days=2)
        [failed] = await node.until(NoticeFailed)

        assert (failed.attempt, failed.failure_class) == (10, "transient")
        assert (await books(app))["failed"] == 1
        notice = await app.pool.fetchval("select notice_id from notice where state = 'failed'")
        tried = (await app.http("auditor").get(f"/notices/{notice}/attempts")).json()
        assert [one["n"] for one in tried] == list(range(1, 11))


async def test_the_reporter_s_contact_goes_only_to_a_gateway_that_may_have_it(
    node: TestNode, receiver: Receiver
) -> None:
    """Unsealed at the last moment; not stored in the clear, not in any event."""
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        await endpoint(app, receiver.url("/sms"), "reporter:*", receives_contact=True)
        await endpoint(app, receiver.url("/other"), "reporter:*")
        await endpoint(app, receiver.url("/all"), "*")
        sealed = await app.vault.seal("r-1", "13812345678")
        await node.publish(ReportContact(report_id="r-1", case_id="c-1", phone=sealed))
        await node.settled()
        await node.publish(closed("c-1"))
        await node.until(NoticeDelivered, 2)

        by_path = {got.path: got for got in receiver.got}
        assert set(by_path) == {"/sms", "/other"}
        assert by_path["/sms"].data["contacts"] == [{"phone": "13812345678"}]
        assert b"13812345678" not in by_path["/other"].body
        assert "13812345678" not in str(await app.pool.fetch("select * from contact, delivery, notice"))
        assert "13812345678" not in str(await node.events())


async def test_who_reported_a_merged_case_hears_when_the_main_case_ends(node: TestNode, receiver: Receiver) -> None:
    """Their report goes on in the main case: its end reaches both reporters, and also a lone reporter of the duplicate."""
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        await endpoint(app, receiver.url("/sms"), "reporter:*", receives_contact=True)
        for report, case, phone in (("r-1", "c-1", "13800000001"), ("r-2", "c-2", "13800000002"), ("r-3", "c-4", "13800000003")):
            await node.publish(ReportContact(report_id=report, case_id=case, phone=await app.vault.seal(report, phone)))
        await node.settled()
        for main, duplicate in (("c-1", "c-2"), ("c-3", "c-4")):
            head = a_head(case_id=main, case_version=9, state_before="handling", state_after="handling")
            await node.publish(CaseMerged(case=head, other_case_ids=(duplicate,), relation="absorbed"))
        await node.settled()

        await node.publish(closed("c-1"), closed("c-3"))
        await node.until(NoticeDelivered, 2)

        told = sorted(sorted(one["phone"] for one in got.data["contacts"]) for got in receiver.got)
        assert told == [["13800000001", "13800000002"], ["13800000003"]]


async def test_an_erased_contact_reaches_nobody(node: TestNode, receiver: Receiver) -> None:
    """The key is gone; the notice fails with the reason, and nothing of the person leaves."""
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        await endpoint(app, receiver.url("/sms"), "reporter:*", receives_contact=True)
        await node.publish(ReportContact(report_id="r-1", case_id="c-1", phone=await app.vault.seal("r-1", "138")))
        await node.settled()
        await app.vault.erase("r-1")
        await node.publish(closed("c-1"))
        [failed, *_] = await node.until(NoticeFailed)

        assert failed.reason == "联系方式已清除"
        assert receiver.got == []
        assert (await books(app))["failed"] == 1
        assert await app.pool.fetchval("select failure_class from notice") == "permanent_recipient"


async def test_during_a_rotation_the_old_secret_still_verifies(node: TestNode, receiver: Receiver) -> None:
    """For a day; then only the new one."""
    clock = ManualClock(NOON)
    async with node.running(service, settings=ALLOW, clock=clock) as app:
        made = await endpoint(app, receiver.url())
        rotate = f"/notices/endpoints/{made['endpoint']['endpoint_id']}/rotate"
        new = (await app.http("admin").post(rotate)).json()["secret"]
        await node.publish(a_wish())
        await until(lambda: len(receiver.got) == 1)
        clock.advance(hours=25)
        await node.publish(a_wish(business_id="flood/2"))
        await until(lambda: len(receiver.got) == 2)

        both, one = receiver.got
        for secret in (made["secret"], new):
            Webhook(secret).verify(both.body.decode(), both.headers)
        assert len(both.headers["webhook-signature"].split()) == 2
        assert len(one.headers["webhook-signature"].split()) == 1


async def test_mail_reaches_a_real_server_with_our_id(node: TestNode, mail_server: MailServer) -> None:
    """Chinese subject and text; the address is sealed in the tables and hidden in the list."""
    settings = {"smtp_host": "127.0.0.1", "smtp_port": mail_server.port, "smtp_tls": "none", "announce_inbox": False}
    rules = {"channel": "email", "name": "执法队邮箱"}
    async with node.running(service, settings=settings, clock=ManualClock(NOON)) as app:
        await endpoint(app, "zhifa@example.gov.cn", **rules)
        await node.publish(dispatched("8508"))
        [delivered] = await node.until(NoticeDelivered)

        [mail] = mail_server.mails()
        assert mail["subject"] == "新派遣案件 4403102026112300001"
        assert "请于11月23日 18:00前办结" in mail.get_content()
        assert mail["message-id"].startswith("<")
        assert "4711" in delivered.provider_id
        assert "zhifa@" not in (await app.http("admin").get("/notices/endpoints")).text
        assert "zhifa@" not in str(await app.pool.fetch("select * from endpoint"))


@pytest.mark.parametrize(
    ("mailbox", "klass", "final"), [("nobody", "permanent_recipient", True), ("full", "transient", False)]
)
async def test_a_mail_server_s_refusal_is_understood(
    node: TestNode, mail_server: MailServer, mailbox: str, klass: str, final: bool
) -> None:
    """5xx ends it, 4xx is tried again later; the reason repeats no address."""
    settings = {"smtp_host": "127.0.0.1", "smtp_port": mail_server.port, "smtp_tls": "none", "announce_inbox": False}
    async with node.running(service, settings=settings, clock=ManualClock(NOON)) as app:
        await endpoint(app, f"{mailbox}@example.gov.cn", channel="email")
        await node.publish(dispatched("8508"))
        await attempts_are(app, [klass])

        row = await app.pool.fetchrow("select state, reason from delivery")
        assert row["state"] == ("failed" if final else "pending")
        assert mailbox not in row["reason"]


async def test_a_refused_mailbox_gives_way_to_the_next_step(
    node: TestNode, mail_server: MailServer, tmp_path: Any
) -> None:
    """The chain: mail first; nobody there, so the in-app inbox; then it is delivered."""
    folder = tmp_path / "notices"
    folder.mkdir()
    (folder / "templates.toml").write_text(
        'version = "1"\n[message]\ntitle = "{title}"\nparams = ["title", "text"]\nchannels = [["email"], ["inbox"]]\n'
    )
    (folder / "rules.toml").write_text('version = "1"\n')
    settings = {"smtp_host": "127.0.0.1", "smtp_port": mail_server.port, "smtp_tls": "none"}
    async with node.running(service, settings=settings, profile=tmp_path, clock=daytime()) as app:
        await endpoint(app, "nobody@example.gov.cn", channel="email")
        await node.publish(a_wish())
        await node.until(NoticeFailed)

        [notice] = (await app.http("dept_operator", unit_id="8508").get("/notices")).json()["items"]
        assert notice["title"] == "暴雨预警"
        assert await books(app) == {"due": 1, "delivered": 1, "failed": 0, "unsent": 0, "pending": 0}


async def test_at_night_a_push_waits_for_the_morning_unless_it_is_urgent(node: TestNode, receiver: Receiver) -> None:
    """The inbox has both at once."""
    clock = ManualClock(NOON + dt.timedelta(hours=11))
    async with node.running(service, settings=ALLOW, clock=clock) as app:
        await endpoint(app, receiver.url())
        await node.publish(a_wish(), a_wish(business_id="flood/2", urgency="urgent"))
        await until(lambda: len(receiver.got) == 1)
        assert receiver.got[0].data["urgency"] == "urgent"
        assert len((await app.http("dept_operator", unit_id="8508").get("/notices")).json()["items"]) == 2
        clock.advance(hours=8, minutes=1)
        await until(lambda: len(receiver.got) == 2)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"target": "http://169.254.169.254/meta"}, "notification.target_not_allowed"),
    ({"target": "http://127.0.0.1:99999/"}, "notification.target_not_allowed"),
    ({"audiences": ["everybody"]}, "notification.bad_audience"),
    ({"channel": "email", "target": "nobody"}, "notification.bad_mailbox"),
    ({"channel": "email", "target": "a@b.cn"}, "notification.no_mail_server"),
    ({"channel": "pigeon"}, "kit.validation"),
    ({"audiences": []}, "kit.validation"),
]


async def test_an_endpoint_that_cannot_be_is_refused_with_a_sentence(node: TestNode) -> None:
    """The administrator knows what to do; nothing is stored."""
    right: dict[str, Any] = {"channel": "webhook", "name": "x", "target": "http://127.0.0.1/", "audiences": ["*"]}
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        http = app.http("admin")
        answers = [(await http.post("/notices/endpoints", json=right | change)).json() for change, _ in REFUSED]

        assert [answer["code"] for answer in answers] == [code for _, code in REFUSED]
        assert all(answer["do"] for answer in answers)
        assert await app.pool.fetchval("select count(*) from endpoint") == 0


async def test_only_administrators_keep_endpoints(node: TestNode) -> None:
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        answer = await app.http("dispatcher").get("/notices/endpoints")

        assert answer.status_code == 403


async def test_several_replicas_send_each_notice_once(node: TestNode, receiver: Receiver) -> None:
    """One of them sends; nobody gets a message twice while nothing fails."""
    clock = daytime()
    async with (
        node.running(service, settings=ALLOW, clock=clock) as first,
        node.running(service, settings=ALLOW, clock=clock),
    ):
        await endpoint(first, receiver.url())
        await node.publish(*(a_wish(business_id=f"flood/{n}") for n in range(40)))
        await node.until(NoticeDelivered, 40)

        assert len(receiver.got) == len({got.headers["webhook-id"] for got in receiver.got}) == 40


async def test_a_slow_receiver_does_not_hold_up_the_others(node: TestNode, receiver: Receiver) -> None:
    """It may keep eight messages waiting; the other endpoint has all of its own meanwhile."""
    with a_receiver() as slow:
        slow.hold.clear()
        patient = ALLOW | {"webhook_timeout_s": 100}  # a busy machine may take long: held is not given up
        async with node.running(service, settings=patient, clock=daytime()) as app:
            await endpoint(app, slow.url())
            await endpoint(app, receiver.url())
            await node.publish(*(a_wish(business_id=f"flood/{n}") for n in range(20)))
            await until(lambda: len(receiver.got) == 20)

            assert len(slow.got) <= 8
            slow.hold.set()
            await until(lambda: len(slow.got) == 20)


async def test_an_account_is_unsent_more_than_its_rate(node: TestNode, receiver: Receiver) -> None:
    """Two at once, and no third while the clock stands still; the rest waits and isn't lost."""
    clock = ManualClock(NOON)
    async with node.running(service, settings=ALLOW | {"webhook_rate": 1, "burst": 2}, clock=clock) as app:
        await endpoint(app, receiver.url())
        await node.publish(*(a_wish(business_id=f"flood/{n}") for n in range(4)))
        await node.until(NoticeDelivered, 2)
        async with asyncio.timeout(45):
            while await app.pool.fetchval("select count(*) from delivery where due_at > $1", NOON) < 2:
                await asyncio.sleep(0.02)
        assert len(receiver.got) == 2
        clock.advance(seconds=2)
        await node.until(NoticeDelivered, 4)


async def test_a_redirect_is_not_followed(node: TestNode, receiver: Receiver) -> None:
    """A signed message isn't carried on to where nobody allowed."""
    async with node.running(service, settings=ALLOW, clock=ManualClock(NOON)) as app:
        await endpoint(app, receiver.url())
        receiver.answers = [(302, {"location": receiver.url("/elsewhere")})]
        await node.publish(a_wish())
        await attempts_are(app, ["transient"])

        assert [got.path for got in receiver.got] == ["/hook"]


async def test_nothing_personal_is_logged(
    node: TestNode, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not the contact, not the words of the notice, not the secret, even when the receiver fails."""
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        made = await endpoint(app, receiver.url("/sms"), "reporter:*", receives_contact=True)
        sealed = await app.vault.seal("r-1", "13812345678")
        receiver.answers = [(410, {})]
        await node.publish(ReportContact(report_id="r-1", case_id="c-1", phone=sealed))
        await node.settled()
        await node.publish(closed("c-1"))
        await node.until(NoticeFailed)

    written = "".join(capfd.readouterr())
    assert "13812345678" not in written
    assert made["secret"] not in written
    assert "您反映的" not in written


async def test_a_service_that_stops_finishes_what_it_is_sending(node: TestNode, receiver: Receiver) -> None:
    """A rolling restart sends nothing twice: the answer that was under way is recorded."""
    receiver.hold.clear()
    async with node.running(service, settings=ALLOW, clock=daytime()) as app:
        await endpoint(app, receiver.url())
        await node.publish(a_wish())
        async with asyncio.timeout(45):
            while not await app.pool.fetchval("select count(*) from delivery where claimed_until is not null"):
                await asyncio.sleep(0.02)
        await until(lambda: len(receiver.got) == 1)
        asyncio.get_running_loop().call_later(0.2, receiver.hold.set)
    db = await asyncpg.connect(node.database_url)
    try:
        assert await db.fetchval("select state from notification.delivery") == "delivered"
    finally:
        await db.close()
