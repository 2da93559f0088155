"""What a node needs to run in containers: Helm values, Secrets, and the variables of the compose files.

nodes/<code>/values.yaml    values of deploy/helm/yiwang; no secret in it
nodes/<code>/secrets.yaml   the Secrets that they name: `kubectl apply -f`
nodes/<code>/compose.env    variables of docker-compose.yml: `docker compose --env-file`
nodes/<code>/<server>.conf  nats.conf as the compose files mount it
"""

from __future__ import annotations

import base64
from typing import Any

from . import yaml
from .keys import CONTAINER_HOSTS, KeyRing, service_user
from .model import Server, Topology, TopologyNode
from .nats import Site, awaits_leafs, server_config, speaks_tls
from .pace import PACES
from .page import mesh_page
from .reading import EVERYWHERE

CHART = ("intake", "grid", "dispatch", "notification", "national_sync", "identity")
"""Entries that the chart's own values have: those that a node doesn't run are switched off."""
PATHS = {
    "intake": "/reports", "grid": "/grid", "notification": "/notices", "national_sync": "/sync",
    "enforcement": "/enforcement", "evaluation": "/evaluation", "identity": "/identity",
}  # fmt: skip
RENDERED = "/etc/yiwang/rendered"
STREAMS = 6
"""UP, DOWN, LOCAL and PARKED reserve their room; two more parts are for what lands from children and for media."""

Files = dict[str, bytes]


def container_files(topology: Topology, keys: KeyRing) -> Files:
    """The files of all nodes that run services. Raises KeysMissing when a key isn't there yet."""
    files: Files = {}
    for node in topology.nodes:
        if not node.runs_services:
            continue
        at = f"nodes/{node.code}"
        files[f"{at}/mesh.json"], files[f"{at}/ca.pem"] = mesh_page(topology), keys.ca()
        files[f"{at}/values.yaml"] = yaml.dump(helm_values(topology, node, keys)).encode()
        files[f"{at}/secrets.yaml"] = _secrets(topology, node, keys)
        files[f"{at}/compose.env"] = "".join(f"{k}={v}\n" for k, v in compose(topology, node).items()).encode()
        for server in node.server_list() if node.has_servers else ():
            files[f"{at}/{server.name}.conf"] = server_config(
                topology, node, server, keys.user, compose_site(node)
            ).encode()
    return files


def stream_gib(topology: Topology, node: TopologyNode) -> float:
    """Size at which each of a node's streams is full (``YIWANG_STREAM_MAX_GIB``): a part of what it has."""
    if node.quotas:
        room = node.quotas.max_file_gib
    else:
        hosted = (each.quotas.max_file_gib for each in topology.carried_by(node.code) if each.quotas)
        room = node.max_file_gib - sum(hosted)
    return round(room / STREAMS, 2)


def settings(topology: Topology, node: TopologyNode) -> dict[str, str]:
    """Settings of a node's services that follow from the topology alone."""
    found = {
        "YIWANG_STREAM_MAX_GIB": f"{stream_gib(topology, node):g}",
        "YIWANG_STREAM_MAX_AGE_DAYS": str(node.retention_days),
        **PACES.get(node.pace, {}),
    }
    replicas = topology.carrier(node.code).servers
    if node.host and replicas > 1:
        found["YIWANG_STREAM_REPLICAS"] = str(replicas)  # of own servers the chart counts them itself
    return found


def pod_site(node: TopologyNode) -> Site:
    """Where the chart puts a server's files, and how the servers of a cluster find each other."""
    peers = {server.name: f"{node.account}-{i}.{node.account}" for i, server in enumerate(node.server_list(), 1)}
    return Site(base="/etc/nats/{server}", store="/data", bind="0.0.0.0", monitor="0.0.0.0", peers=peers)


def compose_site(node: TopologyNode) -> Site:
    """Where the compose files put them."""
    peers = {server.name: host for server, host in zip(node.server_list(), CONTAINER_HOSTS, strict=False)}
    return Site(base="/etc/nats/secret", store="/data", bind="0.0.0.0", leaf="secret/leaf.conf", peers=peers)


def helm_values(topology: Topology, node: TopologyNode, keys: KeyRing) -> dict[str, Any]:
    """Values of the chart for one node; what the topology can't know goes into a second file."""
    return {
        "node": {"code": node.code, "name": node.name, "tier": node.tier},
        "services": _entries(node),
        "settings": settings(topology, node),
        "profile": {"image": node.profile},
        "mesh": {"page": mesh_page(topology).decode()},
        "nats": _nats(topology, node, keys),
        "database": {"name": node.database, "secret": f"{node.account.lower()}-database"},
    }


