"""nats-server configurations: who may log in, which accounts there are, and the links up, down and across.

A server carries the account of its node, an account with quotas for each node that it hosts, and SYS. A child with
servers of its own links to its parent's account as a leaf; what it may do there is the plumbing of its own two
consumers. Application subjects never cross a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from yiwang.contracts import place_of
from yiwang.contracts.areas import city_of
from yiwang.kit import links

from .conf import Include, Note, Variable, write
from .keys import LEAF_SEED, User, leaf_user, service_user, system_user
from .model import Server, Topology, TopologyNode

GIB = 2**30
MAX_PAYLOAD = 8 * 2**20
"""As the embedded server: the largest event, with its inline contents"""
MAX_MEMORY = 256 * 2**20

OWN_STREAMS = ("UP", "DOWN", "LOCAL", "PARKED", "OBJ_MEDIA", "KV_VAULT")
"""Streams that a node's services may make, besides the landing streams of its children"""
STREAM_VERBS = ("INFO", "UPDATE", "DELETE", "PURGE", "MSG", "SNAPSHOT", "RESTORE", "LEADER")


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server's files and sockets are.

    Attributes:
        base: directory of its configuration on its machine; ``{server}`` stands for the server's name
        store: directory of its streams
        bind: address to listen on; "" = the server's own when it is a number, else all
        monitor: address of the monitoring port, which asks for no password
        client_tls: whether services must speak TLS; None = unless the server is on this machine alone
        leaf: file with the seed of the link upwards, seen from the configuration
        peers: under which name the servers of a cluster reach each other; "" = their address
    """

    base: str = "/etc/nats/{server}"
    store: str = "/var/lib/nats"
    bind: str = ""
    monitor: str = "127.0.0.1"
    client_tls: bool | None = None
    leaf: str = "leaf.conf"
    peers: dict[str, str] = {}

    def peer(self, server: Server) -> str:
        """The name by which another server of the cluster dials this one."""
        return self.peers.get(server.name, server.address)

    def file(self, server: Server, name: str) -> str:
        """Full name of one of a server's files."""
        return f"{self.base.format(server=server.name)}/{name}"


Keys = Callable[[str], User]
"""user name → its public keys"""


def speaks_tls(server: Server, site: Site) -> bool:
    """Whether services reach the server by TLS."""
    return not _loopback(server) if site.client_tls is None else site.client_tls


def server_config(topology: Topology, node: TopologyNode, server: Server, keys: Keys, site: Site) -> str:
    """The text of one server's nats.conf."""
    bind = site.bind or (server.address if _loopback(server) else "0.0.0.0")
    entries: dict[str, Any] = {
        "_": Note(f"{node.name} {node.code}, made by 'yiwang topology render' from {topology.name}: don't edit"),
        "server_name": server.name,
        "listen": f"{bind}:{server.ports.client}",
        "http": f"{site.monitor}:{server.ports.monitor}",
        "max_payload": MAX_PAYLOAD,
        "max_control_line": 16 * 1024,
        "ping_interval": "10s",
        "ping_max": 2,
        "write_deadline": "5s",
    }
    if speaks_tls(server, site):
        entries["tls"] = _certificate(server, site)
    entries["jetstream"] = {
        "store_dir": site.store.format(server=server.name),
        "domain": node.account,
        "sync_interval": node.sync,
        "max_memory_store": MAX_MEMORY,
        "max_file_store": int(node.max_file_gib * GIB),
    }
    if node.servers > 1:
        entries["cluster"] = _cluster(node, server, site, bind)
    entries |= _leafnodes(topology, node, server, site, bind)
    entries["system_account"] = "SYS"
    entries["accounts"] = _accounts(topology, node, keys)
    return write(entries)


def _loopback(server: Server) -> bool:
    return server.address in ("127.0.0.1", "localhost")


def _certificate(server: Server, site: Site) -> dict[str, Any]:
    return {"cert_file": site.file(server, "server.pem"), "key_file": site.file(server, "server.key")}


def _mutual(server: Server, site: Site, *, listens: bool) -> dict[str, Any]:
    tls = _certificate(server, site) | {"ca_file": site.file(server, "ca.pem")}
    return tls | {"verify": True} if listens else tls


def _cluster(node: TopologyNode, server: Server, site: Site, bind: str) -> dict[str, Any]:
    others = [other for other in node.server_list() if other.name != server.name]
    return {
        "name": node.account,
        "listen": f"{bind}:{server.ports.cluster}",
        "routes": [f"nats-route://{site.peer(other)}:{other.ports.cluster}" for other in others],
        "tls": _mutual(server, site, listens=True),
    }


