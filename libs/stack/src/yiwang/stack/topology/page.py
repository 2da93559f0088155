"""The mesh page: the public part of a topology, which every node of the deployment gets (``YIWANG_MESH``)."""

from __future__ import annotations

import msgspec
from yiwang.kit.mesh import MeshNode, MeshPage

from .model import Topology, TopologyNode


def mesh_page(topology: Topology) -> bytes:
    """mesh.json: no address, no port, no key. The same topology gives the same bytes."""
    page = MeshPage(topology=topology.name, version=topology.version, nodes=tuple(map(_node, topology.nodes)))
    return msgspec.json.format(msgspec.json.encode(page), indent=1)


def _node(node: TopologyNode) -> MeshNode:
    return MeshNode(
        code=node.code,
        name=node.name,
        tier=node.tier,
        parent=node.parent,
        klass=node.klass,
        host=node.host,
        database_gib=node.quotas.max_database_gib if node.host and node.quotas else 0.0,
        docked=node.docked,
        lacks=node.lacks,
        services=node.own_services,
        hosted=node.hosted_services,
        governance=node.governance,
    )
