"""The watchdog: looks at every link, restarts what stands still, says what is wrong, and that this node is alive."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
import uuid
from typing import Any, TypeAlias

import msgspec
from yiwang.contracts import LinkState, MeshHeartbeat, MeshProbe, ServiceState
from yiwang.kit import App, links, names
from yiwang.kit.mesh import Mesh, ask_states, space, version

from . import alarms, observe
from .keep import keep_links, restart_source
from .release import Release
from .service import Page, service
from .store import Peer, Probed, Refused, sql
from .verdict import Alarm, Local, Seen, Track, judge, link_alarm, local_alarms, may_remedy, overdue, worth_a_restart

STATES_EVERY_S = 15.0
MUTE_AFTER_S = 60.0
"""A service that has not answered for so long is missing: a busy machine may miss one question"""
HEARTBEAT_TTL = "1h"
SOON_S = 5.0
"""A link that is about to stand is looked at again so soon, however rarely the others are"""
DAY = dt.timedelta(hours=8)
"""A day begins at midnight in Shanghai."""


Kept: TypeAlias = tuple[dict[str, int], dict[str, int]]
"""stream → first sequence that it keeps, and stream → last"""


def wall() -> dt.datetime:
    """Real time: links know nothing of a virtual clock."""
    return dt.datetime.now(dt.UTC)


class Watch:
    """What the watchdog remembers between two rounds."""

    def __init__(self, app: App, page: Page) -> None:
        self.app, self.page = app, page
        self.tracks: dict[tuple[str, str], Track] = {}
        self.release = Release()
        self.services: list[ServiceState] = []
        self.answered: dict[str, float] = {}
        self.asked_at = self.beaten_at = float("-inf")
        self.remedies: dict[str, str] = {}
        self.stand: set[tuple[str, str]] = set()
        """The links that stood when we last said that we are alive"""
        self.beginning = time.monotonic()
        self.states_every_s = max(STATES_EVERY_S, 3 * app.settings.watch_seconds)

    async def round(self, mesh: Mesh) -> None:
        """One look at everything."""
        app = self.app
        await keep_links(app, mesh)
        if released := await self.release.round(app.nc, links.consumers_of(mesh.page.by_code, mesh.code)):
            app.log.info("links_released", consumers=released)
        peers = {peer.node: peer for peer in await sql.rows(app.pool, "peers", Peer)}
        said = {code: _sequences(peer) for code, peer in peers.items()}
        refused = {row.child: row for row in await sql.rows(app.pool, "refused", Refused)}
        seen = await observe.look(app, mesh, said, {code: row.total for code, row in refused.items()})
        seen = [self._listen(one, await self._word(one, peers)) for one in seen]
        states = {(s.peer, s.direction): await self._judge(s) for s in seen}
        await self._ask_services()
        local, kept = await self._local(mesh, peers, refused, states)
        called = {node.code: node.name for node in mesh.page.nodes}
        wrong = local_alarms(local, app.settings.unsent_after_s, called)
        for one in seen:
            key = (one.peer, one.direction)
            if alarm := link_alarm(one, states[key], called.get(one.peer, one.peer), self.tracks[key]):
                wrong.append(alarm)
        await alarms.settle(app, wrong, self.remedies, wall())
        beat = await self._beat(mesh, seen, states, peers, wrong, local, kept)
        await _remember(app, beat)
        self._meter(seen, beat, wrong, local)
        await self._speak(mesh, beat)

    async def _word(self, seen: Seen, peers: dict[str, Peer]) -> tuple[dt.datetime | None, float]:
        """When the peer last spoke over this link, and how often it speaks: heartbeats from below, probes from above."""
        if seen.direction == "up":
            peer = peers.get(seen.peer)
            return (peer.recorded_at, _every_s(peer)) if peer else (None, 0.0)
        probed = await sql.row(self.app.pool, "probed", Probed, seen.peer)
        return (probed.recorded_at, probed.every_s) if probed else (None, 0.0)

    def _listen(self, seen: Seen, word: tuple[dt.datetime | None, float]) -> Seen:
        track = self.tracks.setdefault((seen.peer, seen.direction), Track(moved_at=seen.at))
        return msgspec.structs.replace(seen, overdue=overdue(track, *word, seen.at))

    async def _judge(self, seen: Seen) -> str:
        app, key = self.app, (seen.peer, seen.direction)
        track = self.tracks[key]
        state = judge(seen, track, app.settings.cut_after_s, app.settings.stall_after_s)
        never = state == "never" and seen.at - self.beginning > app.settings.stall_after_s
        if state == "stalled" or never:
            helps = worth_a_restart(seen, app.settings.cut_after_s, app.settings.dead_after_s)
            if helps and may_remedy(track, seen.at):
                stream = "DOWN" if seen.direction == "down" else "UP" if seen.waiting else links.landing(seen.peer)
                track.remedied_at, track.remedies = seen.at, track.remedies + 1
                done = await restart_source(app.nc, stream, track.remedies)
                self.remedies[f"link_stalled/{seen.peer}/{seen.direction}"] = done
                names.MESH_REMEDIES.labels(app.node.node_id, *key).inc()
                app.log.warning("link_remedied", peer=seen.peer, direction=seen.direction, behind=seen.behind, how=done)
        elif state in ("ok", "late"):
            track.remedies = 0
        return state

    async def _ask_services(self) -> None:
        if time.monotonic() - self.asked_at > self.states_every_s:
            self.asked_at = time.monotonic()
            self.services = await ask_states(self.app.nc)
            self.answered |= {s.service.replace("-", "_"): self.asked_at for s in self.services}

    async def _local(
        self, mesh: Mesh, peers: dict[str, Peer], refused: dict[str, Refused], states: dict[tuple[str, str], str]
    ) -> tuple[Local, Kept]:
        app, now = self.app, wall()
        last, first, full = await observe.sequences(app.nc)
        long_ago = time.monotonic() - max(MUTE_AFTER_S, 4 * self.states_every_s)
        silent = {}
        for child in links.linked_children(mesh.page.by_code, mesh.code):
            heard = peers[child].heard_at if child in peers else self.page.started_wall
            if (
                states.get((child, "up")) in ("ok", "late")
                and (now - heard).total_seconds() > app.settings.silent_after_s
            ):
                silent[child] = (now - heard).total_seconds()
        local = Local(
            unsent_s=await observe.unsent_s(app.nc, mesh, now),
            parked={state.service: state.parked for state in self.services if state.parked},
            waits={state.service: state.waits_for for state in self.services if state.waits_for},
            missing=tuple(sorted(s for s in mesh.me.services if self.answered.get(s, self.beginning) < long_ago)),
            full=full,
            space=await space(app),
            quarantined={row.child: row.unseen for row in refused.values() if row.unseen},
            silent=silent,
        )
        return local, (first, last)

    async def _beat(
        self, mesh: Mesh, seen: list[Seen], states: dict[tuple[str, str], str], peers: dict[str, Peer],
        wrong: list[Alarm], local: Local, kept: Kept,
    ) -> MeshHeartbeat:  # fmt: skip
        app = self.app
        today = (app.clock.now() + DAY).date()
        counts = {row["area"]: row["cases"] for row in await app.pool.fetch(sql["day_counts"], today)}
        return MeshHeartbeat(
            node=app.node.node_id, tier=app.node.tier, version=version(), topology=mesh.page.version,
            started_at=self.page.started_wall, links=tuple([await self._link(s, states, peers) for s in seen]),
            services=tuple(self.services), first_sequences=kept[0], last_sequences=kept[1], oldest_unsent_s=round(local.unsent_s, 1),
            alarms=tuple(a.alarm for a in wrong), cases_today=counts.get(app.node.jurisdiction, 0),
            every_s=app.settings.heartbeat_seconds,
        )  # fmt: skip

    async def _link(self, seen: Seen, states: dict[tuple[str, str], str], peers: dict[str, Peer]) -> LinkState:
        latency, at = 0.0, None
        if seen.direction == "up":
            if peer := peers.get(seen.peer):
                latency, at = peer.latency_ms, peer.recorded_at
        elif probed := await sql.row(self.app.pool, "probed", Probed, seen.peer):
            latency, at = probed.latency_ms, probed.recorded_at
        return LinkState(
            peer=seen.peer, direction=seen.direction, state=states[seen.peer, seen.direction], lag=seen.behind,
            last_event_at=at, latency_ms=round(latency, 1), refused=seen.refused,
        )  # fmt: skip

    def _meter(self, seen: list[Seen], beat: MeshHeartbeat, wrong: list[Alarm], local: Local) -> None:
        node = self.app.node.node_id
        for one, state in zip(seen, beat.links, strict=True):
            names.MESH_LAG.labels(node, one.peer, one.direction).set(one.behind)
            names.MESH_QUIET.labels(node, one.peer, one.direction).set(one.quiet_s)
            names.MESH_LATENCY.labels(node, one.peer, one.direction).set(state.latency_ms)
        names.MESH_UNSENT.labels(node).set(beat.oldest_unsent_s)
        names.DATABASE.labels(node).set(local.space.used)
        names.DATABASE_MOST.labels(node).set(local.space.most)
        for kind in alarms.KINDS:
            names.MESH_ALARMS.labels(node, kind).set(sum(a.kind == kind for a in wrong))

    async def _speak(self, mesh: Mesh, beat: MeshHeartbeat) -> None:
        """Say that we are alive, and probe each link down, when it is time, or a link has come to stand or fallen."""
        app = self.app
        stand = {(link.peer, link.direction) for link in beat.links if link.state in ("ok", "late")}
        if time.monotonic() - self.beaten_at < app.settings.heartbeat_seconds and stand == self.stand:
            return
        self.beaten_at, self.stand = time.monotonic(), stand
        if mesh.parent is not None:
            await say(app, beat)
        for child in links.linked_children(mesh.page.by_code, mesh.code):
            await say(app, MeshProbe(node=app.node.node_id, addressee=child, every_s=app.settings.heartbeat_seconds))


def _sequences(peer: Peer) -> dict[str, int]:
    return msgspec.json.decode(peer.heartbeat, type=MeshHeartbeat).last_sequences


def _every_s(peer: Peer) -> float:
    return msgspec.json.decode(peer.heartbeat, type=MeshHeartbeat).every_s


async def _remember(app: App, beat: MeshHeartbeat) -> None:
    """This node's own state, for its own page and for other replicas."""
    now = wall()
    await sql.run(app.pool, "set_peer", app.node.node_id, msgspec.json.encode(beat).decode(), now, now, 0.0)


async def say(app: App, event: Any) -> None:
    """Publish one of the mesh's own events in real time; the streams keep it for an hour."""
    out = app.stamper.stamp(event, wall(), parent=str(uuid.uuid4()), n=0)
    headers = {"Nats-Msg-Id": out.id, "Nats-TTL": HEARTBEAT_TTL}
    await app.nc.jetstream().publish(out.subject, out.data, headers=headers, timeout=5)


@service.background(leased=True)
async def watch(app: App) -> None:
    """Round after round, for as long as the service runs."""
    page = app.get(Page)
    watching = Watch(app, page)
    while True:
        begin = time.monotonic()
        if mesh := page.refresh():
            try:
                await watching.round(mesh)
                app.waiting.pop("mesh", None)
            except Exception as error:  # noqa: BLE001 - an outage is waited out
                app.waiting["mesh"] = f"看护链路时出错，稍后再试：{error!r:.150}"
                app.log.warning("watch_waits", error=repr(error)[:300])
        every = app.settings.watch_seconds
        every = min(SOON_S, every) if watching.release.begun else every
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.2, every - (time.monotonic() - begin))):
                await page.touched.wait()
        page.touched.clear()
