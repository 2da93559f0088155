"""The loops that ask for files, send what was asked for, and collect what comes."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any, Final

from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from yiwang.contracts import MediaRequested, MediaUnavailable
from yiwang.kit import App
from yiwang.kit.files import KNOWN, NotHere
from yiwang.kit.parcels import FILTER, BadPart, Collector, read_part, send

from .media import PAUSE_S, TRIES, WantedRow, holder_of, sql
from .service import service

DURABLE: Final = "media_parts"
IDLE_S: Final = 0.5
MOST: Final = 20 * 1024 * 1024


@service.background(leased=True)
async def media_requests(app: App) -> None:
    """Ask for what is wanted, send what we were asked for; in one replica at a time."""
    while True:
        busy = False
        try:
            busy = await _ask(app)
            busy = await _send(app) or busy
        except Exception as error:
            if not app.is_outage(error):
                raise
        if not busy:
            await asyncio.sleep(app.kit.poll_seconds)


async def _ask(app: App) -> bool:
    """Say `media.requested` for what is due; whether there was anything."""
    async with app.command(purpose="live") as ctx:
        rows = await sql.rows(ctx.tx, "due", WantedRow, ctx.now(), 50)
        for row in rows:
            to = holder_of(app, row.home_node)
            if not to or row.tries >= TRIES:
                reason = "多次调取没有到达，请检查链路后重新调取" if to else f"{row.home_node} 不是本级以下的在线平台"
                await sql.run(ctx.tx, "settle", row.media_id, "unavailable", reason)
                continue
            again = ctx.now() + dt.timedelta(seconds=PAUSE_S * 2**row.tries)
            await sql.run(ctx.tx, "asked", row.media_id, again)
            ctx.emit(MediaRequested(addressee=to, media_id=row.media_id, reason="person" if row.asked_by else "policy"))
    return bool(rows)


async def _send(app: App) -> bool:
    """Send the files that tiers above want; whether there were any."""
    due = [row["media_id"] for row in await app.pool.fetch(sql["to_send"], 20)]
    for media_id in due:
        state, reason = "sent", ""
        try:
            await send(app, media_id, app.node.jurisdiction)
        except NotHere:
            state, reason = "unavailable", f"{app.node.jurisdiction} 没有这个文件，可能已按规定删除"
        async with app.command(purpose="live") as ctx:
            await sql.run(ctx.tx, "sent", media_id, state, reason, ctx.now())
            if reason:
                ctx.emit(MediaUnavailable(media_id=media_id, reason=reason))
    return bool(due)


@service.background(leased=True)
async def media_parts(app: App) -> None:
    """Put together what comes from below, of the files that we asked for."""
    collector, held = Collector(), dict[str, list[Any]]()
    js = app.nc.jetstream()
    if app.mesh is None or not app.mesh.children:
        await asyncio.Event().wait()  # nothing comes from below
    while True:
        try:
            config = ConsumerConfig(
                durable_name=DURABLE, filter_subject=FILTER, ack_policy=AckPolicy.EXPLICIT, ack_wait=60,
                deliver_policy=DeliverPolicy.ALL, max_ack_pending=512, max_deliver=5,
            )  # fmt: skip
            sub = await js.pull_subscribe(FILTER, durable=DURABLE, stream="UP", config=config)
            while True:
                try:
                    messages = await sub.fetch(16, timeout=5)
                except NatsTimeout:
                    continue
                for message in messages:
                    await _part(app, collector, held, message)
        except Exception as error:
            if not app.is_outage(error):
                raise
            await asyncio.sleep(IDLE_S)


async def _part(app: App, collector: Collector, held: dict[str, list[Any]], message: Any) -> None:
    """One part: kept until its file is whole; of a file that nobody here asked for, nothing is kept."""
    try:
        part = read_part(message.headers, len(message.data))
        row = await sql.row(app.pool, "wanted", WantedRow, part.media_id)
        if row is None or row.state not in ("wanted", "asked") or part.size > MOST:
            await message.ack()
            return
        held.setdefault(part.media_id, []).append(message)
        whole = collector.take(part, message.data)
    except BadPart as bad:
        app.log.warning("media_part_dropped", reason=str(bad)[:200])
        await message.ack()
        return
    if whole is None:
        return
    stored = await app.media.put(whole, max_bytes=MOST, types=KNOWN, home=part.home_node)
    await sql.run(app.pool, "settle", stored.media_id, "here", "")
    for one in held.pop(part.media_id, []):
        await one.ack()
