"""A small county without an enforcement service: its referrals are worked at the city, the outcome comes down to it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from yiwang.contracts import CaseDispatched, Category, ClueOpened, Custody, EnforcementClosed, HeadCosigned, HeadSigned
from yiwang.dispatch.testing import located, reported
from yiwang.enforcement.testing import AGENCY, a_record, officers
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import pair

from .city import PROFILES, service

COUNTY, UNIT, LAW = "440303", "440303001-law", "440303-law"
OCCUPIED = Category(code_set="gbt30428.2-2013", version="2013", kind="event", major="04", minor="06")
PATIENCE_S = 60.0


async def ok(answer: Any) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


async def test_a_countys_referral_is_worked_at_the_city_and_its_outcome_stands_in_the_case(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """The clue is opened in the county's name; officers of the city's agency close it; the case hears it, once."""
    clock, profile = ManualClock(NOON), PROFILES / "shenzhen"
    async with (
        pair(test_servers, tmp_path, child=COUNTY, hosted={"enforcement": "440300"}, name="hosted") as both,
        both.parent.running(service("enforcement"), clock=clock, profile=profile, **both.kit(both.parent)) as city,
        both.child.running(service("dispatch"), clock=clock, profile=profile, **both.kit(both.child)) as county,
    ):
        first = reported("case-1", at=NOON, category=OCCUPIED)
        head = msgspec.structs.replace(first.case, custody=Custody(jurisdiction=COUNTY))
        first = msgspec.structs.replace(first, case=head, jurisdiction=COUNTY)
        await both.child.publish(first, msgspec.structs.replace(located(first), jurisdiction=COUNTY))
        await both.child.until(CaseDispatched, where=lambda e: e.assignments[0].unit_id == UNIT, timeout=PATIENCE_S)
        unit = county.http("dept_operator", area=COUNTY, unit_id=UNIT)
        await ok(await unit.post("/cases/case-1/assign_handler", json={"handler_ref": "h-1"}))
        refer = {"agency_id": LAW, "item_code": "0510", "opinion": "屡劝不改，移送执法"}
        await ok(await county.http("dispatcher", area=COUNTY).post("/cases/case-1/refer", json=refer))

        [clue] = await both.parent.until(ClueOpened, timeout=PATIENCE_S)
        assert (clue.jurisdiction, clue.node_id) == (COUNTY, "440300")
        officer = city.http("enforcement_officer", area=COUNTY, unit_id=LAW)
        closing = {"outcome": "corrected", "text": "当事人已自行撤离并清扫", "officers": officers()}
        await ok(await officer.post(f"/enforcement/files/{clue.file_id}/close", json=closing))
        [closed] = await both.parent.until(EnforcementClosed, timeout=PATIENCE_S)
        assert closed.jurisdiction == COUNTY

        viewer = county.http("dispatcher", area=COUNTY)
        async with asyncio.timeout(PATIENCE_S):
            while not (shown := await ok(await viewer.get("/cases/case-1")))["referral"].get("outcome"):
                await asyncio.sleep(0.05)
        assert (shown["referral"]["outcome"], shown["referral"]["file_id"]) == ("corrected", clue.file_id)
        assert [line["action"] for line in shown["history"]].count("enforcement_closed") == 1
        stranger = city.http("enforcement_officer", area="440304", unit_id=LAW)
        assert (await stranger.get(f"/enforcement/files/{clue.file_id}")).status_code == 403


async def test_the_city_countersigns_a_countys_evidence_and_the_county_keeps_it(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """The head goes up, the countersignature comes down to that county and fits its head."""
    clock = ManualClock(NOON)
    async with (
        pair(test_servers, tmp_path, child="440310", name="witness") as both,
        both.parent.running(service("enforcement"), clock=clock, **both.kit(both.parent)),
        both.child.running(
            service("enforcement"), clock=clock, settings={"head_every_leaves": 2}, **both.kit(both.child)
        ) as county,
    ):
        officer = county.http("enforcement_officer", area="440310", unit_id=AGENCY)
        for _ in range(2):
            clue = {"agency_id": AGENCY, "item_code": "0510", "area": "440310001", "record": a_record()}
            await ok(await officer.post("/enforcement/files", json=clue))
        [head] = await both.child.until(HeadSigned, timeout=PATIENCE_S)
        [cosigned] = await both.parent.until(HeadCosigned, timeout=PATIENCE_S)
        assert (cosigned.addressee, cosigned.jurisdiction, cosigned.root) == ("440310", "440300", head.root)
        async with asyncio.timeout(PATIENCE_S):
            while not (kept := await county.pool.fetch("select witness, verified from cosignatures")):
                await asyncio.sleep(0.05)
        assert [row["verified"] for row in kept] == [True]
