"""What a service hears: streams and filter subjects of its event types at its node. Knows no NATS."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from yiwang.contracts import Flow, filters, place_of

from ._service import Scope, Service, Subscription

if TYPE_CHECKING:
    from ._mesh import Mesh

STREAMS: Final[dict[Flow, str]] = {"up": "UP", "down": "DOWN", "local": "LOCAL"}
"""flow → stream. One stream a flow, the same names at every node."""
MANY: Final = 1
"""Event types beyond which a feed takes everything and sifts by itself. For every message that it hands to a reader with
several filters, nats-server (2.15) intersects them with all subjects of a block as soon as the reader lags by more
messages than the block has subjects: two thirds of its CPU when all services were filtered by type."""
FLOWS: Final[dict[str, Flow]] = {stream: flow for flow, stream in STREAMS.items()}


def streams_of(sub: Subscription, mesh: Mesh | None) -> list[str]:
    """The streams in which the events of *sub* lie.

    Below another node, copies of `up` facts that are meant for this one come down in DOWN.
    """
    flow = sub.event_type.flow
    below = mesh is not None and mesh.parent is not None
    return [STREAMS[flow], STREAMS["down"]] if flow == "up" and below else [STREAMS[flow]]


def own_echo(sub: Subscription, subject: str, jurisdictions: tuple[str, ...]) -> bool:
    """Whether *subject* is one of this node's own facts, which a handler of what others say doesn't hear."""
    return sub.scope is Scope.BELOW and any(f".{place_of(code)}." in subject for code in jurisdictions)


def subscribed(
    service: Service,
    stream: str,
    jurisdiction: str,
    *,
    mesh: Mesh | None = None,
    partitions: list[int] | None = None,
    tag: str = "",
) -> list[str]:
    """The filter subjects of *service* on *stream* at the node *jurisdiction*; with *tag* those of that type alone."""
    flow, found = FLOWS[stream], []
    acts_for = [jurisdiction, *(mesh.hosts(service.name) if mesh else ())]
    for sub in service.subscriptions.values():
        if stream not in streams_of(sub, mesh) or tag not in ("", sub.tag):
            continue
        if flow != sub.event_type.flow:  # copies that came down to this node
            pps = ["*"] if partitions is None else [f"{pp:02d}" for pp in partitions]
            found += [f"yw.{flow}.{place_of(jurisdiction)}.{pp}.{sub.tag}" for pp in pps]
        elif sub.scope is Scope.BELOW and flow == "up" and not (mesh and mesh.children):
            continue
        elif sub.scope in (Scope.SUBTREE, Scope.BELOW):
            found += filters(flow, [sub.tag], partitions=partitions)
        else:
            for code in acts_for if flow == "up" else acts_for[:1]:
                found += filters(flow, [sub.tag], jurisdiction=code, partitions=partitions)
    return found


def coarse(exact: list[str]) -> list[str]:
    """The filters that the server is asked for: *exact*, or those of the partitions alone, or none at all."""
    parts = [text.split(".", 5) for text in exact]
    if any(len(part) < 6 for part in parts) or len({part[5] for part in parts}) <= MANY:
        return exact
    pps = sorted({part[4] for part in parts})
    return [] if "*" in pps else [f"yw.{parts[0][1]}.*.*.{pp}.>" for pp in pps]


class Sieve:
    """Keeps of a feed what its exact filters name: type and place; the partition the server has seen to."""

    def __init__(self, exact: list[str]) -> None:
        self._wanted = [tuple(text.encode().split(b".", 5)) for text in exact]
        self.keeps = lru_cache(maxsize=16384)(self._keeps)

    def _keeps(self, subject: bytes) -> bool:
        _, _, city, county, _, tag = subject.split(b".", 5)
        return any(want[5] == tag and want[2] in (b"*", city) and want[3] in (b"*", county) for want in self._wanted)
