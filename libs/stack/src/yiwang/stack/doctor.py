"""`yiwang doctor`: what is wrong on this machine, and how to mend it."""

from __future__ import annotations

import os
import platform
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console
from yiwang.stack import place
from yiwang.stack._process import ServerFailed
from yiwang.stack._reach import Unreachable, blocked_at, server_user
from yiwang.stack.embedded import Nats, Postgres, find_nats_server

FREE_GIB = 5
EARLIEST = 1_767_225_600
"""2026-01-01: a clock that says less is wrong (the program did not exist)."""


class Finding(msgspec.Struct, frozen=True):
    """One check: what was looked at, how it stands ("ok", "hint" or "bad"), and what to do when it is not ok."""

    what: str
    state: str
    say: str


def ok(what: str, say: str) -> Finding:
    """All is well."""
    return Finding(what, "ok", say)


def bad(what: str, say: str) -> Finding:
    """The mesh will not run until this is mended."""
    return Finding(what, "bad", say)


def hint(what: str, say: str) -> Finding:
    """The mesh runs, but something is missing or will be."""
    return Finding(what, "hint", say)


def check_python() -> Finding:
    """Python 3.11 to 3.13."""
    version = platform.python_version()
    if sys.version_info >= (3, 14):
        return hint("Python", f"{version} 未经测试：建议使用 3.11 至 3.13")
    return ok("Python", version)


def check_libc() -> Finding:
    """The PostgreSQL wheel needs glibc 2.34 (Debian 12, Ubuntu 22.04, openEuler 22.03 or newer)."""
    name, version = platform.libc_ver()
    if name != "glibc":
        return hint("glibc", "不是 glibc 系统：内嵌 PostgreSQL 不能用，请设置 YIWANG_DATABASE_URL 使用已有数据库")
    if tuple(map(int, version.split("."))) < (2, 34):
        return bad("glibc", f"{version} 低于 2.34：请升级系统，或设置 YIWANG_DATABASE_URL 使用已有数据库")
    return ok("glibc", version)


def check_user() -> Finding:
    """The user has a name: PostgreSQL refuses to run for a bare number."""
    number = os.geteuid()
    try:
        return ok("用户", pwd.getpwuid(number).pw_name)
    except KeyError:
        return bad("用户", f"用户号 {number} 没有名字，PostgreSQL 不肯运行：请用 useradd 建立用户，或换一个用户")


def check_nats() -> Finding:
    """A real nats-server starts and answers."""
    if url := os.environ.get("YIWANG_NATS_URL"):
        return ok("NATS", f"使用 {url.rpartition('@')[2]}")
    try:
        program = find_nats_server()
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        with Nats():
            return ok("NATS", f"{version}，能启动")
    except (ServerFailed, OSError, subprocess.CalledProcessError) as error:
        return bad("NATS", str(error))


def check_postgres() -> Finding:
    """A real PostgreSQL starts and answers."""
    if url := os.environ.get("YIWANG_DATABASE_URL"):
        return ok("PostgreSQL", f"使用 {url.rpartition('@')[2]}")
    try:
        with Postgres(durable=False) as postgres:
            return ok("PostgreSQL", f"{postgres.query('show server_version')}，能启动")
    except (ServerFailed, Unreachable, OSError) as error:
        return bad("PostgreSQL", str(error))


def check_data(data: Path) -> Finding:
    """The data directory can be written, and PostgreSQL's user can reach it."""
    data = data.absolute()
    existing = next(parent for parent in (data, *data.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        return bad("数据目录", f"不能写入 {existing}：请改变权限，或用 --data 另选目录")
    user = server_user()
    blocked = blocked_at(data, user) if user else None
    if blocked and user:
        return hint("数据目录", f"用户 {user.name} 进不了 {blocked}，数据库会放在 /var/lib/yiwang（或用 --data 另选）")
    return ok("数据目录", str(data))


def check_disk(data: Path) -> Finding:
    """Room for streams, database and photos."""
    data = data.absolute()
    existing = next(parent for parent in (data, *data.parents) if parent.exists())
    free = shutil.disk_usage(existing).free / 2**30
    if free < FREE_GIB:
        return bad("磁盘", f"{existing} 只剩 {free:.1f} GiB：请清出至少 {FREE_GIB} GiB，或用 --data 另选磁盘")
    return ok("磁盘", f"可用 {free:.0f} GiB")


def check_temp() -> Finding:
    """Temporary files can be executed from and written to."""
    with tempfile.TemporaryDirectory() as directory:
        free = shutil.disk_usage(directory).free / 2**30
        if free < 1:
            return bad("临时目录", f"{directory} 所在磁盘只剩 {free:.1f} GiB：请清理，或设置 TMPDIR")
        return ok("临时目录", str(Path(directory).parent))


def check_port(port: int, data: Path) -> Finding:
    """The HTTP port is free, or taken by our own node."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            run = place.running_at(data)
            if run and run.environ.get("YIWANG_HTTP_PORT") == str(port):
                return ok("端口", f"{port} 由正在运行的节点（进程 {run.pid}）使用")
            return bad("端口", f"{port} 不能使用（{error.strerror}）：请停止占用它的程序，或用 --port 另选")
    return ok("端口", f"{port} 空闲")


def check_clock() -> Finding:
    """The clock is plausible: limits and case numbers depend on it."""
    if time.time() < EARLIEST:
        today = time.strftime("%Y-%m-%d")
        return bad("时钟", f"系统时间是 {today}：时限和案号都会出错，请先校时（timedatectl set-ntp true）")
    return ok("时钟", time.strftime("%Y-%m-%d %H:%M:%S %z"))


def check_files() -> Finding:
    """Enough open files for two servers and their clients."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 1024:
        return bad("打开文件数", f"上限 {soft} 太低：请在 systemd 中设 LimitNOFILE=65536，或执行 ulimit -n 65536")
    return ok("打开文件数", str(soft))


def check_browser() -> Finding:
    """Chromium and Chinese fonts: only for the browser tests."""
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        return hint("浏览器", "没有 chromium，浏览器测试会跳过：apt-get install chromium fonts-noto-cjk")
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout
    if not fonts.strip():
        return hint("浏览器", "没有中文字体，截图会显示方块：apt-get install fonts-noto-cjk")
    return ok("浏览器", "chromium 和中文字体都在")


def findings(data: Path, port: int) -> Iterator[Finding]:
    """All checks, the quick ones first."""
    checks: tuple[Callable[[], Finding], ...] = (
        check_python,
        check_libc,
        check_user,
        check_clock,
        check_files,
        check_temp,
        lambda: check_data(data),
        lambda: check_disk(data),
        lambda: check_port(port, data),
        check_nats,
        check_postgres,
        check_browser,
    )
    for check in checks:
        yield check()


@click.command("doctor")
@click.option("--data", type=click.Path(path_type=Path), default=place.DEFAULT_DATA, help="数据目录（默认 ./var）")
@click.option("--port", default=8080, help="HTTP 端口")
def command(data: Path, port: int) -> None:
    """检查这台机器能不能运行一网，并说明怎样解决。"""
    console = Console(soft_wrap=True)
    marks = {"ok": ("✓", "green"), "hint": ("!", "yellow"), "bad": ("✗", "bold red")}
    worst = "ok"
    for finding in findings(data, port):
        mark, style = marks[finding.state]
        console.print(f"[{style}]{mark}[/] {finding.what}：{finding.say}", highlight=False)
        worst = finding.state if finding.state == "bad" or worst == "ok" else worst
    if worst == "bad":
        raise click.ClickException("请先解决上面标 ✗ 的问题")
    click.echo("可以运行：yiwang up")
