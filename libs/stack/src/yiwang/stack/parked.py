"""`yiwang parked`: events that a service could not handle, and what a person decides about them."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import asyncpg
import click
from rich.console import Console
from rich.json import JSON
from rich.table import Table
from yiwang.kit import Service, operate
from yiwang.stack import place, registry
from yiwang.stack.up import in_loop

T = TypeVar("T")
Db: TypeAlias = "asyncpg.Connection[Any]"
data_option = click.option(
    "--data", type=click.Path(path_type=Path), default=place.DEFAULT_DATA, help="数据目录（默认 ./var）"
)
by_option = click.option("--by", default=getpass.getuser, help="谁作的决定（默认当前系统用户）")


@click.group("parked")
def command() -> None:
    """查看和处理无法自动处理的事件。"""


@command.command("list")
@click.argument("services", nargs=-1)
@data_option
def list_command(services: tuple[str, ...], data: Path) -> None:
    """列出各服务搁置的事件和原因。"""
    table = Table(title="搁置的事件", title_justify="left")
    for column in ("服务", "编号", "事件", "案件或报告", "搁置时间", "原因"):
        table.add_column(column, overflow="fold")
    with place.node_at(data) as environ:
        for service in registry.find_services(services or registry.installed()):
            for row in in_loop(_rows(service, environ)):
                table.add_row(service.name, *row)
    if table.row_count:
        Console().print(table)
    else:
        click.echo("没有搁置的事件")


@command.command("show")
@click.argument("service")
@click.argument("number", type=int)
@data_option
def show_command(service: str, number: int, data: Path) -> None:
    """显示一个搁置的事件：原因和全文。"""
    schema = _with_database(service).schema

    async def find(db: Db) -> operate.Parked | None:
        return next((row for row in await operate.parked(db, schema) if row.id == number), None)

    with place.node_at(data) as environ:
        row = in_loop(_with(environ, find))
    if row is None:
        raise click.ClickException(f"{service} 没有编号为 {number} 的搁置事件：请用 yiwang parked list 查看")
    console = Console()
    console.print(f"{row.tag}（{row.stream} 第 {row.seq} 条，{row.parked_at:%Y-%m-%d %H:%M:%S %Z}）")
    console.print(f"原因：{row.reason}")
    console.print(JSON(row.data.decode(errors="replace")))


@command.command("retry")
@click.argument("service")
@click.argument("number", type=int)
@by_option
@data_option
def retry_command(service: str, number: int, by: str, data: Path) -> None:
    """重新交给服务处理。"""
    schema = _with_database(service).schema
    with place.node_at(data) as environ:
        later = in_loop(_with(environ, lambda db: operate.retry(db, schema, number, by)))
    click.echo("已交回服务处理")
    if later:
        click.echo("注意：其后的事件已处理，本事件现在是乱序执行，请核对结果")


@command.command("drop")
@click.argument("service")
@click.argument("number", type=int)
@click.option("--why", required=True, help="为什么可以不处理（会与事件一起保存）")
@by_option
@data_option
def drop_command(service: str, number: int, why: str, by: str, data: Path) -> None:
    """决定不再处理；事件、决定人和理由都保留。"""
    schema = _with_database(service).schema
    with place.node_at(data) as environ:
        in_loop(_with(environ, lambda db: operate.drop(db, schema, number, by, why)))
    click.echo("已记录：不再处理")


def _with_database(name: str) -> Service:
    service = registry.find_service(name)
    if not service.database:
        raise click.ClickException(f"{name} 没有数据库：它搁置的事件只能用 yiwang parked list 查看，请由发出方重发")
    return service


async def _rows(service: Service, environ: Mapping[str, str]) -> list[tuple[str, str, str, str, str]]:
    if not service.database:
        found = await operate.parked_in_stream(place.kit_of(environ), service)
        return [(r["id"], r["Yiwang-Subject"], r["Yiwang-Key"], "", r["Yiwang-Reason"]) for r in found]

    async def query(db: Db) -> list[operate.Parked]:
        if not await db.fetchval("select to_regclass($1) is not null", f"{service.schema}.kit_parked"):
            return []
        return await operate.parked(db, service.schema)

    rows = await _connected(environ, query)
    return [(str(r.id), r.tag, r.key, f"{r.parked_at:%m-%d %H:%M:%S}", r.reason) for r in rows]


async def _connected(environ: Mapping[str, str], work: Callable[[Db], Awaitable[T]]) -> T:
    db = await asyncpg.connect(environ["YIWANG_DATABASE_URL"])
    try:
        return await work(db)
    finally:
        await db.close()


async def _with(environ: Mapping[str, str], work: Callable[[Db], Awaitable[T]]) -> T:
    """Do the work on the node's database; a refusal becomes the command's message."""
    try:
        return await _connected(environ, work)
    except (LookupError, ValueError) as error:
        raise click.ClickException(str(error)) from error
