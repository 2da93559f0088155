"""`yiwang up`: servers and services on one machine, and `yiwang run`: services alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table
from yiwang.kit import App, ConfigError, Service, migrate, serve
from yiwang.stack import place, registry
from yiwang.stack.embedded import Account, ServerFailed, Unreachable
from yiwang.stack.gateway import owners_of
from yiwang.stack.servers import Servers, find_servers
from yiwang.stack.supervise import Part, supervise

T = TypeVar("T")


class Plan(msgspec.Struct, frozen=True):
    """What `yiwang up` is to run.

    Attributes:
        services: names of services
        node: the node they serve
        data: the data directory
        port: HTTP port of the one process, or of the gateway before several
        processes: one process per service
    """

    services: tuple[str, ...]
    node: place.Wanted
    data: Path
    port: int
    processes: bool

    def port_of(self, name: str) -> int:
        """The HTTP port on which this service itself answers."""
        return self.port + 1 + self.services.index(name) if self.processes else self.port

    def parts(self, environ: Mapping[str, str]) -> dict[str, Part]:
        """The processes: each service on 127.0.0.1, and the gateway that makes them one address."""
        own = {"YIWANG_HTTP_HOST": "127.0.0.1"}
        found = {
            name: Part(("run", name), dict(environ) | own | {"YIWANG_HTTP_PORT": str(self.port_of(name))})
            for name in self.services
        }
        targets = [f"{name}=http://127.0.0.1:{self.port_of(name)}" for name in self.services]
        host = environ.get("YIWANG_HTTP_HOST", "127.0.0.1")
        found["gateway"] = Part(("gateway", *targets, "--host", host, "--port", str(self.port)), dict(environ))
        return found


@click.command("up")
@click.argument("services", nargs=-1)
@click.option("--profile", type=click.Choice(["county", "city"]), default="county", help="服务组合：区县五个，城市六个")
@click.option("--profile-dir", default="", help="城市配置目录（默认 deploy/profiles/shenzhen）")
@click.option("--data", type=click.Path(path_type=Path), default=place.DEFAULT_DATA, help="数据目录（默认 ./var）")
@click.option("--port", default=8080, help="HTTP 端口")
@click.option("--processes/--one-process", default=False, help="每个服务一个进程，前面一个网关")
def command(services: Sequence[str], profile: str, profile_dir: str, data: Path, port: int, processes: bool) -> None:
    """启动服务器和服务；Ctrl-C 全部停止，再次启动数据还在。"""
    names = tuple(dict.fromkeys(services)) or registry.SETS[profile]
    if not services and os.environ.get("YIWANG_DEV_PEOPLE") in ("1", "true"):
        names = (*names, "yiwang.kit.people:service")  # invented people, as whom one looks at the pages of a demo
    node = place.wanted(os.environ, profile_dir, "county" if profile == "county" else "city")
    plan = Plan(services=names, node=node, data=data, port=port, processes=processes)
    try:
        run_plan(plan, Console(stderr=True))
    except (ServerFailed, Unreachable) as error:
        raise click.ClickException(str(error)) from error


def run_plan(plan: Plan, console: Console) -> None:
    """Run the plan until it is told to stop. Raises click.ClickException or ServerFailed with a sentence."""
    services = registry.find_services(plan.services)
    with (
        place.locked(plan.data),
        find_servers(data=plan.data, accounts=[Account(plan.node.account)]) as servers,
    ):
        if servers.note:
            console.print(servers.note, style="yellow")
        place.remember(plan.data, plan.node)
        own = place.node_environ(servers, plan.node, plan.data, plan.port)
        os.environ.setdefault("YIWANG_LOG_JSON", "true" if plan.processes else "false")
        if "identity" in plan.services and os.environ.get("YIWANG_DEV_PEOPLE") not in ("1", "true"):
            issuer = f"http://127.0.0.1:{plan.port_of('identity')}/identity/jwks.json"
            own["YIWANG_JWKS"] = os.environ.get("YIWANG_JWKS", issuer)
        environ = dict(os.environ) | own
        os.environ.update(own)
        show_applied(in_loop(migrate(services, own["YIWANG_DATABASE_URL"])), console)
        table = what_runs(plan, services, servers, own)
        with place.announced(plan.data, own):
            if plan.processes:
                owners_of(zip(plan.services, services, strict=True))  # a clash is told before anything starts
                supervise(plan.parts(environ), console, lambda: console.print(table))
            else:
                serve_here(services, environ, lambda _: console.print(table))
    console.print("已全部停止，数据在 " + str(plan.data.absolute()), style="green")


@click.command("run")
@click.argument("services", nargs=-1, required=True)
@click.option("--migrated", is_flag=True, help="数据库结构由 yiwang migrate 负责，启动时不动它（多副本升级时用）")
def run_command(services: Sequence[str], migrated: bool) -> None:
    """在一个进程里运行指定的服务（名称，或 模块:变量）；服务器和节点来自 YIWANG_* 环境变量。"""
    serve_here(registry.find_services(services), os.environ, lambda _: None, migrated=migrated)


@click.command("migrate")
@click.argument("services", nargs=-1)
@click.option("--phase", type=click.Choice(["pre", "post"]), default="post", help="pre 只做新旧版本都能用的步骤")
@click.option("--data", type=click.Path(path_type=Path), default=place.DEFAULT_DATA, help="数据目录（默认 ./var）")
def migrate_command(services: Sequence[str], phase: str, data: Path) -> None:
    """升级数据库结构：升级程序前 --phase pre，升级后 --phase post。"""
    found = registry.find_services(services or registry.installed())
    with place.node_at(data) as environ:
        show_applied(in_loop(migrate(found, environ["YIWANG_DATABASE_URL"], phase)), Console(stderr=True))


def serve_here(
    services: Sequence[Service],
    environ: Mapping[str, str],
    ready: Callable[[Sequence[App]], Any],
    *,
    migrated: bool = False,
) -> None:
    """Serve in this process until SIGINT or SIGTERM. Raises click.ClickException for a wrong configuration."""
    try:
        in_loop(serve(*services, environs=[environ], ready=ready, migrated=migrated))
    except ConfigError as error:
        raise click.ClickException("配置有误：\n" + "\n".join(error.mistakes)) from error


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine in a fresh event loop, uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def show_applied(applied: Sequence[str], console: Console) -> None:
    """Say which migrations were applied."""
    console.print(f"数据库结构：执行了 {len(applied)} 步" if applied else "数据库结构已是最新", style="dim")


def what_runs(plan: Plan, services: Sequence[Service], servers: Servers, environ: Mapping[str, str]) -> Table:
    """The table of what runs where."""
    table = Table(title=f"一网 · {plan.node.jurisdiction}", title_justify="left")
    for column in ("名称", "地址", "说明"):
        table.add_column(column, overflow="fold")
    for name, service in zip(plan.services, services, strict=True):
        heard = f"订阅 {len(service.subscriptions)} 种事件" if service.subscriptions else "不订阅事件"
        table.add_row(service.name, f"http://127.0.0.1:{plan.port_of(name)}", heard)
    kinds = {"given": "外部服务器", "container": "容器", "embedded": "内嵌"}
    nats = f"{kinds[servers.nats_kind]}，账户 {plan.node.account}"
    table.add_row("NATS", _without_login(environ["YIWANG_NATS_URL"]), nats)
    table.add_row("PostgreSQL", _without_login(environ["YIWANG_DATABASE_URL"]), kinds[servers.postgres_kind])
    if "dispatch" in plan.services:
        table.add_row("办案工作台", f"http://127.0.0.1:{plan.port}/worklist", "登录后办理案件")
    table.add_row("接口文档", f"http://127.0.0.1:{plan.port}/schema", "OpenAPI")
    table.add_row("数据", str(plan.data.absolute()), f"配置 {plan.node.profile or '内置'}")
    return table


def _without_login(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
