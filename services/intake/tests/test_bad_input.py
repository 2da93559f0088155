"""Bad input over HTTP: each gets a sentence that says who does what, and nothing is stored, not even half."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from yiwang.contracts import CaseReported
from yiwang.intake.app import service
from yiwang.intake.testing import a_body, a_citizen_body
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON
from yiwang.stack.testing import TestNode

JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
UUID = "3f2c9d8e-5a41-4c0e-9f0a-0d1f3c6b7a88"
Send = Callable[[Any], Any]


def _json(role: str, **change: Any) -> Send:
    return lambda app: app.http(role).post("/reports", json=a_body(**change))


def _raw(role: str, body: bytes, headers: dict[str, str] = JSON) -> Send:
    return lambda app: app.http(role).post("/reports", content=body, headers=headers)


def _place(**place: Any) -> dict[str, Any]:
    return {"place": place}


def _form(report: dict[str, Any] | None, *files: tuple[str, bytes], role: str = "collector") -> Send:
    parts = [("photo", (name, data, "image/jpeg")) for name, data in files]
    data = {"report": msgspec.json.encode(report).decode()} if report else {}
    return lambda app: app.http(role).post("/reports", data=data, files=parts)


POINT = {"lon": 114.3461, "lat": 22.6908, "crs": "cgcs2000"}
INVALID = "kit.validation"
IMPORTED = {"unit": {"unit_id": "1"}}
BAD: dict[str, tuple[Send, int, str, str]] = {
    "not JSON": (_raw("collector", b"hello"), 400, "intake.not_json", ""),
    "cut off": (_raw("collector", b'{"channel": "1", '), 400, "intake.not_json", ""),
    "empty": (_raw("collector", b""), 400, "intake.not_json", ""),
    "not UTF-8": (_raw("collector", b'{"channel": "\xff"}'), 400, "intake.not_json", ""),
    "an array": (_raw("collector", b"[]"), 400, INVALID, "$"),
    "NUL in the text": (_json("collector", description="a\0b"), 400, INVALID, "$"),
    "wrong type": (_json("collector", place={"point": POINT | {"lon": "east"}}), 400, INVALID, "$.place.point.lon"),
    "unknown field": (_json("collector", lattitude=1), 400, INVALID, "$"),
    "no datum": (_json("collector", **_place(point={"lon": 114.3, "lat": 22.7})), 400, INVALID, "$.place.point"),
    "unknown datum": (_json("collector", **_place(point=POINT | {"crs": "mars"})), 400, INVALID, "$.place.point"),
    "axes swapped": (
        _json("collector", **_place(point={"lon": 22.7, "lat": 114.3, "crs": "wgs84"})),
        400,
        INVALID,
        "$.place.point",
    ),
    "zero point": (
        _json("collector", **_place(point={"lon": 0, "lat": 0, "crs": "wgs84"})),
        400,
        INVALID,
        "$.place.point",
    ),
    "in the future": (_json("collector", occurred_at="2026-11-23T13:00:00+08:00"), 400, INVALID, "$.occurred_at"),
    "no time zone": (_json("collector", occurred_at="2026-11-23T11:50:00"), 400, INVALID, "$.occurred_at"),
    "no time": (_json("collector", occurred_at=None), 400, INVALID, "$"),
    "no place": (_json("collector", place={}), 400, INVALID, "$.place"),
    "no text": (_json("collector", description=None), 400, INVALID, "$.description"),
    "bad cell code": (_json("collector", **_place(cell15="44031000600200")), 400, INVALID, "$.place.cell15"),
    "too long a text": (_json("collector", description="长" * 4001), 400, INVALID, "$.description"),
    "2 MB of text": (_json("collector", description="长" * 700_000), 413, "intake.too_large", ""),
    "unknown channel": (_json("collector", channel="77"), 400, INVALID, "$.channel"),
    "another set's channel": (
        _json("collector", channel={"code_set": "x", "version": "1", "code": "1"}),
        403,
        "intake.import_role",
        "",
    ),
    "another set's channel, not imported": (
        _json("system_account", channel={"code_set": "x", "version": "1", "code": "1"}),
        400,
        INVALID,
        "$.channel",
    ),
    "role not of the channel": (_json("collector", channel="12345"), 403, "intake.channel_role", ""),
    "anonymous inspector": (_json("", channel="1"), 401, "intake.channel_login", ""),
    "anonymous import": (_json("", channel="33", imported=IMPORTED), 403, "intake.import_role", ""),
    "an inspector's test": (_json("collector", channel="1", test=True), 403, "intake.test_role", ""),
    "another system's number": (
        _json("", channel="33", source={"system": "12345", "record_id": UUID}),
        400,
        INVALID,
        "$.source.system",
    ),
    "a number that can be guessed": (
        _json("", channel="33", source={"system": "web", "record_id": "1"}),
        400,
        INVALID,
        "$.source.record_id",
    ),
    "a key of nonsense": (
        lambda app: app.http().post("/reports", json=a_citizen_body(), headers={"Idempotency-Key": "k " * 300}),
        400,
        INVALID,
        "header.Idempotency-Key",
    ),
    "slash in a system's name": (
        _json("collector", source={"system": "a/b", "record_id": "1"}),
        400,
        INVALID,
        "$.source.system",
    ),
    "self-disposed by a citizen": (_json("", channel="33", self_disposed=True), 400, INVALID, "$.self_disposed"),
    "self-disposed without a list": (_json("collector", self_disposed=True), 400, INVALID, "$.self_disposed"),
    "photo that isn't there": (_json("collector", media_ids=["0" * 64]), 409, "intake.no_media", ""),
    "photo id of nonsense": (_json("collector", media_ids=["../../etc/passwd"]), 409, "intake.no_media", ""),
    "1,001 lines": (
        _raw("collector", b"\n".join([msgspec.json.encode(a_body())] * 1001), NDJSON),
        413,
        "intake.too_many_lines",
        "",
    ),
    "anonymous batch": (_raw("", msgspec.json.encode(a_citizen_body()), NDJSON), 401, "intake.batch_login", ""),
    "form without a report": (_form(None, ("a.png", PNG)), 400, "intake.bad_form", ""),
    "form that is none": (
        _raw("collector", b"hello", {"content-type": "multipart/form-data; boundary=x"}),
        400,
        "intake.bad_form",
        "",
    ),
    "form without a boundary": (
        _raw("collector", b"hello", {"content-type": "multipart/form-data"}),
        400,
        "intake.bad_form",
        "",
    ),
    "script called photo": (_form(a_body(), ("a.jpg", b"<script>alert(1)</script>")), 415, "intake.media_type", ""),
    "second photo is none": (_form(a_body(), ("a.png", PNG), ("b.jpg", b"GIF89a")), 415, "intake.media_type", ""),
    "photo of 21 MB": (_form(a_body(), ("a.png", PNG + b"\0" * (21 * 2**20))), 413, "intake.media_size", ""),
    "form with a bad report": (_form(a_body(channel="77"), ("a.png", PNG)), 400, INVALID, "$.channel"),
}


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock(NOON)


async def test_bad_input_gets_a_sentence_and_stores_nothing(node: TestNode, clock: ManualClock) -> None:
    """The whole list against one running intake; at its end no event and no file is there."""
    wrong = []
    async with node.running(service, clock=clock) as app:
        for name, (send, status, code, path) in BAD.items():
            answer: httpx.Response = await send(app)
            found = (answer.status_code, answer.json().get("code"), _path(answer))
            if found != (status, code, path) or not (answer.json().get("do") and answer.json()["detail"]):
                wrong.append((name, found, answer.text))
        events = await node.events()
        files = (await app.nc.jetstream().object_store("MEDIA")) if wrong else None

    assert not wrong, "\n".join(map(str, wrong))
    assert files is None
    assert events == []


def _path(answer: httpx.Response) -> str:
    return answer.json()["errors"][0]["path"] if answer.json().get("errors") else ""


async def test_a_control_area_refuses_with_its_message(node: TestNode, clock: ManualClock, tmp_path: Path) -> None:
    """Collectors don't report stalls of the licensed night market while it is open; citizens still may."""
    ring = [[114.34, 22.68], [114.36, 22.68], [114.36, 22.70], [114.34, 22.70], [114.34, 22.68]]
    area = {
        "properties": {
            "id": "market", "message": "夜市试点区域 11:00-13:00 不上报占道经营",
            "valid_from": "2026-11-01T00:00:00", "valid_to": "2026-12-01T00:00:00",
            "daily_from": "11:00", "daily_to": "13:00", "minors": ["event/01/13"],
        },
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }  # fmt: skip
    (tmp_path / "intake").mkdir()
    (tmp_path / "intake" / "control_areas.geojson").write_bytes(msgspec.json.encode({"features": [area]}))
    async with node.running(service, clock=clock, profile=tmp_path) as app:
        refused = await app.http("collector").post("/reports", json=a_body())
        taken = await app.http().post("/reports", json=a_citizen_body(category=a_body()["category"]))
        events = await node.events(CaseReported)

    assert (refused.status_code, refused.json()["code"]) == (409, "intake.control_area")
    assert "夜市试点区域" in refused.json()["detail"]
    assert taken.status_code == 202
    assert [e.reporter_kind for e in events] == ["citizen"]
