"""Inspection tasks reach places with another maker's platform over the exchange, and their answers come back the same way."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yiwang.contracts import TaskFeedback
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON
from yiwang.national_sync.app import service
from yiwang.national_sync.profile import Refused
from yiwang.national_sync.protocol import signed_headers
from yiwang.national_sync.task_docked import _figure
from yiwang.national_sync.testing import SECRET, a_batch, a_platform, a_profile, an_envelope
from yiwang.stack.receiver import Receiver, listening

PATIENCE_S = 60.0
PUSHED, CARRIED, UNREACHED, FETCHING = "440304", "440305", "440306", "440307"
DUE = NOON + dt.timedelta(days=2)
TASK = {"kind": "report", "title": "窨井盖排查", "content": "排查辖区窨井盖。", "figures_wanted": ["checked"],
        "feedback_due": DUE.isoformat()}  # fmt: skip
KINDS = ("case_base", "task_feedback")


def page_of(tmp_path: Path) -> str:
    """A city with four districts on other makers' platforms."""
    nodes = [{"code": "440300", "name": "深圳市", "tier": "city"}]
    nodes += [{"code": c, "name": c, "tier": "county", "parent": "440300", "docked": True}
              for c in (PUSHED, CARRIED, UNREACHED, FETCHING)]  # type: ignore[misc]  # fmt: skip
    (tmp_path / "mesh.json").write_bytes(msgspec.json.encode({"topology": "t", "version": "1", "nodes": nodes}))
    return str(tmp_path / "mesh.json")


def profile_of(tmp_path: Path, url: str) -> Path:
    """Futian gets its tasks by push, Nanshan by files, and Longgang comes and fetches them; Futian reports by push."""
    folder = tmp_path / "carried"
    return a_profile(
        tmp_path / "profile",
        a_platform("futian", more=f'direction = "in"\nareas = ["{PUSHED}"]', only=KINDS),
        a_platform("futian-tasks", more=f'endpoint = "{url}"\nareas = ["{PUSHED}"]', only=("task",)),
        a_platform("nanshan-tasks", more=f'transport = "directory"\nendpoint = "{folder}"\nareas = ["{CARRIED}"]', only=("task",)),
        a_platform("longgang-tasks", more=f'transport = "served"\nareas = ["{FETCHING}"]', only=("task",)),
    )  # fmt: skip


async def told(receiver: Receiver, count: int) -> list[Any]:
    """What the platform was told, once there is so much."""
    async with asyncio.timeout(PATIENCE_S):
        while len(receiver.records) < count:
            await asyncio.sleep(0.02)
    return [record["payload"] for record in receiver.records.values()]


