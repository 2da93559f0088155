"""Everything that is made from a topology, as a tree of files of which only those that differ are written.

mesh.json                    the page that every node gets
links.json                   streams' sources and consumers of each node, as its mesh service makes them
servers/<server>/            one nats-server: nats.conf, its certificate, the seed of its link upwards
nodes/<code>/                one node: the seed by which its services log in; in containers also what
                             `containers` makes
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from yiwang.kit import links
from yiwang.stack._nats_server import write_private

from .keys import KeyRing, service_user
from .model import Topology, TopologyNode
from .nats import Site, server_config
from .page import mesh_page

Files = dict[str, bytes]
"""place in the tree → content"""


class Changes(msgspec.Struct, frozen=True):
    """Files that a second rendering wrote or removed; everything else is as it was."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of the servers that have something to reload, new ones too."""
        touched = (place.split("/")[1] for place in (*self.written, *self.removed) if place.startswith("servers/"))
        return tuple(dict.fromkeys(touched))


def render(topology: Topology, keys: KeyRing, site: Site) -> Files:
    """All files. Raises KeysMissing when a key isn't there yet."""
    files: Files = {"mesh.json": mesh_page(topology), "links.json": _pretty(link_plan(topology))}
    for node in topology.nodes:
        if node.has_servers:
            files |= _server_files(topology, node, keys, site)
        if node.runs_services:
            files[f"nodes/{node.code}/service.nk"] = keys.seed(service_user(node))
    return files


def link_plan(topology: Topology) -> dict[str, Any]:
    """Per node what its mesh service makes: consumers beside its data, landing streams, sources of UP and DOWN."""
    places = topology.by_code
    return {
        node.code: {
            "account": node.account,
            "domain": topology.domain(node.code),
            "replicas": topology.carrier(node.code).servers,
            "consumers": links.consumers_of(places, node.code),
            "landing": {
                links.landing(child): [links.landing_source(places, node.code, child)]
                for child in links.linked_children(places, node.code)
            },
            "up_sources": links.up_sources(places, node.code),
            "down_sources": links.down_sources(places, node.code),
        }
        for node in topology.nodes
        if node.runs_services
    }


def _server_files(topology: Topology, node: TopologyNode, keys: KeyRing, site: Site) -> Files:
    files: Files = {}
    for server in node.server_list():
        at = f"servers/{server.name}"
        files[f"{at}/nats.conf"] = server_config(topology, node, server, keys.user, site).encode()
        files |= {f"{at}/{name}": content for name, content in keys.server_files(node, server).items()}
    return files


def beyond_reload(before: links.Places, topology: Topology) -> list[str]:
    """What a reload can't do when a network goes over from *before* to *topology*: sentences that name the servers."""
    after: links.Places = topology.by_code
    found = []
    for node in topology.with_servers:
        if node.code not in before or links.servers_of(before, node.code) != node.code:
            continue  # its servers start for the first time
        names = "、".join(server.name for server in node.server_list())
        if fresh := set(links.passing_below(after, node.code)) - set(links.passing_below(before, node.code)):
            found.append(
                f"{names} 的上行链路需要重建一次：{'、'.join(sorted(fresh))} 由上级承载，链路经过 {node.name}，而已建立的链路"
                f"保持建立时的权限；请在上级重载后运行 yiwang topology relink 拓扑文件 {node.code}，积压的事件随后自动补传"
            )
    return found


def apply(files: Mapping[str, bytes], out: Path) -> Changes:
    """Make the tree in *out* hold exactly these files (streams' data excepted), each readable by its owner only."""
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = []
    for place, content in files.items():
        file = out / place
        if file.exists() and file.read_bytes() == content:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        write_private(file, content)
        written.append(place)
    removed = [place for place in _rendered(out) if place not in files]
    for place in removed:
        (out / place).unlink()
    return Changes(tuple(written), tuple(removed))


def _rendered(out: Path) -> list[str]:
    """Files of an earlier rendering: those at the places where we write, never a server's data."""
    found = [*out.glob("*.json"), *out.glob("servers/*/*"), *out.glob("nodes/*/*")]
    ours = (".json", ".conf", ".pem", ".key", ".nk", ".env", ".yaml")
    return sorted(str(file.relative_to(out)) for file in found if file.is_file() and file.suffix in ours)


def _pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1)
