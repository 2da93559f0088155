"""(d) the grid's look-ups and (e) what idle processes weigh and how fast they are ready."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from yiwang.stack import place
from yiwang.stack._ports import free_port
from yiwang.stack._process import family_of, memory_mib

from ._common import HERE

ROOT = HERE.parent
ALONE = ("intake", "grid", "dispatch", "enforcement", "national_sync", "notification")
SETTLES_S = 5
"""After so long an idle node has done what it does at a start."""


def grid() -> None:
    """(d)"""
    from yiwang.grid.bench import bench

    print("\n## (d) grid\n")
    for name, value in bench().items():
        print(f"{name}: {value:,.1f}")


def ready(port: int, process: subprocess.Popen[bytes], begin: float) -> float:
    """Seconds from *begin* until the node says that it is ready."""
    while time.monotonic() - begin < 120:
        if process.poll() is not None:
            raise RuntimeError(f"the process ended with {process.returncode}")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return time.monotonic() - begin
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError("not ready after 120 s")


@contextmanager
def node(profile: str, data: Path, **env: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """`yiwang up` for a while: its process, and the seconds until it was ready."""
    port, begin = free_port(), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "yiwang.stack", "up", "--profile", profile, "--data", str(data), "--port", str(port)],
        cwd=ROOT, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process, ready(port, process, begin)
    finally:
        process.terminate()
        process.wait(60)


def weight(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """MiB of the services' own process, of nats-server and of PostgreSQL's processes together."""
    parts: defaultdict[str, float] = defaultdict(float)
    for pid in family_of(process.pid):
        name = "services" if pid == process.pid else Path(f"/proc/{pid}/comm").read_text().strip()
        parts[name] += memory_mib(pid)
    return dict(parts)


def told(parts: dict[str, float]) -> str:
    return f"{sum(parts.values()):.0f} MiB (" + ", ".join(f"{name} {mib:.0f}" for name, mib in parts.items()) + ")"


def memory() -> None:
    """(e)"""
    print("\n## (e) idle: everything together, PSS\n")
    turns = ("first start", "second start")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        county = Path(folder) / "county"
        for turn in turns:
            with node("county", county, YIWANG_JURISDICTION="440305", YIWANG_NATS_SYNC="always") as (process, took):
                time.sleep(SETTLES_S)
                print(f"county-minimal, {turn}: ready after {took:.1f} s; {told(weight(process))}")
        city = Path(folder) / "city"
        for turn in turns:
            with node("city", city) as (process, took):
                time.sleep(SETTLES_S)
                print(f"all services, {turn}: ready after {took:.1f} s; {told(weight(process))}")
                if turn == turns[-1]:
                    alone(city)


def alone(data: Path) -> None:
    """Each service in a process of its own, beside the node that runs in *data*."""
    run = place.running_at(data)
    assert run is not None
    for name in ALONE:
        port = free_port()
        environ = os.environ | run.environ | {"YIWANG_HTTP_PORT": str(port)}
        one = subprocess.Popen([sys.executable, "-m", "yiwang.stack", "run", name], env=environ, cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        ready(port, one, time.monotonic())
        print(f"{name} alone: {memory_mib(one.pid):.0f} MiB")
        one.terminate()
        one.wait(20)
