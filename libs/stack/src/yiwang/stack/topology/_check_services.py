"""What is wrong with the services of a topology's nodes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from .model import ServicePlan, Topology, TopologyNode

KNOWN = (
    "intake", "grid", "dispatch", "enforcement", "national_sync", "notification", "evaluation", "people", "identity",
    "mesh",
)  # fmt: skip
"""Names that a topology may use. `evaluation` counts what the other services say; a node may have it done above."""
AT_HOME = ("mesh", "identity")
"""Nobody can do these for another node: its own links, its own accounts."""


def service_mistakes(topology: Topology, installed: Collection[str] | None) -> Iterator[str]:
    """Every mistake in who runs what for whom."""
    for node in topology.nodes:
        if node.docked:
            continue
        name = f"节点 {node.code}（{node.name}）" if node.name else f"节点 {node.code}"
        for service, plan in node.services.items():
            for mistake in _of_service(topology, node, service, plan, installed):
                yield f"{name}：{mistake}"
        linked = node.parent or topology.children(node.code)
        if node.runs_services and linked and "mesh" not in node.own_services:
            yield f"{name}：没有 mesh 服务就没有链路，请不要写 mesh = 0"


def _of_service(
    topology: Topology, node: TopologyNode, service: str, plan: ServicePlan, installed: Collection[str] | None
) -> Iterator[str]:
    if service not in KNOWN and service not in (installed or ()):
        yield f"不知道服务 {service}，请写 {'、'.join(KNOWN)} 之一"
    elif plan.hosted_by:
        yield from _hosted(topology, node, service, plan.hosted_by)
    elif plan.replicas < 1:
        yield f"服务 {service} 的 replicas = {plan.replicas}，请写至少 1；不运行请写 {service} = 0"
    elif installed is not None and node.runs_services and service not in installed:
        yield f"服务 {service} 没有安装，请安装它，或写 {service} = 0"


def _hosted(topology: Topology, node: TopologyNode, service: str, by: str) -> Iterator[str]:
    host = topology.by_code.get(by)
    if service in AT_HOME:
        yield f"服务 {service} 只能自己运行，请删去 {service} = {by!r}"
    elif host is None:
        yield f"服务 {service} 交给了不存在的节点 {by}，请改为它的某一级上级"
    elif by not in {above.code for above in topology.ancestors(node.code)}:
        yield f"服务 {service} 交给了 {by}，但那不是它的上级，请改为它的某一级上级"
    elif service not in host.own_services:
        yield f"服务 {service} 交给了 {by}，但 {by} 自己没有运行它，请在 {by} 增加 {service} 或改由别的上级运行"
