"""Which node shall have a case: how the city governs, applied to the nodes that there are. Pure.

A node is a place with a dispatch service of its own. Where a district has none, its city (or its province) does the
district's part too, and nothing is handed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from yiwang.contracts import areas

from .case import Case
from .states import FINAL

STAGE: Final = {
    "reported": "accept",
    "verifying": "accept",
    "accepted": "accept",
    "filed": "dispatch",
    "dispatched": "handle",
    "handling": "handle",
    "suspended": "handle",
    "feedback": "handle",
    "checking": "check",
    "closing": "check",
}
"""State → the part of the work that it belongs to."""
HERE, CITY, DISTRICT, COMMAND = "here", "city", "district", "command"
HOLDERS: Final[dict[str, dict[str, str]]] = {
    "one_supervise_two_command": {"accept": HERE, "dispatch": COMMAND, "handle": DISTRICT, "check": CITY},
    "two_supervise_two_command": {"accept": DISTRICT, "dispatch": COMMAND, "handle": DISTRICT, "check": DISTRICT},
    "single": dict.fromkeys(("accept", "dispatch", "handle", "check"), HERE),
}
"""Governance → part of the work → who has the case meanwhile (监督, 指挥: domain notes 1.1 and 9).

With one supervision the tier that took the report accepts it, so that a district goes on when its link is cut; the
city checks and closes. `command` is whoever must dispatch: the city first, the district after it.
"""


class Press(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of supervision by rule (超时督办): ``[[dispatch.custody.press]]``."""

    level: str
    """county, city or province: whose node applies it, to its own cases and to those of the nodes below"""
    stage: str = "disposal"
    """Whose limit must have passed"""
    after_hours: float = 0.0
    """Hours on the wall clock beyond the limit"""
    after_multiple: float = 0.0
    """And so many times the limit beyond it, in the limit's own kind of time; the later of both counts"""
    opinion: str = "案件已超过时限，请抓紧办理"
    """What the unit reads"""
    reply_hours: float = 0.0
    """Hours within which an answer in words is due; 0: none is asked for"""


class Governance(msgspec.Struct, frozen=True, kw_only=True):
    """How cases pass between tiers, as data of the profile."""

    name: str = "single"
    holders: dict[str, str] = msgspec.field(default_factory=lambda: HOLDERS["single"])
    """accept, dispatch, handle, check → here, city, district or command"""
    take: frozenset[str] = frozenset(("accept", "dispatch", "handle", "check", "assignment", "recall"))
    """Causes of an offer that are accepted without a person; an assignment only where the place lies here"""
    clock_start: str = "accept"
    """When the receiving stage's clock starts: accept, offer or continue"""
    offer_minutes: int = 30
    """After so long without an answer somebody is told"""
    press: tuple[Press, ...] = ()
    """Who presses overdue cases by rule"""
    visits: str = "holder"
    """Who asks the reporter of a closed case that another tier took: holder (of the contact) or custodian"""


class TierNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node as hand-overs see it."""

    code: str
    tier: str
    parent: str = ""
    name: str = ""
    works: bool = True
    """Whether it has a dispatch service of its own"""


class Tiers:
    """The nodes around this one; `mine` are the jurisdictions in whose name this service acts."""

    def __init__(self, me: str, nodes: Iterable[TierNode], mine: Iterable[str] = ()) -> None:
        self.me = me
        self.nodes = {node.code: node for node in nodes}
        self.mine = frozenset((me, *mine))

    def tier(self, code: str) -> str:
        node = self.nodes.get(code)
        return node.tier if node else "county"

    def name(self, code: str) -> str:
        """What people call the node."""
        node = self.nodes.get(code)
        return node.name or code if node else code

    def chain(self, code: str) -> list[str]:
        """The node and all above it, upwards."""
        found: list[str] = []
        while code and code not in found:
            found.append(code)
            node = self.nodes.get(code)
            code = node.parent if node else ""
        return found

    def above(self, upper: str, lower: str) -> bool:
        """Whether *upper* is an ancestor of *lower*; by their codes where a node isn't known."""
        if upper == lower:
            return False
        if lower in self.nodes:
            return upper in self.chain(lower)
        return areas.contains(upper, lower)

    def node_for(self, area: str) -> str:
        """The lowest node with a dispatch of its own that *area* belongs to; empty where none of them covers it."""
        fitting = [n.code for n in self.nodes.values() if n.works and areas.contains(n.code, area)]
        return max(fitting, key=lambda code: (len(self.chain(code)), len(code)), default="")

    def city_over(self, code: str) -> str:
        """The city above a district, if it has a dispatch of its own."""
        return next((c for c in self.chain(code)[1:] if self.tier(c) == "city" and self.nodes[c].works), "")


def first_command(case: Case, tiers: Tiers | None) -> str:
    """Who dispatches first where two command: the city, but a district's own case never waits for it."""
    at_district = tiers is not None and tiers.tier(case.custody.jurisdiction) == "county"
    return "district" if at_district else "city"


def holder(case: Case, governance: Governance, tiers: Tiers | None) -> tuple[str, str] | None:
    """The other node that shall have *case* now, and why (accept, dispatch, handle, check or assignment).

    None where it stays: nobody else, it is finished, history or a test, or its place isn't known.
    """
    if tiers is None or case.state in FINAL or case.imported is not None or case.purpose == "test" or case.place is None:
        return None
    here = case.custody.jurisdiction if case.custody.jurisdiction in tiers.mine else tiers.me
    if not case.place.area.city:
        return None
    cause = "assignment"
    if not areas.contains(here, case.area):
        target = tiers.node_for(case.area)
    elif tiers.tier(here) == "province":
        city = areas.city_of(case.area)
        target = tiers.node_for(city) if tiers.tier(tiers.node_for(city)) == "city" else tiers.node_for(case.area)
    elif not case.located:
        return None
    else:
        cause = STAGE[case.state]
        target = _by_governance(case, cause, here, governance, tiers)
    return None if target in ("", here, *tiers.mine) else (target, cause)


def _by_governance(case: Case, cause: str, here: str, governance: Governance, tiers: Tiers) -> str:
    who = governance.holders.get(cause, HERE)
    if who == COMMAND:
        who = DISTRICT if case.command == "district" else CITY if case.command == "city" else HERE
    if who == CITY:
        return here if tiers.tier(here) == "city" else tiers.city_over(here)
    if who == DISTRICT:
        return here if tiers.tier(here) == "county" else tiers.node_for(case.area)
    return here
