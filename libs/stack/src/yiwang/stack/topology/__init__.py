"""One file describes a deployment (``deploy/topologies/*.toml``); everything else is made from it.

`load` reads it, `check` finds every mistake in it, `mesh_page` is what all its nodes know of each other.
"""

from .check import check
from .model import TIERS, Ports, Quotas, Server, ServicePlan, Topology, TopologyNode
from .pace import PACES
from .page import mesh_page
from .reading import TopologyError, load, read

__all__ = [
    "PACES",
    "TIERS",
    "Ports",
    "Quotas",
    "Server",
    "ServicePlan",
    "Topology",
    "TopologyError",
    "TopologyNode",
    "check",
    "load",
    "mesh_page",
    "read",
]
