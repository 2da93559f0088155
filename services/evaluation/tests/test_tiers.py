"""A city and its province, each with its own evaluation over a real link: the same figures, and what a cut does to them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from yiwang.contracts import MeshHeartbeat
from yiwang.evaluation.app import service
from yiwang.evaluation.testing import MORNING, Life
from yiwang.kit import ManualClock
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import pair

PROVINCE, CITY, OTHER = "440000", "440300", "441900"
NOW = MORNING + dt.timedelta(hours=3)
CLOSED = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 240", "+60 handle service", "+0 confirm", "+5 close"]
LATE = ["report 11", "+1 accept", "+5 file", "+5 dispatch u2 60", "+90 confirm"]


async def figures(http: httpx.AsyncClient, **query: str) -> Any:
    answer = await http.get("/evaluation/figures", params={"period": "2026-11"} | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await happened():
            await asyncio.sleep(0.05)


def beat(code: str, tier: str, at: dt.datetime) -> MeshHeartbeat:
    return MeshHeartbeat(node=code, tier=tier, version="1", started_at=MORNING, jurisdiction=code, recorded_at=at)


async def test_a_province_has_what_its_cities_have_together_and_says_as_of_when(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """Counters and rates of the city are the same at both; the province's are the sums of its cities'; a city that is cut
    off goes on counting, and the province says until when it heard it; after the repair both agree again."""
    clock = ManualClock(NOW)
    async with (
        pair(test_servers, tmp_path, parent=PROVINCE, child=CITY) as both,
        both.parent.running(service, clock=clock, **both.kit(both.parent)) as province,
        both.child.running(service, clock=clock, **both.kit(both.child)) as city,
    ):
        above, below = province.http("evaluator", area=PROVINCE), city.http("evaluator", area=CITY)
        lives = [Life("a", custody=CITY).lead(*CLOSED), Life("b", custody=CITY, cls="event/04/01").lead(*LATE)]
        await both.child.publish(beat(CITY, "city", NOW), *[event for life in lives for event in life.events])
        other = Life("c", place="441900003001", custody=OTHER).lead(*LATE)
        await both.parent.publish(beat(OTHER, "city", NOW), *other.events)

        async def heard() -> bool:
            return bool((await figures(above))["counters"].get("report_num", 0) == 3)

        await until(heard)
        await both.parent.settled()
        await both.child.settled()

        whole, own, rest = await figures(above), await figures(below), await figures(above, object=OTHER)
        assert await figures(above, object=CITY) | {"as_of": 0} == own | {"as_of": 0}
        both_have = own["counters"].keys() | rest["counters"].keys()
        assert whole["counters"] == {
            name: own["counters"].get(name, 0) + rest["counters"].get(name, 0)
            for name in whole["counters"].keys() | both_have
        }
        assert whole["as_of"]["complete"]

        both.cut()
        more = Life("d", custody=CITY).lead(*CLOSED)
        await both.child.publish(*more.events)
        await both.child.settled()
        clock.advance(hours=1)
        await both.parent.publish(beat(OTHER, "city", clock.now()))
        await both.parent.settled()
        cut = await figures(above)
        assert (await figures(below))["counters"]["archive_num"] == 2
        assert (cut["counters"]["archive_num"], cut["as_of"]["complete"]) == (1, False)
        assert [one["node"] for one in cut["as_of"]["nodes"] if one["cut"]] == [CITY]
        assert "440300（2026-11-23 12:00）" in cut["as_of"]["sentence"]
        assert (await figures(above, object=OTHER))["as_of"]["complete"]

        both.mend()
        await both.child.publish(beat(CITY, "city", clock.now()))

        async def again() -> bool:
            told = await figures(above, object=CITY)
            return bool(told["as_of"]["complete"] and told["counters"] == (await figures(below))["counters"])

        await until(again)
        assert (await figures(above))["counters"]["archive_num"] == 2