def _leafnodes(topology: Topology, node: TopologyNode, server: Server, site: Site, bind: str) -> dict[str, Any]:
    block: dict[str, Any] = {"reconnect": "2s"}
    if awaits_leafs(topology, node):
        block |= {
            "listen": f"{bind}:{server.ports.leaf}",
            "no_advertise": True,
            "isolate_leafnode_interest": True,
            "tls": _mutual(server, site, listens=True),
        }
    top: dict[str, Any] = {}
    if node.parent:
        top["__"] = Include(site.leaf)
        block["remotes"] = [_remote(topology, node, server, site)]
    return (top | {"leafnodes": block}) if len(block) > 1 else {}


def awaits_leafs(topology: Topology, node: TopologyNode) -> bool:
    """Whether its servers have a port for the servers of nodes below.

    Those of provinces and cities always: a server opens a port only when it starts, and the first county may come later.
    """
    return any(each.tier != "county" for each in topology.carried_by(node.code))


def _remote(topology: Topology, node: TopologyNode, server: Server, site: Site) -> dict[str, Any]:
    upper = topology.carrier(node.parent).server_list()
    return {
        "urls": [f"tls://{each.address}:{each.ports.leaf}" for each in upper],
        "account": node.account,
        "nkey": Variable(LEAF_SEED),
        "deny_imports": list(links.NEVER_CROSS),
        "deny_exports": list(links.NEVER_CROSS),
        "tls": _mutual(server, site, listens=False),
    }


def _accounts(topology: Topology, node: TopologyNode, keys: Keys) -> dict[str, Any]:
    system = [{"nkey": key} for key in keys(system_user(node)).accepted]
    accounts: dict[str, Any] = {"SYS": {"users": system}}
    for each in topology.carried_by(node.code):
        accounts[each.account] = _account(topology, each, keys)
    return accounts


def _account(topology: Topology, node: TopologyNode, keys: Keys) -> dict[str, Any]:
    may = {"publish": {"allow": service_rights(topology, node)}}
    users: list[dict[str, Any]] = [{"nkey": key, "permissions": may} for key in keys(service_user(node)).accepted]
    for child in topology.children(node.code):
        if child.has_servers:
            rights = _permissions(links.leaf_rights(topology.by_code, child.code))
            leaf = {"permissions": rights, "allowed_connection_types": ["LEAFNODE"]}
            users += [{"nkey": key, **leaf} for key in keys(leaf_user(child)).accepted]
    exports, imports = links.account_links(topology.by_code, node.code)
    account: dict[str, Any] = {"jetstream": _limits(topology, node), "users": users}
    if exports:
        account["exports"] = exports
    if imports:
        account["imports"] = imports
    return account


def service_rights(topology: Topology, node: TopologyNode) -> list[str]:
    """What a node's services may publish: facts of those for whom it speaks, words to those below, its own plumbing.

    Its account shows it no other's data anyway; these rights make an attempt an error that its server writes down.
    """
    speaks_for = [node.code, *(other.code for other in topology.nodes if node.code in other.hosted_services.values())]
    streams = [*OWN_STREAMS, *(links.landing(child) for child in links.linked_children(topology.by_code, node.code))]
    return [
        *(f"yw.up.{place_of(code)}.>" for code in speaks_for),
        *(links.subtree("up", other.code) for other in topology.children(node.code) if other.docked),
        links.subtree("down", node.code),
        f"yw.down.{city_of(node.code)}.all.>",
        "yw.local.>", "yw-parked.>", "yw-state", "yw-mesh.>", "_INBOX.>", "$SRV.>", "$O.>", "$KV.>",
        "$JS.ACK.>", "$JS.FC.>", "$JS.SNAPSHOT.>",
        "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.CONSUMER.>", "$JS.API.DIRECT.>",
        *(f"$JS.API.STREAM.CREATE.{stream}" for stream in streams),
        *(f"$JS.API.STREAM.{verb}.>" for verb in STREAM_VERBS),
    ]  # fmt: skip


def _permissions(rights: Mapping[str, list[str]]) -> dict[str, Any]:
    return {direction: {"allow": subjects} for direction, subjects in rights.items()}


def _limits(topology: Topology, node: TopologyNode) -> Any:
    """A node on its own servers takes what they have; a hosted one its quotas (of each replica)."""
    if node.quotas is None:
        return "enabled"
    replicas = topology.carrier(node.code).servers
    return {
        "max_file": int(node.quotas.max_file_gib * GIB) * replicas,
        "max_streams": node.quotas.max_streams,
        "max_consumers": node.quotas.max_consumers,
    }
