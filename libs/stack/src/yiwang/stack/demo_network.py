"""The demo's network: a process for each city with its counties, sparing with a small machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from yiwang.stack.demo_nation import NATION
from yiwang.stack.network import Network
from yiwang.stack.node_host import Guest
from yiwang.stack.topology import Topology

CONNECTIONS: Final = 600
SPARING: Final = {"YIWANG_POLL_SECONDS": "2", "YIWANG_LEASE_SECONDS": "15", "YIWANG_LINGER_MS": "50"}
"""Nobody kills a process here: what would notice it may look more rarely"""


class Demo(Network):
    """The nation hears from the top of the network alone: what happens below reaches it that way."""

    def __init__(self, topology: Topology, data: Path, environ: Mapping[str, str]) -> None:
        super().__init__(topology, data, processes="each", environ={**SPARING, **environ}, connections=CONNECTIONS)

    def environ(self, code: str) -> dict[str, str]:
        """As for every network, without the nation's address below the top."""
        found = super().environ(code)
        return found if not self.topology.node(code).parent else {k: v for k, v in found.items() if k not in NATION}

    def groups(self) -> dict[str, list[str]]:
        """Process → its nodes. A city has its counties with it, the first one the province, too."""
        cities = [node.code for node in self.nodes if node.tier == "city"] or [self.nodes[0].code]
        found: dict[str, list[str]] = {}
        for node in self.nodes:
            place = next((code for code in (node.code, node.parent) if code in cities), cities[0])
            found.setdefault(place, []).append(node.code)
        return found

    def start_services(self, codes: Iterable[str] = ()) -> None:
        """All of them; two processes work side by side on two cores, and each reads its programs once."""
        groups = self.groups()
        for name, members in groups.items():
            self.hosts.start(name, [Guest(self.services_of(code), self.environ(code)) for code in members])
        for name, members in groups.items():
            for code in members:
                self.hosts.await_ready(name, self.url(code))
