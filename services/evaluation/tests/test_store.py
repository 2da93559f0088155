"""Events become figures, with real NATS and PostgreSQL; whatever comes late, twice or out of order."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from yiwang.evaluation.app import service
from yiwang.evaluation.recount import mistakes
from yiwang.evaluation.testing import MORNING, Life
from yiwang.kit import ManualClock
from yiwang.stack.testing import TestNode

CLOSED = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 240", "+60 confirm", "+5 close"]


async def figure(app: Any, counter: str, object: str = "440300", cls: str = "", kind: str = "area") -> int:
    found = await app.pool.fetchval(
        f"select sum({counter})::int from sums where kind = $1 and object = $2 and cls = $3", kind, object, cls
    )
    return int(found or 0)


async def test_cases_count_in_every_area_above_them_however_their_events_arrive(node: TestNode) -> None:
    """Late, doubled and reversed events, corrections of class and place, a reopening: sums equal a recount."""
    one = Life("one").lead(*CLOSED)
    two = Life("two").lead(*CLOSED, "+60 correct cls event/01/11", "+5 correct place 440310002001", "+5 reopen 240")
    async with node.running(service, clock=ManualClock(MORNING + dt.timedelta(hours=3))) as app:
        await node.publish(*reversed(one.events))
        await node.publish(*two.events)
        await node.publish(*one.events[:3])
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
        assert await mistakes(app.pool, app.app) == []


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
        assert await mistakes(app.pool, app.app) == []


async def until(ask: Any, value: int) -> None:
    async with asyncio.timeout(60):
        while await ask() != value:
            await asyncio.sleep(0.02)
