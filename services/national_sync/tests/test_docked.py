"""Cities with another maker's platform: their records are pushed, pulled or dropped as files, and what lacks is shown."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Response, get
from yiwang.contracts import CaseReported, CaseSnapshot
from yiwang.kit import ManualClock
from yiwang.kit.http import http_server
from yiwang.kit.testing import NOON
from yiwang.national_sync.app import service
from yiwang.national_sync.docked_media import read_media
from yiwang.national_sync.profile import Refused, parse
from yiwang.national_sync.protocol import signed_headers
from yiwang.national_sync.testing import SECRET, a_batch, a_course, a_platform, a_profile, an_envelope, syncing
from yiwang.stack.testing import TestServers

PATIENCE_S = 30.0
BASE = {"case_id": "FT-1", "report_time": "2026-11-23T12:00:00+08:00", "description": "路面破损", "street": "440304001"}


def base(number: int) -> Any:
    return an_envelope(number, "case_base", BASE | {"case_id": f"FT-{number}"})


async def shown(app: Any, **expect: Any) -> Any:
    """The only exchange, once it is as expected."""
    http = app.http("leader")
    async with asyncio.timeout(PATIENCE_S):
        while True:
            [place] = (await http.get("/sync/docked")).json()
            [one] = place["exchange"]
            if all(one[key] == value for key, value in expect.items()):
                return place
            await asyncio.sleep(0.05)


def dropped(folder: Path, name: str, *records: Any, secret: str = SECRET) -> None:
    """A file as the other side's people put it there."""
    body = msgspec.json.encode(a_batch(*records))
    headers = signed_headers(secret, name, int(time.time()), body)
    (folder / name).write_bytes(msgspec.json.encode({"headers": headers, "body": body.decode()}))


async def test_files_that_people_carry_are_taken_answered_and_put_aside(node: Any, tmp_path: Path) -> None:
    """In order; what is broken or forged is put elsewhere with its reason; one that comes too early waits."""
    drop = tmp_path / "drop"
    drop.mkdir()
    inbound = a_platform(
        "futian", more=f'direction = "in"\ntransport = "directory"\nendpoint = "{drop}"\nareas = ["440304"]'
    )
    dropped(drop, "a-000001.json", base(1), base(2))
    dropped(drop, "a-000002.json", base(3), an_envelope(4, "case_base", {"case_no": "x"}))
    dropped(drop, "b-forged.json", base(5), secret="whsec_" + "A" * 32)
    (drop / "c-broken.json").write_bytes(b"{")
    dropped(drop, "d-early.json", base(9))
    async with syncing(node, a_profile(tmp_path, inbound), secrets=f"futian={SECRET}") as app:
        assert len(await node.until(CaseReported, 3, timeout=PATIENCE_S)) == 3
        place = await shown(app, records=3, refused=1)
        async with asyncio.timeout(PATIENCE_S):
            while not (place := await shown(app))["say"]:
                await asyncio.sleep(0.05)
        assert "还缺序号 5" in place["say"]
        assert sorted(p.name for p in (drop / "taken").iterdir()) == ["a-000001.json", "a-000002.json"]
        assert sorted(p.name for p in (drop / "unread").iterdir()) == ["b-forged.json", "c-broken.json"]
        said = json.loads((drop / "answers/a-000002.json").read_bytes())
        assert [r["status"] for r in said["results"]] == ["ok", "refused"]
        assert "签名" in (drop / "answers/b-forged.json.reason.txt").read_text("utf-8")
        [mend] = (await app.http("admin").get("/sync/docked/futian/refused")).json()
        assert mend["record_id"] == "theirs/4"

        dropped(drop, "c-late.json", base(5), base(6), base(7), base(8))
        assert len(await node.until(CaseReported, 8, timeout=PATIENCE_S)) == 8


