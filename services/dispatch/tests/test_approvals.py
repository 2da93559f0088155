"""The queue of one's own approvals: level, role, area and unit decide who sees a request, as they decide who may act."""

from __future__ import annotations

import datetime as dt
import itertools
from importlib.resources import files
from typing import Any

import msgspec
from yiwang.contracts import AreaRef, Assignment, Clock, OpenRequest
from yiwang.contracts.branch import Appeal
from yiwang.dispatch import queue_store, store
from yiwang.dispatch.app import make_service
from yiwang.dispatch.authority import may_do
from yiwang.dispatch.case import Case
from yiwang.dispatch.guards import open_now
from yiwang.dispatch.queue_store import Asked
from yiwang.dispatch.rules import Rules
from yiwang.dispatch.testing import BY_HAND, MONDAY, PLACE, some_case, some_rules
from yiwang.dispatch.turns import rights_of, turns_of
from yiwang.kit import Caller, Post

DECIDING = {"postpone_approve": "extension", "hang_approve": "hang", "decide_appeal": "appeal"}
ROLES = ("dept_operator", "dispatcher", "shift_leader", "leader", "acceptor", "handler", "collector", "supervisor")
AREAS = ("440000", "440300", "440303", "440304", "440303001", "440400")
UNITS = ("", "sanitation", "bureau", "patrol")
LUOHU = AreaRef(city="440300", county="440303", street9="440303001", community12="440303001001")
FUTIAN = AreaRef(city="440300", county="440304", street9="440304002")


def asked(kind: str, role: str, *, by: str = "p-asker") -> dict[str, Any]:
    """What a case carries while it waits for *role*'s word, after another level's."""
    path = ("acceptor", role) if kind == "appeal" and role != "acceptor" else (role,)
    level = len(path) - 1
    if kind == "appeal":
        return {"state": "closed", "appeal": Appeal(path=path, level=level, person_ref=by, appealed_at=MONDAY)}
    made = OpenRequest(request_id=f"r-{kind}", kind=kind, path=path, level=level, person_ref=by, requested_at=MONDAY)
    return {"state": "handling", "requests": (made,)}


def waiting() -> list[Case]:
    """A case for every kind of request, role that decides, place, unit and command."""
    found: list[Case] = []
    waits = [(k, r) for k in DECIDING.values() for r in ROLES[:5] if (k, r) != ("appeal", "dept_operator")]
    for (kind, role), area, unit, command in itertools.product(waits, (LUOHU, FUTIAN), UNITS[1:3], ("city", "district")):
        clock = Clock(clock_id="c", stage="disposal", unit_kind="work_hour", limit=4, started_at=MONDAY, due_at=MONDAY)
        lead = Assignment(assignment_id=f"a{len(found)}", unit_id=unit, clock=clock)
        change = asked(kind, role, by=f"p-{role}" if len(found) % 3 == 0 else "p-asker")
        found.append(msgspec.structs.replace(
            some_case(case_id=f"case-{len(found):03}"), place=msgspec.structs.replace(PLACE, area=area), command=command,
            assignments=(lead,), **change,
        ))  # fmt: skip
    return found


def callers() -> list[Caller]:
    """Everybody: each role over each area, or of each unit; and one person with two posts."""
    found = []
    for role, area, unit in itertools.product(ROLES, AREAS, UNITS):
        post = Post(post_id="post", unit_id=unit, role=role, areas=(area,))
        found.append(Caller(person_ref=f"p-{role}", posts=(post,)))
    two = (Post(post_id="a", unit_id="bureau", role="dept_operator", areas=("440303",)),
           Post(post_id="b", unit_id="", role="leader", areas=("440304",)))  # fmt: skip
    return [*found, Caller(person_ref="p-two", posts=two)]


def may_decide(caller: Caller, case: Case, rules: Rules) -> bool:
    """Whether the case's own actions say that the caller decides something now."""
    askers = {turn.kind: turn.by for turn in turns_of(case)}
    return any(
        row.action in DECIDING and open_now(row, role, case, rules) and askers[DECIDING[row.action]] != caller.person_ref
        for row, role in may_do(caller, case, rules)
    )


