"""How promptly a node does what nobody waits for: the settings behind the word `pace` of a topology.

``prompt`` is the program's own: what a county takes stands in the province within a second. ``calm`` is for small nodes,
above all for several on one machine: a transaction costs much the same whether it holds one event or fifty, so the
services rest after each and handle together what came meanwhile. Nothing else changes; people's actions and answers are
as fast as ever. What it costs: a case is with its unit a second or two after its report, above it is known some seconds
later still, another replica takes over after a minute, a timer fires up to five seconds late.
"""

from __future__ import annotations

from typing import Final

PACES: Final[dict[str, dict[str, str]]] = {
    "prompt": {},
    "calm": {
        "YIWANG_LINGER_MS": "500",
        "YIWANG_POLL_SECONDS": "10",
        "YIWANG_LEASE_SECONDS": "60",
        "YIWANG_MESH_WATCH_SECONDS": "20",
        "YIWANG_MESH_CUT_AFTER_S": "60",
        "YIWANG_MESH_STALL_AFTER_S": "60",
        "YIWANG_MESH_DEAD_AFTER_S": "300",
        "YIWANG_EVALUATION_DUE_SECONDS": "60",
        "YIWANG_NATIONAL_SYNC_POLL_SECONDS": "5",
    },
}
"""pace → variables that its nodes' services get"""
