"""`yiwang mesh status`: the whole tree below a node, as the node knows it.

It asks the mesh service over the node's own NATS account, so it needs no login and works when the links are cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree
from yiwang.kit.link import connect
from yiwang.stack import place
from yiwang.stack.refusals import refused_command

SUBJECT = "yw-mesh.status"
LOCAL = dt.timezone(dt.timedelta(hours=8))
STATES = {
    "here": ("本节点", "cyan"), "ok": ("正常", "green"), "late": ("滞后", "yellow"), "stalled": ("停滞", "bold red"),
    "cut": ("中断", "bold red"), "never": ("从未连通", "red"), "silent": ("无心跳", "red"), "docked": ("对接平台", "magenta"),
    "hidden": ("看不到", "yellow"),
}  # fmt: skip
CLASSES = {"basic": "基础型", "standard": "通用型", "smart": "智慧型"}


@click.group("mesh")
def command() -> None:
    """网络：省、市、县各节点之间的链路。"""


command.add_command(refused_command)


@command.command("status")
@click.option("--data", type=click.Path(path_type=Path), default=place.DEFAULT_DATA, help="数据目录（默认 ./var）")
@click.option("--node", default="", help="一台机器上有多个节点时，从哪个节点看（区划代码）")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def status(data: Path, node: str, as_json: bool) -> None:
    """看本节点及其下级：谁今天没有上报、数据截至何时、积压、被拒、对接平台缺什么；有告警时退出码为 1。"""
    with variables(data, node) as environ:
        found = asyncio.run(ask(environ))
    if error := found.get("error"):
        raise click.ClickException(str(error))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1))
    else:
        Console().print(picture(found))
    raise SystemExit(1 if found["alarms"] or found.get("page_broken") else 0)


def variables(data: Path, node: str) -> Any:
    """The variables of the node: of a network in the data directory, else as every other command finds them."""
    book = data / "network.json"
    if not book.exists():
        return place.node_at(data)
    nodes = msgspec.json.decode(book.read_bytes(), type=dict[str, dict[str, str]])
    code = node or next(iter(nodes))
    if code not in nodes:
        raise click.ClickException(f"{data} 的网络里没有节点 {code}：请从 {'、'.join(nodes)} 中选一个")
    return contextlib.nullcontext(nodes[code])


async def ask(environ: Mapping[str, str], wait: float = 10.0) -> dict[str, Any]:
    """The answer of the node's mesh service. Raises click.ClickException when nobody answers."""
    import nats.errors

    kit = place.kit_of(environ)
    try:
        async with asyncio.timeout(wait):
            nc = await connect(kit, "yiwang-mesh-status")
    except (OSError, TimeoutError, nats.errors.Error) as error:
        raise click.ClickException(f"连不上本节点的 NATS（{error!r:.100}）：请先启动它") from error
    try:
        answer = await nc.request(SUBJECT, b"", timeout=wait)
    except (nats.errors.NoRespondersError, nats.errors.TimeoutError) as error:
        raise click.ClickException("本节点的 mesh 服务没有应答：请检查它是否在运行（yiwang up 会一并启动）") from error
    finally:
        await nc.close()
    found: dict[str, Any] = msgspec.json.decode(answer.data)
    return found


def picture(found: Mapping[str, Any]) -> Group:
    """What a person sees: the table, what docked platforms lack, and the alarms."""
    parts: list[Any] = [table(found)]
    lacking = [p for p in found["places"] if p.get("lacks")]
    if lacking:
        tree = Tree("缺项")
        for one in lacking:
            branch = tree.add(
                f"{one['name']} {one['code']}（{STATES['docked'][0] if one['state'] == 'docked' else '自有平台'}）"
            )
            for sentence in one["lacks"]:
                branch.add(sentence)
        parts.append(tree)
    unsent = not_today(found)
    if unsent:
        parts.append(Text("今天还没有数据：" + "、".join(unsent), style="yellow"))
    if broken := found.get("page_broken"):
        parts.append(Text(f"新的网络页不能用，仍按旧页运行：{broken}", style="bold red"))
    if found["alarms"]:
        parts.append(Text("告警", style="bold red"))
        called = {p["code"]: p["name"] or p["code"] for p in found["places"]}
        for alarm in found["alarms"]:
            parts.append(
                Text(f"  {called.get(alarm['node'], alarm['node'])}（{clock(alarm['since'])} 起）：{alarm['sentence']}")
            )
    else:
        parts.append(Text("没有告警", style="green"))
    return Group(*parts)


