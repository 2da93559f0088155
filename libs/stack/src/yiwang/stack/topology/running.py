"""The nats-servers of a rendered topology as child processes of this one: for the demo, the labs and the tests."""

from __future__ import annotations

import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from yiwang.stack import _process
from yiwang.stack._nats_server import find_nats_server
from yiwang.stack._ports import free_port

from .model import Ports, Server, Topology
from .nats import Site

LOOPBACK = "127.0.0.1"


def on_this_machine(topology: Topology, free_port: Callable[[int], int] = free_port) -> Topology:
    """The same topology with every server on 127.0.0.1, each node with ports of its own.

    The servers of a cluster take consecutive ports: *free_port* is asked for a run of them for each purpose.
    """

    def ports(servers: int) -> Ports:
        return Ports(*(free_port(servers) for _ in range(5)))

    nodes = tuple(msgspec.structs.replace(node, address=LOOPBACK, ports=ports(node.servers)) for node in topology.nodes)
    return msgspec.structs.replace(topology, nodes=nodes)


def site_in(out: Path) -> Site:
    """Servers that run where they were rendered, their streams beside."""
    return Site(base=f"{out.absolute()}/servers/{{server}}", store=f"{out.absolute()}/data/{{server}}")


class _Varz(msgspec.Struct, frozen=True):
    config_load_time: str


class Servers:
    """Servers started from the rendered tree *out*; they end with us, however we end."""

    def __init__(self, topology: Topology, out: Path) -> None:
        self.topology, self.out = topology, out
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def known(self) -> dict[str, Server]:
        """Server name → server, of the topology as it is now."""
        return {server.name: server for node in self.topology.with_servers for server in node.server_list()}

    def pid(self, name: str) -> int:
        """Process id of a running server. Raises KeyError."""
        return self._processes[name].pid

    def start(self, names: Iterable[str] | None = None) -> Self:
        """Start these servers, or all that don't run, and return when each of them is ready."""
        chosen = [name for name in names or self.known if name not in self._processes]
        for name in chosen:
            command = [find_nats_server(), "-c", str(self.out / "servers" / name / "nats.conf")]
            self._processes[name] = _process.spawn(command, log=self.log(name))
        for name in chosen:
            server = self.known[name]
            ready = partial(_healthy, server)
            _process.wait_ready(self._processes[name], ready, f"nats-server {name}", self.log(name), 60)
        return self

    def reload(self, names: Iterable[str]) -> None:
        """The servers read their configuration again, twice; links and clients stay. Returns when they have.

        Twice, because nats-server 2.15.1 doesn't listen for the imports of an account that came with a reload until
        the next one: a hosted node's DOWN would stay empty.
        """
        for name in [*names] * 2:
            process, server, before = self._processes[name], self.known[name], _loaded(self.known[name])
            process.send_signal(signal.SIGHUP)
            ready = partial(_loaded_after, server, before)
            _process.wait_ready(process, ready, f"nats-server {name}", self.log(name), 30)

    def stop(self, names: Iterable[str] | None = None) -> None:
        """End these servers, or all, in order."""
        chosen = list(names or self._processes)
        for name in chosen:
            self._processes[name].send_signal(signal.SIGTERM)
        for name in chosen:
            _process.stop(self._processes.pop(name), signal.SIGTERM, f"nats-server {name}")

    def kill(self, name: str) -> None:
        """kill -9; `start` brings it back on the same ports with the same streams."""
        process = self._processes.pop(name)
        process.kill()
        process.wait(10)

    def log(self, name: str) -> Path:
        """The file to which a server writes."""
        return self.out / "servers" / name / "nats.log"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()


def _healthy(server: Server) -> bool:
    return bool(_monitor(server, "healthz?js-enabled-only=true"))


def _loaded(server: Server) -> str:
    """When the server read its configuration last; "" while it doesn't answer."""
    page = _monitor(server, "varz")
    return msgspec.json.decode(page, type=_Varz).config_load_time if page else ""


def _loaded_after(server: Server, before: str) -> bool:
    return _loaded(server) not in ("", before)


def _monitor(server: Server, page: str) -> bytes:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{server.ports.monitor}/{page}", timeout=1) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, OSError):
        return b""
