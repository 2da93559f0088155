"""A node below that forgot what it could not send is asked to tell its cases again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yiwang.contracts import MeshHeartbeat, ResyncRequested
from yiwang.kit.mesh import Mesh, MeshNode, MeshPage
from yiwang.mesh.app import service
from yiwang.mesh.gaps import lost, requests
from yiwang.stack.testing import TestNode

THEN = dt.datetime(2026, 11, 23, 1, 0, tzinfo=dt.UTC)
LATER = THEN + dt.timedelta(days=40)
PAGE = MeshPage(
    topology="test",
    version="1",
    nodes=(
        MeshNode(code="440000", tier="province", services=("mesh",)),
        MeshNode(code="440100", tier="city", parent="440000"),
        MeshNode(code="440106", parent="440100"),
        MeshNode(code="440111", parent="440100", hosted={"dispatch": "440100"}),
        MeshNode(code="440300", tier="city", parent="440000"),
        MeshNode(code="440303", parent="440300"),
        MeshNode(code="441900", tier="city", parent="440000", docked=True),
    ),
)


def beat(at: dt.datetime, first: int, last: int, **change: Any) -> MeshHeartbeat:
    """The city's heartbeat; its UP keeps what lies from *first* to *last*."""
    fields: dict[str, Any] = {
        "node": "440100", "jurisdiction": "440100", "tier": "city", "version": "1", "started_at": THEN,
        "recorded_at": at, "first_sequences": {"UP": first}, "last_sequences": {"UP": last},
    }  # fmt: skip
    return MeshHeartbeat(**(fields | change))


@pytest.mark.parametrize(
    ("before", "now", "gap"),
    [
        (beat(THEN, 1, 100), beat(LATER, 1, 900), False),
        (beat(THEN, 1, 100), beat(LATER, 101, 900), False),
        (beat(THEN, 1, 100), beat(LATER, 102, 900), True),
        (beat(THEN, 1, 100), beat(LATER, 901, 900), True),
        (None, beat(LATER, 500, 900), False),
        (beat(LATER, 1, 100), beat(THEN, 300, 400), False),
        (beat(THEN, 1, 100, last_sequences={}), beat(LATER, 300, 400), False),
        (beat(THEN, 1, 100), beat(LATER, 1, 400, first_sequences={}), False),
        (beat(THEN, 1, 900), beat(LATER, 1, 40), False),
    ],
    ids=[
        "nothing was forgotten", "all but the next", "one is gone", "all is gone", "its first word", "an old word",
        "an old program before", "an old program now", "a stream made anew",
    ],
)  # fmt: skip
def test_a_gap_is_what_was_forgotten_after_the_last_sign(
    before: MeshHeartbeat | None, now: MeshHeartbeat, gap: bool
) -> None:
    assert lost(before, now) is gap


def test_the_whole_branch_is_asked_from_a_little_before_the_last_sign() -> None:
    """Facts of the districts travelled in the city's stream; a district whose cases the city has is told by the city."""
    asked = requests(Mesh(PAGE, "440000"), beat(THEN, 1, 100), beat(LATER, 200, 900))
    assert [one.addressee for one in asked] == ["440100", "440106"]
    assert {one.since for one in asked} == {THEN - dt.timedelta(hours=1)}
    assert {one.reason for one in asked} == {"gap"}
    assert len({one.resync_id for one in asked}) == 2


async def test_the_watchdog_asks_by_itself_and_once(node: TestNode, tmp_path: Path) -> None:
    """A heartbeat heard twice, or one that shows no gap, asks for nothing more; a grandchild's is its parent's matter."""
    page = tmp_path / "mesh.json"
    carried = [  # so that UP takes what is said in their names; in a mesh it is sourced
        msgspec.structs.replace(one, hosted=one.hosted | {"intake": "440000"}) if one.parent else one
        for one in PAGE.nodes
    ]
    page.write_bytes(msgspec.json.encode(msgspec.structs.replace(PAGE, nodes=tuple(carried))))
    async with node.running(service, jurisdiction="440000", tier="province", mesh=str(page)):
        below = {"node": "440106", "jurisdiction": "440106"}
        await node.publish(beat(THEN, 1, 100), beat(THEN, 1, 100, **below))
        await node.settled()
        gap = beat(LATER, 200, 900)
        await node.publish(gap, beat(LATER, 200, 900, **below))
        await node.settled()
        await node.publish(beat(LATER + dt.timedelta(minutes=1), 200, 905))
        await node.settled()
        asked = await node.until(ResyncRequested, 2)
    assert [one.addressee for one in asked] == ["440100", "440106"]
    assert {one.jurisdiction for one in asked} == {"440000"}
