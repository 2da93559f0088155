"""Photos: stored before the event, named by their hash, never believed."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec
import pytest
from yiwang.contracts import CaseReported
from yiwang.intake.app import service
from yiwang.intake.testing import a_body, a_citizen_body
from yiwang.kit import ManualClock
from yiwang.kit.files import NotHere
from yiwang.kit.testing import NOON
from yiwang.stack.testing import TestNode

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4
PNG = b"\x89PNG\r\n\x1a\n" + bytes(300)


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock(NOON)


def _form(report: dict[str, Any]) -> dict[str, Any]:
    files = [("photo", ("near.txt", JPEG, "text/plain")), ("photo", ("far.png", PNG, "image/jpeg"))]
    return {"data": {"report": msgspec.json.encode(report).decode()}, "files": files}


async def test_photos_come_with_the_report(node: TestNode, clock: ManualClock) -> None:
    """Their kind is what the bytes say, whatever the sender calls them."""
    async with node.running(service, clock=clock) as app:
        answer = await app.http().post("/reports", **_form(a_citizen_body()))
        [event] = await node.events(CaseReported)
        kept = [await app.media.read(media.media_id) for media in event.media]

    assert answer.status_code == 202, answer.text
    assert [(m.mime, m.size, m.stage, m.home_node, m.pd_class) for m in event.media] == [
        ("image/jpeg", len(JPEG), "report", "440300", "personal"),
        ("image/png", len(PNG), "report", "440300", "personal"),
    ]
    assert [m.sha256 for m in event.media] == [hashlib.sha256(data).hexdigest() for data in kept]
    assert kept == [JPEG, PNG]


async def test_photos_are_uploaded_first_and_named_in_the_report(node: TestNode, clock: ManualClock) -> None:
    async with node.running(service, clock=clock) as app:
        http = app.http("collector")
        raw = await http.post("/reports/media", content=JPEG, headers={"content-type": "image/jpeg"})
        form = await http.post("/reports/media", files=[("photo", ("a.png", PNG, "image/png"))])
        ids = [raw.json()["media"][0]["media_id"], form.json()["media"][0]["media_id"]]
        answer = await http.post("/reports", json=a_body(media_ids=ids))
        [event] = await node.events(CaseReported)

    assert (raw.status_code, form.status_code, answer.status_code) == (201, 201, 202)
    assert [m.media_id for m in event.media] == ids


async def test_sending_a_form_again_is_a_repetition(node: TestNode, clock: ManualClock) -> None:
    """The same photos have the same names, so the digest is the same; other photos are another report."""
    report = a_body(source={"system": "pda-01", "record_id": "7"})
    async with node.running(service, clock=clock) as app:
        http = app.http("collector")
        first = await http.post("/reports", **_form(report))
        again = await http.post("/reports", **_form(report))
        other = await http.post("/reports", json=report)

    assert again.json() == first.json() | {"duplicate": True}
    assert other.status_code == 409


async def test_a_photo_that_no_report_named_is_swept_and_the_others_stay(node: TestNode, clock: ManualClock) -> None:
    """After its time: an upload without a report, the photo of a refused report, that of a mere question."""
    question = a_citizen_body(nature="咨询")
    refused = a_body(channel="77")
    async with node.running(service, clock=clock) as app:
        http = app.http("collector")
        orphan, named = [await _uploaded(http, JPEG + bytes([n])) for n in range(2)]
        assert (await http.post("/reports", json=a_body(media_ids=[named]))).status_code == 202
        asked = await _uploaded(http, PNG)
        assert (await http.post("/reports", json=question | {"media_ids": [asked]})).status_code == 202
        assert (await http.post("/reports", json=refused | {"media_ids": [orphan]})).status_code == 400
        await node.settled()
    async with node.running(service, clock=clock, settings={"orphan_hours": 0}) as app:
        async with asyncio.timeout(30):
            while await _there(app, orphan) or await _there(app, asked):
                await asyncio.sleep(0.05)

        assert await app.media.read(named) == JPEG + b"\1"
        late = await app.http("collector").post("/reports", json=a_body(media_ids=[orphan]))
        assert (late.status_code, late.json()["code"]) == (409, "intake.no_media")


async def test_forgetting_a_reporter_forgets_the_photos_and_events_keep_their_hash(
    node: TestNode, clock: ManualClock
) -> None:
    """A photo that another report came with, too, stays until that one is forgotten."""
    async with node.running(service, clock=clock) as app:
        http = app.http("collector")
        own, shared = await _uploaded(http, JPEG), await _uploaded(http, PNG)
        first = (await http.post("/reports", json=a_body(media_ids=[own, shared]))).json()["report_id"]
        second = (await http.post("/reports", json=a_body(media_ids=[shared]))).json()["report_id"]
        await node.settled()

        assert await _erase(app, first) == 200
        assert not await _there(app, own)
        assert await _there(app, shared)
        assert await _erase(app, second) == 200
        assert not await _there(app, shared)
        assert await _erase(app, first) == 200
        said = [[media.sha256 for media in event.media] for event in await node.events(CaseReported)]
        assert sorted(said, key=len) == [[shared], [own, shared]]


async def _uploaded(http: Any, data: bytes) -> str:
    answer = await http.post("/reports/media", content=data, headers={"content-type": "image/jpeg"})
    media_id: str = answer.json()["media"][0]["media_id"]
    return media_id


async def _there(app: Any, media_id: str) -> bool:
    try:
        await app.media.info(media_id)
    except NotHere:
        return False
    return True


async def _erase(app: Any, report_id: str) -> int:
    answer = await app.http("security_admin").post(f"/reports/{report_id}/erase", json={"reason": "本人要求删除"})
    status: int = answer.status_code
    return status
