"""Test reports through the whole path, each voided in the ordinary way; what is measured on the way.

A test report (`test: true`) has the purpose "test": no figure counts it, no clock runs, no upper platform hears of it,
and its notices reach only the tester. It carries no class, so that no rule files it and it takes no case number.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import msgspec
from yiwang.stack.demo_people import tiny_png

from .people import Tester
from .site import Site, bearer

PATIENCE_S: Final = 90
"""How long the trial waits for a step before it calls it lost; well above every limit."""
LOOK_EVERY_S: Final = 0.05


class Place(msgspec.Struct, frozen=True):
    """Where the test reports are: a point inside a unit cell, CGCS2000 degrees; without cells an area's code alone."""

    area: str
    """Community or street"""
    name: str
    cell: str = ""
    lon: float = 0.0
    lat: float = 0.0

    def claimed(self) -> dict[str, Any]:
        """The place as a report names it."""
        if self.cell:
            return {"point": {"lon": self.lon, "lat": self.lat, "crs": "cgcs2000", "accuracy_m": 5.0}}
        return {"community12" if len(self.area) == 12 else "street9": self.area}


class Trial(msgspec.Struct, frozen=True):
    """What was measured: name → seconds of each round; `voided` test cases of `sent`; `person` who sent them."""

    seconds: dict[str, list[float]]
    sent: int
    voided: int
    person: str


class TrialFailed(RuntimeError):
    """A step of the trial was refused or never came; the sentence says which."""


async def run(site: Site, who: Tester, rounds: int, place: Place, channel: str) -> Trial:
    """Go the whole way *rounds* times. Raises TrialFailed; what was sent is voided all the same."""
    seconds: dict[str, list[float]] = defaultdict(list)
    sent = voided = 0
    for _ in range(rounds):
        if place.cell:
            await _look_up(site, who, place, seconds)
        case = await _report(site, who, place, channel, seconds)
        sent += 1
        try:
            await _task(site, who, case, seconds)
        finally:
            voided += await _void(site, who, case)
    return Trial(dict(seconds), sent, voided, who.person_ref)


async def _look_up(site: Site, who: Tester, place: Place, seconds: dict[str, list[float]]) -> None:
    """By coordinates as the terminal asks, by coordinates with the cases there as the centre asks, by name on the map."""
    point = {"lon": place.lon, "lat": place.lat}
    begin = time.perf_counter()
    found = await site.get("/grid/locate", who.token, **point)
    seconds["terminal_locate"].append(time.perf_counter() - begin)
    if found["outcome"] != "located":
        raise TrialFailed(f"网格 {place.cell} 内的点没有定位到网格（{found['reason']}）：请检查网格数据")
    await site.get("/grid/cells/" + place.cell, who.token)
    await site.get("/cases", who.token, queue="verify", limit=50)
    seconds["wireless_query"].append(time.perf_counter() - begin)
    begin = time.perf_counter()
    await site.get("/grid/locate", who.token, **point)
    await site.get("/cases", who.token, area=place.area, limit=50)
    seconds["case_locate"].append(time.perf_counter() - begin)
    begin = time.perf_counter()
    await site.get("/grid/geocode", who.token, address=place.name)
    await site.get("/grid/cells/" + place.cell, who.token)
    seconds["map_locate"].append(time.perf_counter() - begin)


async def _report(site: Site, who: Tester, place: Place, channel: str, seconds: dict[str, list[float]]) -> str:
    """From the terminal's first byte to the acceptor's list; returns the case's id."""
    begin = time.perf_counter()
    form = {"files": ("acceptance.png", tiny_png(), "image/png")}
    photo = _sound(await site.http.post(site.at("/reports/media"), files=form, headers=bearer(who.token)), "上传照片")
    report = {
        "channel": channel,
        "occurred_at": (site.clock.now() - dt.timedelta(seconds=1)).isoformat(),
        "description": "验收测试件，无需处置",
        "place": place.claimed(),
        "source": {"system": "acceptance", "record_id": secrets.token_hex(16)},
        "media_ids": [photo["media"][0]["media_id"]],
        "test": True,
    }
    taken = _sound(await site.http.post(site.at("/reports"), json=report, headers=bearer(who.token)), "上报")
    case = str(taken["case_id"])
    await _until(lambda: _seen(site, who, case), "受理人员的列表里出现上报")
    seconds["report_received"].append(time.perf_counter() - begin)
    return case


