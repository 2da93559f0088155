"""From events to inboxes, with real NATS and PostgreSQL."""

from __future__ import annotations

from typing import Any

import httpx
from yiwang.contracts import NoticeDelivered, NoticeFailed, NoticeUnsent, ReportContact, encode, subject_of, tag_of
from yiwang.kit.http import http_server
from yiwang.notification.app import service
from yiwang.notification.testing import a_wish, closed, dispatched
from yiwang.stack.testing import TestNode


async def listed(http: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await http.get("/notices", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_the_unit_that_must_act_finds_the_notice_and_no_other(node: TestNode) -> None:
    """The inbox is the unit's; another unit's people don't see it."""
    async with node.running(service) as app:
        await node.publish(dispatched("8508"))
        await node.settled()

        [notice] = await listed(app.http("dept_operator", unit_id="8508"))
        assert notice["title"] == "新派遣案件 4403102026112300001"
        assert notice["read_at"] is None
        assert await listed(app.http("dept_operator", unit_id="8484")) == []


async def test_a_notice_is_made_once_however_often_its_event_comes(node: TestNode) -> None:
    """Redelivery under another stream's duplicate window, or a replay, tells nobody twice."""
    async with node.running(service, settings={"announce_inbox": True}) as app:
        [event] = await node.publish(dispatched("8508"))
        await node.publish(a_wish(), a_wish())
        await node.publish_raw(subject_of(event, tag_of(type(event))), encode(event))
        await node.settled()

        assert await app.pool.fetchval("select count(*) from notice") == 2
        assert len(await node.events(NoticeDelivered)) == 2


async def test_a_role_over_an_area_hears_what_lies_below_and_not_beside(node: TestNode) -> None:
    """Pingshan's supervisor hears Pingshan's streets; Luohu's doesn't."""
    async with node.running(service) as app:
        await node.publish(a_wish(audience="supervisor@440310001"))
        await node.settled()

        for area, seen in (("440300", 1), ("440310", 1), ("440310001", 1), ("440303", 0), ("440310002", 0)):
            assert len(await listed(app.http("supervisor", area=area))) == seen, area
        assert await listed(app.http("evaluator", area="440300")) == []


async def test_each_person_reads_for_themselves(node: TestNode) -> None:
    """One colleague's reading doesn't hide the notice from the other; the first reading counts."""
    async with node.running(service) as app:
        await node.publish(a_wish())
        await node.settled()
        one, other = (app.http("dept_operator", unit_id="8508", person_ref=f"p-{n}") for n in (1, 2))
        [notice] = await listed(one)

        first = await one.post(f"/notices/{notice['notice_id']}/read")
        again = await one.post(f"/notices/{notice['notice_id']}/read")

        assert first.json()["read_at"] == again.json()["read_at"] is not None
        assert await listed(one, unread=True) == []
        assert len(await listed(other, unread=True)) == 1


async def test_nobody_reads_what_is_not_for_them(node: TestNode) -> None:
    """A stranger gets the same answer as for a notice that doesn't exist."""
    async with node.running(service) as app:
        await node.publish(a_wish())
        await node.settled()
        [notice] = await listed(app.http("dept_operator", unit_id="8508"))

        answer = await app.http("dept_operator", unit_id="8484").post(f"/notices/{notice['notice_id']}/read")

        assert answer.status_code == 404
        assert answer.json()["code"] == "notification.notice_not_found"
        assert (await app.http().get("/notices")).status_code == 401


async def test_pages_go_back_to_the_first_notice(node: TestNode) -> None:
    """Newest first, each once."""
    async with node.running(service) as app:
        await node.publish(*(a_wish(business_id=f"flood/{n}") for n in range(5)))
        await node.settled()
        http = app.http("dept_operator", unit_id="8508")
        seen, before = [], 0
        while True:
            page = (await http.get("/notices", params={"limit": 2, "before": before})).json()
            seen += [item["seq"] for item in page["items"]]
            before = page["next"]
            if not before:
                break

        assert len(seen) == 5
        assert seen == sorted(seen, reverse=True)


async def test_history_and_drills_wake_nobody(node: TestNode) -> None:
    """Ten thousand imported cases make no notice; nor does a drill."""
    async with node.running(service) as app:
        for purpose in ("historical", "drill", "test"):
            await node.publish(dispatched(purpose=purpose), a_wish(purpose=purpose))
        await node.settled()

        assert await app.pool.fetchval("select count(*) from notice") == 0


async def test_a_wish_for_an_unknown_template_waits_for_a_person(node: TestNode) -> None:
    """Parked with the sentence that says who mends it; the next wish goes on."""
    async with node.running(service) as app:
        await node.publish(a_wish(template="nonsense"), a_wish(business_id="flood/2"))
        await node.settled(parked=1)

        [(_, reason)] = await node.parked()
        assert "templates.toml" in reason
        assert await app.pool.fetchval("select count(*) from notice") == 1


async def test_a_reporter_without_a_way_to_be_reached_is_due_nothing(node: TestNode) -> None:
    """And where there is a contact, but no channel to it, the notice was not sent: said so, and no failure."""
    async with node.running(service) as app:
        sealed = await app.vault.seal("r-2", "13800000000")
        await node.publish(ReportContact(report_id="r-2", case_id="c-2", phone=sealed))
        await node.settled()
        await node.publish(closed("c-1"), closed("c-2"))

        [unsent] = await node.until(NoticeUnsent)
        assert (unsent.audience, unsent.channels) == ("reporter:c-2", ("webhook",))
        assert await node.events(NoticeFailed) == []
        books = (await app.http("admin").get("/notices/summary")).json()
        assert books["notices"] == {"due": 1, "delivered": 0, "failed": 0, "unsent": 1, "pending": 0}
        assert books["balanced"]


async def test_the_stream_goes_on_without_a_gap_after_a_break(node: TestNode) -> None:
    """Live, then cut, then resumed by the last id: every notice once."""
    async with node.running(service) as app:
        token = app.http("dept_operator", unit_id="8508").headers["Authorization"]
        async with http_server(app._asgi, "127.0.0.1", 0) as port:
            first = await heard(node, port, {"Authorization": token}, wishes=range(3), want=2)
            rest = await heard(
                node, port, {"Authorization": token, "Last-Event-ID": first[-1][0]}, wishes=range(3, 5), want=3
            )

        assert [title for _, title in first + rest] == [f"预警{n}" for n in range(5)]


async def heard(
    node: TestNode, port: int, headers: dict[str, str], *, wishes: range, want: int
) -> list[tuple[str, str]]:
    """(id, title) of the first *want* notices that come while *wishes* are made."""
    found, last = [], ""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http,
        http.stream("GET", "/notices/stream", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        for n in wishes:
            await node.publish(a_wish(business_id=f"flood/{n}", params={"title": f"预警{n}", "text": "请巡查"}))
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                last = value
            if name == "data":
                found.append((last, value.split('"title":"')[1].split('"')[0]))
            if len(found) == want:
                break
    return found


async def test_a_position_from_elsewhere_is_refused(node: TestNode) -> None:
    async with node.running(service) as app:
        http = app.http("dept_operator", unit_id="8508", headers={"Last-Event-ID": "yesterday"})

        answer = await http.get("/notices/stream")

        assert answer.status_code == 400
        assert answer.json()["code"] == "notification.bad_position"