async def test_what_our_own_platform_writes_as_files_ours_can_read(test_servers: TestServers, tmp_path: Path) -> None:
    """Two nodes without a wire: one writes the directory, the other reads it."""
    drop = tmp_path / "carried"
    out = a_profile(tmp_path / "out", a_platform("city", more=f'transport = "directory"\nendpoint = "{drop}"'))
    more = f'direction = "in"\ntransport = "directory"\nendpoint = "{drop}"\nareas = ["440304"]'
    into = a_profile(tmp_path / "in", a_platform("futian", more=more))
    lower = test_servers.node("carried_lower")
    upper = test_servers.node("carried_upper")
    drop.mkdir()
    quick = {"poll_seconds": 0.02}
    async with (
        lower.running(
            service,
            settings=quick | {"secrets": f"city={SECRET}"},
            profile=out,
            clock=ManualClock(NOON),
            jurisdiction="440304",
        ),
        upper.running(
            service, settings=quick | {"secrets": f"futian={SECRET}"}, profile=into, clock=ManualClock(NOON)
        ) as city,
    ):
        await lower.publish(*a_course("c-1"))
        place = await shown(city, cases=1, refused=0)
        assert place["exchange"][0]["way"] == "文件交换"
        docked = (await upper.until(CaseSnapshot, timeout=PATIENCE_S))[0]
        assert docked.origin is not None
        assert docked.origin.mode == "docked"
    for one, name in ((lower, "carried_lower"), (upper, "carried_upper")):
        await one.close()
        await test_servers.drop_database(name)


async def test_records_are_pulled_where_the_other_side_only_answers(node: Any, tmp_path: Path) -> None:
    """Signed questions from the next number on, until nothing new is there; an outage is shown and waited out."""
    asked: list[int] = []
    up = asyncio.Event()

    @get("/records")
    async def records(district: str, seq: int, sender: str, limit: int) -> Response[bytes]:
        asked.append(seq)
        if not up.is_set():
            return Response(b"", status_code=500)
        if seq > 3:
            return Response(b"", status_code=204)
        return Response(msgspec.json.encode(a_batch(*[base(n) for n in range(seq, 4)])), media_type="application/json")

    async with http_server(Litestar([records], openapi_config=None), "127.0.0.1", 0) as port:
        more = f'direction = "in"\ntransport = "pull"\nendpoint = "http://127.0.0.1:{port}/records"\nareas = ["440304"]'
        profile = a_profile(tmp_path, a_platform("futian", more=more))
        async with syncing(node, profile, secrets=f"futian={SECRET}") as app:
            async with asyncio.timeout(PATIENCE_S):
                while "HTTP 500" not in (await shown(app))["say"]:
                    await asyncio.sleep(0.05)
            up.set()
            place = await shown(app, records=3, cases=3)
            assert place["say"] == ""
            async with asyncio.timeout(PATIENCE_S):
                while 4 not in asked:
                    await asyncio.sleep(0.02)
            assert len(await node.events(CaseReported)) == 3


async def test_a_docked_city_is_shown_with_what_it_lacks(node: Any, tmp_path: Path) -> None:
    """Also one for which no exchange is set up yet, with whom to turn to."""
    page = tmp_path / "mesh.json"
    nodes = [
        {"code": "440000", "name": "广东省", "tier": "province"},
        {
            "code": "441900",
            "name": "东莞市",
            "tier": "city",
            "parent": "440000",
            "docked": True,
            "lacks": ["没有现场照片"],
        },
        {
            "code": "442000",
            "name": "中山市",
            "tier": "city",
            "parent": "440000",
            "docked": True,
            "lacks": ["不报处置过程"],
        },
    ]
    page.write_bytes(msgspec.json.encode({"topology": "t", "version": "1", "nodes": nodes}))
    profile = a_profile(tmp_path, a_platform("dongguan", more='direction = "in"\nareas = ["441900"]'))
    kit = {"jurisdiction": "440000", "tier": "province", "mesh": str(page), "profile": profile}
    async with node.running(service, settings={"secrets": f"dongguan={SECRET}"}, clock=ManualClock(NOON), **kit) as app:
        found = {p["name"]: p for p in (await app.http("leader").get("/sync/docked")).json()}
        assert found["东莞市"]["lacks"] == ["没有现场照片"]
        assert [e["platform"] for e in found["东莞市"]["exchange"]] == ["dongguan"]
        assert found["中山市"]["exchange"] == []
        assert "没有登记数据交换" in found["中山市"]["say"]


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        ('direction = "in"\ntransport = "pull"', "needs the areas"),
        ('direction = "both"\ntransport = "directory"', "goes one way"),
    ],
)
def test_a_way_that_can_not_work_is_a_mistake_of_the_profile(more: str, mistake: str) -> None:
    """Said at the start, with the file."""
    with pytest.raises(ValueError, match=mistake):
        parse(a_platform("futian", more=more).encode(), "sync/0.toml")


