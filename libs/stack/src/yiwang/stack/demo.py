"""`yiwang demo`: a city on this machine, with reports coming in and people working them, and the books at the end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import httpx
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from yiwang.kit import Kit, clock_from, load
from yiwang.stack import place
from yiwang.stack._process import free_port, spawn, stop
from yiwang.stack.books import Books, balance
from yiwang.stack.demo_feed import LOCAL, Feed
from yiwang.stack.demo_people import Crew

START: Final = "2026-11-23T08:30:00+08:00"
"""A Monday morning."""
SPEED: Final = 120
SECRET: Final = "whsec_" + base64.b64encode(b"the demo has no secrets, really").decode()
PACE_S: Final = 0.25
"""Seconds between reports without --once"""
NOTICE_STATES: Final = ("delivered", "failed", "unsent", "pending")


@click.command("demo")
@click.option("--once", is_flag=True, help="处理完 --cases 件后结束，账平则退出码为 0")
@click.option("--cases", default=500, show_default=True, help="与 --once 同用：件数")
@click.option("--profile-dir", default="", help="城市配置目录（默认 deploy/profiles/shenzhen）")
@click.option("--data", type=click.Path(path_type=Path), default=Path("var/demo"), help="数据目录")
@click.option("--port", default=0, help="HTTP 端口（默认自选空闲端口）")
@click.option("--keep/--fresh", default=False, help="保留上次演示的数据")
def command(once: bool, cases: int, profile_dir: str, data: Path, port: int, keep: bool) -> None:
    """演示：一座城市，六个服务，各岗位人员通过同一接口办理，最后对账。"""
    console = Console()
    if not keep:
        import shutil

        shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, exist_ok=True)
    with city(data, profile_dir, port or free_port(), console) as environ, contextlib.suppress(KeyboardInterrupt):
        books = asyncio.run(Demo(environ, console).run(cases if once else 0))
        if books is None:
            return
        console.print(summary(books))
        for mistake in books.mistakes:
            console.print(f"[red]不平[/]：{mistake}")
        if balanced(books):
            console.print("[green]账平：没有丢失，没有重复[/]")
        raise SystemExit(0 if balanced(books) else 1)


def balanced(books: Books) -> bool:
    """Whether every equation holds."""
    return not books.mistakes and not (books.lost or books.doubled or books.parked or books.waiting)


@contextlib.contextmanager
def city(data: Path, profile_dir: str, port: int, console: Console) -> Iterator[dict[str, str]]:
    """The nation's stand-in and a city with all six services as child processes; gives the node's variables."""
    nation = free_port()
    command = [sys.executable, "-m", "yiwang.stack"]
    # What the child gets beside what `yiwang up` finds out by itself.
    environ = os.environ | {
        "YIWANG_CLOCK": os.environ.get("YIWANG_CLOCK", f"{START}@x{SPEED}"), "YIWANG_CLOCK_EPOCH": str(time.time()),
        "YIWANG_NATIONAL_SYNC_ENDPOINTS": f"nation=http://127.0.0.1:{nation}/exchange", "YIWANG_RECEIVER_SECRET": SECRET,
        "YIWANG_NATIONAL_SYNC_SECRETS": f"nation={SECRET}", "YIWANG_DEV_PEOPLE": "true",
        "YIWANG_LOG_LEVEL": os.environ.get("YIWANG_LOG_LEVEL", "warning"),
    }  # fmt: skip
    data = data.absolute()
    log = data / "demo.log"
    up = [*command, "up", "--profile", "city", "--data", str(data), "--port", str(port)]
    children = [
        spawn(
            [sys.executable, "-m", "yiwang.stack.receiver", "--port", str(nation)],
            log=log,
            env=environ,
            cwd=os.getcwd(),
        ),
        spawn([*up, *(["--profile-dir", profile_dir] if profile_dir else [])], log=log, env=environ, cwd=os.getcwd()),
    ]
    try:
        console.print(f"正在启动城市（日志 {log}）……")
        wait_ready(f"http://127.0.0.1:{port}", children, log)
        run = place.running_at(data)
        if run is None:
            raise click.ClickException("城市没有留下运行信息，请看日志")
        yield environ | run.environ
    finally:
        for child in reversed(children):
            stop(child, signal.SIGTERM, "demo")


def wait_ready(url: str, children: Sequence[subprocess.Popen[bytes]], log: Path, seconds: float = 90) -> None:
    """Return once /readyz says yes. Raises click.ClickException with the log's end otherwise."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and all(child.poll() is None for child in children):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        time.sleep(0.1)
    tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-25:])
    raise click.ClickException(f"城市在 {seconds:.0f} 秒内没有就绪，日志末尾：\n{tail}")


