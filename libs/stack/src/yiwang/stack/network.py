"""All servers and nodes of a topology on this machine: for the demo, the labs and the tests.

    with Network(load(path), data) as net:
        net.environ("440106")            # the YIWANG_* variables of that node
        net.cut("440106"); net.mend("440106")

Servers are those that `yiwang topology render` configures, with their real TLS, nkeys and rights; leaf links pass through
lines that can be cut. One PostgreSQL holds a database for each node. Services run as asked: all nodes in one process,
one process a node, or none (a test runs them itself).
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import signal
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec
from yiwang.kit import Kit, load
from yiwang.kit.dev import DevIssuer
from yiwang.stack import _process
from yiwang.stack._nats_server import write_private
from yiwang.stack._ports import free_port
from yiwang.stack.embedded import Postgres
from yiwang.stack.hosts import Hosts
from yiwang.stack.node_host import Guest, profile_directory
from yiwang.stack.topology import PACES, Ports, Topology, TopologyNode
from yiwang.stack.topology.keys import KeyRing
from yiwang.stack.topology.render import Changes, Files, apply, render
from yiwang.stack.topology.running import Servers, on_this_machine, site_in
from yiwang.stack.usage import Usage, usage_of
from yiwang.stack.wires import Wires

Processes = Literal["none", "together", "each"]
Part = Literal["all", "servers", "services"]
TOGETHER = "all"


class Network:
    """A running topology.

    Attributes:
        topology: as it runs here: every server on 127.0.0.1 with ports of its own
        data: directory of everything; a second start finds the streams and databases of the first
    """

    def __init__(
        self,
        topology: Topology,
        data: Path,
        *,
        processes: Processes = "none",
        services: Collection[str] = (),
        environ: Mapping[str, str] | None = None,
        cuttable: Collection[str] | None = None,
        durable: bool = True,
        stream_max_gib: float = 0.25,
        connections: int = 0,
    ) -> None:
        """*services*: run only these of each node's own (all if empty). *environ*: variables that every node gets.

        *cuttable*: nodes whose line up can be cut (all if None); a line costs some CPU for each byte.
        *connections*: what PostgreSQL allows; by default 40 for each node.
        """
        self.data = data.absolute()
        self.topology = self._placed(topology)
        self._only, self._extra, self._processes = frozenset(services), dict(environ or {}), processes
        self._cuttable = cuttable
        self._gib = stream_max_gib
        self.keys = KeyRing(self.data / "keys")
        self.servers = Servers(self.topology, self.data / "out")
        many = connections or 50 + 40 * len(self.topology.nodes)
        self.postgres = Postgres(self.data / "postgres", durable=durable, max_connections=many)
        self.issuer = DevIssuer(self.data / "dev")
        self.wires = Wires()
        self._ports: dict[tuple[str, int], int] = {}
        self._rogues: dict[str, str] = {}
        self.hosts = Hosts(self.data)

    def _placed(self, topology: Topology) -> Topology:
        """With ports of this machine, the same at a second start."""
        book, placed = self.data / "ports.json", on_this_machine(topology)
        known = msgspec.json.decode(book.read_bytes(), type=dict[str, Ports]) if book.exists() else {}
        nodes = tuple(msgspec.structs.replace(n, ports=known.get(n.code, n.ports)) for n in placed.nodes)
        self.data.mkdir(parents=True, exist_ok=True)
        write_private(book, msgspec.json.encode(known | {n.code: n.ports for n in nodes}))
        return msgspec.structs.replace(placed, nodes=nodes)

    # -- life ------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self.render()
            self.servers.start()
            self.postgres.start()
            self.start_services()
            self.announce()
        except BaseException:
            self.__exit__()
            raise
        return self

    def announce(self) -> None:
        """Let `yiwang mesh status --data … --node …` and other tools find the nodes."""
        write_private(
            self.data / "network.json", msgspec.json.encode({n.code: self.environ(n.code) for n in self.nodes})
        )

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        (self.data / "network.json").unlink(missing_ok=True)
        self.hosts.stop_all()
        for name in self.servers.known:
            self._signal_server(name, signal.SIGCONT)
        self.servers.stop()
        self.postgres.stop()
        self.wires.close()

    def render(self) -> Changes:
        """Make keys where they are missing and write all files; returns what differs from before."""
        self.keys.make(self.topology, dt.datetime.now(dt.UTC))
        files = render(self.topology, self.keys, site_in(self.data / "out"))
        return apply(self._wired(files), self.data / "out")

    def change(self, topology: Topology, *, services: bool = True) -> Changes:
        """Go over to another version of the topology: new servers and nodes start, those that differ read it again.

        Servers of nodes that are gone run on until `stop`. *services*: start these too. Returns the files that differ.
        """
        before = set(self.servers.known)
        self.topology = self.servers.topology = self._placed(topology)
        changes = self.render()
        if new := [name for name in self.servers.known if name not in before]:
            self.servers.start(new)
        self.servers.reload([name for name in changes.servers if name in before and self._runs(name)])
        if services:
            self.start_services()
        self.announce()
        return changes

    def _wired(self, files: Files) -> Files:
        """Let the leaf links that may be cut dial their lines."""
        found = dict(files)
        for node in self.topology.with_servers:
            if not node.parent or (self._cuttable is not None and node.code not in self._cuttable):
                continue
            for upper in self.topology.carrier(node.parent).server_list():
                at = (node.code, upper.ports.leaf)
                if at not in self._ports:
                    self._ports[at] = self.wires.lay(node.code, upper.ports.leaf, free_port())
                for server in node.server_list():
                    conf = f"servers/{server.name}/nats.conf"
                    dialled, line = f"127.0.0.1:{upper.ports.leaf}", f"127.0.0.1:{self._ports[at]}"
                    found[conf] = found[conf].replace(f"tls://{dialled}".encode(), f"tls://{line}".encode())
        for code, password in self._rogues.items():
            node = self.topology.node(code)
            account, user = f"\n  {node.account} {{", f'{{ user: "rogue", password: "{password}" }}'
            for server in node.server_list():
                conf = f"servers/{server.name}/nats.conf"
                head, mark, rest = found[conf].decode().partition(account)
                found[conf] = (head + mark + rest.replace("users: [", f"users: [ {user}", 1)).encode()
        return found

    def rogue(self, code: str) -> str:
        """URL of a login with all rights in a node's account on its own servers, as its operator can give himself."""
        self._rogues.setdefault(code, secrets.token_urlsafe(12))
        self.render()
        self.servers.reload(self._servers_of(code))
        server = self.topology.node(code).server_list()[0]
        return f"nats://rogue:{self._rogues[code]}@127.0.0.1:{server.ports.client}"

    # -- services --------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> tuple[TopologyNode, ...]:
        """The nodes that run services here."""
        return tuple(node for node in self.topology.nodes if node.runs_services)

    def services_of(self, code: str) -> tuple[str, ...]:
        """Names of the services that the node runs here."""
        own = self.topology.node(code).own_services
        return tuple(name for name in own if not self._only or name in self._only)

    def environ(self, code: str) -> dict[str, str]:
        """The YIWANG_* variables of a node; makes its database where it is missing."""
        node = self.topology.node(code)
        carrier = self.topology.carrier(code)
        urls = ",".join(f"nats://127.0.0.1:{server.ports.client}" for server in carrier.server_list())
        return {
            "YIWANG_NATS_URL": urls,
            "YIWANG_NATS_NKEY_FILE": str(self.data / "out" / "nodes" / code / "service.nk"),
            "YIWANG_DATABASE_URL": self.postgres.create_database(node.database),
            "YIWANG_JURISDICTION": code,
            "YIWANG_TIER": node.tier,
            "YIWANG_MESH": str(self.data / "out" / "mesh.json"),
            "YIWANG_HTTP_PORT": str(node.ports.http),
            "YIWANG_STREAM_MAX_GIB": str(self._gib),
            "YIWANG_STREAM_REPLICAS": str(carrier.servers),
            "YIWANG_JWKS": str(self.issuer.jwks),
            "YIWANG_DEV_KEYS": str(self.data / "dev"),
            "YIWANG_EMBEDDED": "true",
            **PACES[node.pace], **({"YIWANG_PROFILE": profile_directory(node.profile)} if node.profile else {}),
            **self._extra,
        }

    def kit(self, code: str) -> Kit:
        """The kit's configuration of a node, for tools and tests that link to it."""
        return load(Kit, self.environ(code), "YIWANG")

    def url(self, code: str) -> str:
        """Where the node's HTTP answers."""
        return f"http://127.0.0.1:{self.topology.node(code).ports.http}"

    def token(self, role: str, code: str) -> str:
        """A token of an invented person of that role over the node's area."""
        return self.issuer.token_of(role, area=code)

    def start_services(self, codes: Iterable[str] = ()) -> None:
        """Start what doesn't run, of these nodes or of all, and return when each answers /readyz."""
        chosen = [n.code for n in self.nodes if self.services_of(n.code)]
        chosen = [code for code in chosen if not codes or code in set(codes)]
        if self._processes == "none" or not chosen:
            return
        groups = {TOGETHER: chosen} if self._processes == "together" else {code: [code] for code in chosen}
        for name, members in groups.items():
            self.hosts.start(name, [Guest(self.services_of(code), self.environ(code)) for code in members])
        for name, members in groups.items():
            for code in members:
                self.hosts.await_ready(name, self.url(code))

    # -- trouble ---------------------------------------------------------------------------------------------------

    def cut(self, code: str) -> None:
        """Cut the line between a node and the one above: a hole in both directions. Raises ValueError without a line."""
        self.wires.cut(code)

    def mend(self, code: str) -> None:
        """Put the line together again."""
        self.wires.mend(code)

    def kill(self, code: str, part: Part = "all", *, server: str = "") -> None:
        """kill -9 of a node's servers and, where it has a process of its own, its services."""
        if part != "servers" and code in self.hosts.running:
            self.hosts.kill(code)
        for name in self._servers_of(code, server) if part != "services" else ():
            self.servers.kill(name)

    def stop(self, code: str, part: Part = "all") -> None:
        """End them in order."""
        if part != "servers" and code in self.hosts.running:
            self.hosts.stop(code)
        if part != "services" and (names := self._servers_of(code)):
            self.servers.stop(names)

    def start(self, code: str) -> None:
        """Bring back what was killed or stopped."""
        if away := [name for name in self._servers_of(code) if not self._runs(name)]:
            self.servers.start(away)
        self.start_services([code])

    def freeze(self, code: str, part: Part = "all", *, server: str = "") -> None:
        """SIGSTOP: alive and silent."""
        self._signal(code, part, server, signal.SIGSTOP)

    def thaw(self, code: str, part: Part = "all", *, server: str = "") -> None:
        """SIGCONT."""
        self._signal(code, part, server, signal.SIGCONT)

    def usage(self) -> dict[str, Usage]:
        """What each server, each process of services and PostgreSQL takes now: name → memory and CPU."""
        pids = {name: [self.servers.pid(name)] for name in self.servers.known if self._runs(name)}
        pids |= {f"services {name}": [child.pid] for name, child in self.hosts.running.items()}
        pids["postgres"] = _process.family_of(self.postgres.pid)
        return {name: usage_of(family) for name, family in pids.items()}

    def _signal(self, code: str, part: Part, server: str, number: signal.Signals) -> None:
        if part != "servers" and code in self.hosts.running:
            self.hosts.signal(code, number)
        for name in self._servers_of(code, server) if part != "services" else ():
            self._signal_server(name, number)

    def _signal_server(self, name: str, number: signal.Signals) -> None:
        if self._runs(name):
            os.kill(self.servers.pid(name), number)

    def _servers_of(self, code: str, server: str = "") -> list[str]:
        node = self.topology.node(code)
        names = [each.name for each in node.server_list()] if node.has_servers else []
        return [server] if server else names

    def _runs(self, name: str) -> bool:
        try:
            os.kill(self.servers.pid(name), 0)
        except (KeyError, ProcessLookupError):
            return False
        return True
