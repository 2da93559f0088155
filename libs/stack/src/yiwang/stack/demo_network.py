"""The demo's network: a process for each node, sparing with a small machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from yiwang.stack.demo_nation import NATION
from yiwang.stack.network import Network
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
