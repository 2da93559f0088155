"""The inspectors' side: their own list, patrols that end or expire, positions that go after a while."""

from __future__ import annotations

import datetime as dt

import msgspec
from yiwang.contracts import NoticeRequested
from yiwang.dispatch.app import make_service
from yiwang.dispatch.inspectors import PositionPoint, forget, usable
from yiwang.dispatch.testing import BY_HAND, MONDAY, located, reported, some_rules


def point(minutes: int) -> PositionPoint:
    return PositionPoint(at=MONDAY - dt.timedelta(minutes=minutes), lon=114.1, lat=22.5)


def test_positions_older_than_the_rule_or_from_the_future_are_not_kept() -> None:
    """A device that was offline for days sends much; only what the rule allows is taken."""
    kept = usable([point(1), point(59), point(61), point(-4), point(-6)], MONDAY, hours=1)
    assert kept == [point(1), point(59), point(-4)]


async def test_an_inspector_sees_and_does_what_the_duty_grid_is_asked(node) -> None:
    """Verify tasks of the grid and one's own, not another's; a patrol is done once; a late one expires by itself."""
    async with node.running(make_service(lambda _: some_rules(auto=BY_HAND)), settings={"positions_hours": 24}) as app:
        now = dt.datetime.now(dt.UTC)
        for case_id in ("grid", "mine", "other"):
            first = reported(case_id, at=now)
            await node.publish(first, located(first))
        await node.settled()
        acceptor, lead = app.http("acceptor", area="440300"), app.http("shift_leader", area="440300", person_ref="p-lead")
        a, b = (app.http("collector", area="440303", person_ref=f"p-{n}", unit_id="inspectors") for n in "ab")
        for case_id, who in (("grid", ""), ("mine", "p-a"), ("other", "p-b")):
            sent = await acceptor.post(f"/cases/{case_id}/send_verify", json={"person_ref": who} if who else {})
            assert sent.status_code == 200, sent.text
        mine = (await a.get("/tasks/mine")).json()
        assert {c["case_id"] for c in mine["cases"]} == {"grid", "mine"}
        assert (await app.http("collector", area="440304", person_ref="p-c").get("/tasks/mine")).json()["cases"] == []

        order = {"area": "440303", "duty_grid_id": "LH-01", "what": "查占道经营", "due_at": (now + dt.timedelta(hours=2)).isoformat()}
        given = await lead.post("/tasks/patrols", json=order)
        assert given.status_code == 201, given.text
        task = given.json()["task_id"]
        to_a = (await lead.post("/tasks/patrols", json=order | {"person_ref": "p-a"})).json()["task_id"]
        assert (await a.post("/tasks/patrols", json=order)).status_code == 403
        over = {"due_at": (now - dt.timedelta(hours=1)).isoformat()}
        for wrong in ({"area": "441900"}, {"area": "4403AB"}, {"person_ref": "a b"}, {"duty_grid_id": ""}, over):
            assert (await lead.post("/tasks/patrols", json=order | wrong)).status_code in (400, 422), wrong
        notices = await node.until(NoticeRequested, 2)
        assert {n.audience for n in notices} == {"collector@440303", "person:p-a"}, "whoever was asked is told"
        assert all("查占道经营" in n.params["text"] for n in notices)
        assert {p["task_id"] for p in (await a.get("/tasks/mine")).json()["patrols"]} == {task, to_a}
        assert {p["task_id"] for p in (await b.get("/tasks/mine")).json()["patrols"]} == {task}
        assert (await b.post(f"/tasks/patrols/{to_a}/done", json={})).status_code == 403
        assert (await b.post(f"/tasks/patrols/{task}/done", json={"found": 3})).json()["state"] == "done"
        assert (await a.post(f"/tasks/patrols/{task}/done", json={})).status_code == 409
        assert (await a.post("/tasks/patrols/none/done", json={})).status_code == 404

        await app.pool.execute("update kit_timer set due = now() - interval '1 second' where kind = 'patrol' and key = $1", to_a)
        await node.settled()
        while (await app.pool.fetchval("select state from patrols where task_id = $1", to_a)) != "expired":
            await node.settled()
        assert (await a.post(f"/tasks/patrols/{to_a}/done", json={})).json()["detail"] == "此巡查任务已过期"

        track = [msgspec.to_builtins(PositionPoint(at=now - dt.timedelta(hours=h), lon=114.1, lat=22.5 + h / 1000)) for h in (0, 1, 30)]
        assert (await a.post("/tasks/positions", json={"points": track})).json() == {"kept": 2}
        assert (await a.post("/tasks/positions", json={"points": track})).json() == {"kept": 2}
        assert await app.pool.fetchval("select count(*) from positions") == 2, "sent again, kept once"
        [seen] = (await lead.get("/tasks/positions")).json()
        assert (seen["person_ref"], seen["lat"]) == ("p-a", 22.5)
        assert (await acceptor.get("/tasks/positions")).status_code == 403
        assert (await app.http("shift_leader", area="440304").get("/tasks/positions")).json() == []
        await app.pool.execute("update positions set received_at = received_at - interval '25 hours' where lat > 22.5")
        await forget(app, 100)
        assert await app.pool.fetchval("select count(*) from positions") == 1
