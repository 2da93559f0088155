"""A data directory and what a running node there wrote into it, so that other commands find the node.

`yiwang up` keeps `run.json` (readable by its owner only: it holds passwords) with its process id and the YIWANG_*
variables of the node. A command takes the variables from its own environment, else from the running node, else it
starts the embedded servers of the data directory for as long as it needs them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from yiwang.kit import Kit, load
from yiwang.stack._nats_server import write_private
from yiwang.stack.embedded import Account
from yiwang.stack.servers import Servers, find_servers

DEFAULT_DATA = Path("var")


class Run(msgspec.Struct, frozen=True):
    """A running node: the process that runs it and the variables its services got."""

    pid: int
    environ: dict[str, str]


class Wanted(msgspec.Struct, frozen=True):
    """Which node to run: its jurisdiction (GB/T 2260 or longer), its tier and its profile directory ("" = none)."""

    jurisdiction: str = "440300"
    tier: str = "city"
    profile: str = ""

    @property
    def database(self) -> str:
        """The node's database."""
        return f"yw_{self.jurisdiction}"

    @property
    def account(self) -> str:
        """The node's NATS account."""
        return f"n{self.jurisdiction}"


def wanted(environ: Mapping[str, str], profile: str = "", tier: str = "city") -> Wanted:
    """The node that a profile directory and the environment describe; YIWANG_* variables win over the profile.

    Raises click.ClickException when the profile directory is not one.
    """
    directory = profile or environ.get("YIWANG_PROFILE", "") or _shipped_profile()
    described: dict[str, Any] = {}
    if directory:
        page = Path(directory) / "profile.toml"
        if not page.is_file():
            raise click.ClickException(f"{directory} 里没有 profile.toml：请用 --profile-dir 指向一个城市配置目录")
        content = tomllib.loads(page.read_text())
        described = content.get("profile", {})
    return Wanted(
        jurisdiction=environ.get("YIWANG_JURISDICTION") or str(described.get("jurisdiction", "440300")),
        tier=environ.get("YIWANG_TIER") or tier,
        profile=str(Path(directory).absolute()) if directory else "",
    )


def _shipped_profile() -> str:
    shipped = Path("deploy/profiles/shenzhen")
    return str(shipped) if (shipped / "profile.toml").is_file() else ""


def node_environ(servers: Servers, node: Wanted, data: Path, http_port: int) -> dict[str, str]:
    """The YIWANG_* variables of a node on these servers; creates its database where missing."""
    return {
        "YIWANG_NATS_URL": servers.nats.url(node.account),
        "YIWANG_DATABASE_URL": servers.postgres.create_database(node.database),
        "YIWANG_JURISDICTION": node.jurisdiction,
        "YIWANG_TIER": node.tier,
        "YIWANG_HTTP_PORT": str(http_port),
        "YIWANG_DEV_KEYS": str(data.absolute() / "keys"),
        **({"YIWANG_PROFILE": node.profile} if node.profile else {}),
        **({"YIWANG_EMBEDDED": "true"} if "embedded" in (servers.nats_kind, servers.postgres_kind) else {}),
        **({"YIWANG_STREAM_MAX_GIB": stream_share(data)} if servers.nats_kind == "embedded" else {}),
    }


def stream_share(data: Path) -> str:
    """GiB that each of the node's four streams may take: together at most half of the free disk, 20 each at the most.

    YIWANG_STREAM_MAX_GIB, where it says a size, goes before.
    """
    free = shutil.disk_usage(data.absolute()).free / 2**30
    said = os.environ.get("YIWANG_STREAM_MAX_GIB", "")
    return said if said.strip("0.") else f"{min(20.0, free / 8):.2f}"


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the data directory; raises click.ClickException when another process holds it."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            running = running_at(data)
            who = f"进程 {running.pid}" if running else "另一个进程"
            raise click.ClickException(f"{who} 正在使用数据目录 {data}：请先停止它，或用 --data 另选目录") from None
        yield


@contextlib.contextmanager
def announced(data: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Let other commands find this node while inside."""
    page = data / "run.json"
    write_private(page, msgspec.json.encode(Run(os.getpid(), dict(environ))))
    try:
        yield
    finally:
        page.unlink(missing_ok=True)


def running_at(data: Path) -> Run | None:
    """The node that runs in the data directory, or None."""
    try:
        run = msgspec.json.decode((data / "run.json").read_bytes(), type=Run)
        os.kill(run.pid, 0)
    except (OSError, msgspec.DecodeError):
        return None
    return run


@contextlib.contextmanager
def node_at(data: Path, environ: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """The variables of the node to work on; see the module for the order. Raises click.ClickException without one."""
    if environ.get("YIWANG_NATS_URL") and environ.get("YIWANG_DATABASE_URL"):
        yield {name: value for name, value in environ.items() if name.startswith("YIWANG_")}
        return
    if run := running_at(data):
        yield run.environ
        return
    book = data / "node.json"
    if not book.exists():
        raise click.ClickException(
            f"{data} 里没有节点：请用 --data 指向 yiwang up 的数据目录，或设置 YIWANG_NATS_URL 和 YIWANG_DATABASE_URL"
        )
    node = msgspec.json.decode(book.read_bytes(), type=Wanted)
    with locked(data), find_servers(environ, data=data, accounts=[Account(node.account)]) as servers:
        yield node_environ(servers, node, data, 0)


def remember(data: Path, node: Wanted) -> None:
    """Keep which node lives here; raises click.ClickException when it is another one than before."""
    book = data / "node.json"
    if book.exists():
        before = msgspec.json.decode(book.read_bytes(), type=Wanted)
        if before.jurisdiction != node.jurisdiction:
            raise click.ClickException(
                f"{data} 是 {before.jurisdiction} 的数据，不能用来运行 {node.jurisdiction}：请用 --data 另选目录"
            )
    write_private(book, msgspec.json.encode(node))


def kit_of(environ: Mapping[str, str]) -> Kit:
    """The kit's configuration from these variables."""
    return load(Kit, environ, "YIWANG")
