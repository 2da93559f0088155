"""(f) How long a report of a county takes to stand in its city and in the province: their streams and their case lists."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
from yiwang.kit.link import Link
from yiwang.stack.demo_office import Office
from yiwang.stack.network import Network
from yiwang.stack.topology import read

RATE = int(os.environ.get("BENCH_TIER_RATE", "10"))
"""Reports a second: ten times the mean of a province of 25,000 cases a day, from one county"""
SECONDS = int(os.environ.get("BENCH_TIER_SECONDS", "30"))
WARM_S = 5
SUBJECT = "yw.up.*.*.*.case.reported.v1"
COUNTY = "440305"
UPPER = {"city": "440300", "province": "440000"}
TOPOLOGY = """
name = "bench"
nodes = [
    { code = "440000", name = "广东省", profile = "shenzhen" },
    { code = "440300", name = "深圳市", profile = "shenzhen" },
    { code = "440305", name = "南山区" },
]
[defaults.province]
sync = "2m"
[defaults.city]
sync = "2m"
[defaults.county]
sync = "2m"
"""


class Head(msgspec.Struct, frozen=True):
    case_id: str


class Reported(msgspec.Struct, frozen=True):
    """What the bench needs of a report's event."""

    case: Head


async def in_stream(net: Network, code: str, seen: dict[str, float]) -> Link:
    """Note when each new report arrives in the node's UP stream."""
    link = await Link.open(net.kit(code), "bench")
    decode = msgspec.json.Decoder(Reported).decode

    async def note(msg: Any) -> None:
        seen.setdefault(decode(msg.data).case.case_id, time.monotonic())

    await link.nc.jetstream().subscribe(SUBJECT, stream="UP", cb=note, ordered_consumer=True)
    return link


async def in_list(net: Network, code: str, seen: dict[str, float]) -> None:
    """Note when each new case stands in the node's list of copies, to 20 ms."""
    db = await asyncpg.connect(net.kit(code).database_url)
    try:
        while True:
            rows = await db.fetch("select case_id from dispatch.copies where not case_id = any($1)", list(seen))
            now = time.monotonic()
            for row in rows:
                seen[row["case_id"]] = now
            await asyncio.sleep(0.02)
    finally:
        await db.close()


async def steadily(send: Callable[[], Coroutine[Any, Any, None]], rate: int, seconds: int) -> None:
    """Open loop: the next one is sent when it is due, whether or not the last one was answered."""
    begin = time.monotonic()
    tasks: list[asyncio.Task[None]] = []
    for n in range(rate * seconds):
        await asyncio.sleep(max(0.0, begin + n / rate - time.monotonic()))
        tasks.append(asyncio.create_task(send()))
    await asyncio.gather(*tasks)


async def measure(net: Network) -> dict[str, dict[str, float]]:
    """Milliseconds from sending a report to its arrival, by place."""
    sent: dict[str, float] = {}
    seen: dict[str, dict[str, float]] = {f"{tier} {what}": {} for tier in UPPER for what in ("stream", "list")}
    async with httpx.AsyncClient(base_url=net.url(COUNTY), timeout=30) as http:
        office, numbers = Office(net.kit(COUNTY), net.issuer, http), itertools.count()

        async def send() -> None:
            drawn = office.feed.draw(next(numbers), office.clock.now())
            headers = {"Authorization": f"Bearer {office.token(drawn.role)}"} if drawn.role else {}
            begin = time.monotonic()
            answer = await http.post("/reports", json=drawn.report, headers=headers)
            answer.raise_for_status()
            if case := answer.json().get("case_id"):
                sent[case] = begin

        links = [await in_stream(net, code, seen[f"{tier} stream"]) for tier, code in UPPER.items()]
        lists = [asyncio.create_task(in_list(net, code, seen[f"{tier} list"])) for tier, code in UPPER.items()]
        await steadily(send, RATE, WARM_S)
        await arrived(sent, seen)  # links that were made just now begin a few seconds later
        sent.clear()
        await steadily(send, RATE, SECONDS)
        await arrived(sent, seen)
        for task in lists:
            task.cancel()
        for link in links:
            await link.nc.close()
    return {
        name: quantiles([(found[case] - begin) * 1000 for case, begin in sent.items()]) for name, found in seen.items()
    }


async def arrived(sent: dict[str, float], seen: dict[str, dict[str, float]]) -> None:
    """Wait until everything sent is at every place."""
    async with asyncio.timeout(60):
        while not all(sent.keys() <= found.keys() for found in seen.values()):
            await asyncio.sleep(0.05)


def quantiles(values: list[float]) -> dict[str, float]:
    """Median, 99th percentile and the largest."""
    ordered = sorted(values)
    return {
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "max": ordered[-1],
    }


def tiers() -> None:
    """(f)"""
    print(f"\n## (f) county to city to province, {RATE} reports/s for {SECONDS} s, from POST on\n")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        services = ("intake", "grid", "dispatch", "mesh")
        env = {"YIWANG_LOG_LEVEL": "warning", "YIWANG_DEV_PEOPLE": "true"}
        with Network(
            read(TOPOLOGY), Path(folder), processes="each", services=services, environ=env, connections=300
        ) as net:
            for name, values in asyncio.run(measure(net)).items():
                print(
                    f"{name:16} p50 {values['p50']:,.0f} ms, p99 {values['p99']:,.0f} ms, worst {values['max']:,.0f} ms"
                )
