"""Durable timers: rows whose moment has come, one transaction each, any replica."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from . import names
from ._context import Context, listed
from ._engine import refusal
from ._service import Retry, Timer

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.timers")


async def keep(app: App) -> None:
    """Fire due timers for as long as the service runs."""
    while not app.stopping:
        fired = 0
        try:
            fired = 0 if app.sealed else await fire_due(app)
            app.waiting.pop("timers", None)
        except Exception as error:  # noqa: BLE001 - an outage is waited out
            app.waiting["timers"] = f"定时任务暂停：{error!r:.120}"
            log.warning("timers_wait", service=app.service.name, error=repr(error)[:300])
        if not fired:
            await asyncio.sleep(app.kit.poll_seconds / 2)


async def fire_due(app: App, most: int = 100) -> int:
    """Fire up to *most* timers that are due on the service's clock; returns how many were looked at."""
    rows = await app.pool.fetch(
        "select kind, key from kit_timer where due <= $1 and kind = any($2::text[]) order by due limit $3",
        app.clock.now(), list(app.service.timers), most,
    )  # fmt: skip
    for row in rows:
        await _fire(app, row["kind"], row["key"])
    return len(rows)


async def _fire(app: App, kind: str, key: str) -> None:
    try:
        async with app.pool.acquire() as db, db.transaction():
            row = await db.fetchrow(
                "select * from kit_timer where kind = $1 and key = $2 and due <= $3 for update skip locked",
                kind, key, app.clock.now(),
            )  # fmt: skip
            if row is None:
                return
            timer = Timer(id=row["id"], kind=kind, key=key, due=row["due"], data=msgspec.json.decode(row["data"]))
            ctx = Context(app, db, parent=timer.id, purpose=row["purpose"], attempt=row["tries"] + 1)
            ctx.emit(*listed(await app.service.timers[kind](timer, ctx)))
            # The handler may have set the same timer anew: then the row has another id and stays.
            await db.execute("delete from kit_timer where kind = $1 and key = $2 and id = $3", kind, key, timer.id)
            await app.outbox.write(db, ctx, notify=True)
    except Exception as error:
        if app.is_outage(error):
            raise
        await _postpone(app, kind, key, error)
        return
    names.TIMERS.labels(app.service.name, kind).inc()
    app.outbox.wake(ctx.outputs)


async def _postpone(app: App, kind: str, key: str, error: Exception) -> None:
    """A timer whose handler failed is tried again later; one that is refused waits a day and says why."""
    after, facts = 5.0, {"service": app.service.name, "kind": kind, "key": key, "error": repr(error)[:500]}
    if isinstance(error, Retry):  # the handler asks for it: nothing is wrong
        after = error.after
        log.info("timer_retries", **facts)
    else:
        after = 86400.0 if refusal(error) else after
        log.error("timer_failed", **facts)
    await app.pool.execute(
        "update kit_timer set due = $3, tries = tries + 1, reason = $4 where kind = $1 and key = $2",
        kind, key, app.clock.now() + dt.timedelta(seconds=after * app.clock.speed), str(error)[:2000],
    )  # fmt: skip
