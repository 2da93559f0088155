"""What is wrong with a topology: every mistake at once, each a sentence that says who must do what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from yiwang.contracts.areas import contains, level_of

from ._check_services import service_mistakes
from .model import CLASS_NAMES, GOVERNANCE, TIER_NAMES, TIERS, Topology, TopologyNode
from .pace import PACES

Mistakes = Iterator[str]
SYNC = re.compile(r"^(always|\d+(ms|s|m|h))$")


def check(
    topology: Topology, *, profiles: Collection[str] | None = None, installed: Collection[str] | None = None
) -> list[str]:
    """Every mistake; none means that it can be rendered and run.

    With *profiles* (names of the profiles that exist) and *installed* (names of the services that are installed here)
    those are held against it too.
    """
    found = chain(
        _alone(topology),
        *(_of_node(topology, node) for node in topology.nodes),
        service_mistakes(topology, installed),
        _ports(topology),
        _profiles(topology, profiles),
    )
    return list(dict.fromkeys(found))


def at(node: TopologyNode) -> str:
    """How a sentence names a node."""
    return f"节点 {node.code}（{node.name}）" if node.name else f"节点 {node.code}"


def _alone(topology: Topology) -> Mistakes:
    if not topology.nodes:
        yield "nodes 是空的：请至少写一个节点"
    for code, times in Counter(node.code for node in topology.nodes).items():
        if times > 1:
            yield f"节点 {code} 写了 {times} 次：请只保留一次"
    tops = [node for node in topology.nodes if not node.parent]
    if len(tops) > 1:
        names = "、".join(node.code for node in tops)
        yield f"有 {len(tops)} 个节点没有上级（{names}）：一个网络只有一个最上级，请给其余节点写上 parent"


def _of_node(topology: Topology, node: TopologyNode) -> Mistakes:
    rules: tuple[Callable[[Topology, TopologyNode], Iterable[str]], ...] = (
        _words, _numbers, _upwards, _host, _quotas, _docked, _elsewhere,
    )  # fmt: skip
    for rule in rules:
        for mistake in rule(topology, node):
            yield f"{at(node)}：{mistake}"


def _words(_: Topology, node: TopologyNode) -> Mistakes:
    try:
        level_of(node.code)
    except ValueError:
        yield "code 不是区划代码，请写 6 位或 9 位代码（GB/T 2260、GB/T 10114）"
    if not node.name:
        yield "没有名称，请写 name"
    if node.tier not in TIERS:
        yield f"不知道层级 {node.tier!r}，请写 tier = {_one_of(TIERS)}"
    if node.klass not in CLASS_NAMES:
        yield f"不知道平台类别 {node.klass!r}，请写 class = {_one_of(CLASS_NAMES)}"
    if node.governance not in GOVERNANCE:
        yield f"不知道管理模式 {node.governance!r}，请写 governance = {_one_of(GOVERNANCE)}"
    if node.pace not in PACES:
        yield f"不知道步调 {node.pace!r}，请写 pace = {_one_of(PACES)}"
    if not SYNC.match(node.sync):
        yield f'sync = "{node.sync}" 不合格式，请写 "always" 或 "2m" 这样的间隔'


def _numbers(_: Topology, node: TopologyNode) -> Mistakes:
    if node.servers % 2 == 0 or not 1 <= node.servers <= 5:
        yield f"servers = {node.servers}：集群要能分出多数，请写 1、3 或 5"
    if node.retention_days < 1:
        yield f"retention_days = {node.retention_days}：请写至少 1 天，并长于链路可能中断的最长时间"
    if node.max_file_gib <= 0:
        yield f"max_file_gib = {node.max_file_gib:g}：请写大于 0 的容量"
    if not node.address:
        yield "address 是空的，请写服务器的主机名或地址"


def _upwards(topology: Topology, node: TopologyNode) -> Mistakes:
    if not node.parent:
        return
    parent = topology.by_code.get(node.parent)
    if node.parent == node.code:
        yield "把自己写成了上级，请改正 parent"
    elif parent is None:
        yield f"上级 {node.parent} 不存在，请在 nodes 里补上该节点，或改正 parent"
    elif _in_circle(topology, node):
        yield f"沿上级 {node.parent} 往上会回到自己，请改正这一圈里的某个 parent"
    else:
        yield from _below(node, parent)


def _below(node: TopologyNode, parent: TopologyNode) -> Mistakes:
    if node.tier in TIERS and parent.tier in TIERS and TIERS.index(parent.tier) >= TIERS.index(node.tier):
        yield f"{TIER_NAMES[node.tier]}节点的上级 {parent.code} 是{TIER_NAMES[parent.tier]}，请改为更高一级的节点"
    if not contains(parent.code, node.code):
        yield f"代码不在上级 {parent.code} 的范围内，请改正 code 或 parent"
    if parent.docked:
        yield f"上级 {parent.code} 是对接平台，没有链路可连，请把 parent 改为再上一级"


def _in_circle(topology: Topology, node: TopologyNode) -> bool:
    code, seen = node.parent, set[str]()
    while code in topology.by_code and code not in seen:
        if code == node.code:
            return True
        seen.add(code)
        code = topology.by_code[code].parent
    return False


def _host(topology: Topology, node: TopologyNode) -> Mistakes:
    if not node.host:
        return
    host = topology.by_code.get(node.host)
    if host is None:
        yield f"托管方 {node.host} 不存在，请在 nodes 里补上该节点，或改正 host"
        return
    if node.host not in {above.code for above in topology.ancestors(node.code)}:
        yield f"托管方 {node.host} 不是它的上级，请改为它的某一级上级"
    if not host.has_servers:
        yield f"托管方 {node.host} 自己没有服务器，请改为有服务器的上级（例如 {host.host or host.parent or '省级节点'}）"
    if node.servers != 1:
        yield "由别人托管，不能再写 servers，请删去"


def _quotas(topology: Topology, node: TopologyNode) -> Mistakes:
    if node.host and node.runs_services:
        if node.quotas is None:
            yield "由别人托管却没有配额，请写 quotas = { max_file_gib = … }"
        elif node.quotas.max_database_gib <= 0:
            yield "数据库配额太小，请把 max_database_gib 写成大于 0 的 GiB 数，或删去它（默认 50）"
        elif node.quotas.max_file_gib <= 0 or node.quotas.max_streams < 10 or node.quotas.max_consumers < 50:
            yield "配额太小，请至少给 max_file_gib 大于 0、max_streams 10、max_consumers 50"
    hosted = [each.quotas.max_file_gib for each in topology.carried_by(node.code) if each.quotas]
    if hosted and sum(hosted) > node.max_file_gib:
        yield f"托管的配额合计 {sum(hosted):g} GiB，超过 max_file_gib = {node.max_file_gib:g}，请加大它或减小配额"


def _docked(topology: Topology, node: TopologyNode) -> Mistakes:
    if not node.docked:
        return
    if node.services:
        yield f"是对接平台，不运行我们的服务，请删去 services（{'、'.join(node.services)}）"
    if node.host or node.elsewhere:
        yield "是对接平台，不能再写 host 或 elsewhere，请删去"
    if not node.parent:
        yield "是对接平台，必须有上级来接收它的数据，请写 parent"
    if not node.lacks:
        yield "是对接平台，请在 lacks 里用句子写明它缺少什么；什么都不缺也请写一句"


def _elsewhere(_: Topology, node: TopologyNode) -> Mistakes:
    if not node.elsewhere:
        return
    if node.host:
        yield "写了 elsewhere 就不能再写 host，请删去一个"
    if node.address in ("127.0.0.1", "localhost"):
        yield "服务器在别处，请写它的 address，链路要连到那里"


def _ports(topology: Topology) -> Mistakes:
    """No two listeners on one address and port."""
    taken: dict[tuple[str, int], str] = {}
    for node in topology.nodes:
        for where, what in _listeners(node):
            if not 1 <= where[1] <= 65_535:
                yield f"{at(node)}：{what} {where[1]} 不是端口号，请写 1 至 65535"
            elif where in taken:
                yield f"{at(node)}：{what} {where[0]}:{where[1]} 已被{taken[where]}占用，请改 offset、ports 或 address"
            else:
                taken[where] = f"节点 {node.code} 的{what}"


def _listeners(node: TopologyNode) -> Iterator[tuple[tuple[str, int], str]]:
    if node.has_servers:
        for server in node.server_list():
            yield (server.address, server.ports.client), "客户端口"
            yield (server.address, server.ports.leaf), "下级链路端口"
            yield (server.address, server.ports.monitor), "监控端口"
            if node.servers > 1:
                yield (server.address, server.ports.cluster), "集群端口"
    if node.runs_services:
        yield (node.server_list()[0].address, node.ports.http), "HTTP 端口"


def _profiles(topology: Topology, known: Collection[str] | None) -> Mistakes:
    for node in topology.nodes:
        if not node.runs_services:
            continue
        if not node.profile:
            yield f"{at(node)}：没有城市资料，请写 profile = deploy/profiles 下的目录名"
        elif known is not None and node.profile not in known:
            yield f"{at(node)}：没有城市资料 {node.profile}，请在 deploy/profiles 下建立它，或改用 {_one_of(known)}"


def _one_of(words: Iterable[str]) -> str:
    return "、".join(words) or "（还没有）"
