"""`yiwang topology`: check a deployment's description, show it, make its keys, write everything that follows from it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from yiwang.kit.mesh import MeshPage
from yiwang.stack.registry import installed

from .check import check
from .containers import container_files
from .keys import CA, KeyRing, KeysMissing
from .model import Topology, TopologyNode
from .nats import Site
from .reading import TopologyError, load
from .relink import NoLink, relink
from .render import apply, beyond_reload, render
from .running import site_in
from .svg import draw
from .tree import summary, text_tree

FILE = click.argument("file", type=click.Path(path_type=Path))
SOON = dt.timedelta(days=60)


def _keys_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--keys", "keys", type=click.Path(path_type=Path), help="密钥目录（默认：拓扑文件旁的 <名称>.keys）"
    )(function)


@click.group("topology")
def command() -> None:
    """一个文件描述整个网络：检查、画图、生成密钥和全部配置。"""


@command.command("check")
@FILE
def check_command(file: Path) -> None:
    """检查拓扑文件，一次说出全部错误。"""
    topology = _good(file)
    click.echo(f"{topology.name} 没有错误：{summary(topology)}")


@command.command("show")
@FILE
@click.option("--svg", type=click.Path(path_type=Path), help="另画一张 SVG 图到这个文件")
def show_command(file: Path, svg: Path | None) -> None:
    """用文字（和 SVG 图）画出整个网络。"""
    topology = _good(file)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(text_tree(topology))
    console.print(summary(topology))
    if svg:
        svg.write_text(draw(topology), "utf-8")
        click.echo(f"图已写到 {svg}")


@command.command("render")
@FILE
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("rendered"), help="写到哪个目录（默认 ./rendered）"
)
@_keys_option
@click.option("--local", is_flag=True, help="服务器就在这台机器的输出目录里运行，不写容器用的文件")
def render_command(file: Path, out: Path, keys: Path | None, local: bool) -> None:
    """写出全部配置；只改动有变化的文件，并说出哪些服务器需要重载。"""
    topology, ring = _good(file), _ring(file, keys)
    try:
        files = render(topology, ring, site_in(out) if local else Site())
        files |= {} if local else container_files(topology, ring)
    except KeysMissing as error:
        raise click.ClickException(str(error)) from error
    page, first = out / "mesh.json", not (out / "mesh.json").exists()
    restart = [] if first else beyond_reload(msgspec.json.decode(page.read_bytes(), type=MeshPage).by_code, topology)
    changes = apply(files, out)
    click.echo(f"{out}：写了 {len(changes.written)} 个文件，删了 {len(changes.removed)} 个，其余不变")
    if not first and changes.servers:
        click.echo("需要启动、重载（SIGHUP）或停止的服务器：" + "、".join(changes.servers))
    for sentence in restart:
        click.echo(sentence)


@command.command("relink")
@FILE
@click.argument("code")
@_keys_option
def relink_command(file: Path, code: str, keys: Path | None) -> None:
    """重建 CODE 到上级的链路：几秒内自动重连，用上现在的权限，积压的事件自动补传。先重载上级的服务器。"""
    topology, ring = _good(file), _ring(file, keys)
    if code not in topology.by_code:
        raise click.ClickException(f"{topology.name} 里没有节点 {code}：请核对代码")
    try:
        many = asyncio.run(relink(topology, ring, code))
    except (KeysMissing, NoLink) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{code} 的 {many} 条链路已重新建立")


@command.group("keys", invoke_without_command=True)
@click.pass_context
def keys_group(context: click.Context) -> None:
    """私有 CA、证书和 nkey：生成、更换、查看有效期。种子和私钥从不显示。"""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@keys_group.command("make")
@FILE
@_keys_option
def keys_make(file: Path, keys: Path | None) -> None:
    """生成缺少的密钥；已有的不动。"""
    topology, ring = _good(file), _ring(file, keys)
    made = ring.make(topology, _now())
    click.echo(f"{ring.directory}：新做了 {len(made)} 份" + (f"（{_some(made)}）" if made else "，什么都不缺"))


@keys_group.command("show")
@FILE
@_keys_option
def keys_show(file: Path, keys: Path | None) -> None:
    """证书有效期，以及正在更换的密钥。"""
    topology, ring = _good(file), _ring(file, keys)
    now = _now()
    console = Console(soft_wrap=True, highlight=False)
    for name, end in _tried(ring.expiries, topology).items():
        style = "red" if end < now else "yellow" if end < now + SOON else "green"
        words = "已过期，请立即更换" if end < now else "即将到期，请更换" if end < now + SOON else "有效"
        console.print(f"{name}：{end:%Y-%m-%d} 到期，[{style}]{words}[/]")
    for name, state in ring.changing().items():
        console.print(f"{name}：[yellow]{state}[/]")


Act = Callable[[KeyRing, Topology, TopologyNode], Iterable[str]]
ActOnCa = Callable[[KeyRing, Topology], Iterable[str]]


def _step(name: str, text: str, done: str, done_ca: str, act: Act, act_on_ca: ActOnCa) -> None:
    @FILE
    @click.argument("code")
    @_keys_option
    def step(file: Path, code: str, keys: Path | None) -> None:
        topology, ring = _good(file), _ring(file, keys)
        if code == CA:
            changed = list(_tried(act_on_ca, ring, topology))
            click.echo(f"{_some(changed)}：{done_ca}")
            return
        if code not in topology.by_code:
            raise click.ClickException(f"{topology.name} 里没有节点 {code}：请核对代码（更换 CA 写 {CA}）")
        changed = list(_tried(act, ring, topology, topology.node(code)))
        click.echo(f"{'、'.join(changed)}：{done}")

    keys_group.command(name, help=f"{text}CODE 写 {CA} 时更换整个网络的 CA。")(step)


_step(
    "rotate", "为一个节点做新的密钥和证书，旧的继续使用。",
    "新旧都被接受。请运行 render，重载上级和本级的服务器，然后 keys switch",
    "新旧 CA 都被信任。请运行 render，重载全部服务器，然后 keys switch",
    lambda ring, topology, node: ring.rotate(topology, node, _now()),
    lambda ring, topology: ring.rotate_ca(topology, _now()),
)  # fmt: skip
_step(
    "switch", "让节点改用新的，旧的仍被接受。",
    "已改用新的。请运行 render，重载本级的服务器，换上 service.nk，然后 keys finish",
    "证书已由新 CA 签发。请运行 render，重载全部服务器，然后 keys finish",
    lambda ring, topology, node: ring.switch(topology, node),
    lambda ring, topology: ring.switch_ca(topology, _now()),
)  # fmt: skip
_step(
    "finish", "旧的作废。",
    "旧的已作废。请运行 render，重载上级和本级的服务器",
    "旧 CA 已作废。请运行 render，重载全部服务器",
    lambda ring, topology, node: ring.finish(topology, node),
    lambda ring, _: ring.finish_ca(),
)  # fmt: skip


def _tried(act: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return act(*arguments)
    except KeysMissing as error:
        raise click.ClickException(str(error)) from error


def _good(file: Path) -> Topology:
    """The topology in the file, without a mistake; else all of them and an end."""
    try:
        topology = load(file)
    except TopologyError as error:
        raise click.ClickException("\n".join(error.mistakes)) from error
    if mistakes := check(topology, profiles=_profiles(file), installed=installed()):
        raise click.ClickException(f"{file} 有 {len(mistakes)} 个错误：\n" + "\n".join(mistakes))
    return topology


def _profiles(file: Path) -> set[str] | None:
    """Names of the profiles beside the topologies' directory or below ours; None where there are none to look at."""
    for directory in (file.absolute().parent.parent / "profiles", Path("deploy/profiles")):
        if directory.is_dir():
            return {page.parent.name for page in directory.glob("*/profile.toml")}
    return None


def _ring(file: Path, keys: Path | None) -> KeyRing:
    return KeyRing(keys or file.with_suffix(".keys"))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _some(names: list[str]) -> str:
    return "、".join(names[:8]) + (f" 等 {len(names)} 份" if len(names) > 8 else "")