def table(found: Mapping[str, Any]) -> Table:
    """One line for each place of the subtree."""
    title = f"网络 {found['topology']} · 从 {found['node']} 看 · {clock(found['at'])}"
    grid = Table(title=title, title_justify="left")
    for name in ("地区", "链路"):
        grid.add_column(name, no_wrap=True)
    for name in ("截至", "积压", "最早未送", "上行", "下行", "今日上报/已到", "最近一件", "被拒", "待人工"):
        grid.add_column(name, justify="right")
    grid.add_column("版本")
    depth = {found["node"]: 0}
    for one in found["places"]:
        depth.setdefault(one["code"], depth.get(one["parent"], 0) + 1)
        grid.add_row(*line(one, depth[one["code"]], found["version"]))
    return grid


def line(one: Mapping[str, Any], depth: int, page: str) -> list[Text | str]:
    """The cells of one place; *page* is the version of the mesh page here."""
    called, style = STATES.get(one["state"], (one["state"], ""))
    above = next((x for x in one.get("links", ()) if x["direction"] == "down"), None)
    if one["state"] == "here" and above and above["state"] != "ok":
        trouble, style = STATES[above["state"]]
        called = f"{called}（与上级{trouble}）"
    hosted = f"（由 {one['host']} 承载）" if one["host"] else ""
    return [
        f"{'  ' * depth}{one['name'] or one['code']} {one['code']}{hosted} {CLASSES.get(one['klass'], '')}",
        Text(called, style=style),
        clock(one["as_of"]),
        str(one["lag"]) if one["lag"] else "",
        age(one["unsent_s"]),
        f"{one['up_ms']:.0f} ms" if one["up_ms"] else "",
        f"{one['down_ms']:.0f} ms" if one["down_ms"] else "",
        f"{one['cases_today']}/{one['cases_here']}",
        clock(one["last_case_at"]),
        str(one["refused"]) if one["refused"] else "",
        str(one["parked"]) if one["parked"] else "",
        one["version"] + ("（网络页不同）" if one.get("page") and one["page"] != page else ""),
    ]


def not_today(found: Mapping[str, Any]) -> list[str]:
    """Places from which nothing of today has arrived: no heartbeat, and no case of their own or from below them."""
    today = moment(found["at"]).astimezone(LOCAL).date()
    below: dict[str, int] = {}
    for one in reversed(found["places"]):
        total = below.get(one["code"], 0) + one["cases_here"]
        below[one["code"]] = total
        below[one["parent"]] = below.get(one["parent"], 0) + total
    names = []
    for one in found["places"]:
        heard = one["as_of"] and moment(one["as_of"]).astimezone(LOCAL).date() == today
        if not heard and not below.get(one["code"]):
            names.append(one["name"] or one["code"])
    return names


def moment(text: str) -> dt.datetime:
    """A time of the answer."""
    return dt.datetime.fromisoformat(text)


def clock(text: str | None) -> str:
    """The time of day, with the date when it isn't today's."""
    if not text:
        return "—"
    local = moment(text).astimezone(LOCAL)
    same = local.date() == dt.datetime.now(LOCAL).date()
    return local.strftime("%H:%M:%S" if same else "%m-%d %H:%M")


def age(seconds: float) -> str:
    """How old, in the largest unit that fits."""
    for unit, size in (("天", 86400), ("小时", 3600), ("分", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} 秒" if seconds else ""
