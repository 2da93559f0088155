"""The nodes around this one, from the mesh page, and how they share the work."""

from __future__ import annotations

import msgspec
from yiwang.kit import App

from .profile import GOVERNANCE
from .rules import Rules
from .tiers import HOLDERS, TierNode, Tiers

SERVICE = "dispatch"


def tiers_of(app: App) -> Tiers | None:
    """Who is where; None for a node that stands alone."""
    if app.mesh is None:
        return None
    nodes = [
        TierNode(
            code=node.code, tier=node.tier, parent=node.parent, name=node.name,
            works=not node.docked and SERVICE not in node.hosted and (not node.services or SERVICE in node.services),
        )
        for node in app.mesh.page.nodes
    ]  # fmt: skip
    return Tiers(app.node.jurisdiction, nodes, app.acts_for)


def with_tiers(rules: Rules, app: App) -> Rules:
    """*rules* as they are applied here: among the nodes of the mesh, under the governance that the topology names."""
    tiers = tiers_of(app)
    named = app.mesh.me.governance if app.mesh else ""
    if named in ("", rules.governance.name):
        return msgspec.structs.replace(rules, tiers=tiers)
    supervise, two_commands = GOVERNANCE[named]
    governance = msgspec.structs.replace(rules.governance, name=named, holders=HOLDERS[named])
    return msgspec.structs.replace(
        rules, tiers=tiers, supervise=supervise, two_commands=two_commands, governance=governance
    )
