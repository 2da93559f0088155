"""The mesh as a tree of text for a terminal."""

from __future__ import annotations

from rich.text import Text
from rich.tree import Tree

from .model import CLASS_NAMES, TIER_NAMES, Topology, TopologyNode

SERVICE_NAMES = {
    "intake": "受理", "grid": "网格", "dispatch": "派遣", "enforcement": "执法", "national_sync": "上报",
    "notification": "通知", "evaluation": "评价", "people": "人员", "identity": "账号", "mesh": "链路",
}  # fmt: skip
"""What people call the services."""
UNSAID = ("mesh", "identity")
"""Every node has them: not worth a word."""


def text_tree(topology: Topology) -> Tree:
    """The whole mesh, each node on a line below its parent."""
    top = Tree(Text(topology.title or topology.name, style="bold"), guide_style="dim")
    for node in topology.nodes:
        if not node.parent:
            _add(topology, node, top)
    return top


def summary(topology: Topology) -> str:
    """How many nodes and servers of each kind."""
    tiers = [f"{TIER_NAMES[tier]} {count}" for tier in TIER_NAMES if (count := _count(topology, tier))]
    servers = sum(node.servers for node in topology.with_servers)
    others = [
        f"{word} {count}"
        for word, count in (
            ("托管", sum(bool(node.host) for node in topology.nodes)),
            ("对接", sum(node.docked for node in topology.nodes)),
            ("在别处", sum(node.elsewhere for node in topology.nodes)),
        )
        if count
    ]
    return f"{len(topology.nodes)} 个节点（{'，'.join([*tiers, *others])}），{servers} 台 NATS 服务器"


def _add(topology: Topology, node: TopologyNode, branch: Tree) -> None:
    twig = branch.add(_line(topology, node))
    for child in topology.children(node.code):
        _add(topology, child, twig)


def _line(topology: Topology, node: TopologyNode) -> Text:
    line = Text(node.name, style="bold" if node.has_servers else "")
    line.append(f" {node.code}", style="cyan")
    line.append(f"  {CLASS_NAMES.get(node.klass, node.klass)}", style="dim")
    for words, style in _remarks(topology, node):
        line.append(f"  {words}", style=style)
    return line


def _remarks(topology: Topology, node: TopologyNode) -> list[tuple[str, str]]:
    if node.docked:
        return [("对接平台：" + "；".join(node.lacks), "yellow")]
    if node.elsewhere:
        return [(f"在别处（{node.address}）", "magenta")]
    found = []
    if node.host:
        found.append((f"托管于{topology.node(node.host).name}", "blue"))
    elif node.servers > 1:
        found.append((f"{node.servers} 台服务器", "green"))
    found += [(words, "dim") for words in (_own(node), _hosted(topology, node)) if words]
    return found


def _own(node: TopologyNode) -> str:
    names = [
        SERVICE_NAMES.get(name, name) + (f"×{plan.replicas}" if plan.replicas > 1 else "")
        for name, plan in node.services.items()
        if not plan.hosted_by and name not in UNSAID
    ]
    return "·".join(names)


def _hosted(topology: Topology, node: TopologyNode) -> str:
    by: dict[str, list[str]] = {}
    for service, host in node.hosted_services.items():
        by.setdefault(host, []).append(SERVICE_NAMES.get(service, service))
    return "；".join(f"{'、'.join(names)}由{topology.node(host).name}代办" for host, names in by.items())


def _count(topology: Topology, tier: str) -> int:
    return sum(node.tier == tier for node in topology.nodes)
