"""A city announces data sets; its county uses them by itself, or refuses with a reason, and the city sees who did."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from yiwang.contracts import (
    AreaRef,
    CaseFiled,
    CaseLocated,
    Category,
    ConfigAdopted,
    ConfigApplied,
    ConfigPublished,
    ConfigRefused,
    Custody,
    Place,
)
from yiwang.kit import ManualClock
from yiwang.kit.announced import digest_of
from yiwang.kit.testing import NOON, a_head, a_report
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import Pair, pair

from .city import PROFILES, service

SHENZHEN = PROFILES / "shenzhen"
LITTER = Category(code_set="gbt30428.2-2013", version="2013", kind="event", major="01", minor="10")
SOON = NOON + dt.timedelta(hours=1)
PATIENCE_S = 60.0


class Tiers:
    """The running city and county."""

    def __init__(self, both: Pair, city: Any, county: list[Any], clock: ManualClock) -> None:
        self.both, self.clock, self.city, self.county = both, clock, city, county
        self.admin = city.http("admin", area="440300")
        self.keeper = county[0].http("admin", area="440304")

    async def publish(self, set_name: str, content: str, version: str, **more: Any) -> None:
        body = {"version": version, "valid_from": SOON.isoformat(), "content": content, **more}
        answer = await self.admin.post(f"/sync/config/sets/{set_name}", json=body)
        assert answer.status_code == 201, answer.text

    async def standing(self, set_name: str, version: str, **expect: Any) -> dict[str, Any]:
        """What the city sees of the county, once it is *expect*."""
        found: dict[str, Any] = {}
        async with asyncio.timeout(PATIENCE_S):
            while not found or any(found[key] != value for key, value in expect.items()):
                answer = await self.admin.get(f"/sync/config/sets/{set_name}/{version}")
                if answer.status_code == 200:
                    [found] = answer.json()["nodes"]
                await asyncio.sleep(0.05)
        return found

    async def a_case(self, name: str) -> CaseFiled:
        """A case of litter, filed by the rules of the county."""
        area = AreaRef(province="440000", city="440300", county="440304", street9="440304001")
        place = Place(area=area, grid_version="1", method="code")
        base: dict[str, Any] = {
            "case_id": name,
            "custody": Custody(jurisdiction="440304"),
            "report_ids": (f"r-{name}",),
        }
        report = a_report(
            head=a_head(**base), claimed_category=LITTER, jurisdiction="440304", occurred_at=self.clock.now()
        )
        head = a_head(**base, case_version=2, state_before="reported", place=place)
        found = CaseLocated(case=head, place=place, outcome="located", jurisdiction="440304")
        await self.both.child.publish(report, found)
        events = await self.both.child.until(CaseFiled, where=lambda e: e.case.case_id == name, timeout=PATIENCE_S)
        return next(e for e in events if e.case.case_id == name)


@pytest_asyncio.fixture(loop_scope="session")
async def tiers(test_servers: TestServers, tmp_path: Path) -> AsyncIterator[Tiers]:
    """The city's exchange over a county with exchange and dispatch, under Shenzhen's profile."""
    clock = ManualClock(NOON)
    below = [service(name) for name in ("national_sync", "dispatch")]
    async with (
        pair(test_servers, tmp_path, name="tiers") as both,
        both.parent.running(service("national_sync"), clock=clock, **both.kit(both.parent)) as city,
        both.child.running(*below, clock=clock, profile=SHENZHEN, **both.kit(both.child)) as county,
    ):
        yield Tiers(both, city, county, clock)


def with_limit(limit: int) -> str:
    """Shenzhen's conditions with *limit* for litter's only one."""
    lines = (SHENZHEN / "dispatch/conditions.csv").read_text("utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if ",event,01,10," in line)
    cells = lines[at].split(",")
    cells[6] = str(limit)
    lines[at] = ",".join(cells)
    return "\n".join(lines) + "\n"


async def test_new_limits_count_from_their_moment_for_new_cases_only(tiers: Tiers) -> None:
    """An open case goes on under the versions that it pinned; the city sees the county's answer."""
    before = await tiers.a_case("old-case")
    await tiers.publish("conditions", with_limit(9), "2027.1", title="新时限")
    waiting = await tiers.standing("conditions", "2027.1", state="silent")
    assert waiting["node"] == "440304"
    same = await tiers.a_case("still-old")
    assert same.case.pinned_versions["conditions"] == before.case.pinned_versions["conditions"] == "2026.1"

    tiers.clock.advance(hours=1, minutes=1)
    await tiers.both.parent.until(ConfigApplied, timeout=PATIENCE_S)
    await tiers.standing("conditions", "2027.1", state="applied")
    async with asyncio.timeout(PATIENCE_S):
        new = await tiers.a_case("new-0")
        while new.case.pinned_versions["conditions"] != "2027.1":
            new = await tiers.a_case(f"new-{new.id}")
    assert (new.limit, before.limit == 9) == (9, False)
    dispatcher = tiers.county[1].http("admin", area="440304")
    old = (await dispatcher.get("/cases/old-case")).json()
    assert old["pinned_versions"]["conditions"] == "2026.1"