async def answered(app: Any, number: int, at: dt.datetime, **payload: Any) -> Any:
    """The platform's answer to a task; what we say of its record."""
    said = {"result": "done", "summary": "已完成排查", "round": 1, "figures": ["checked=120个@2026-11"]} | payload
    body = msgspec.json.encode(a_batch(an_envelope(number, "task_feedback", said, occurred_at=at, day=at.date())))
    headers = signed_headers(SECRET, f"m{number}", int(time.time()), body)
    answer = await app.http().post("/sync/inbound/futian", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"][0]


async def test_a_task_goes_to_other_makers_platforms_and_their_answer_ends_it(node: Any, tmp_path: Path) -> None:
    """Pushed or as a file; answered, returned, pressed when it is late, answered again, closed. Each word is told once."""
    receiver, clock = Receiver(SECRET, required={"task": ("task_id", "action")}), ManualClock(NOON)
    quick = {"poll_seconds": 0.02, "secrets": f"futian={SECRET} futian-tasks={SECRET}"}
    async with (
        listening(receiver) as url,
        node.running(
            service, settings=quick, clock=clock, profile=profile_of(tmp_path, url), mesh=page_of(tmp_path)
        ) as app,
    ):
        http = app.http("leader", area="440300")
        refused = await http.post("/sync/tasks", json={"to": [UNREACHED], **TASK})
        assert "没有登记接收任务的数据交换" in refused.json()["detail"]
        [task, carried] = (await http.post("/sync/tasks", json={"to": [PUSHED, CARRIED], **TASK})).json()["task_ids"]

        [first] = await told(receiver, 1)
        assert (first["task_id"], first["action"], first["title"]) == (task, "assign", "窨井盖排查")
        assert dt.datetime.fromisoformat(first["feedback_due"]) == DUE
        async with asyncio.timeout(PATIENCE_S):
            while not list((tmp_path / "carried").glob("*.json")):
                await asyncio.sleep(0.02)
        [file] = (tmp_path / "carried").glob("*.json")
        assert carried in file.read_text("utf-8")

        at = NOON + dt.timedelta(minutes=1)
        clock.advance(hours=1)
        for number, wrong, why in (
            (1, {"task_id": carried}, "没有布置给"),
            (2, {"task_id": task, "figures": ["x"]}, "应写成"),
        ):
            result = await answered(app, number, at, **wrong)
            assert result["status"] == "refused", result
            assert why in result["reason"]
        assert (await answered(app, 3, at, task_id=task))["status"] == "ok"
        [event] = await node.until(TaskFeedback)
        assert (event.jurisdiction, event.actor.kind, event.figures[0].value) == (PUSHED, "docked", 120)
        await state_is(http, task, "answered")

        again = {"opinion": "缺整改照片", "feedback_due": (DUE + dt.timedelta(days=1)).isoformat()}
        assert (await http.post(f"/sync/tasks/{task}/return", json=again)).status_code < 300
        clock.advance(days=4)
        words = await told(receiver, 3)
        assert [(word["action"], word["round"]) for word in words] == [("assign", 1), ("return", 2), ("remind", 2)]
        late = NOON + dt.timedelta(days=4)
        assert (await answered(app, 4, late, task_id=task, round=2))["status"] == "ok"
        await state_is(http, task, "answered")
        shown = (await http.get(f"/sync/tasks/{task}")).json()["task"]
        assert (shown["share"]["timeliness"], shown["overdue"]) == ("overdue", True)
        assert (await http.post(f"/sync/tasks/{task}/close", json={"result": "done"})).status_code < 300
        assert [word["action"] for word in await told(receiver, 4)] == ["assign", "return", "remind", "close"]
        places = {place["code"]: place for place in (await http.get("/sync/docked")).json()}
        assert [one["tasks"] for one in places[PUSHED]["exchange"]] == [True]


async def state_is(http: Any, task: str, state: str) -> None:
    """Wait until the task is so."""
    async with asyncio.timeout(PATIENCE_S):
        while (await http.get(f"/sync/tasks/{task}")).json()["task"]["state"] != state:
            await asyncio.sleep(0.02)


async def fetch(app: Any, seq: int, *, secret: str = SECRET) -> Any:
    """What Longgang's platform gets when it asks from *seq* on."""
    target = f"/sync/outbound/longgang-tasks?sender=longgang&district={FETCHING}&seq={seq}&limit=1"
    return await app.http().get(target, headers=signed_headers(secret, f"f{seq}", int(time.time()), target.encode()))


async def test_a_platform_that_can_only_fetch_gets_every_word_once_it_asks(node: Any, tmp_path: Path) -> None:
    """By asking for a number it says that it has those before; what it lost comes again, and what we lost is made up for."""
    quick = {"poll_seconds": 0.02, "secrets": f"longgang-tasks={SECRET}"}
    profile, page = profile_of(tmp_path, "http://127.0.0.1:9"), page_of(tmp_path)
    async with node.running(service, settings=quick, clock=ManualClock(NOON), profile=profile, mesh=page) as app:
        http = app.http("leader", area="440300")

        async def books() -> tuple[int, int]:
            shown = (await http.get("/sync/platforms")).json()["platforms"]
            mine = next(one["books"] for one in shown if one["name"] == "longgang-tasks")
            return mine["pending"], mine["delivered"]

        assert (await fetch(app, 1)).status_code == 204
        assert (await fetch(app, 1, secret="whsec_AAAA")).status_code == 401
        [one, two] = [
            (await http.post("/sync/tasks", json={"to": [FETCHING], **TASK})).json()["task_ids"][0] for _ in range(2)
        ]
        for answer in await asyncio.gather(*(fetch(app, 1) for _ in range(30))):  # impatient: more than there are connections
            assert [r["payload"]["task_id"] for r in answer.json()["records"]] == [one]
        for _ in range(2):  # an answer that got lost on its way is given again
            batch = (await fetch(app, 1)).json()
            assert [(r["seq"], r["payload"]["task_id"]) for r in batch["records"]] == [(1, one)]
        assert await books() == (2, 0)
        assert [r["payload"]["task_id"] for r in (await fetch(app, 2)).json()["records"]] == [two]
        assert await books() == (1, 1)
        assert (await fetch(app, 3)).status_code == 204
        assert await books() == (0, 2)

        again = (await fetch(app, 1)).json()
        assert [r["payload"]["task_id"] for r in again["records"]] == [one], "their platform was restored"
        assert (await fetch(app, 3)).status_code == 204
        assert (await fetch(app, 9)).status_code == 204, "we were restored: the other side is ahead"
        assert (await http.post(f"/sync/tasks/{one}/remind", json={"opinion": "请按期反馈"})).status_code < 300
        [word] = (await fetch(app, 9)).json()["records"]
        assert (word["seq"], word["payload"]["action"]) == (9, "remind")
        places = {place["code"]: place for place in (await http.get("/sync/docked")).json()}
        assert places[FETCHING]["exchange"] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("checked=120", ("checked", 120.0, "", "")),
        ("checked=120个@2026-11", ("checked", 120.0, "个", "2026-11")),
        ("rate=99.5%@2026Q4", ("rate", 99.5, "%", "2026Q4")),
        ("balance=-1e3", ("balance", -1000.0, "", "")),
    ],
)
def test_figures_are_read_as_they_are_written(text: str, found: tuple[str, float, str, str]) -> None:
    figure = _figure(text)
    assert (figure.code, figure.value, figure.unit, figure.period) == found


@pytest.mark.parametrize("text", ["", "checked", "=3", "checked=viele", "checked=1@gestern", "a b=1", "checked=1.2.3"])
def test_a_figure_that_can_not_be_read_is_told(text: str) -> None:
    with pytest.raises(Refused, match="应写成"):
        _figure(text)
