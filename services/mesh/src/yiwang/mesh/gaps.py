"""What a node below said while nobody could hear it, and its streams no longer keep (断链超过保存期). Pure.

A heartbeat carries the last sequence of the node's UP, and the first that it still keeps. When the next heartbeat that
comes over the link begins after the end of the one before, what lay between may never have come: the node is asked to tell
its cases again, and so is every node below it, whose facts travelled in the same stream.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from yiwang.contracts import MeshHeartbeat, ResyncRequested
from yiwang.kit.mesh import Mesh

STREAM: Final = "UP"
MARGIN: Final = dt.timedelta(hours=1)
"""Cases that changed shortly before the last sign are told again too: both clocks may differ"""


def lost(before: MeshHeartbeat | None, now: MeshHeartbeat) -> bool:
    """Whether something may have been forgotten between two heartbeats of a node before it could be sent."""
    if before is None or now.recorded_at <= before.recorded_at:
        return False
    last, first = before.last_sequences.get(STREAM, 0), now.first_sequences.get(STREAM, 0)
    return 0 < last < first - 1


def requests(mesh: Mesh, before: MeshHeartbeat, now: MeshHeartbeat) -> list[ResyncRequested]:
    """To the node and to every node of its branch: tell the cases again that changed since its last sign."""
    since, first = before.recorded_at - MARGIN, now.first_sequences[STREAM]
    nodes = [
        one
        for one in mesh.page.nodes
        if not one.docked and not one.hosted.get("dispatch") and mesh.branch(one.code) == now.node
    ]
    return [
        ResyncRequested(
            addressee=one.code, resync_id=f"gap/{now.node}/{first}/{one.code}", since=since, reason="gap",
        )
        for one in nodes
    ]  # fmt: skip


__all__ = ["MARGIN", "lost", "requests"]
