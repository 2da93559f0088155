"""`yiwang replay`: fill or mend a read model from the streams and from the owners of the cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import click
from yiwang.kit import Service, operate
from yiwang.stack import place, registry
from yiwang.stack.parked import data_option
from yiwang.stack.up import in_loop

SHANGHAI = dt.timezone(dt.timedelta(hours=8))
MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.command("replay")
@click.argument("service")
@click.option("--from", "since", required=True, type=MOMENT, help="从哪天起（北京时间），如 2026-11-01")
@click.option("--snapshots/--rewind", default=True, help="请案件的所有者重发快照（默认），或把已停止的服务退回重读")
@data_option
def command(service: str, since: dt.datetime, snapshots: bool, data: Path) -> None:
    """让一个服务从某天起重新得到事件，用来填补或重建它的数据。"""
    begin = since.replace(tzinfo=SHANGHAI)
    found = registry.find_service(service)
    with place.node_at(data) as environ:
        if snapshots:
            number = in_loop(operate.request_snapshots(place.kit_of(environ), found.schema, begin))
            click.echo(f"已请求重发 {begin:%Y-%m-%d %H:%M} 以来的案件快照（请求号 {number}）")
            return
        if not found.database:
            raise click.ClickException(f"{service} 没有数据库，没有可退回的读取位置：请用 --snapshots")
        moved = in_loop(_rewind(found, environ, begin))
    for stream, seq in moved.items():
        click.echo(f"{stream} 退回到第 {seq} 条之后")
    if not moved:
        click.echo(f"{service} 还没有读过任何事件，不需要退回")


async def _rewind(service: Service, environ: Mapping[str, str], since: dt.datetime) -> dict[str, int]:
    db: asyncpg.Connection[Any] = await asyncpg.connect(environ["YIWANG_DATABASE_URL"])
    try:
        return await operate.rewind(db, place.kit_of(environ), service.schema, since)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
    finally:
        await db.close()
