"""The demo of one city: six services in one process, its people, and its books."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
from rich.console import Console, Group
from rich.live import Live
from yiwang.kit import Kit, load
from yiwang.kit.dev import dev_issuer
from yiwang.stack import place
from yiwang.stack._ports import free_port
from yiwang.stack._process import spawn, stop
from yiwang.stack.books import Books, balance
from yiwang.stack.demo_feed import LOCAL
from yiwang.stack.demo_nation import nation
from yiwang.stack.demo_office import Office, client
from yiwang.stack.demo_tables import addresses, balanced, summary


def run(console: Console, data: Path, once: int, *, profile_dir: str = "", port: int = 0) -> int:
    """Run until *once* cases are done (0: until told to stop); the exit status."""
    with city(data, profile_dir, port or free_port(), console) as environ, contextlib.suppress(KeyboardInterrupt):
        books = asyncio.run(_demo(environ, console, once))
        if books is None:
            return 0
        console.print(summary(books))
        for mistake in books.mistakes:
            console.print(f"[red]不平[/]：{mistake}")
        if balanced(books):
            console.print("[green]账平：没有丢失，没有重复[/]")
        return 0 if balanced(books) else 1
    return 0


@contextlib.contextmanager
def city(data: Path, profile_dir: str, port: int, console: Console) -> Iterator[dict[str, str]]:
    """The nation's stand-in and a city with all six services as child processes; gives the node's variables."""
    data = data.absolute()
    log = data / "demo.log"
    up = [sys.executable, "-m", "yiwang.stack", "up", "--profile", "city", "--data", str(data), "--port", str(port)]
    up += ["--profile-dir", profile_dir] if profile_dir else []
    with nation(log) as told:
        environ = os.environ | told
        child = spawn(up, log=log, env=environ, cwd=os.getcwd())
        try:
            console.print(f"正在启动城市（日志 {log}）……")
            wait_ready(f"http://127.0.0.1:{port}", child, log)
            run = place.running_at(data)
            if run is None:
                raise click.ClickException("城市没有留下运行信息，请看日志")
            yield environ | run.environ
        finally:
            stop(child, signal.SIGTERM, "demo")


def wait_ready(url: str, child: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> None:
    """Return once /readyz says yes. Raises click.ClickException with the log's end otherwise."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and child.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        time.sleep(0.1)
    tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-25:])
    raise click.ClickException(f"城市在 {seconds:.0f} 秒内没有就绪，日志末尾：\n{tail}")


async def _demo(environ: dict[str, str], console: Console, once: int) -> Books | None:
    """Feed and work; the books when *once* cases are done, None when told to stop."""
    kit, url = load(Kit, environ, "YIWANG"), f"http://127.0.0.1:{environ['YIWANG_HTTP_PORT']}"
    async with client(url) as http:
        office = Office(kit, dev_issuer(environ.get("YIWANG_DEV_KEYS", "")), http)
        feeding = asyncio.create_task(office.take(once) if once else office.take_for_ever())
        try:
            if once:
                await _until_done(office, feeding, console)
            else:
                console.print(addresses(url))
                await _for_ever(office, feeding, console)
        finally:
            feeding.cancel()
        for line in office.complaints[:10]:
            console.print(f"[yellow]被拒[/]：{line}")
        return await settled(kit, office.accepted) if once else None


async def _until_done(office: Office, feeding: asyncio.Task[None], console: Console) -> None:
    """Work until the feed is empty and a few rounds find nothing to do."""
    quiet = 0
    with Live(console=console, refresh_per_second=4) as live:
        while quiet < 4:
            steps = await office.work()
            quiet = quiet + 1 if feeding.done() and not steps else 0
            live.update(_progress(office))
            await asyncio.sleep(0.3 if not steps else 0)
    await feeding


async def _for_ever(office: Office, feeding: asyncio.Task[None], console: Console) -> None:
    last = 0.0
    with Live(console=console, refresh_per_second=2) as live:
        while not feeding.done():
            await office.work()
            if time.monotonic() - last > 10:
                last, books = time.monotonic(), await balance(office.kit)
                live.update(Group(_progress(office), summary(books)))
            await asyncio.sleep(1)
    await feeding


def _progress(office: Office) -> str:
    local = office.clock.now().astimezone(LOCAL).strftime("%m-%d %H:%M")
    return f"虚拟时间 {local} · 已收下 {len(office.accepted)} 件上报 · 各岗位已办理 {office.crew.acts} 步"


async def settled(kit: Kit, accepted: set[str], seconds: float = 60) -> Books:
    """The books once nothing waits any more, or after *seconds* as they are."""
    end = time.monotonic() + seconds
    while True:
        books = await balance(kit, accepted)
        pending = books.waiting or books.sync.get("pending", 0) or books.notices.get("pending", 0)
        if (not pending and not books.mistakes and not books.lost) or time.monotonic() > end:
            return books
        await asyncio.sleep(0.5)