PHOTO = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNwaHAAAAJEAQGfbbVwAAAAAElFTkSuQmCC")
NAME = hashlib.sha256(PHOTO).hexdigest()


def photo(number: int, **change: Any) -> Any:
    told = {"case_id": "FT-1", "hash": NAME, "size": len(PHOTO), "mime": "image/png", "stage": "before"} | change
    return an_envelope(number, "media_ref", told)


async def test_photos_of_a_docked_case_are_named_and_small_ones_are_here(node: Any, tmp_path: Path) -> None:
    """Attached: kept here once its hash is right. Only told of: shown as being at its home, and nobody here can fetch it."""
    away, content = "a" * 64, base64.b64encode(PHOTO).decode()
    text = a_platform("futian", more='direction = "in"\nareas = ["440304"]', only=("case_base", "media_ref"))
    text += 'content = "content"\n'  # the last table is media_ref's
    async with syncing(node, a_profile(tmp_path, text), secrets=f"futian={SECRET}") as app:
        records = [base(1), photo(2, content=content), photo(3, hash=away, size=9_000_000, shot_time="2026-11-23T11:59:00+08:00"),
                   photo(4, content=base64.b64encode(b"other").decode()), photo(5, hash="x"), photo(6, size=-1)]  # fmt: skip
        body = msgspec.json.encode(a_batch(*records))
        answer = await app.http().post(
            "/sync/inbound/futian", content=body, headers=signed_headers(SECRET, "m", int(time.time()), body)
        )
        assert [r["status"] for r in answer.json()["results"]] == ["ok", "ok", "ok", "refused", "refused", "refused"]
        assert "不符" in answer.json()["results"][3]["reason"]

        [snapshot] = await node.until(CaseSnapshot, timeout=PATIENCE_S)
        assert [(m.media_id, m.home_node, m.stage) for m in snapshot.body.media] == sorted(
            [(NAME, "440304", "before"), (away, "440304", "before")]
        )
        await node.settled()
        http = app.http("leader")
        assert (await http.get(f"/sync/media/{NAME}/content")).content == PHOTO
        elsewhere = (await http.get(f"/sync/media/{away}")).json()
        assert (elsewhere["here"], elsewhere["home_node"], elsewhere["size"]) == (False, "440304", 9_000_000)
        assert (await http.get(f"/sync/media/{away}/content")).status_code == 404
        assert (await http.post(f"/sync/media/{away}/request")).json()["code"] == "national_sync.no_holder"
        [place] = (await http.get("/sync/docked")).json()
        assert place["exchange"][0]["media"] is True


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"size": 0}, "字节数"),
        ({"mime": "image"}, "mime"),
        ({"stage": "party"}, "stage"),
        ({"content": "%%%"}, "Base64"),
        ({"content": "A" * (7 * 2**20)}, "超过 5 MiB"),
        ({"content": base64.b64encode(PHOTO + b"x").decode()}, "不符"),
    ],
)
def test_a_file_that_can_not_be_taken_is_told_why(change: Any, why: str) -> None:
    with pytest.raises(Refused, match=why):
        read_media({"hash": NAME, "size": len(PHOTO)} | change)
