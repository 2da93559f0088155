"""Upgrades go node by node: what an older node below says, and what a newer one says, reaches today's services."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from yiwang.contracts import CaseEvent, decode, registry, subject_of, tag_of
from yiwang.kit import ManualClock, Service
from yiwang.kit._engine import item_of
from yiwang.kit.testing import NOON
from yiwang.stack.testing import TestNode

from .city import ROOT, SERVICES, service

GOLDEN = ROOT / "libs/contracts/golden"
RELEASED = json.loads((ROOT / "libs/contracts/released/0.1.0.json").read_bytes())
OLD = sorted(name for name in RELEASED["golden"])
WATCHED = [name for name in OLD if name.startswith("case.") and not name.startswith("case.snapshot")]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_can_read_what_an_older_node_says(name: str) -> None:
    """Each golden event of the last release that the service hears is decoded by it; nothing is poison."""
    found: Service = service(name)
    read = 0
    for file in OLD:
        data = (GOLDEN / file).read_bytes()
        event = decode(data)
        item = item_of(found, "UP", 1, subject_of(event, tag_of(type(event))), data)
        if item is not None:
            assert item.poison == "", file
            read += 1
    assert read >= 3, f"{name} hears {read} of the events of the last release"


async def test_an_old_county_and_a_county_of_tomorrow_are_watched_by_todays_city(
    node: TestNode, tmp_path: Path
) -> None:
    """Their cases become records for the nation; unknown fields and unknown events are passed over, nothing is parked."""
    sync = service("national_sync")
    async with node.running(sync, clock=ManualClock(NOON)) as app:
        expected: set[str] = set()
        for n, file in enumerate(WATCHED):
            body = told(json.loads((GOLDEN / file).read_bytes()), f"old-{n}", "440304")
            expected |= await say(node, body, jurisdiction="440304")
            tomorrow = body | {"field_of_tomorrow": {"deep": [1]}}
            tomorrow["case"] = body["case"] | {"case_id": f"new-{n}", "colour": "蓝"}
            expected |= await say(node, tomorrow | {"subject": f"new-{n}"}, jurisdiction="440310")
        strange = {"type": "case.of_tomorrow.v1", "id": "s-1", "case": {"case_id": "x"}}
        await node.publish_raw("yw.up.440300.440304.07.case.of_tomorrow.v1", json.dumps(strange).encode())
        await node.settled(timeout=60)
        known = {r["case_id"] for r in await app.pool.fetch("select distinct case_id from records where case_id <> ''")}
        assert expected <= known
        assert "x" not in known


def told(body: dict[str, Any], case_id: str, jurisdiction: str) -> dict[str, Any]:
    """A golden event as that county said it, of a live case of its own."""
    head = body["case"] | {"case_id": case_id}
    return body | {"case": head, "subject": case_id, "jurisdiction": jurisdiction, "purpose": "live"}


async def say(node: TestNode, body: dict[str, Any], *, jurisdiction: str) -> set[str]:
    """Put it into the streams as it travels; the case that it is about, if the type is a case's."""
    fresh = body | {"id": str(uuid.uuid4()), "jurisdiction": jurisdiction, "source": f"{jurisdiction}/dispatch"}
    data = json.dumps(fresh, ensure_ascii=False).encode()
    event = decode(data)
    kind = registry()[fresh["type"]]
    await node.publish_raw(subject_of(event, fresh["type"]), data, fresh["id"])
    return {fresh["case"]["case_id"]} if issubclass(kind, CaseEvent) and kind.flow == "up" else set()
