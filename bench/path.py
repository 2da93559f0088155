"""(c) the whole path: POST → reported → located → filed → dispatched → notified, product and bare in the same run."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
from yiwang.kit import Kit, migrate
from yiwang.kit.dev import dev_issuer
from yiwang.kit.link import Link
from yiwang.stack._ports import free_port
from yiwang.stack.embedded import Nats, Postgres
from yiwang.stack.registry import find_services

from ._common import HERE, cpu_of, give_back
from .counting import counts

ROOT: Final = HERE.parent
SERVICES: Final = ("intake", "grid", "dispatch", "notification")
BARE: Final = {"bare_path": ("cases", "notify"), "bare_facts": ("grid", "cases", "notify")}
JURISDICTION: Final = "441900"
"""A city that accepts and dispatches itself, as the bare pipeline does: one dispatch and one notice a report"""
SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "8"))
WARM_S: Final = 2.0
"""Every side is loaded for so long before it is measured"""
CONNECTIONS: Final = 64
DONE: Final = "select count(distinct case_id) from notification.notice where template = 'dispatched'"
REPORT: Final = {
    "channel": "1",
    "occurred_at": "2026-11-23T00:00:00Z",
    "description": "路边暴露生活垃圾，散落在人行道上",
    "place": {"point": {"lon": "@LON@", "lat": "@LAT@", "crs": "cgcs2000", "accuracy_m": 8.0}},
    "category": {"code_set": "gbt30428.2-2013-dg", "version": "2026", "kind": "event", "major": "01", "minor": "13"},
    "source": {"system": "bench", "record_id": "@ID@"},
}


class Contender:
    """Processes of one side, the port of its intake, and the query that counts what is finished."""

    def __init__(
        self, name: str, processes: dict[str, subprocess.Popen[bytes]], port: int, token: str, count: str
    ) -> None:
        self.name, self.processes, self.port, self.token, self.count = name, processes, port, token, count

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(20)


def automatic(folder: Path) -> Path:
    """Dongguan's profile, but inspectors' events are dispatched by the matrix without a person, as the bare one does."""
    target = folder / "profile"
    if not target.exists():
        shutil.copytree(ROOT / "deploy/profiles/dongguan", target)
        page = target / "profile.toml"
        text = page.read_text("utf-8")
        page.write_text(text.replace("accept = true\nfile = true\n", "accept = true\nfile = true\ndispatch = true\n", 1), "utf-8")
    return target


def environ_of(kit: Kit, folder: Path) -> dict[str, str]:
    """What the product's processes are told."""
    return {
        **os.environ, "YIWANG_NATS_URL": kit.nats_url, "YIWANG_DATABASE_URL": kit.database_url, "YIWANG_JURISDICTION": JURISDICTION,
        "YIWANG_PROFILE": str(automatic(folder)), "YIWANG_DEV_KEYS": str(folder / "keys"), "YIWANG_EMBEDDED": "true",
        "YIWANG_STREAM_MAX_GIB": "0.5", "YIWANG_LOG_LEVEL": "error",
        "YIWANG_BATCH": "400",  # dispatch hears two events a report: as many reports a transaction as the bare pipeline's 200
    }  # fmt: skip


async def product(kit: Kit, folder: Path, services: Sequence[str] = SERVICES) -> Contender:
    """The services of the path, each in a process of its own."""
    keys, port = folder / "keys", free_port()
    token = dev_issuer(str(keys)).token_of("collector", area=JURISDICTION)
    await migrate(find_services(SERVICES), kit.database_url)
    environ, processes = environ_of(kit, folder), {}
    for name in services:
        own = port if name == "intake" else free_port()
        processes[name] = subprocess.Popen(
            [sys.executable, "-m", "yiwang.stack", "run", name], env=environ | {"YIWANG_HTTP_PORT": str(own)}, cwd=ROOT
        )
        await answering(own, "/readyz")
    return Contender("product", processes, port, token, DONE)


