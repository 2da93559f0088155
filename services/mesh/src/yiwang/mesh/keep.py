"""This node's own side of every link, made where it is missing and put right where it differs. Nothing is ever dropped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nats.aio.client import Client
from yiwang.kit import App, JetStreamError, links
from yiwang.kit.fence import closed_subject
from yiwang.kit.link import api
from yiwang.kit.mesh import Mesh, stream_config

from .release import PAUSED

NOT_FOUND = 10059
NO_CONSUMER = 10014


async def keep_links(app: App, mesh: Mesh) -> list[str]:
    """Bring consumers, landing streams and sources in line with the page; says what was changed.

    First the consumers beside our own data, so that the other side finds them; then what we take in. Streams that are
    closed because the node moves stay as they are.
    """
    places, me, changed = mesh.page.by_code, mesh.code, []
    template = (await api(app.nc, "STREAM.INFO.UP"))["config"]
    if closed(template):
        return []
    for body in links.consumers_of(places, me):
        changed += await _keep_consumer(app.nc, body)
    for child in links.linked_children(places, me):
        wanted = landing_config(template, mesh, child)
        changed += await _keep_stream(app.nc, wanted)
    changed += await _let_go(app.nc, {links.landing(c) for c in links.linked_children(places, me)})
    subjects = stream_config("UP", app.kit, mesh)["subjects"]
    changed += await keep_sources(app.nc, "UP", links.up_sources(places, me), subjects, keep_old=True)
    changed += await keep_sources(app.nc, "DOWN", links.down_sources(places, me))
    if changed:
        app.log.info("links_kept", changed=changed)
    return changed


def landing_config(up: dict[str, Any], mesh: Mesh, child: str) -> dict[str, Any]:
    """The landing stream of *child*: like UP, but it only sources, and reserves no room (it is swept as UP takes it)."""
    same = ("retention", "storage", "num_replicas", "max_age", "duplicate_window", "allow_direct", "discard")
    return {
        "name": links.landing(child),
        **{name: up[name] for name in same if name in up},
        "max_bytes": -1,
        "allow_msg_ttl": True,
        "sources": [links.landing_source(mesh.page.by_code, mesh.code, child)],
    }


async def _keep_consumer(nc: Client, body: dict[str, Any]) -> list[str]:
    stream, wanted = body["stream_name"], body["config"]
    name = wanted["name"]
    try:
        found = (await api(nc, f"CONSUMER.INFO.{stream}.{name}"))["config"]
    except JetStreamError as error:
        if error.code != NO_CONSUMER:
            raise
        wanted = {**wanted, "pause_until": PAUSED}
    else:
        if all(
            found.get(key) == value for key, value in wanted.items() if key.startswith(("filter", "deliver_subject"))
        ):
            return []
        wanted = {**found, **wanted}
        wanted.pop("filter_subjects" if "filter_subject" in body["config"] else "filter_subject", None)
    tail = f".{wanted['filter_subject']}" if "filter_subject" in wanted else ""
    await api(nc, f"CONSUMER.CREATE.{stream}.{name}{tail}", {**body, "config": wanted})
    return [f"{stream}/{name}"]


async def _keep_stream(nc: Client, wanted: dict[str, Any]) -> list[str]:
    """Create a landing stream, or give it the source that the page says."""
    name = wanted["name"]
    try:
        found = (await api(nc, f"STREAM.INFO.{name}"))["config"]
    except JetStreamError as error:
        if error.code != NOT_FOUND:
            raise
        await api(nc, f"STREAM.CREATE.{name}", wanted)
        return [name]
    if marks(found.get("sources")) == marks(wanted["sources"]):
        return []
    await api(nc, f"STREAM.UPDATE.{name}", {**found, "sources": wanted["sources"]})
    return [f"{name} sources"]


async def _let_go(nc: Client, ours: set[str]) -> list[str]:
    """A child that went elsewhere is not drawn from any more; what it sent stays."""
    changed = []
    names = (await api(nc, "STREAM.NAMES")).get("streams") or []
    for name in names:
        if not name.startswith("IN_") or name in ours:
            continue
        found = (await api(nc, f"STREAM.INFO.{name}"))["config"]
        if found.pop("sources", None):
            await api(nc, f"STREAM.UPDATE.{name}", found)
            changed.append(f"{name} let go")
    return changed


async def keep_sources(
    nc: Client, stream: str, wanted: list[dict[str, Any]], subjects: Iterable[str] = (), *, keep_old: bool = False
) -> list[str]:
    """Give *stream* these sources and subjects; with *keep_old* sources of before stay beside them."""
    found = (await api(nc, f"STREAM.INFO.{stream}"))["config"]
    if closed(found):
        return []
    has = found.get("sources") or []
    if keep_old:
        known = {source["name"] for source in wanted}
        wanted = [*wanted, *(source for source in has if source["name"] not in known)]
    subjects = sorted(subjects) or found["subjects"]
    if marks(has) == marks(wanted) and sorted(found["subjects"]) == sorted(subjects):
        return []
    await api(nc, f"STREAM.UPDATE.{stream}", {**found, "sources": wanted, "subjects": subjects})
    return [f"{stream} sources"]


def closed(config: dict[str, Any]) -> bool:
    """Whether a stream was closed by `yiwang tenant seal`."""
    return bool(config["subjects"] == [closed_subject(config["name"])])


async def restart_source(nc: Client, stream: str, number: int) -> str:
    """The remedy for a source that stands still: take it out and put it back, or let another server lead the stream.

    It goes on where it was: the server finds the place in the stream itself. *number* counts the remedies of this link.
    """
    info = await api(nc, f"STREAM.INFO.{stream}")
    config = info["config"]
    if config.get("num_replicas", 1) > 1 and number % 2 == 0:
        await api(nc, f"STREAM.LEADER.STEPDOWN.{stream}")
        return "leader step-down"
    await api(nc, f"STREAM.UPDATE.{stream}", {**config, "sources": []})
    await api(nc, f"STREAM.UPDATE.{stream}", config)
    return "source restarted"


def marks(sources: Iterable[dict[str, Any]] | None) -> set[tuple[str, str, str, str]]:
    """What tells sources apart."""
    return {
        (
            source["name"],
            (source.get("external") or {}).get("api", ""),
            (source.get("consumer") or {}).get("name", ""),
            source.get("filter_subject", ""),
        )
        for source in sources or ()
    }
