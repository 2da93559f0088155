"""For tests of this service: a province, two cities and their districts as nodes, without any file or server."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from yiwang.contracts import Actor

from .case import Case
from .rules import Rules
from .testing import BY_HAND, some_case, some_rules
from .tiers import HOLDERS, Governance, TierNode, Tiers

CITY, LUOHU, NANSHAN, PROVINCE, OTHER_CITY = "440300", "440303", "440305", "440000", "440100"
NODES: Final = (
    TierNode(code=PROVINCE, tier="province", name="广东省"),
    TierNode(code=CITY, tier="city", parent=PROVINCE, name="深圳市"),
    TierNode(code=LUOHU, tier="county", parent=CITY, name="罗湖区"),
    TierNode(code=NANSHAN, tier="county", parent=CITY, name="南山区"),
    TierNode(code=OTHER_CITY, tier="city", parent=PROVINCE, name="广州市"),
    TierNode(code="440106", tier="county", parent=OTHER_CITY, name="天河区", works=False),
)
"""Tianhe has no dispatch of its own: its city does its part."""
LEADER: Final = Actor(person_ref="p-leader", role="shift_leader", kind="human")


def rules_at(me: str, governance: str = "one_supervise_two_command", **change: Any) -> Rules:
    """The small city's rules as the node *me* applies them; *change* goes to the governance."""
    how = Governance(name=governance, holders=HOLDERS[governance])
    return some_rules(
        auto=BY_HAND, two_commands=governance != "single", tiers=Tiers(me, NODES),
        governance=msgspec.structs.replace(how, **change),
    )  # fmt: skip


def a_case_at(state: str, me: str, *, command: str = "district", **change: Any) -> Case:
    """A case of Luohu in *state*, in the hands of the node *me*."""
    case = some_case()
    case.state, case.command = state, command
    case.custody = msgspec.structs.replace(case.custody, jurisdiction=me)
    return msgspec.structs.replace(case, **change)
