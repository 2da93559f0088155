"""The state of the mesh itself: what each node says about its links, and what is wrong with them."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from ._event import Event, Flow
from ._types import Moment

__all__ = ["LinkState", "MeshAlarmCleared", "MeshAlarmRaised", "MeshEvent", "MeshHeartbeat", "MeshProbe", "ServiceState"]


class LinkState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One direction of one link, as the receiving node sees it."""

    peer: str
    """Area code of the node at the other end"""
    direction: str
    """up: the peer is below us; down: the peer is above us"""
    state: str
    """ok, late (behind, but moving), stalled (behind and not moving), cut (no sign of the peer) or never"""
    lag: int = 0
    """Events that lie at the peer and not yet here"""
    last_event_at: Moment | None = None
    """When the newest event that came over it was recorded at the peer"""
    latency_ms: float = 0.0
    """How long the last heartbeat or probe was on its way, by both nodes' clocks"""
    refused: int = 0
    """Events that the peer sent for an area that isn't its own (quarantine)"""


class ServiceState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One service of a node."""

    service: str
    """Its name"""
    version: str = ""
    """Of the program"""
    replicas: int = 0
    """Running copies"""
    parked: int = 0
    """Events that wait for a person"""
    unsent: int = 0
    """Rows of the outbox that are not yet in the stream"""
    waits_for: str = ""
    """The sentence of /readyz, if it waits"""


class MeshEvent(Event, frozen=True, kw_only=True):
    """Something that one node says of itself; the node is the order key."""

    node: str
    """Area code of the node that speaks, or for a probe of the one that sends it"""

    @property
    def key(self) -> str:
        return f"node/{self.node}"


class MeshHeartbeat(MeshEvent, frozen=True, kw_only=True, tag="mesh.heartbeat.v1"):
    """A node is alive (心跳); the streams keep it for minutes only, the newest of a node is what counts."""

    tier: str
    """county, city, province or nation"""
    version: str
    """Of the program"""
    topology: str = ""
    """Version of the mesh page in use"""
    started_at: Moment
    """When the node's mesh service started"""
    links: tuple[LinkState, ...] = ()
    """Its links, each as it sees them"""
    services: tuple[ServiceState, ...] = ()
    """Its services"""
    last_sequences: dict[str, int] = msgspec.field(default_factory=dict)
    """stream → last sequence, for books between tiers"""
    first_sequences: dict[str, int] = msgspec.field(default_factory=dict)
    """stream → first sequence that it still keeps: what lay before is forgotten"""
    oldest_unsent_s: float = 0.0
    """Age of the oldest event that has not left this node's outboxes"""
    alarms: tuple[str, ...] = ()
    """Alarms that stand"""
    cases_today: int = 0
    """Cases reported since midnight"""
    every_s: float = 0.0
    """Seconds until the next heartbeat, 0 unknown: who waits much longer knows that the link stands still"""


class MeshProbe(MeshEvent, frozen=True, kw_only=True, tag="mesh.probe.v1"):
    """A canary from above (链路探测): the receiving node reports how long it was on its way."""

    flow: ClassVar[Flow] = "down"
    every_s: float = 0.0
    """Seconds until the next probe, 0 unknown"""


class MeshAlarmRaised(MeshEvent, frozen=True, kw_only=True, tag="mesh.alarm_raised.v1"):
    """Something is wrong with a link or a node (网络告警), with what to do."""

    alarm: str
    """A stable name of the kind and its object, e.g. ``link_stalled/440106/up``"""
    kind: str
    """link_cut, link_stalled, quarantine, unsent, parked, silent, not_ready, retention or database"""
    sentence: str
    """A sentence that says who must do what"""
    since: Moment
    """When it began"""


class MeshAlarmCleared(MeshEvent, frozen=True, kw_only=True, tag="mesh.alarm_cleared.v1"):
    """It is right again (告警解除)."""

    alarm: str
    """The name under which it was raised"""
    kind: str
    """As raised"""
    since: Moment
    """When it began"""
    remedy: str = ""
    """What the watchdog did, if it did anything"""
