"""Whether everything that was published is done: what a test waits for, and what is left when it waits in vain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nats.js.errors import NotFoundError
from yiwang.kit import App
from yiwang.kit.link import STREAMS, Link, api

_WAITING: Final = "select (select count(*) from kit_outbox), (select count(*) from kit_held)"


async def unsettled(link: Link, apps: Sequence[App]) -> str:
    """What services with a database still have to do; empty for nothing."""
    ends = await _ends(link)
    for app in apps:
        if not app.service.database:
            continue
        name, [[said, held]] = app.service.name, await app.pool.fetch(_WAITING)
        if said or held:
            return f"{name}: {said} pages wait to be said, {held} events for another try"
        for group, worker in app.workers.items():
            if not worker.idle or any(len(feed) for feed in worker.feeds):
                return f"{name}: group {group} has {[len(feed) for feed in worker.feeds]} events to read, idle: {worker.idle}"
        if len(app.leases) < app.groups and len(apps) == 1:
            return f"{name}: {len(app.leases)} of {app.groups} groups are held"
    after = await _ends(link)
    return "" if after == ends else f"the streams grow: {ends}, {after}"


async def _ends(link: Link) -> dict[str, int]:
    return {s: (await api(link.nc, f"STREAM.INFO.{s}"))["state"]["last_seq"] for s in STREAMS.values()}


async def acked(link: Link) -> bool:
    """Whether the durables of services without a database have acked everything.

    The server counts what is pending a moment after it has stored it, so the newest message is asked for by name.
    """
    for stream in STREAMS.values():
        for info in (await api(link.nc, f"CONSUMER.LIST.{stream}"))["consumers"]:
            config = info["config"]
            if not config.get("durable_name"):
                continue
            if info["num_pending"] or info["num_ack_pending"]:
                return False
            for subject in config.get("filter_subjects") or [config.get("filter_subject") or ">"]:
                if info["delivered"]["stream_seq"] < await _newest(link, stream, subject):
                    return False
    return True


async def _newest(link: Link, stream: str, subject: str) -> int:
    """Sequence of the newest message of *stream* on *subject*, 0 if there is none."""
    try:
        return (await link.nc.jetstream().get_last_msg(stream, subject)).seq or 0
    except NotFoundError:
        return 0
