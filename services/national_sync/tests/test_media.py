"""Photos of nodes below: fetched by themselves while they are small, on request when they are large, honestly absent."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yiwang.contracts import MediaRef, MediaRequested, MediaUnavailable
from yiwang.kit import ManualClock
from yiwang.kit.parcels import PART, BadPart, Collector, Part, read_part
from yiwang.kit.testing import NOON, a_head, a_report
from yiwang.national_sync.app import service
from yiwang.stack.testing import TestServers
from yiwang.stack.testing_pair import Pair, pair

PATIENCE_S = 30.0
JPEG = b"\xff\xd8\xff\xe0" + b"yiwang" * 50


def running(both: Pair, node: Any, **settings: Any) -> Any:
    return node.running(service, settings=settings, clock=ManualClock(NOON), **both.kit(node))


async def reported(both: Pair, name: str, ref: MediaRef) -> None:
    """The county reports a case with the photo."""
    event = a_report(head=a_head(case_id=name), jurisdiction="440304", media=(ref,))
    await both.child.publish(msgspec.structs.replace(event, purpose="live"))


async def becomes(http: Any, media_id: str, state: str) -> Any:
    """What the city says of a file, once it is *state*."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await http.get(f"/sync/media/{media_id}")
            if answer.status_code == 200 and answer.json()["state"] == state:
                return answer.json()
            await asyncio.sleep(0.05)


async def test_small_photos_come_up_by_themselves_and_larger_ones_on_request(
    test_servers: TestServers, tmp_path: Path
) -> None:
    """Byte for byte, with their home; until then the answer says where the file is."""
    async with (
        pair(test_servers, tmp_path) as both,
        running(both, both.parent, fetch_photos_mib=0.001) as city,
        running(both, both.child) as county,
    ):
        small, large = JPEG, JPEG + bytes(PART * 2)
        refs = [(await county.media.put(data)).ref("report") for data in (small, large)]
        for n, ref in enumerate(refs):
            await reported(both, f"case-{n}", ref)
        viewer = city.http("supervisor", area="440300")

        await becomes(viewer, refs[0].media_id, "here")
        assert (await viewer.get(f"/sync/media/{refs[0].media_id}/content")).content == small
        assert (await city.media.info(refs[0].media_id)).home_node == "440304"

        found = await becomes(viewer, refs[1].media_id, "elsewhere")
        assert (found["home_node"], found["here"]) == ("440304", False)
        absent = await viewer.get(f"/sync/media/{refs[1].media_id}/content")
        assert absent.status_code == 404
        assert "440304" in absent.json()["detail"]
        assert "/request" in absent.json()["do"]

        assert (await viewer.post(f"/sync/media/{refs[1].media_id}/request")).status_code == 202
        await becomes(viewer, refs[1].media_id, "here")
        assert (await viewer.get(f"/sync/media/{refs[1].media_id}/content")).content == large


async def test_a_file_that_was_erased_is_said_to_be_unavailable(test_servers: TestServers, tmp_path: Path) -> None:
    """The city hears why, and keeps the reason."""
    async with (
        pair(test_servers, tmp_path) as both,
        running(both, both.parent, fetch_photos_mib=0) as city,
        running(both, both.child) as county,
    ):
        ref = (await county.media.put(JPEG)).ref("report")
        await reported(both, "case-1", ref)
        viewer = city.http("leader", area="440300")
        await becomes(viewer, ref.media_id, "elsewhere")
        await county.media.delete(ref.media_id)
        await viewer.post(f"/sync/media/{ref.media_id}/request")
        await both.child.until(MediaRequested)
        await both.parent.until(MediaUnavailable, timeout=PATIENCE_S)
        said = await becomes(viewer, ref.media_id, "unavailable")
        assert "440304 没有这个文件" in said["reason"]


async def test_a_file_that_nobody_named_or_that_lies_elsewhere_is_not_asked_for(node: Any) -> None:
    """404 for the unknown, 409 with whom to ask for a place that is no node below."""
    async with node.running(service, clock=ManualClock(NOON)) as app:
        viewer = app.http("leader")
        assert (await viewer.get(f"/sync/media/{'ab' * 32}")).status_code == 404
        ref = MediaRef(
            media_id="cd" * 32, sha256="cd" * 32, size=9, mime="image/jpeg", stage="report", home_node="440999"
        )
        await node.publish(a_report(head=a_head(), media=(ref,)))
        await node.settled()
        asked = await viewer.post(f"/sync/media/{ref.media_id}/request")
        assert (asked.status_code, asked.json()["code"]) == (409, "national_sync.no_holder")


def test_what_is_not_the_file_is_thrown_away() -> None:
    """A part of another content, out of order, or too long for its file."""
    right = hashlib.sha256(b"x" * (PART + 1)).hexdigest()

    def part(n: int, **change: Any) -> Part:
        fields: dict[str, Any] = {
            "media_id": right,
            "n": n,
            "of": 2,
            "size": PART + 1,
            "mime": "image/jpeg",
            "home_node": "h",
        }
        return Part(**(fields | change))

    collector = Collector()
    assert collector.take(part(1), b"x" * PART) is None
    assert collector.take(part(2), b"x") == b"x" * (PART + 1)
    collector.take(part(1), b"x" * PART)
    with pytest.raises(BadPart, match="another file"):
        collector.take(part(2), b"y")
    with pytest.raises(BadPart, match="came after"):
        collector.take(part(2), b"x")
    with pytest.raises(BadPart, match="doesn't fit"):
        read_part({"Yiwang-Part": msgspec.json.encode(part(1, of=9)).decode()}, 10)
    with pytest.raises(BadPart, match="header"):
        read_part(None, 10)