async def _seen(site: Site, who: Tester, case: str) -> bool:
    page = await site.get("/cases", who.token, state="reported", limit=50)
    return any(one["case_id"] == case and one["queue"] != "locate" for one in page["cases"])


async def _task(site: Site, who: Tester, case: str, seconds: dict[str, list[float]]) -> None:
    """A verify task for the tester: until the terminal's task list shows it, and until the push stream tells it."""
    detail = await _case(site, who, case)
    async with _notices(site, who, case) as told:
        body = {"version": detail["version"], "role": "acceptor", "person_ref": who.person_ref}
        begin = time.perf_counter()
        await _act(site, who, case, "send_verify", body)
        await _until(lambda: _listed(site, who, case), "终端的任务列表里出现任务")
        listed = time.perf_counter() - begin
        if told is not None:
            try:
                await asyncio.wait_for(told, PATIENCE_S)
            except TimeoutError:
                raise TrialFailed(f"任务通知 {PATIENCE_S} 秒内没有到达终端：请检查通知服务") from None
            seconds["task_pushed"].append(time.perf_counter() - begin)
        seconds["task_listed"].append(listed)


async def _listed(site: Site, who: Tester, case: str) -> bool:
    page = await site.get("/cases", who.token, queue="verify", limit=50)
    return any(one["case_id"] == case for one in page["cases"])


@asynccontextmanager
async def _notices(site: Site, who: Tester, case: str) -> AsyncIterator[asyncio.Task[None] | None]:
    """A task that ends when the terminal's open stream tells of *case*; None where nothing notifies."""
    if not await site.running("notification"):
        yield None
        return
    open_now = asyncio.Event()

    async def listen() -> None:
        headers = bearer(who.token) | {"Accept": "text/event-stream"}
        async with site.http.stream("GET", site.at("/notices/stream"), headers=headers) as stream:
            open_now.set()
            async for line in stream.aiter_lines():
                if line.startswith("data:") and case in line:
                    return
        raise TrialFailed("通知流被服务端关闭：请检查通知服务")

    task = asyncio.create_task(listen())
    try:
        await asyncio.wait({asyncio.create_task(open_now.wait()), task}, return_when=asyncio.FIRST_COMPLETED,
                           timeout=PATIENCE_S)  # fmt: skip
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _void(site: Site, who: Tester, case: str) -> int:
    """The inspector reports that there is nothing, the acceptor voids: 1 when the case is void at the end."""
    detail = await _case(site, who, case)
    if detail["state"] == "verifying":
        body = {
            "version": detail["version"],
            "role": "collector",
            "result": "not_exist",
            "opinion": "验收测试，现场无问题",
        }
        await _act(site, who, case, "verify_result", body)
        detail = await _case(site, who, case)
    if detail["state"] in ("reported", "accepted"):
        body = {"version": detail["version"], "role": "acceptor", "reason_code": "test", "opinion": "验收测试件作废"}
        await _act(site, who, case, "void", body)
        detail = await _case(site, who, case)
    return int(detail["state"] == "voided")


async def _case(site: Site, who: Tester, case: str) -> dict[str, Any]:
    found: dict[str, Any] = (await site.get(f"/cases/{case}", who.token))["case"]
    return found


async def _act(site: Site, who: Tester, case: str, action: str, body: dict[str, Any]) -> None:
    headers = bearer(who.token) | {"Idempotency-Key": f"{case}-{body['version']}-{action}"}
    _sound(await site.http.post(site.at(f"/cases/{case}/{action}"), json=body, headers=headers), action)


def _sound(answer: httpx.Response, what: str) -> Any:
    if not answer.is_success:
        raise TrialFailed(f"测试件在“{what}”被拒（{answer.status_code}）：{answer.text[:300]}")
    return answer.json()


async def _until(done: Callable[[], Awaitable[bool]], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not await done():
        if time.monotonic() > end:
            raise TrialFailed(f"{PATIENCE_S} 秒内没有等到：{what}")
        await asyncio.sleep(LOOK_EVERY_S)
