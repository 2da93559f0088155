"""Looking at the links and at the node itself: numbers from JetStream, nothing is decided here."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import msgspec
from nats.aio.client import Client
from yiwang.kit import App, JetStreamError, links
from yiwang.kit.link import STREAMS, api
from yiwang.kit.mesh import Mesh

from .verdict import FULL, Seen

SECOND = 10**9


async def look(app: App, mesh: Mesh, said: dict[str, dict[str, int]], refused: dict[str, int]) -> list[Seen]:
    """Every link in both directions as this node sees it. *said*: child → stream → last sequence, of its heartbeat."""
    found = []
    up = await api(app.nc, "STREAM.INFO.UP")
    taken = {source["name"]: int(source.get("lag", 0)) for source in up.get("sources") or ()}
    for child in links.linked_children(mesh.page.by_code, mesh.code):
        standing = await bound(app.nc, "DOWN", links.downlink(child))
        info = await _info(app.nc, links.landing(child))
        seen = _seen(info, "UP", child, "up", standing)
        seen = msgspec.structs.replace(
            seen, last_seq=said.get(child, {}).get("UP", 0), waiting=taken.get(links.landing(child), 0),
            refused=refused.get(child, 0),
        )  # fmt: skip
        found.append(seen)
    if mesh.parent is not None:
        standing = await bound(app.nc, "UP", links.uplink(mesh.code))
        found.append(_seen(await _info(app.nc, "DOWN"), "DOWN", mesh.parent.code, "down", standing))
    return found


def _seen(info: dict[str, Any], source: str, peer: str, direction: str, standing: bool) -> Seen:
    state: dict[str, Any] = next((s for s in info.get("sources") or () if s["name"] == source), {})
    active = int(state.get("active", -1))
    return Seen(
        peer=peer, direction=direction, at=time.monotonic(), quiet_s=active / SECOND if active >= 0 else -1.0,
        lag=int(state.get("lag", 0)), seq=int(state.get("seq", 0)), connected=standing,
    )  # fmt: skip


async def _info(nc: Client, stream: str) -> dict[str, Any]:
    try:
        return await api(nc, f"STREAM.INFO.{stream}")
    except JetStreamError:
        return {}


async def bound(nc: Client, stream: str, consumer: str) -> bool:
    """Whether the other side listens to our consumer: then the line to it stands."""
    try:
        return bool((await api(nc, f"CONSUMER.INFO.{stream}.{consumer}")).get("push_bound"))
    except JetStreamError:
        return False


async def sequences(nc: Client) -> tuple[dict[str, int], dict[str, int], dict[str, float]]:
    """stream → last sequence, stream → first that it keeps, and stream → used share of its room, where that is much."""
    last, first, full = {}, {}, {}
    for stream in STREAMS.values():
        info = await api(nc, f"STREAM.INFO.{stream}")
        last[stream] = int(info["state"]["last_seq"])
        first[stream] = int(info["state"]["first_seq"])
        most = int(info["config"].get("max_bytes", -1))
        if most > 0 and int(info["state"]["bytes"]) > FULL * most:
            full[stream] = int(info["state"]["bytes"]) / most
    return last, first, full


async def unsent_s(nc: Client, mesh: Mesh, now: dt.datetime) -> float:
    """Age of the oldest event of UP that has not been handed to the link up; 0 when all are, or nobody is above."""
    if mesh.parent is None:
        return 0.0
    try:
        info = await api(nc, f"CONSUMER.INFO.UP.{links.uplink(mesh.code)}")
        if not info["num_pending"]:
            return 0.0
        body = {"seq": int(info["delivered"]["stream_seq"]) + 1, "next_by_subj": links.subtree("up", mesh.code)}
        found = await api(nc, "STREAM.MSG.GET.UP", body)
    except JetStreamError:
        return 0.0
    stored = dt.datetime.fromisoformat(str(found["message"]["time"])[:19] + "+00:00")
    return max(0.0, (now - stored).total_seconds())
