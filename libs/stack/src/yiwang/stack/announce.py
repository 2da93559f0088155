"""`yiwang config`: announce code sets, limits, calendars and matrices to the nodes below."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click
from yiwang.contracts import CONFIG_SETS, ConfigPublished
from yiwang.kit import operate
from yiwang.kit.announced import digest_of
from yiwang.kit.announced_parts import encode, pieces
from yiwang.stack import place
from yiwang.stack.parked import data_option
from yiwang.stack.replay import MOMENT, SHANGHAI
from yiwang.stack.up import in_loop


@click.group("config")
def command() -> None:
    """向下级发布代码集、时限、日历和责任矩阵。"""


@command.command("publish")
@click.argument("set_name", metavar="SET", type=click.Choice(list(CONFIG_SETS)))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--version", required=True, help="版本号；内容有变就要换")
@click.option("--valid-from", required=True, type=MOMENT, help="何时起用（北京时间），如 2027-01-01")
@click.option("--to", default="", help="只发给这一个下级（区划代码）；不写则发给所有下级")
@click.option("--title", default="", help="名称，下级会看到")
@data_option
def publish(set_name: str, file: Path, version: str, valid_from: dt.datetime, to: str, title: str, data: Path) -> None:
    """发布一个文件；下级自动采纳，不能采纳的答复原因。"""
    try:
        text = file.read_text("utf-8-sig")
        content, encoding = encode(text)
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file.name} 不是 UTF-8 文本：请另存为 UTF-8 后再发布") from error
    except ValueError as error:
        raise click.ClickException(f"{file.name} {error}") from error
    with place.node_at(data) as environ:
        kit = place.kit_of(environ)
        for part, parts, piece in pieces(content):
            event = ConfigPublished(
                addressee=to, set_name=set_name, version=version, valid_from=valid_from.replace(tzinfo=SHANGHAI),
                digest=digest_of(text), scope=to or kit.jurisdiction, title=title, content=piece, encoding=encoding,
                part=part, parts=parts,
            )  # fmt: skip
            in_loop(operate.say(kit, event))
    whom = to or "所有下级"
    click.echo(
        f"已向{whom}发布 {set_name} {version}，{valid_from:%Y-%m-%d %H:%M} 起用；答复见 GET /sync/config/sets/{set_name}/{version}"
    )