async def bare(kit: Kit, module: str) -> Contender:
    """nats-py and asyncpg alone: `bare_path` with its own small events, `bare_facts` with the product's."""
    link = await Link.open(kit, "bare")
    await link.nc.close()
    environ, port = os.environ | {"BENCH_NATS": kit.nats_url, "BENCH_PG": kit.database_url}, free_port()
    command = [sys.executable, "-m", f"bench.{module}"]
    subprocess.run([*command, "prepare"], env=environ, check=True, cwd=ROOT)
    processes = {n: subprocess.Popen([*command, n], env=environ, cwd=ROOT) for n in BARE[module]}
    processes["intake"] = subprocess.Popen([*command, "intake", str(port)], env=environ, cwd=ROOT)
    await answering(port, "/")
    return Contender(module, processes, port, "", "select count(*) from notices")


async def answering(port: int, path: str) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(60):
        while True:
            try:
                answer = await http.get(f"http://127.0.0.1:{port}{path}", timeout=2)
                if answer.status_code == 200 or path == "/":
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


def points_in(folder: Path) -> Path:
    """A file of points all over the city; both sides are told the same ones."""
    file = folder / "points.json"
    if not file.exists():  # in a process of its own: it needs the memory of a whole grid
        profile = str(ROOT / "deploy/profiles/dongguan")
        subprocess.run([sys.executable, "-m", "bench.points", profile, str(file)], cwd=ROOT, check=True)
    return file


async def run_load(side: Contender, folder: Path, rate: float, seconds: float = SECONDS) -> dict[str, Any]:
    body, token = folder / "report.json", folder / f"{side.name}.token"
    body.write_text(json.dumps(REPORT, ensure_ascii=False).replace('"@LON@"', "@LON@").replace('"@LAT@"', "@LAT@"), "utf-8")
    token.write_text(side.token)
    command = [sys.executable, str(HERE / "load.py"), str(side.port), "/reports", str(seconds), str(CONNECTIONS), str(rate),
               str(token) if side.token else "-", str(body), str(points_in(folder))]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    found: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
    return found


async def measure(
    side: Contender, kit: Kit, nats: Nats, postgres: Postgres, folder: Path, rate: float = 0, seconds: float = SECONDS
) -> dict[str, Any]:
    """Load one side and wait until everything is notified: rates, latencies, CPU a report by process."""
    points_in(folder)
    db = await asyncpg.connect(kit.database_url)
    counted = await counts(kit, db)
    before = await db.fetchval(side.count)
    pids = {name: process.pid for name, process in side.processes.items()} | {
        "nats": nats.pid,
        "postgres": postgres.pid,
    }
    cpu = {name: cpu_of(pid) for name, pid in pids.items()}
    begin = time.perf_counter()
    load = await run_load(side, folder, rate, seconds)
    while await db.fetchval(side.count) - before < load["answered"] and time.perf_counter() - begin < SECONDS + 60:
        await asyncio.sleep(0.05)
    wall = time.perf_counter() - begin
    done = await db.fetchval(side.count) - before
    spent = {name: round((cpu_of(pid) - cpu[name]) / max(done, 1) * 1e6) for name, pid in pids.items()}
    found = {"done": done, "rate": round(done / wall), "post": load, "cpu_us": spent, "cpu_us_sum": sum(spent.values())}
    found["counts"] = (await counts(kit, db)).per(counted, done)
    await db.close()
    return found


async def compare(nats: Nats, postgres: Postgres, rounds: int) -> list[dict[str, dict[str, Any]]]:
    """Contender → what was measured, for each round, interleaved; and the steady rates of the product at the end."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n in range(rounds):
            results: dict[str, dict[str, Any]] = {}
            for m, which in enumerate(("product", *BARE)):
                kit = Kit(nats_url=nats.url(f"b{40 + 3 * n + m}"), stream_max_gib=0.5,
                          database_url=postgres.create_database(f"c{n}{which}"))  # fmt: skip
                side = await (product(kit, folder) if which == "product" else bare(kit, which))
                try:
                    await measure(side, kit, nats, postgres, folder, seconds=WARM_S)
                    results[which] = await measure(side, kit, nats, postgres, folder)
                    if which == "product" and n == rounds - 1:
                        results[which]["steady"] = {r: await measure(side, kit, nats, postgres, folder, r) for r in (200, 1000)}
                finally:
                    side.stop()
                await give_back(kit)
            found.append(results)
    return found