async def test_everybody_finds_exactly_what_waits_for_their_word(node: Any) -> None:
    """For every role, area, unit and way of governing the queue is what `may_do` allows; counts and pages agree."""
    cities = [some_rules(auto=BY_HAND, supervise=s, two_commands=t) for s in ("city", "district") for t in (True, False)]
    cases, now = waiting(), MONDAY + dt.timedelta(hours=1)
    async with node.running(make_service(lambda _: cities[0])) as app, app.pool.acquire() as db, db.transaction():
        await store.add(db, cases, [], MONDAY)
        seen = 0
        for rules, caller in itertools.product(cities, callers()):
            expected = [c.case_id for c in cases if may_decide(caller, c, rules)]
            rights = rights_of(caller, rules, "440300")
            mine = Asked(queue="approve", rights=rights, person_ref=caller.person_ref)
            found = [] if not rights else await queue_store.page(db, mine, now, ("-infinity", ""), 300)
            assert [w.case.case_id for w in found] == expected, (caller, rules.supervise, rules.two_commands)
            if expected and len(caller.posts) == 1:
                counts = await queue_store.approvals(db, rights, caller.person_ref, now)
                assert counts[caller.posts[0].role].waiting == len(expected)
            seen += len(expected)
        assert seen > 1000, "the comparison would be empty"

        # what was asked before this version finds its approver too: the migration reads it from the documents
        before = await db.fetch("select case_id, turns from cases order by case_id")
        await db.execute("drop index cases_turns; alter table cases drop column turns")
        await db.execute(migration())
        assert await db.fetch("select case_id, turns from cases order by case_id") == before


def migration() -> str:
    return files("yiwang.dispatch").joinpath("migrations", "0060_pre_turns.sql").read_text("utf-8")


async def test_the_queue_is_listed_claimed_and_emptied(node: Any) -> None:
    """Two levels over HTTP: the department's word, then the shift leader's; nobody sees their own request."""
    async with node.running(make_service(lambda _: some_rules(auto=BY_HAND))) as app:
        [case] = [c for c in waiting() if c.command == "district" and c.area.startswith("440303") and c.lead.unit_id == "sanitation"
                  and turns_of(c)[0].kind == "hang" and turns_of(c)[0].role == "dept_operator"]  # fmt: skip
        made = msgspec.structs.replace(case.requests[0], path=("dept_operator", "shift_leader"), person_ref="p-h",
                                       resume_on=dt.datetime.now(dt.UTC) + dt.timedelta(days=9))  # fmt: skip
        async with app.pool.acquire() as db, db.transaction():
            await store.add(db, [msgspec.structs.replace(case, requests=(made,))], [], MONDAY)
        dept = app.http("dept_operator", area="440303", unit_id="sanitation", person_ref="p-d")
        asker = app.http("dept_operator", area="440303", unit_id="sanitation", person_ref="p-h")
        lead = app.http("shift_leader", area="440300", person_ref="p-l")

        async def waits(http: Any) -> tuple[list[str], int]:
            page = (await http.get("/cases/queues/approve")).json()
            counts = {q["queue"]: q["waiting"] for q in (await http.get("/cases/queues")).json()}
            return [c["case_id"] for c in page["cases"]], counts["approve"]

        assert await waits(dept) == ([case.case_id], 1)
        assert await waits(asker) == ([], 0)
        assert await waits(lead) == ([], 0)
        assert (await dept.post(f"/cases/{case.case_id}/claim", json={"queue": "approve"})).status_code == 200
        done = await dept.post(f"/cases/{case.case_id}/hang_approve", json={"result": "approved"})
        assert done.status_code == 200, done.text
        assert await waits(dept) == ([], 0)
        assert await waits(lead) == ([case.case_id], 1)
        assert (await lead.get("/cases/queues/approve", params={"area": "440304"})).json()["cases"] == []
