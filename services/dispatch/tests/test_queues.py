"""Queues for people: by remaining time, in somebody's hands, many at once; kept counts equal a recount."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from yiwang.contracts import AreaRef
from yiwang.dispatch.app import make_service
from yiwang.dispatch.claims import Claim, concerns
from yiwang.dispatch.queue_store import tidy
from yiwang.dispatch.queues import QUEUES, SIDE
from yiwang.dispatch.states import ROLE_NAMES
from yiwang.dispatch.testing import BY_HAND, MONDAY, PLACE, located, reported, some_case, some_rules

FUTIAN = msgspec.structs.replace(PLACE, area=AreaRef(city="440300", county="440304", street9="440304001"))


async def put(node: Any, *cases: tuple[str, int, Any]) -> None:
    """Reports of so many minutes ago, each at its place."""
    now = dt.datetime.now(dt.UTC)
    for case_id, minutes, place in cases:
        first = reported(case_id, at=now - dt.timedelta(minutes=minutes))
        await node.publish(first, located(first, place=place))
    await node.settled()


async def recounted(app: Any) -> bool:
    """Whether the kept counts are what a count of the cases gives."""
    kept = await app.pool.fetch(
        "select queue, area, unit_id, sum(cases) n, sum(late) l from waiting group by 1, 2, 3 "
        "having sum(cases) <> 0 or sum(late) <> 0 order by 1, 2, 3"
    )
    real = await app.pool.fetch(
        "select queue, left(area, 9) area, unit_id, count(*) n, count(*) filter (where overdue) l "
        "from cases where queue <> '' and away is null group by 1, 2, 3 order by 1, 2, 3"
    )
    return [tuple(r) for r in kept] == [tuple(r) for r in real]


def case_ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [case["case_id"] for case in answer.json()["cases"]]


async def test_a_queue_is_worked_off_by_several_people_without_doubling(node) -> None:
    """Least time left first; a claim shows, binds, runs out; a shift leader takes over; batches answer case by case."""
    async with node.running(make_service(lambda _: some_rules(auto=BY_HAND))) as app:
        await put(node, ("new", 1, PLACE), ("old", 9, PLACE), ("older", 11, PLACE), ("futian", 5, FUTIAN))
        a, b = (app.http("acceptor", area="440300", person_ref=f"p-{n}") for n in "ab")
        lead = app.http("shift_leader", area="440300", person_ref="p-lead")

        first = await a.get("/cases/queues/accept", params={"limit": 3})
        assert case_ids(first) == ["older", "old", "futian"]
        rest = await a.get("/cases/queues/accept", params={"limit": 3, "cursor": first.json()["cursor"]})
        assert case_ids(rest) == ["new"]
        assert rest.json()["cursor"] == ""
        luohu = app.http("acceptor", area="440303", person_ref="p-c")
        assert case_ids(await luohu.get("/cases/queues/accept")) == ["older", "old", "new"]

        # claimed: shown to others, binding, held longer by its holder
        claimed = (await a.post("/cases/older/claim", json={})).json()
        assert (claimed["person_ref"], claimed["queue"]) == ("p-a", "accept")
        shown = (await b.get("/cases/queues/accept")).json()["cases"][0]
        assert (shown["case_id"], shown["claimed_by"]) == ("older", "p-a")
        assert case_ids(await b.get("/cases/queues/accept", params={"whose": "free"})) == ["old", "futian", "new"]
        assert case_ids(await a.get("/cases/queues/accept", params={"whose": "mine"})) == ["older"]
        counts = {q["queue"]: q for q in (await a.get("/cases/queues")).json()}
        assert (counts["accept"]["waiting"], counts["accept"]["mine"]) == (4, 1)
        refused = await b.post("/cases/older/accept", json={})
        assert refused.status_code == 409
        assert refused.json()["code"] == "dispatch.claimed"
        assert "受理员 p-a 认领" in refused.json()["detail"]
        assert (await b.post("/cases/older/claim", json={})).status_code == 409
        assert (await b.post("/cases/older/release", json={})).status_code == 409
        assert (await lead.post("/cases/older/claim", json={})).json()["person_ref"] == "p-lead"
        assert (await a.post("/cases/older/accept", json={})).status_code == 409
        assert (await lead.post("/cases/older/release", json={})).status_code == 200
        assert (await b.post("/cases/older/accept", json={})).status_code == 200
        assert not await app.pool.fetchval("select count(*) from claims where case_id = 'older'")
        assert (await a.post("/cases/older/claim", json={"queue": "accept"})).json()["code"] == "dispatch.not_in_queue"

        # many at once
        assert (await a.post("/cases/old/claim", json={})).status_code == 200
        many = {"cases": [{"no": no} for no in ("old", "new", "nothing", "older")], "body": {}}
        done = (await b.post("/cases/batch/accept", json=many, headers={"Idempotency-Key": "k-1"})).json()
        assert [(c["no"], c["status"]) for c in done["cases"]] == [
            ("old", 409), ("new", 200), ("nothing", 404), ("older", 409),
        ]  # fmt: skip
        assert (done["done"], done["refused"]) == (1, 3)
        again = (await b.post("/cases/batch/accept", json=many, headers={"Idempotency-Key": "k-1"})).json()
        assert again == done
        stale = {"cases": [{"no": "futian", "version": 1}]}
        assert (await a.post("/cases/batch/accept", json=stale)).json()["cases"][0]["code"] == "dispatch.stale_version"
        too_many = {"cases": [{"no": f"x{n}"} for n in range(101)]}
        assert (await a.post("/cases/batch/accept", json=too_many)).status_code == 400
        assert (await app.http("collector").post("/cases/batch/accept", json=stale)).status_code == 403

        filed = (await a.post("/cases/batch/file", json={"cases": [{"no": "new"}, {"no": "older"}]})).json()
        assert filed["done"] == 2
        assert len({c["case_no"] for c in filed["cases"]}) == 2

        # a dispatcher returns one: for a while it is the filer's own
        back = await app.http("dispatcher", area="440300").post("/cases/new/return_to_acceptor", json={"opinion": "非城管业务"})
        assert back.status_code == 200, back.text
        [shown] = (await b.get("/cases/queues/file")).json()["cases"]
        assert (shown["case_id"], shown["claimed_by"]) == ("new", "p-a")
        assert (await b.post("/cases/new/file", json={})).json()["code"] == "dispatch.claimed"
        assert (await a.post("/cases/new/file", json={})).status_code == 200
        assert await recounted(app)
        await tidy(app.pool, app.clock.now())
        assert await recounted(app)
        assert await app.pool.fetchval("select count(*) from waiting where slot >= 0") == 0
        counts = {q["queue"]: q["waiting"] for q in (await a.get("/cases/queues")).json()}
        assert (counts["accept"], counts["file"]) == (2, 0)
        assert {q["queue"] for q in (await lead.get("/cases/queues")).json()} >= {"approve", "decide", "force"}


def test_a_claim_ends_with_its_time_and_with_the_case_going_on() -> None:
    """It binds only who works the same queue off, only while the case waits there, and never a shift leader."""
    case = some_case()
    claim = Claim(person_ref="a", role="acceptor", queue="accept", claimed_at=MONDAY, until=MONDAY + dt.timedelta(minutes=30))
    assert claim.holds(case, MONDAY)
    assert not claim.holds(case, claim.until)
    assert not claim.holds(msgspec.structs.replace(case, state="accepted"), MONDAY)
    assert claim.binds("b", "acceptor")
    assert not claim.binds("a", "acceptor")
    assert not claim.binds("b", "shift_leader")
    assert not claim.binds("b", "dispatcher")


def test_a_claim_keeps_others_from_its_own_work_only() -> None:
    """Who handles a case keeps nobody from deciding what is asked, nor a co-unit from its part; who decides holds up no work."""
    assert concerns("handle", "submit_result")
    assert not concerns("handle", "postpone_approve")
    assert not concerns("handle", "submit_co_result")
    assert concerns("approve", "hang_approve")
    assert not concerns("approve", "assign_handler")
    assert not concerns("approve", "confirm_co")


def test_every_queue_has_a_name_and_people_who_work_it_off() -> None:
    """No case waits where nobody looks."""
    assert all(name and roles and set(roles) <= set(ROLE_NAMES) for name, roles in QUEUES.values())
    assert set(SIDE) <= set(QUEUES)
