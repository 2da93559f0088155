"""A link that was cut for longer than the streams keep: the county's cases are told again, and the city's copies heal."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

from yiwang.contracts import (
    AreaRef,
    CaseFiled,
    CaseLocated,
    Category,
    ConfigApplied,
    ConfigPublished,
    Custody,
    Place,
    ResyncAnswered,
    ResyncRequested,
    TaskClosed,
    TaskFeedback,
    TaskReceived,
)
from yiwang.kit import ManualClock, operate
from yiwang.kit.link import api
from yiwang.kit.testing import NOON, a_head, a_report
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import Pair, pair

from .city import PROFILES, service

SHENZHEN = PROFILES / "shenzhen"
LITTER = Category(code_set="gbt30428.2-2013", version="2013", kind="event", major="01", minor="10")
PATIENCE_S = 45.0


async def a_case(both: Pair, name: str) -> None:
    """A case of the county that dispatch files and dispatches by its rules."""
    area = AreaRef(province="440000", city="440300", county="440304", street9="440304001")
    place = Place(area=area, grid_version="1", method="code")
    base: dict[str, Any] = {"case_id": name, "custody": Custody(jurisdiction="440304"), "report_ids": (f"r-{name}",)}
    report = a_report(head=a_head(**base), claimed_category=LITTER, jurisdiction="440304", occurred_at=NOON)
    head = a_head(**base, case_version=2, state_before="reported", place=place)
    found = CaseLocated(case=head, place=place, outcome="located", jurisdiction="440304")
    await both.child.publish(report, found)
    await both.child.until(CaseFiled, where=lambda e: e.case.case_id == name, timeout=PATIENCE_S)


async def copies(city: Any) -> dict[str, int]:
    """Case → version, as the city's dispatch has them."""
    return {r["case_id"]: r["version"] for r in await city.pool.fetch("select case_id, version from copies")}


async def originals(county: Any) -> dict[str, int]:
    return {r["case_id"]: r["version"] for r in await county.pool.fetch("select case_id, version from cases")}


async def test_a_cut_that_is_longer_than_the_retention_heals_by_resync(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """What the streams no longer keep comes again as snapshots; versions, books and tasks agree on both sides."""
    clock = ManualClock(NOON)
    names = ("dispatch", "national_sync")
    async with (
        pair(test_servers, tmp_path, name="resync") as both,
        both.parent.running(*map(service, names), clock=clock, profile=SHENZHEN, **both.kit(both.parent)) as (
            city,
            city_sync,
        ),
        both.child.running(
            *map(service, names), clock=clock, profile=SHENZHEN, settings={"snapshot_page": 2}, **both.kit(both.child)
        ) as (county, county_sync),
    ):
        leader, below = city_sync.http("leader", area="440300"), county_sync.http("leader", area="440304")
        task = {"to": ["440304"], "kind": "arrange", "title": "排查", "content": "排查井盖"}
        [number] = (await leader.post("/sync/tasks", json=task)).json()["task_ids"]
        await both.child.until(TaskReceived)
        await a_case(both, "before")
        await reaches(city, county)

        both.cut()
        for n in range(5):
            await a_case(both, f"lost-{n}")
        said = {"result": "done", "summary": "已完成"}
        assert (await below.post(f"/sync/tasks/{number}/feedback", json=said)).status_code == 201
        await both.child.until(TaskFeedback)
        await both.child.settled(parked=None)
        link = await both.child.link()
        await api(link.nc, "STREAM.PURGE.UP")  # the retention is over
        lost = {"version": "2027", "valid_from": NOON.isoformat(), "content": "date,kind,name\n2027-01-01,holiday,元旦\n"}
        keeper = city_sync.http("admin", area="440300")
        assert (await keeper.post("/sync/config/sets/holidays", json=lost)).status_code == 201
        await both.parent.until(ConfigPublished)
        await both.parent.settled(parked=None)
        await api((await both.parent.link()).nc, "STREAM.PURGE.DOWN")
        both.mend()
        await a_case(both, "after")
        assert set(await originals(county)) - set(await copies(city)) >= {f"lost-{n}" for n in range(5)}

        since = NOON - dt.timedelta(days=1)
        ask = ResyncRequested(addressee="440304", resync_id="resync-1", since=since, reason="operator")
        await operate.say(both.parent.kit(mesh=str(both.mesh)), ask)
        [done] = await both.parent.until(ResyncAnswered, timeout=PATIENCE_S)
        assert done.cases == 7
        await reaches(city, county)

        await both.parent.settled(parked=None)
        asked = (await leader.get("/sync/resyncs")).json()
        assert [(r["node"], r["cases"], bool(r["answered_at"])) for r in asked] == [("440304", 7, True)]
        await both.parent.until(TaskFeedback, timeout=PATIENCE_S)
        await both.parent.settled(parked=None)
        assert (await leader.get(f"/sync/tasks/{number}")).json()["task"]["state"] == "answered"
        for name in ("lost-3", "after"):
            assert await steps_told(city_sync, name) == (await originals(county))[name]
        assert not await both.parent.events(TaskClosed)
        [again] = await both.child.until(ConfigPublished, timeout=PATIENCE_S)
        assert (again.repeated, again.addressee) == (True, "440304")
        await both.parent.until(ConfigApplied, timeout=PATIENCE_S)
        [ours] = (await keeper.get("/sync/config/sets/holidays/2027")).json()["announcements"]
        assert ours["addressee"] == ""


async def reaches(city: Any, county: Any) -> None:
    """Wait until the city's copies are as the county has its cases."""
    async with asyncio.timeout(PATIENCE_S):
        while await copies(city) != await originals(county):
            await asyncio.sleep(0.1)


async def steps_told(sync: Any, case_id: str) -> int:
    """The last step of a case that the city's exchange has for the nation."""
    text = "select record_id from records where case_id = $1 and kind = 'case_flow'"
    found = [int(r["record_id"].rpartition("/")[2]) for r in await sync.pool.fetch(text, case_id)]
    return max(found, default=0)