async def test_what_can_not_be_used_is_refused_with_every_mistake(tiers: Tiers) -> None:
    """A matrix that names units which this place doesn't have; a conflict with a local extension; nothing changes."""
    lines = (SHENZHEN / "dispatch/matrix.csv").read_text("utf-8").splitlines()
    head, last = lines[0], lines[-1]
    await tiers.publish("matrix", f"{head}\n{last.replace('unit:', 'unit:nobody-')}\n", "2027.1")
    found = await tiers.standing("matrix", "2027.1", state="refused")
    assert "nobody-" in found["reason"]
    case = await tiers.a_case("goes-on")
    assert case.case.pinned_versions["matrix"] == "2026.1"


async def test_a_new_calendar_and_new_working_hours_are_used(tiers: Tiers) -> None:
    """Holiday tables replace the shipped ones; hours come as a profile writes them."""
    holidays = "date,kind,name\n2027-01-01,holiday,元旦\n2026-10-01,holiday,国庆节\n"
    await tiers.publish("holidays", holidays, "2027")
    await tiers.publish("schedules", '[[schedules]]\nid = "summer"\nslots = ["08:30-12:00", "14:30-18:00"]\n', "2027.2")
    tiers.clock.advance(hours=2)
    for set_name, version in (("holidays", "2027"), ("schedules", "2027.2")):
        await tiers.standing(set_name, version, state="applied")
    unknown = await tiers.admin.post(
        "/sync/config/sets/weather", json={"version": "1", "valid_from": SOON.isoformat(), "content": "x"}
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "national_sync.set_not_known")


