"""The state of the mesh below a node, as far as the node knows: one line for each place."""

from __future__ import annotations

import datetime as dt

import msgspec
from yiwang.contracts import LinkState, MeshHeartbeat, ServiceState
from yiwang.kit import App
from yiwang.kit.mesh import Mesh, MeshNode

from .service import Page
from .store import AlarmRow, DayCount, Peer, sql
from .watch import DAY, wall

DARK = frozenset({"cut", "stalled", "never", "silent", "hidden"})
"""States of a place in which what lies below it can't be seen"""


class StandingAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that stands, of this node or heard from below."""

    node: str
    alarm: str
    kind: str
    sentence: str
    since: dt.datetime


class PlaceState(msgspec.Struct, frozen=True, kw_only=True):
    """One node of the subtree."""

    code: str
    name: str
    tier: str
    parent: str
    klass: str
    host: str
    state: str
    """here, ok, late, stalled, cut, never, silent (no heartbeat for long), hidden (a node above it is out of sight, so
    that all of this is as of `as_of`) or docked"""
    lacks: tuple[str, ...] = ()
    as_of: dt.datetime | None = None
    """When the node said what stands here"""
    version: str = ""
    page: str = ""
    """Version of the mesh page that it uses"""
    lag: int = 0
    """Events that wait on the way up to the next node"""
    unsent_s: float = 0.0
    """Age of its oldest event that has not left it"""
    up_ms: float = 0.0
    """How long its last heartbeat was on its way to here"""
    down_ms: float = 0.0
    """How long the last probe from above was on its way to it, by its own account"""
    refused: int = 0
    """Events that it sent for areas that aren't its own"""
    parked: int = 0
    cases_today: int = 0
    """By its own account, as of `as_of`"""
    cases_here: int = 0
    """Cases of today taken in its name that have arrived here"""
    last_case_at: dt.datetime | None = None
    """The newest of them"""
    services: tuple[ServiceState, ...] = ()
    hosted: dict[str, str] = {}
    """service → the node that acts for it"""
    links: tuple[LinkState, ...] = ()


class MeshState(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /mesh` and `yiwang mesh status` show."""

    node: str
    topology: str
    version: str
    at: dt.datetime
    places: tuple[PlaceState, ...]
    """This node first, then those below it, each after the one above it"""
    alarms: tuple[StandingAlarm, ...]
    page_broken: str = ""
    """Why the newest mesh page can't be used, if it can't"""


async def mesh_state(app: App) -> MeshState | None:
    """The subtree as this node knows it; None for a node that stands alone."""
    page = app.get(Page)
    mesh = page.refresh()
    if mesh is None:
        return None
    now = wall()
    peers = {peer.node: peer for peer in await sql.rows(app.pool, "peers", Peer)}
    beats = {code: msgspec.json.decode(peer.heartbeat, type=MeshHeartbeat) for code, peer in peers.items()}
    today = (app.clock.now() + DAY).date()
    counts = {row.area: row for row in await sql.rows(app.pool, "day_counts", DayCount, today)}
    alarms = await sql.rows(app.pool, "all_standing", AlarmRow)
    known = {node.code for node in subtree(mesh)}
    places: list[PlaceState] = []
    out_of_sight: set[str] = set()
    for node in subtree(mesh):
        place = _place(mesh, node, peers.get(node.code), beats, counts.get(node.code), now, app.settings.silent_after_s)
        if place.parent in out_of_sight and place.state != "docked":
            place = msgspec.structs.replace(place, state="hidden")
        if place.state in DARK:
            out_of_sight.add(place.code)
        places.append(place)
    return MeshState(
        node=mesh.code, topology=mesh.page.topology, version=mesh.page.version, at=now, places=tuple(places),
        alarms=tuple(StandingAlarm(**msgspec.structs.asdict(row)) for row in alarms if row.node in known),
        page_broken=page.broken,
    )  # fmt: skip


def subtree(mesh: Mesh) -> list[MeshNode]:
    """This node and those below it, each after the one above it."""
    found = [mesh.me]
    for node in found:
        at = found.index(node) + 1
        found[at:at] = [n for n in mesh.page.nodes if n.parent == node.code and n not in found]
    return found


def _place(
    mesh: Mesh, node: MeshNode, peer: Peer | None, beats: dict[str, MeshHeartbeat], count: DayCount | None,
    now: dt.datetime, silent_after: float,
) -> PlaceState:  # fmt: skip
    beat = beats.get(node.code)
    above = beats.get(node.parent)
    link = next((x for x in above.links if x.peer == node.code and x.direction == "up"), None) if above else None
    down = next((x for x in beat.links if x.direction == "down"), None) if beat else None
    return PlaceState(
        code=node.code, name=node.name, tier=node.tier, parent=node.parent, klass=node.klass, host=node.host,
        state=_state(mesh, node, peer, link, now, silent_after), lacks=node.lacks,
        as_of=peer.recorded_at if peer else None,
        version=beat.version if beat else "", page=beat.topology if beat else "", lag=link.lag if link else 0,
        unsent_s=beat.oldest_unsent_s if beat else 0.0, up_ms=peer.latency_ms if peer else 0.0,
        down_ms=down.latency_ms if down else 0.0, refused=link.refused if link else 0,
        parked=sum(s.parked for s in beat.services) if beat else 0,
        cases_today=beat.cases_today if beat else 0,
        cases_here=count.cases if count else 0, last_case_at=count.last_at if count else None,
        services=beat.services if beat else (), hosted=dict(node.hosted), links=beat.links if beat else (),
    )  # fmt: skip


def _state(
    mesh: Mesh, node: MeshNode, peer: Peer | None, link: LinkState | None, now: dt.datetime, silent_after: float
) -> str:
    if node.docked:
        return "docked"
    if node.code == mesh.code:
        return "here"
    if link is not None and link.state in ("cut", "stalled"):
        return link.state
    if peer is None:
        return "never"
    if (now - peer.heard_at).total_seconds() > silent_after:
        return "silent"
    return link.state if link is not None else "ok"
