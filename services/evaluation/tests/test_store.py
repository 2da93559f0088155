"""Events become figures, with real NATS and PostgreSQL; whatever comes late, twice or out of order."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from msgspec.structs import replace
from yiwang.contracts import (
    CaseDispatched,
    ConfigAdopted,
    ConfigApplied,
    EvaluationAlertCleared,
    EvaluationAlertRaised,
    WhistleArrived,
    WhistleBlown,
    WhistleCall,
    WhistleEvent,
    WhistleResolved,
)
from yiwang.evaluation.app import service
from yiwang.evaluation.calendar import Calendar
from yiwang.evaluation.recount import mistakes
from yiwang.evaluation.testing import MORNING, Life
from yiwang.evaluation.watching import look
from yiwang.kit import ManualClock
from yiwang.kit.announced import digest_of
from yiwang.stack.testing import TestNode

CLOSED = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 240", "+60 confirm", "+5 close"]


async def figure(app: Any, counter: str, object: str = "440300", cls: str = "", kind: str = "area") -> int:
    found = await app.pool.fetchval(
        f"select sum({counter})::int from sums where kind = $1 and object = $2 and cls = $3", kind, object, cls
    )
    return int(found or 0)


async def test_cases_count_in_every_area_above_them_however_their_events_arrive(node: TestNode) -> None:
    """Late, doubled and reversed events, corrections of class and place, a reopening, a whistle: sums equal a recount."""
    one = Life("one").lead(*CLOSED)
    two = Life("two").lead(*CLOSED, "+60 correct cls event/01/11", "+5 correct place 440310002001", "+5 reopen 240")
    async with node.running(service, clock=ManualClock(MORNING + dt.timedelta(hours=3))) as app:
        await node.publish(*reversed(one.events))
        await node.publish(*two.events)
        await node.publish(*one.events[:3])
        await node.publish(*whistle())
        await node.settled()

        assert await figure(app, "report_num") == 2
        assert await figure(app, "archive_num", "440310") == 1
        assert await figure(app, "to_dispose", "440310002") == 1
        assert await figure(app, "report_num", "440310", "event/01/10") == 1
        assert await figure(app, "report_num", "440310", "event/01/11") == 1
        assert await figure(app, "intime_dispose", "u1", kind="unit") == 1
        assert await figure(app, "inst_num", "post-acceptor", kind="post") == 2
        assert await figure(app, "report_num", "440310", "@patrol") == 2
        assert await app.pool.fetchval("select count(*) from waiting") == 0
        assert await figure(app, "whistle_num", "440310001003") == await figure(app, "whistle_arrived", "440310") == 1
        assert await figure(app, "whistle_called", "u8", kind="unit") == 1
        assert await mistakes(app.app) == []


FAILS_ONCE = """
create sequence attempts;
create function fail_once() returns trigger language plpgsql as
    $$ begin if nextval('attempts') = 1 then raise serialization_failure; end if; return new; end $$;
