"""The node: a jurisdiction's place in the mesh."""

from __future__ import annotations

import msgspec

from ._config import Kit


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """Who this process speaks for. A handler reads it; it never asks where it runs."""

    node_id: str
    tenant_id: str
    jurisdiction: str
    tier: str
    incarnation: int = 1

    @classmethod
    def of(cls, kit: Kit, incarnation: int = 1) -> Node:
        return cls(
            node_id=kit.node_id or kit.jurisdiction,
            tenant_id=kit.tenant_id or kit.jurisdiction,
            jurisdiction=kit.jurisdiction,
            tier=kit.tier,
            incarnation=incarnation,
        )
