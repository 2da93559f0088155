"""The books of a whole network: every node's own, and for every node below another one, what has arrived above.

For each link: every event of the child's UP stream (its own and what came to it from below) stands in the parent's UP
stream exactly once, nothing else stands there in the name of the child's area, and the events of a case stand in the
same order. For each upper node: its copies of the cases of all nodes below agree with the cases themselves.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping

import asyncpg
import msgspec
from yiwang.kit import Kit
from yiwang.stack.books import Books, Stream, balance, read_stream
from yiwang.stack.topology import Topology, TopologyNode


class LinkBooks(msgspec.Struct, frozen=True, kw_only=True):
    """What has come over one link upward.

    Attributes:
        sent: events that stand below
        missing: of those, how many don't stand above
        doubled: how many stand above more than once
        foreign: events above in the name of this area that nobody below said
        disordered: cases whose events stand in another order
    """

    sent: int = 0
    missing: int = 0
    doubled: int = 0
    foreign: int = 0
    disordered: int = 0

    @property
    def clean(self) -> bool:
        return not (self.missing or self.doubled or self.foreign or self.disordered)


class NodeBooks(msgspec.Struct, frozen=True, kw_only=True):
    """One node: its own books, its link upward (None at the top), its copies of cases below.

    `copies`: how many there are; `stale`: how many cases below have none or one of another version or state.
    `gaps`: cases whose versions, whoever of this subtree gave them, don't run 1..n with one event each.
    """

    node: TopologyNode
    own: Books
    link: LinkBooks | None
    below: int
    """Events that came from below"""
    copies: int
    stale: int
    gaps: int

    @property
    def balanced(self) -> bool:
        """Whether every equation of this node holds."""
        own = self.own
        well = not (own.mistakes or own.lost or own.doubled or own.parked or own.waiting or self.stale or self.gaps)
        return well and (self.link is None or self.link.clean)

    @property
    def lost(self) -> int:
        return self.own.lost + (self.link.missing if self.link else 0)

    @property
    def doubled(self) -> int:
        return self.own.doubled + (self.link.doubled + self.link.foreign if self.link else 0)


async def balance_all(
    topology: Topology, kits: Mapping[str, Kit], accepted: Mapping[str, set[str]] | None = None
) -> list[NodeBooks]:
    """The books of every node in *kits*, in the topology's order; *accepted*: code → report ids that got a 202."""
    streams = dict(zip(kits, await asyncio.gather(*(read_stream(kit) for kit in kits.values())), strict=True))
    cases = {code: await _cases(kit) for code, kit in kits.items()}
    found = []
    for node in (topology.node(code) for code in kits):
        code, under = node.code, descendants(topology, node.code)
        wanted = {case: state for each in under if each in cases for case, state in cases[each].items()}
        copies = await _copies(kits[code]) if under else {}
        found.append(
            NodeBooks(
                node=node, own=await balance(kits[code], (accepted or {}).get(code), streams[code]),
                link=compare(streams[code], streams[node.parent], [code, *under]) if node.parent in streams else None,
                below=sum(sum(streams[code].ids.get(each, {}).values()) for each in under), copies=len(copies),
                stale=sum(copies.get(case) != state for case, state in wanted.items()) + len(copies.keys() - wanted),
                gaps=sum(not whole(versions) for versions in streams[code].course.values()) if under else 0,
            )
        )  # fmt: skip
    return found


def descendants(topology: Topology, code: str) -> list[str]:
    """All nodes below *code*, the nearer ones first."""
    found = [node.code for node in topology.children(code)]
    return found + [one for child in found for one in descendants(topology, child)]


def whole(versions: Mapping[int, set[str]]) -> bool:
    """Whether a case's versions run 1..n and each was given once (1 and 2 are the report's and the place's)."""
    return sorted(versions) == list(range(1, max(versions) + 1)) and all(
        len(versions[v]) == 1 for v in versions if v > 2
    )


def compare(below: Stream, above: Stream, areas: Iterable[str]) -> LinkBooks:
    """What of *areas* stands in *below* against what stands in *above*."""
    sent = missing = doubled = foreign = 0
    for area in areas:
        here, there = below.ids.get(area, Counter[str]()), above.ids.get(area, Counter[str]())
        sent += len(here)
        missing += len(here.keys() - there.keys())
        foreign += len(there.keys() - here.keys())
        doubled += sum(times - 1 for times in there.values())
    disordered = sum(not _in_order(ids, above.order.get(case, [])) for case, ids in below.order.items())
    return LinkBooks(sent=sent, missing=missing, doubled=doubled, foreign=foreign, disordered=disordered)


def _in_order(below: list[str], above: list[str]) -> bool:
    """Whether what has arrived stands in the order in which it was said; what is missing is counted elsewhere."""
    arrived = list(dict.fromkeys(above))
    there = set(arrived)
    return [one for one in dict.fromkeys(below) if one in there] == [one for one in arrived if one in set(below)]


async def _cases(kit: Kit) -> dict[str, tuple[int, str]]:
    """case → (version, state), of the cases that are this node's."""
    return await _versions(kit, "select case_id, version, state from dispatch.cases where away is null")


async def _copies(kit: Kit) -> dict[str, tuple[int, str]]:
    return await _versions(kit, "select case_id, version, state from dispatch.copies")


async def _versions(kit: Kit, query: str) -> dict[str, tuple[int, str]]:
    db = await asyncpg.connect(kit.database_url)
    try:
        if not await db.fetchval("select to_regclass('dispatch.cases') is not null"):
            return {}
        return {row["case_id"]: (row["version"], row["state"]) for row in await db.fetch(query)}
    finally:
        await db.close()