create constraint trigger fails after insert on names deferrable initially deferred for each row execute function fail_once();
"""


async def test_names_whose_transaction_failed_at_its_commit_are_kept_with_the_next_try(node: TestNode) -> None:
    """Nothing is remembered of a transaction that never was."""
    [dispatched] = [e for e in Life("one").lead(*CLOSED).events if isinstance(e, CaseDispatched)]
    named = replace(dispatched, assignments=(replace(dispatched.assignments[0], unit_name="市政工程所"),))
    async with node.running(service, clock=ManualClock(MORNING + dt.timedelta(hours=3))) as app:
        await app.pool.execute(FAILS_ONCE)
        await node.publish(named)
        await node.settled()

        assert await app.pool.fetchval("select last_value from attempts") > 1
        assert await app.pool.fetchval("select name from names where kind = 'unit' and code = 'u1'") == "市政工程所"


def whistle() -> list[WhistleEvent]:
    """A community calls two units, one of which comes in time."""
    said: dict[str, Any] = {"whistle_id": "w", "area": "440310001003", "kind": "enforcement", "jurisdiction": "440310"}
    calls = [WhistleCall(unit_id=unit, role=role, respond_by=MORNING, arrive_by=MORNING)
             for unit, role in (("u1", "lead"), ("u8", "co"))]  # fmt: skip
    return [
        WhistleBlown(units=tuple(calls), resolve_by=MORNING, **said),
        WhistleArrived(unit_id="u1", arrived_at=MORNING, timeliness="on_time", **said),
        WhistleResolved(unit_id="u1", timeliness="on_time", **said),
    ]


async def test_a_limit_that_passes_counts_without_a_word_from_the_custodian(node: TestNode) -> None:
    """The index of due moments, not a scan, finds it; a confirmation that comes late but was in time puts it right."""
    life = Life("c").lead(*CLOSED[:4])
    clock = ManualClock(MORNING + dt.timedelta(hours=1))
    async with node.running(service, clock=clock, settings={"due_seconds": 0.05}) as app:
        await node.publish(*life.events)
        await node.settled()
        assert await figure(app, "need_archive") == 0

        clock.advance(hours=5)
        await until(lambda: figure(app, "overtime_to_dispose"), 1)
        assert await figure(app, "need_archive") == 1

        said = len(life.events)
        await node.publish(*life.lead("+230 confirm").events[said:])
        await node.settled()
        assert await figure(app, "overtime_to_dispose") == 0
        assert (await figure(app, "intime_dispose"), await figure(app, "need_archive")) == (1, 1)
        assert await mistakes(app.app) == []


async def until(ask: Any, value: int) -> None:
    async with asyncio.timeout(60):
        while await ask() != value:
            await asyncio.sleep(0.02)


async def test_a_surge_is_said_once_with_its_explanation_and_ends(node: TestNode) -> None:
    """Eight weeks of two cases an hour, then thirty at once: one alert, one all-clear, both as events and over HTTP.

    The holidays by which days are compared are announced from above."""
    clock = ManualClock(MORNING)
    async with node.running(service, clock=clock, settings={"warn_seconds": 0}) as app:
        hours = [MORNING - dt.timedelta(hours=n) for n in range(1, 60 * 24)]
        await app.pool.executemany(
            "insert into hours (object, cls, hour, reported) values ('440310', 'event/01', $1, 2)", [(h,) for h in hours]
        )
        lives = [Life(f"c{n}", at=MORNING + dt.timedelta(minutes=n)).lead("report 1") for n in range(30)]
        await node.publish(*[event for life in lives for event in life.events])
        days = "date,kind,name\n2026-10-01,holiday,国庆节\n"
        await node.publish(
            ConfigAdopted(set_name="holidays", version="2026", valid_from=MORNING - dt.timedelta(days=9),
                          digest=digest_of(days), content=days, issuer="440000")
        )  # fmt: skip
        await node.until(ConfigApplied)
        await node.settled()
        async with asyncio.timeout(60):
            while not app.app.get(Calendar).days:
                await asyncio.sleep(0.02)
        assert await look(app.app, clock.now()) == 0

        clock.advance(minutes=75)
        assert await look(app.app, clock.now()) >= 1
        assert await look(app.app, clock.now()) == 0
        [raised] = await node.until(EvaluationAlertRaised, 1, where=lambda e: e.alert == "surge/440310/event/01")
        assert (raised.count, raised.usual) == (34, 6.0)
        assert "同一时段通常 6.0 件" in raised.sentence
        http = app.http("leader", area="440310")
        listed = (await http.get("/evaluation/alerts")).json()
        assert "surge/440310/event/01" in [one["alert"] for one in listed]
        assert (await app.http("leader", area="440303").get("/evaluation/alerts")).json() == []

        clock.advance(hours=3)
        await look(app.app, clock.now())
        [over] = await node.until(EvaluationAlertCleared, 1, where=lambda e: e.alert == "surge/440310/event/01")
        assert over.since == raised.to_at
        assert (await app.http("admin").get("/evaluation/recount")).json()["mistakes"] != []