def compose(topology: Topology, node: TopologyNode) -> dict[str, str]:
    """Variables of docker-compose.yml and its layers, for a rendered tree that lies at ``YIWANG_TREE``."""
    tree = "${YIWANG_TREE:-./rendered}"
    servers = node.server_list() if node.has_servers else ()
    tls = "tls" if any(speaks_tls(server, Site()) for server in _reached(topology, node)) else "nats"
    hosts = CONTAINER_HOSTS if servers else [server.address for server in _reached(topology, node)]
    urls = [
        f"{tls}://{host}:{server.ports.client}" for host, server in zip(hosts, _reached(topology, node), strict=False)
    ]
    found = {
        "COMPOSE_PROFILES": "mesh",
        "YIWANG_NODE": node.code,
        "YIWANG_PROFILE_NAME": node.profile,
        "YIWANG_RENDERED": f"{tree}/nodes/{node.code}",
        "YIWANG_NODE_ENV": f"{tree}/nodes/{node.code}/compose.env",  # its NATS_URL counts, not the lonely node's
        "YIWANG_MESH": f"{RENDERED}/mesh.json",
        "YIWANG_NATS_URL": ",".join(urls),
        "YIWANG_NATS_NKEY_FILE": f"{RENDERED}/service.nk",
        "YIWANG_NATS_TLS_CA": f"{RENDERED}/ca.pem" if tls == "tls" else "",
        **settings(topology, node),
    }
    for server, suffix in zip(servers, ("", "_2", "_3"), strict=False):
        found[f"YIWANG_NATS_CONF{suffix}"] = f"{tree}/nodes/{node.code}/{server.name}.conf"
        found[f"YIWANG_NATS_SECRET{suffix}"] = f"{tree}/servers/{server.name}"
    return found


def _reached(topology: Topology, node: TopologyNode) -> tuple[Server, ...]:
    """The servers to which a node's services connect: its own or its host's."""
    return topology.carrier(node.code).server_list()


def _entries(node: TopologyNode) -> dict[str, Any]:
    """One Deployment for each service; a basic node with one process each has them all in one."""
    own = node.own_services
    missing = [name for name in CHART if name not in own]
    if node.klass == "basic" and all(node.services[name].replicas == 1 for name in own):
        together = [name for name in own if name not in EVERYWHERE]
        entries: dict[str, Any] = {"platform": {"run": together, "replicas": 1, "paths": ["/"]}}
        entries |= {name: _entry(node, name) for name in own if name in EVERYWHERE}
        return entries | {name: {"enabled": False} for name in (*together, *missing) if name in CHART}
    return {name: _entry(node, name) for name in own} | {name: {"enabled": False} for name in missing}


def _entry(node: TopologyNode, service: str) -> dict[str, Any]:
    replicas = node.services[service].replicas
    entry: dict[str, Any] = {"replicas": replicas}
    if service not in EVERYWHERE:
        entry["groups"] = 4 if replicas > 1 else 1
    if service in PATHS and service not in CHART:
        entry["paths"] = [PATHS[service]]
    return entry


def _nats(topology: Topology, node: TopologyNode, keys: KeyRing) -> dict[str, Any]:
    servers = _reached(topology, node)
    tls = any(speaks_tls(server, Site()) for server in servers)
    client = {"secret": node.account.lower(), "passwordKey": "", "nkeyKey": "service.nk"}
    if tls:
        client["caKey"] = "ca.pem"
    if not node.has_servers:
        scheme = "tls" if tls else "nats"
        url = ",".join(f"{scheme}://{server.address}:{server.ports.client}" for server in servers)
        return {"own": False, "url": url, "client": client}
    return {
        "own": True,
        "client": client,
        "servers": [
            {
                "name": server.name,
                "config": server_config(topology, node, server, keys.user, pod_site(node)),
                "secret": server.name.lower(),
                "leaf": bool(node.parent),
            }
            for server in node.server_list()
        ],
        "ports": {
            "client": node.ports.client, "leaf": node.ports.leaf,
            "cluster": node.ports.cluster, "monitor": node.ports.monitor,
        },
        "sync": node.sync,
        "storage": {"size": f"{node.max_file_gib:g}Gi"},
        "leaf": {"enabled": awaits_leafs(topology, node)},
    }  # fmt: skip


def _secrets(topology: Topology, node: TopologyNode, keys: KeyRing) -> bytes:
    held: dict[str, dict[str, bytes]] = {
        node.account.lower(): {"service.nk": keys.seed(service_user(node)), "ca.pem": keys.ca()}
    }
    for server in node.server_list() if node.has_servers else ():
        held.setdefault(server.name.lower(), {}).update(keys.server_files(node, server))
    documents = [
        yaml.dump({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name},
            "data": {file: base64.b64encode(content).decode() for file, content in files.items()},
        })
        for name, files in held.items()
    ]  # fmt: skip
    return "---\n".join(documents).encode()
