"""What the benchmarks share: servers, preloading, and measuring one process at a time."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import nats
from yiwang.contracts import CaseFiled, encode, subject_of, tag_of
from yiwang.kit import Kit, Node
from yiwang.kit.link import STREAMS, Link, api
from yiwang.kit.testing import a_case, a_head, complete
from yiwang.stack.embedded import Account, Nats, Postgres

HERE = Path(__file__).parent
EVENTS = int(os.environ.get("BENCH_EVENTS", "20000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))


@contextmanager
def servers(accounts: int = 64) -> Iterator[tuple[Nats, Postgres]]:
    """NATS with default sync, PostgreSQL durable: the settings of a real county."""
    with Nats(accounts=[Account(f"b{n}") for n in range(accounts)]) as nats, Postgres(durable=True) as postgres:
        yield nats, postgres


def cpu_s() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and its children, with those that have ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for one in [pid, *_children(pid)]:
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15])) / ticks  # user and system, then those of children that were waited for
    return total


def _children(pid: int) -> list[int]:
    try:
        kids = [int(k) for k in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [x for kid in kids for x in (kid, *_children(kid))]


async def preload(kit: Kit, count: int, cases: int = 3000) -> None:
    """Fill the UP stream with *count* filed cases, each about 600 bytes."""
    link = await Link.open(kit, "preload")
    node, now = Node.of(kit), __import__("datetime").datetime.now(__import__("datetime").UTC)
    heads = [str(uuid.uuid4()) for _ in range(cases)]
    batch: list[tuple[str, bytes, str, str]] = []
    for n in range(count):
        event = complete(a_case(head=a_head(case_id=heads[n % cases], case_version=n // cases + 1)), node, now)
        batch.append((subject_of(event, tag_of(CaseFiled)), encode(event), event.id, ""))
        if len(batch) == 1000:
            await link.publisher.publish(batch, timeout=20)
            batch.clear()
    if batch:
        await link.publisher.publish(batch, timeout=20)
    await link.nc.close()


async def count_of(kit: Kit, stream: str) -> int:
    """Messages in one of the node's streams."""
    link = await Link.open(kit, "count")
    try:
        return int((await api(link.nc, f"STREAM.INFO.{stream}"))["state"]["messages"])
    finally:
        await link.nc.close()


async def give_back(kit: Kit) -> None:
    """Delete the streams of an account that has been measured: what they reserve of the disk lacks the others."""
    nc = await nats.connect(kit.nats_url)
    for info in await nc.jetstream().streams_info():
        await nc.jetstream().delete_stream(str(info.config.name))
    await nc.close()


def measured(script: str, kit: Kit, **env: str) -> dict[str, Any]:
    """Run one contender in a process of its own; it prints {"rate", "cpu_us"} as its last line."""
    environ = {**os.environ, "BENCH_NATS": kit.nats_url, "BENCH_PG": kit.database_url, **env}
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{script.removesuffix('.py')}"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def report(count: int, begin: tuple[float, float]) -> None:
    """Print what a contender needed since *begin* = (perf_counter, cpu_s)."""
    wall, cpu = time.perf_counter() - begin[0], cpu_s() - begin[1]
    print(json.dumps({"rate": round(count / wall), "cpu_us": round(cpu / count * 1e6, 1)}))


def kit_from_env() -> Kit:
    return Kit(
        nats_url=os.environ["BENCH_NATS"], database_url=os.environ["BENCH_PG"], stream_max_gib=0.5, jurisdiction="440300",
        batch=int(os.environ.get("BENCH_BATCH", "200")),
    )  # fmt: skip


@asynccontextmanager
async def until(done: Any) -> AsyncIterator[None]:
    yield
    while not await done():
        await asyncio.sleep(0.01)


__all__ = ["EVENTS", "HERE", "ROUNDS", "STREAMS", "servers"]
