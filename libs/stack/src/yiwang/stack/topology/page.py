"""The mesh page: the public part of a topology, which every node of the deployment gets (``YIWANG_MESH``)."""

from __future__ import annotations

import msgspec

from .model import Topology, TopologyNode


class PageNode(msgspec.Struct, frozen=True, kw_only=True):
    """One node as everybody may know it: no address, no port, no key."""

    code: str
    name: str
    tier: str
    parent: str
    klass: str
    host: str
    docked: bool
    lacks: tuple[str, ...]
    services: tuple[str, ...]
    hosted: dict[str, str]
    governance: str


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The whole page."""

    topology: str
    version: str
    nodes: tuple[PageNode, ...]


def mesh_page(topology: Topology) -> bytes:
    """mesh.json. The same topology gives the same bytes."""
    page = Page(topology=topology.name, version=topology.version, nodes=tuple(map(_node, topology.nodes)))
    return msgspec.json.format(msgspec.json.encode(page), indent=1)


def _node(node: TopologyNode) -> PageNode:
    return PageNode(
        code=node.code,
        name=node.name,
        tier=node.tier,
        parent=node.parent,
        klass=node.klass,
        host=node.host,
        docked=node.docked,
        lacks=node.lacks,
        services=node.own_services,
        hosted=node.hosted_services,
        governance=node.governance,
    )
