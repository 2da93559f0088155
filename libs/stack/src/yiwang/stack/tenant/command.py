"""`yiwang tenant`: a hosted node moves to servers of its own (docs/operate.md, "Move a tenant")."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click
from yiwang.stack import place
from yiwang.stack.backup import Manifest
from yiwang.stack.mesh_status import variables
from yiwang.stack.tenant.move import export, open_up, seal, take_in, unseal
from yiwang.stack.up import in_loop

CODE = click.argument("code")
DATA = click.option(
    "--data", type=click.Path(path_type=Path), default=place.DEFAULT_DATA, help="数据目录（默认 ./var）"
)


@click.group("tenant")
def command() -> None:
    """承载在本级的平台迁往自己的服务器：封存、导出、导入、启用；启用之前可以取消。"""


@command.command("seal")
@CODE
@DATA
def seal_command(code: str, data: Path) -> None:
    """在原平台封存：办完手中的事，不再收新的，等上级收齐全部事件。"""
    with _node(data, code) as environ:
        last = in_loop(seal(environ))
    click.echo(f"{code} 已封存：事件到第 {last} 条，上级已全部收到。接着 tenant export；要取消用 tenant unseal")


@command.command("unseal")
@CODE
@DATA
@click.confirmation_option(prompt="新平台还没有 tenant open 吗？已启用就不能再取消", help="不再询问")
def unseal_command(code: str, data: Path) -> None:
    """在原平台取消迁移：解除封存，照常办理。"""
    with _node(data, code) as environ:
        in_loop(unseal(environ))
    click.echo(f"{code} 已解除封存，服务自动继续；导出的文件作废")


@command.command("export")
@CODE
@click.argument("directory", type=click.Path(path_type=Path))
@DATA
def export_command(code: str, directory: Path, data: Path) -> None:
    """在原平台把封存的数据库和消息流写到目录；它含个人信息，请专人携带。"""
    with _node(data, code) as environ:
        manifest = in_loop(export(environ, directory))
    click.echo(f"已导出到 {directory}：{_what(manifest)}。接着停掉这里的服务，换上新的拓扑，在新平台 tenant import")


@command.command("import")
@CODE
@click.argument("directory", type=click.Path(path_type=Path, exists=True))
@click.option("--replace", is_flag=True, help="替换新平台上已有的数据库和消息流")
@DATA
def import_command(code: str, directory: Path, replace: bool, data: Path) -> None:
    """在新平台装入导出的数据；仍是封存的，核对后 tenant open。"""
    with _node(data, code) as environ:
        manifest = in_loop(take_in(environ, directory, replace=replace))
    click.echo(f"已装入并核对：{_what(manifest)}。接着 tenant open，然后启动服务")


@command.command("open")
@CODE
@DATA
def open_command(code: str, data: Path) -> None:
    """在新平台启用：从这时起它是唯一的平台，原平台不能再解除封存。"""
    with _node(data, code) as environ:
        in_loop(open_up(environ))
    click.echo(f"{code} 已在新平台启用：请启动服务，并在上级用 yiwang mesh status 看链路")


@contextlib.contextmanager
def _node(data: Path, code: str) -> Iterator[dict[str, str]]:
    """The variables of the node *code*. Raises click.ClickException when they are another node's."""
    with variables(data, code) as environ:
        found = place.kit_of(environ).jurisdiction
        if found != code:
            raise click.ClickException(
                f"这里是 {found}，不是 {code}：请在 {code} 的环境里运行（YIWANG_* 变量或 --data）"
            )
        yield environ


def _what(manifest: Manifest) -> str:
    messages = sum(int(stream.state["messages"]) for stream in manifest.streams)
    return f"{len(manifest.streams)} 个流 {messages} 条消息和数据库"
