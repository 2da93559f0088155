"""Data return: a county gets its own cases' fate, its figures and its places from above."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from yiwang.contracts import DataReturned, SyncRefused
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON
from yiwang.national_sync.app import service
from yiwang.national_sync.returns import ranked
from yiwang.national_sync.testing import a_course, a_platform, a_profile
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import pair


async def test_a_county_hears_what_became_of_its_cases_above(test_servers: TestServers, tmp_path: Path) -> None:
    """What the nation took and what it refused, by the city's exchange, as soon as the city knows."""
    outbox = tmp_path / "nation"
    profile = a_profile(tmp_path, a_platform(more=f'transport = "directory"\nendpoint = "{outbox}"'))
    async with (
        pair(test_servers, tmp_path) as both,
        both.parent.running(
            service, settings={"poll_seconds": 0.02}, profile=profile, clock=ManualClock(NOON), **both.kit(both.parent)
        ),
        both.child.running(service, clock=ManualClock(NOON), **both.kit(both.child)) as county,
    ):
        course = [msgspec.structs.replace(e, jurisdiction="440304") for e in a_course("case-1")]
        await both.child.publish(*course)
        await both.child.until(DataReturned, where=lambda e: any(c.fate == "result_delivered" for c in e.cases))
        await both.parent.publish(a_refusal())
        await both.child.until(DataReturned, where=lambda e: bool(e.refusals))
        await both.child.settled()

        reader = county.http("acceptor", area="440304")
        fates = (await reader.get("/sync/cases/case-1/fates")).json()
        assert {(f["platform"], f["fate"]) for f in fates} == {
            ("nation", "case_delivered"), ("nation", "result_delivered"), ("nation", "refused"),
        }  # fmt: skip
        assert next(f for f in fates if f["fate"] == "refused")["reason"] == "缺少经纬度"
        assert (await reader.get("/sync/cases/case-2/fates")).json() == []


def a_refusal() -> SyncRefused:
    return SyncRefused(
        jurisdiction="440300", upper_platform="nation", profile="nation", profile_version="1", district="440304",
        seq_from=9, seq_to=9, reason="缺少经纬度", record_ids=("case-1/base/2",),
    )  # fmt: skip


async def test_a_city_gives_figures_and_places_back(test_servers: TestServers, tmp_path: Path) -> None:
    """Each node gets its own; a place that has no node below is refused."""
    async with (
        pair(test_servers, tmp_path) as both,
        both.parent.running(service, clock=ManualClock(NOON), **both.kit(both.parent)) as city,
        both.child.running(service, clock=ManualClock(NOON), **both.kit(both.child)) as county,
    ):
        judge = city.http("evaluator", area="440300")
        figures = {"to": "440304", "title": "11月", "figures": [{"code": "closed", "value": 812, "unit": "件"}]}
        assert (await judge.post("/sync/returns/figures", json=figures)).status_code == 201
        ranks: dict[str, Any] = {
            "title": "11月",
            "indicator": "close_rate",
            "period": "2026-11",
            "values": {"440304": 97.5},
        }
        assert (await judge.post("/sync/returns/rankings", json=ranks)).status_code == 201
        await both.child.until(DataReturned, 2)
        await both.child.settled()
        got = (await county.http("leader", area="440304").get("/sync/returns")).json()
        assert {row["peer"] for row in got} == {"440300"}
        bodies = [row["body"] for row in got]
        assert [b["figures"][0]["value"] for b in bodies if "figures" in b] == [812]
        assert [b["rankings"][0]["rank"] for b in bodies if "rankings" in b] == [1]

        elsewhere = await judge.post("/sync/returns/figures", json=figures | {"to": "440103"})
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (400, "national_sync.not_below")


def test_a_place_says_nothing_of_others() -> None:
    """Rank, number of nodes, best and mean; low may be best."""
    place = ranked("rework", "2026-11", {"a": 3.0, "b": 1.0}, "low")["a"]
    assert (place.rank, place.of, place.best, place.average) == (2, 2, 1.0, 2.0)
