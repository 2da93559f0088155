"""Dispatch or notification alone, fed with prepared events: what each costs a report, without the noise of the others.

`python -m bench stages capture FILE` lets intake and grid make the events of BENCH_REPORTS reports and keeps them;
`python -m bench stages dispatch FILE` feeds them to dispatch (and keeps what it says in FILE.out),
`python -m bench stages notification FILE` feeds those to notification. With BENCH_SPY=PATH py-spy writes its samples there,
with BENCH_STATEMENTS=1 PostgreSQL's log says how long each statement took (read by `statements`).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
from yiwang.kit import Kit, migrate
from yiwang.kit.link import Link, api
from yiwang.stack._ports import free_port
from yiwang.stack.embedded import Nats, Postgres
from yiwang.stack.registry import find_services

from . import path
from ._common import cpu_of, servers
from .counting import counts

REPORTS: Final = int(os.environ.get("BENCH_REPORTS", "4000"))
DONE: Final = {
    "dispatch": "select count(*) from dispatch.cases where state = 'dispatched'",
    "notification": path.DONE,
}
Outgoing = tuple[str, bytes, str, str]
_decode: Final = msgspec.msgpack.Decoder(list[Outgoing]).decode


async def capture(kit: Kit, file: Path, folder: Path) -> None:
    """Reports through intake and grid; the stream as a file."""
    side = await path.product(kit, folder, ("intake", "grid"))
    try:
        load = await path.run_load(side, folder, 500, REPORTS / 500)
        await _said(kit, "located", load["answered"])
    finally:
        side.stop()
    await _keep(kit, file)


async def _said(kit: Kit, what: str, least: int) -> None:
    link = await Link.open(kit, "look")
    try:
        async with asyncio.timeout(120):
            while True:
                info = await api(link.nc, "STREAM.INFO.UP", {"subjects_filter": f"yw.up.*.*.*.case.{what}.v1"})
                if sum((info["state"].get("subjects") or {}).values()) >= least:
                    return
                await asyncio.sleep(0.2)
    finally:
        await link.nc.close()


async def _keep(kit: Kit, file: Path) -> None:
    """The whole UP stream, in order."""
    link = await Link.open(kit, "keep")
    found: list[Outgoing] = []
    try:
        state = (await api(link.nc, "STREAM.INFO.UP"))["state"]
        for seq in range(state["first_seq"], state["last_seq"] + 1):
            msg = await link.nc.jetstream().get_msg("UP", seq, direct=True)
            found.append((msg.subject or "", msg.data or b"", (msg.headers or {}).get("Nats-Msg-Id", str(seq)), ""))
    finally:
        await link.nc.close()
    file.write_bytes(msgspec.msgpack.encode(found))


async def feed(kit: Kit, events: Sequence[Outgoing]) -> None:
    link = await Link.open(kit, "feed")
    try:
        for begin in range(0, len(events), 1000):
            await link.publisher.publish(events[begin : begin + 1000], timeout=30)
    finally:
        await link.nc.close()


async def stage(name: str, kit: Kit, events: Sequence[Outgoing], nats: Nats, postgres: Postgres, folder: Path) -> dict[str, Any]:
    """Feed one service with half of *events*, then measure the others: CPU of its process, NATS and PostgreSQL a report, and
    the rows and bytes that it wrote."""
    first, rest = halves(events)
    warm, reports = located(first), located(rest)
    await migrate(find_services(path.SERVICES), kit.database_url)
    process = subprocess.Popen([sys.executable, "-m", "yiwang.stack", "run", name], cwd=path.ROOT,
                               env=path.environ_of(kit, folder) | {"YIWANG_HTTP_PORT": str(port := free_port())})  # fmt: skip
    try:
        await path.answering(port, "/readyz")
        db = await asyncpg.connect(kit.database_url)
        pids = {name: process.pid, "nats": nats.pid, "postgres": postgres.pid}
        await feed(kit, first)
        await handled(db, name, warm)  # what is made once is made
        before, cpu, begin = await counts(kit, db), {n: cpu_of(pid) for n, pid in pids.items()}, time.perf_counter()
        spy = _spy(process.pid, name)
        await feed(kit, rest)
        await handled(db, name, warm + reports)
        wall = time.perf_counter() - begin
        await asyncio.sleep(1)  # the outbox goes on
        spent = {n: round((cpu_of(pid) - cpu[n]) / reports * 1e6) for n, pid in pids.items()}
        if spy is not None:
            spy.send_signal(2)
            spy.wait(30)
        after = (await counts(kit, db)).per(before, reports)
        await db.close()
        return {"reports": reports, "rate": round(reports / wall), "cpu_us": spent, "counts": after}
    finally:
        process.terminate()
        process.wait(20)


def located(events: Sequence[Outgoing]) -> int:
    return sum(".case.located." in subject for subject, *_ in events)


def halves(events: Sequence[Outgoing]) -> tuple[list[Outgoing], list[Outgoing]]:
    """The events of the first half of the cases, and the others."""
    partitions = {subject.split(".")[4] for subject, *_ in events}
    early = set(sorted(partitions)[: len(partitions) // 2])
    first = [event for event in events if event[0].split(".")[4] in early]
    return first, [event for event in events if event[0].split(".")[4] not in early]


async def handled(db: Any, name: str, reports: int) -> None:
    async with asyncio.timeout(180):
        while await db.fetchval(DONE[name]) < reports:
            await asyncio.sleep(0.2)


def _spy(pid: int, name: str) -> subprocess.Popen[bytes] | None:
    target = os.environ.get("BENCH_SPY", "")
    if not target:
        return None
    command = ["py-spy", "record", "-p", str(pid), "-f", "raw", "-r", "400", "-d", "600", "-o", f"{target}.{name}"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def statements(log: str, reports: int) -> list[tuple[float, int, str]]:
    """(µs a report, how often, beginning of the statement) from PostgreSQL's log, the dearest first."""
    spent: dict[str, float] = defaultdict(float)
    often: dict[str, int] = defaultdict(int)
    for ms, text in re.findall(r"duration: ([\d.]+) ms  (?:execute [^:]*|statement|parse [^:]*|bind [^:]*): \s*(.{1,90})", log):
        spent[text] += float(ms)
        often[text] += 1
    return sorted(((spent[t] * 1000 / reports, often[t], t) for t in spent), reverse=True)


def main(what: str, file: Path) -> None:
    with tempfile.TemporaryDirectory() as name, servers(4) as (nats, postgres):
        folder = Path(name)
        kit = Kit(nats_url=nats.url("b1"), stream_max_gib=0.5, database_url=postgres.create_database("stage"))
        if what == "capture":
            asyncio.run(capture(kit, file, folder))
            return
        if loud := bool(os.environ.get("BENCH_STATEMENTS")):
            postgres.query("alter system set log_min_duration_statement = 0")
            postgres.query("select pg_reload_conf()")
        out = file.with_suffix(".out")
        found = asyncio.run(stage(what, kit, _decode((file if what == "dispatch" else out).read_bytes()), nats, postgres, folder))
        print(what, json.dumps(found))
        if what == "dispatch":
            asyncio.run(_keep(kit, out))
        if loud:
            log = (Path(postgres.directory) / "postgres.log").read_text(errors="replace")
            for us, n, text in statements(log, found["reports"])[:30]:
                print(f"{us:8.1f} µs a report {n:6} x {text}")


if __name__ == "__main__":
    main(sys.argv[2], Path(sys.argv[3]))