async def test_a_set_that_is_too_long_for_one_message_is_used_like_any_other(tiers: Tiers) -> None:
    """Five million bytes of conditions, hardly compressible, in parts; a part that is lost on the way holds it back."""
    rows = list(csv.DictReader(io.StringIO(with_limit(9))))
    noise = random.Random(7)
    for row in rows:
        row["text"] += noise.randbytes(2_600_000 // len(rows)).hex()
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    assert len(out.getvalue()) > 5_000_000
    await tiers.publish("conditions", out.getvalue(), "long", valid_from=NOON.isoformat())
    [first, *_] = await tiers.both.child.until(ConfigPublished, timeout=PATIENCE_S)
    parts = await tiers.both.child.until(ConfigPublished, first.parts, timeout=PATIENCE_S)
    assert [event.part for event in parts] == list(range(1, first.parts + 1))
    await tiers.standing("conditions", "long", state="applied")

    torn = msgspec.structs.replace(first, id="", version="torn", part=2, parts=3)
    await tiers.both.parent.publish(torn)
    await tiers.publish("conditions", with_limit(8), "short", valid_from=NOON.isoformat())
    await tiers.standing("conditions", "short", state="applied")
    shown = (await tiers.keeper.get("/sync/config/received")).json()
    assert [one["version"] for one in shown] == ["short", "long"]


async def test_an_area_tree_and_channels_find_their_services(node: Any, tmp_path: Path) -> None:
    """Grid makes a version of it that counts from its moment on; intake judges reports by the new channels."""
    (tmp_path / "grid").mkdir()
    recipe = 'version = "1"\njurisdiction = "440300"\ncell_m = 400\ncounties = ["440304"]\nduty_cells = 50\n'
    (tmp_path / "grid/grid.toml").write_text(recipe, "utf-8")
    (tmp_path / "grid/areas.csv").write_text((SHENZHEN / "grid/areas.csv").read_text("utf-8"), "utf-8")
    clock = ManualClock(NOON)
    services = [service("grid"), service("intake")]
    async with node.running(*services, clock=clock, profile=tmp_path) as (grid, _):
        areas = (SHENZHEN / "grid/areas.csv").read_text("utf-8")
        channels = (SHENZHEN / "intake/channels.csv").read_text("utf-8")
        await node.publish(adopted("areas", areas), adopted("channels", channels), adopted("natures", "code\n"))
        [refused] = await node.until(ConfigRefused, timeout=PATIENCE_S)
        assert refused.set_name == "natures"
        clock.advance(hours=2)
        applied = await node.until(ConfigApplied, 2, timeout=PATIENCE_S)
        assert {e.set_name for e in applied} == {"areas", "channels"}
        shown = (await grid.http("admin").get("/grid/versions")).json()
        assert (shown[0]["version"], shown[0]["state"]) == ("areas.2027", "active")


def adopted(set_name: str, content: str) -> ConfigAdopted:
    return ConfigAdopted(
        set_name=set_name, version="2027", valid_from=SOON, digest=digest_of(content), content=content, issuer="440000"
    )


async def test_a_damaged_an_older_and_an_ambiguous_version_are_refused(tiers: Tiers) -> None:
    """Each with the sentence that tells the issuer what to do."""
    await tiers.publish("channels", (SHENZHEN / "intake/channels.csv").read_text("utf-8"), "2027")

    def said(version: str, content: str = "x", days: int = 1, **more: Any) -> ConfigPublished:
        fields: dict[str, Any] = {
            "jurisdiction": "440300", "addressee": "440304", "set_name": "channels", "version": version,
            "valid_from": SOON + dt.timedelta(days=days), "digest": digest_of(content), "content": content, "scope": "440304",
        }  # fmt: skip
        return ConfigPublished(**(fields | more))

    await tiers.both.child.until(ConfigPublished)
    await tiers.both.parent.publish(
        said("2028", digest="0" * 64), said("2025", days=-400), said("2027", content="other"),
        said("2029", encoding="rot13"),
    )  # fmt: skip
    refused = await tiers.both.parent.until(ConfigRefused, 4, timeout=PATIENCE_S)
    reasons = {e.version: e.reason for e in refused}
    assert "摘要不符" in reasons["2028"]
    assert "更早" in reasons["2025"]
    assert "不同的内容" in reasons["2027"]
    assert "编码" in reasons["2029"]


async def test_where_the_policy_is_ask_a_person_decides(test_servers: TestServers, tmp_path: Path) -> None:
    """It waits; a refusal needs a reason, which the city reads; a taken-over version is applied."""
    (tmp_path / "profile.toml").write_text('[config]\npolicy = "ask"\n', "utf-8")
    clock = ManualClock(NOON)
    async with (
        pair(test_servers, tmp_path, name="ask") as both,
        both.parent.running(service("national_sync"), clock=clock, **both.kit(both.parent)) as city,
        both.child.running(
            service("national_sync"), service("intake"), clock=clock, profile=tmp_path, **both.kit(both.child)
        ) as county,
    ):
        tiers = Tiers(both, city, county, clock)
        text = (SHENZHEN / "intake/channels.csv").read_text("utf-8")
        await tiers.publish("channels", text, "1", valid_from=NOON.isoformat())
        await tiers.publish("channels", text + "\n", "2", valid_from=NOON.isoformat())
        await both.child.until(ConfigPublished, 2)
        await both.child.settled()
        second, first = (await tiers.keeper.get("/sync/config/received")).json()
        assert (first["state"], second["state"]) == ("waiting", "waiting")

        mute = await tiers.keeper.post(f"/sync/config/received/{first['n']}/decide", json={"adopt": False})
        assert mute.json()["code"] == "national_sync.reason_missing"
        no = {"adopt": False, "reason": "本区渠道正在整合"}
        assert (await tiers.keeper.post(f"/sync/config/received/{first['n']}/decide", json=no)).status_code == 200
        yes = await tiers.keeper.post(f"/sync/config/received/{second['n']}/decide", json={"adopt": True})
        assert yes.status_code == 200
        assert (await tiers.standing("channels", "1", state="refused"))["reason"] == "本区渠道正在整合"
        await tiers.standing("channels", "2", state="applied")
