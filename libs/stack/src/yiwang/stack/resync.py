"""`yiwang resync`: ask a node below to tell its cases again, after a link was cut for longer than the streams keep."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path

import click
from yiwang.contracts import ResyncRequested, areas
from yiwang.kit import operate
from yiwang.stack import place
from yiwang.stack.parked import data_option
from yiwang.stack.replay import MOMENT, SHANGHAI
from yiwang.stack.up import in_loop


@click.command("resync")
@click.argument("node")
@click.option("--from", "since", required=True, type=MOMENT, help="补传哪天起变动过的案件（北京时间），如 2026-11-01")
@data_option
def command(node: str, since: dt.datetime, data: Path) -> None:
    """请一个下级平台把案件重新报送一遍：链路中断超过事件保存期之后使用。"""
    number = str(uuid.uuid4())
    with place.node_at(data) as environ:
        kit = place.kit_of(environ)
        if node == kit.jurisdiction or not areas.contains(kit.jurisdiction, node):
            raise click.ClickException(f"{node} 不在本级 {kit.jurisdiction} 之下：请在它的上级平台上运行此命令")
        event = ResyncRequested(
            addressee=node, resync_id=number, since=since.replace(tzinfo=SHANGHAI), reason="operator"
        )
        in_loop(operate.say(kit, event))
    click.echo(f"已请 {node} 补传 {since:%Y-%m-%d %H:%M} 以来的案件（请求号 {number}）；完成后见 GET /sync/resyncs")
