"""(d) the grid's look-ups and (e) what idle processes weigh and how fast they are ready."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from yiwang.stack import place
from yiwang.stack._process import free_port

from ._common import HERE

ROOT = HERE.parent
ALONE = ("intake", "grid", "dispatch", "enforcement", "national_sync", "notification")


def rss_mib(pid: int) -> float:
    """Resident memory of a process, shared pages counted in part (PSS)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:"))


def grid() -> None:
    """(d)"""
    from yiwang.grid.bench import bench

    print("\n## (d) grid\n")
    for name, value in bench().items():
        print(f"{name}: {value:,.1f}")


def ready(port: int, process: subprocess.Popen[bytes], begin: float) -> float:
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


def children(pid: int) -> list[int]:
    kids = [int(k) for k in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [x for kid in kids for x in (kid, *children(kid))]


def memory() -> None:
    """(e)"""
    print("\n## (e) idle\n")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        data = Path(folder) / "data"
        for turn in ("first start", "second start"):
            port, begin = free_port(), time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "yiwang.stack", "up", "--profile", "city", "--data", str(data), "--port", str(port)],
                cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            took = ready(port, process, begin)
            time.sleep(3)
            parts = {Path(f"/proc/{pid}/comm").read_text().strip(): 0.0 for pid in children(process.pid)}
            for pid in children(process.pid):
                parts[Path(f"/proc/{pid}/comm").read_text().strip()] += rss_mib(pid)
            own = rss_mib(process.pid)
            print(f"{turn}: ready after {took:.1f} s; all six services in one process {own:.0f} MiB, "
                  + ", ".join(f"{name} {mib:.0f} MiB" for name, mib in sorted(parts.items())))  # fmt: skip
            if turn == "second start":
                run = place.running_at(data)
                assert run is not None
                for name in ALONE:
                    alone = free_port()
                    environ = os.environ | run.environ | {"YIWANG_HTTP_PORT": str(alone)}
                    one = subprocess.Popen([sys.executable, "-m", "yiwang.stack", "run", name], env=environ, cwd=ROOT,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
                    ready(alone, one, time.monotonic())
                    print(f"{name} alone: {rss_mib(one.pid):.0f} MiB")
                    one.terminate()
                    one.wait(20)
            process.terminate()
            process.wait(60)
