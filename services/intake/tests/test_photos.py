"""Photos: stored before the event, named by their hash, never believed."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from yiwang.contracts import CaseReported
from yiwang.intake.app import service
from yiwang.intake.testing import a_body, a_citizen_body
from yiwang.kit import ManualClock
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
