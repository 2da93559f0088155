"""The one description of a deployment: which places are nodes, who is above whom, and whose servers carry whom."""

from __future__ import annotations

from functools import cached_property

import msgspec

TIERS = ("province", "city", "county")
"""From the top down."""
TIER_NAMES = {"province": "省级", "city": "市级", "county": "县级"}
CLASS_NAMES = {"basic": "基础型", "standard": "通用型", "smart": "智慧型"}
GOVERNANCE = ("one_supervise_two_command", "two_supervise_two_command", "single")
"""一级监督两级指挥, 两级监督两级指挥, 一级监督一级指挥: as the profiles name them."""


class ServicePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One service at one node: its own with so many replicas, or `hosted_by` the node that acts for it."""

    replicas: int = 1
    hosted_by: str = ""


class Quotas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a hosted node may take of its host's JetStream, and of its host's database server (which it watches itself)."""

    max_file_gib: float = 20.0
    max_database_gib: float = 50.0
    max_streams: int = 60
    max_consumers: int = 600


class Ports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a node listens; every server of a cluster has the same ones, unless all stand on one address."""

    client: int = 4222
    leaf: int = 7422
    cluster: int = 6222
    monitor: int = 8222
    http: int = 8080

    def moved(self, by: int) -> Ports:
        """The same ports, each *by* higher (the HTTP port too)."""
        return Ports(self.client + by, self.leaf + by, self.cluster + by, self.monitor + by, self.http + by)


class Server(msgspec.Struct, frozen=True):
    """One nats-server of a node."""

    name: str
    address: str
    ports: Ports


class TopologyNode(msgspec.Struct, frozen=True, kw_only=True):
    """A place with cases.

    Attributes:
        code: its area code, which is its jurisdiction and its node id
        parent: the node above it; "" at the top of this deployment
        klass: basic, standard or smart (CJJ/T 312-2021 names the classes 基础型, 通用型, 智慧型)
        host: "" = servers of its own; else the node whose servers carry its account and its database
        docked: another maker's platform: no services of ours, it takes part by the inbound exchange
        lacks: what a docked platform can't do, as sentences
        elsewhere: its servers are described in another file; nothing is rendered for it
        sync: when JetStream flushes to disk: "always" or an interval such as "2m"
        servers: 1, or 3 for a cluster
        pace: prompt, or calm for a small node on a machine that it shares (`pace`)
        address: host name of its servers; ``{server}`` stands for the server's name
    """

    code: str
    name: str
    tier: str
    parent: str = ""
    klass: str
    host: str = ""
    docked: bool = False
    lacks: tuple[str, ...] = ()
    elsewhere: bool = False
    services: dict[str, ServicePlan] = {}
    governance: str = GOVERNANCE[0]
    profile: str = ""
    retention_days: int = 30
    sync: str = "2m"
    servers: int = 1
    pace: str = "prompt"
    max_file_gib: float = 200.0
    quotas: Quotas | None = None
    address: str = "127.0.0.1"
    ports: Ports = Ports()

    @property
    def account(self) -> str:
        """Its NATS account."""
        return f"n{self.code}"

    @property
    def database(self) -> str:
        """Its PostgreSQL database."""
        return f"yw_{self.code.lower()}"

    @property
    def has_servers(self) -> bool:
        """Whether this file describes servers for it."""
        return not (self.host or self.docked or self.elsewhere)

    @property
    def runs_services(self) -> bool:
        """Whether processes of ours run for it by this file: on its own servers or on its host's."""
        return not (self.docked or self.elsewhere)

    @property
    def own_services(self) -> tuple[str, ...]:
        """Names of the services that it runs itself."""
        return tuple(name for name, plan in self.services.items() if not plan.hosted_by)

    @property
    def hosted_services(self) -> dict[str, str]:
        """service → the node that acts for it."""
        return {name: plan.hosted_by for name, plan in self.services.items() if plan.hosted_by}

    def server_list(self) -> tuple[Server, ...]:
        """Its nats-servers: ``n440100``, or ``n440000-1`` to ``n440000-3``. On one address their ports differ."""
        if self.servers == 1:
            return (Server(self.account, self.address.format(server=self.account), self.ports),)
        shared = "{server}" not in self.address
        names = [f"{self.account}-{i}" for i in range(1, self.servers + 1)]
        return tuple(
            Server(name, self.address.format(server=name), self.ports.moved(i) if shared else self.ports)
            for i, name in enumerate(names)
        )


class Topology(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All nodes of one deployment, in the file's order."""

    name: str
    title: str = ""
    version: str = ""
    nodes: tuple[TopologyNode, ...]

    @cached_property
    def by_code(self) -> dict[str, TopologyNode]:
        """code → node."""
        return {node.code: node for node in self.nodes}

    def node(self, code: str) -> TopologyNode:
        """The node of *code*. Raises KeyError."""
        return self.by_code[code]

    def children(self, code: str) -> tuple[TopologyNode, ...]:
        """The nodes directly below *code*."""
        return tuple(node for node in self.nodes if node.parent == code)

    def ancestors(self, code: str) -> tuple[TopologyNode, ...]:
        """The nodes above *code*, the nearest first. Ends where a parent is missing or comes round again."""
        found: list[TopologyNode] = []
        above = self.by_code.get(self.by_code[code].parent)
        while above is not None and above.code != code and above not in found:
            found.append(above)
            above = self.by_code.get(above.parent)
        return tuple(found)

    def carrier(self, code: str) -> TopologyNode:
        """The node whose servers carry *code*: itself, or its host."""
        node = self.by_code[code]
        return self.by_code[node.host] if node.host else node

    def domain(self, code: str) -> str:
        """The JetStream domain in which *code*'s streams lie: a server has one, so a hosted node has its host's."""
        return self.carrier(code).account

    def carried_by(self, code: str) -> tuple[TopologyNode, ...]:
        """The node itself and those that its servers carry too, in the file's order after it."""
        return (self.by_code[code], *(node for node in self.nodes if node.host == code and not node.docked))

    @cached_property
    def with_servers(self) -> tuple[TopologyNode, ...]:
        """The nodes for which this file describes servers."""
        return tuple(node for node in self.nodes if node.has_servers)