class Demo:
    """Feeds reports and lets people work until enough is done."""

    def __init__(self, environ: dict[str, str], console: Console) -> None:
        self._environ, self._console = environ, console
        self.kit = load(Kit, environ, "YIWANG")
        self.url = f"http://127.0.0.1:{environ['YIWANG_HTTP_PORT']}"
        self.clock = clock_from(self.kit.clock, self.kit.clock_epoch)
        self.feed = Feed(Path(self.kit.profile), self.kit.jurisdiction)
        self.accepted: set[str] = set()
        self.refused: list[str] = []
        self._tokens: dict[tuple[str, str], str] = {}

    def token(self, role: str, unit: str = "") -> str:
        """A token of the development issuer, whose keys lie in the demo's data directory."""
        from yiwang.kit.dev import dev_issuer

        key = (role, unit)
        if key not in self._tokens:
            issuer = dev_issuer(self._environ.get("YIWANG_DEV_KEYS", ""))
            self._tokens[key] = issuer.token_of(role, area=self.kit.jurisdiction, unit_id=unit)
        return self._tokens[key]

    async def run(self, once: int) -> Books | None:
        """Run the feed and the crew; returns the books when *once* cases are done, None when told to stop."""
        limits = httpx.Limits(max_connections=32)
        async with httpx.AsyncClient(base_url=self.url, timeout=60, limits=limits) as http:
            crew = Crew(http, self.token, self.kit.jurisdiction)
            feeding = asyncio.create_task(self._feed(http, once))
            try:
                await (self._until_done(crew, feeding) if once else self._for_ever(crew, feeding))
            finally:
                feeding.cancel()
            if crew.refusals or self.refused:
                for line in [*self.refused, *crew.refusals][:10]:
                    self._console.print(f"[yellow]被拒[/]：{line}")
            return await self.settled() if once else None

    async def _feed(self, http: httpx.AsyncClient, once: int) -> None:
        number = 0
        while not once or number < once:
            if once:
                size = min(20, once - number)
                await asyncio.gather(*(self._report(http, number + n) for n in range(size)))
                number += size
                await asyncio.sleep(0.05)
            else:
                hour = self.clock.now().astimezone(LOCAL).hour
                await self._report(http, number)
                number += 1
                await asyncio.sleep(PACE_S * max(self.feed.hours) / max(self.feed.hours[hour], 100))

    async def _report(self, http: httpx.AsyncClient, number: int) -> None:
        drawn = self.feed.draw(number, self.clock.now())
        headers = {"Authorization": f"Bearer {self.token(drawn.role)}"} if drawn.role else {}
        while True:
            answer = await http.post("/reports", json=drawn.report, headers=headers)
            if answer.status_code != 503:
                break
            await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
        if answer.status_code == 202:
            self.accepted.add(answer.json()["report_id"])
        else:
            self.refused.append(f"上报 {answer.status_code}: {answer.text[:300]}")

    async def _until_done(self, crew: Crew, feeding: asyncio.Task[None]) -> None:
        """Work until the feed is empty and a few rounds find nothing to do."""
        quiet = 0
        with Live(console=self._console, refresh_per_second=4) as live:
            while quiet < 4:
                steps = await crew.round(self.clock.now())
                quiet = quiet + 1 if feeding.done() and not steps else 0
                live.update(self._progress(crew))
                await asyncio.sleep(0.3 if not steps else 0)
        await feeding

    async def _for_ever(self, crew: Crew, feeding: asyncio.Task[None]) -> None:
        self._console.print(addresses(self.url, self._environ))
        last = 0.0
        with Live(console=self._console, refresh_per_second=2) as live:
            while not feeding.done():
                await crew.round(self.clock.now())
                if time.monotonic() - last > 10:
                    last, books = time.monotonic(), await balance(self.kit)
                    live.update(Group(self._progress(crew), summary(books)))
                await asyncio.sleep(1)
        await feeding

    def _progress(self, crew: Crew) -> str:
        local = self.clock.now().astimezone(LOCAL).strftime("%m-%d %H:%M")
        return f"虚拟时间 {local} · 已收下 {len(self.accepted)} 件上报 · 各岗位已办理 {crew.acts} 步"

    async def settled(self, seconds: float = 60) -> Books:
        """The books once nothing waits any more, or after *seconds* as they are."""
        end = time.monotonic() + seconds
        while True:
            books = await balance(self.kit, self.accepted)
            pending = books.waiting or books.sync.get("pending", 0) or books.notices.get("pending", 0)
            if (not pending and not books.mistakes and not books.lost) or time.monotonic() > end:
                return books
            await asyncio.sleep(0.5)


def addresses(url: str, environ: dict[str, str]) -> Table:
    """Where to look."""
    table = Table(title="打开看看", title_justify="left")
    table.add_column("页面")
    table.add_column("地址")
    table.add_row("办案工作台", f"{url}/worklist")
    table.add_row("接口文档", f"{url}/schema")
    table.add_row("运行状态", f"{url}/readyz")
    table.add_row("指标", f"{url}/metrics")
    return table


def summary(books: Books) -> Table:
    """The live summary, in the order in which a case goes."""
    events, table = books.events, Table(title="对账（取自数据库与事件流）", title_justify="left")
    table.add_column("环节")
    table.add_column("数量", justify="right")
    rows: list[tuple[str, Any]] = [
        ("上报", books.reports), ("已答复不立案", books.answered), ("定位", events.get("case.located.v1", 0)),
        ("立案", events.get("case.filed.v1", 0)), ("派遣", events.get("case.dispatched.v1", 0)),
        ("处置反馈", events.get("case.handled.v1", 0)), ("核查", events.get("case.checked.v1", 0)),
        ("结案", books.states.get("closed", 0)), ("作废", books.states.get("voided", 0)),
        ("办理中", books.cases - books.states.get("closed", 0) - books.states.get("voided", 0)),
        ("按时 / 超期", f"{books.on_time} / {books.overdue}"),
        ("通知（送达/失败/无渠道未发/待发）", " / ".join(str(books.notices.get(s, 0)) for s in NOTICE_STATES)),
        ("上报国家平台（已送/被拒/待送）", " / ".join(str(books.sync.get(s, 0)) for s in ("delivered", "refused", "pending"))),
        ("搁置待人处理", books.parked), ("丢失", books.lost), ("重复", books.doubled),
    ]  # fmt: skip
    for name, value in rows:
        table.add_row(name, str(value))
    return table
