"""The outbox: outputs leave in order, published only by the holder of their partition group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import structlog

from ._context import Context, Tx
from ._envelope import Ready
from ._telemetry import current_trace

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.outbox")
PAGE: Final = 2000


async def _either(wake: asyncio.Event, seconds: float) -> None:
    """Wait for *wake*, at most *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        pass


class Outbox:
    """Writes outputs inside the transaction and wakes whoever must publish them."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.wakes: dict[int, asyncio.Event] = {}

    async def write(self, db: Tx, ctx: Context, *, notify: bool = False) -> None:
        """Store *ctx*'s outputs in its transaction; with *notify* other replicas' publishers hear of the commit."""
        outputs = ctx.outputs
        if not outputs:
            return
        await db.execute(
            "insert into kit_outbox (pp, id, subject, trace, data)"
            " select * from unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::bytea[])",
            [o.partition for o in outputs], [o.id for o in outputs], [o.subject for o in outputs],
            [current_trace()] * len(outputs), [o.data for o in outputs],
        )  # fmt: skip
        if notify:
            await db.execute("select pg_notify($1, 'outbox')", f"kit_{self._app.service.schema}")

    def wake(self, outputs: Iterable[Ready] = ()) -> None:
        """Wake the publishers of the groups that this replica holds."""
        groups = {o.partition % self._app.groups for o in outputs} or set(self.wakes)
        for group in groups:
            if event := self.wakes.get(group):
                event.set()

    async def publish_group(self, group: int) -> None:
        """Publish what the group's rows hold, in order, for as long as the lease is ours."""
        wake = self.wakes[group] = asyncio.Event()
        try:
            async with self._app.pool.acquire() as db:
                # Losing a delete only means publishing the same ids again.
                await db.execute("set synchronous_commit = off")
                try:
                    await self._publish_pages(db, group, wake)
                finally:
                    if not db.is_closed():
                        await db.execute("reset synchronous_commit")
        finally:
            self.wakes.pop(group, None)
            self._app.waiting.pop("outbox", None)

    async def _publish_pages(self, db: Tx, group: int, wake: asyncio.Event) -> None:
        sent: list[int] = []
        while group in self._app.leases:
            wake.clear()
            sent, rows = await self._publish_page(db, group, sent)
            if rows == 0:
                await _either(wake, 1.0)
            elif rows < PAGE // 20:  # a short rest makes the next page larger
                await asyncio.sleep(self._app.kit.linger_ms / 2000)

    async def _publish_page(self, db: Tx, group: int, sent: list[int]) -> tuple[list[int], int]:
        """Delete the rows *sent*, publish the next page; returns what is sent now and how many rows there were.

        A failure leaves the page for the next try, from the first unacked on.
        """
        app = self._app
        rows = await db.fetch(
            "with gone as (delete from kit_outbox where n = any($4::bigint[]))"
            " select n, id, subject, trace, data from kit_outbox where ($1 = 1 or pp % $1 = $2) and n <> all($4::bigint[])"
            " order by n limit $3",
            app.groups, group, PAGE, sent,
        )  # fmt: skip
        if not rows or group not in app.leases:
            return [], 0
        try:
            await app.publisher.publish([(r["subject"], r["data"], r["id"], r["trace"]) for r in rows], timeout=10)
        except Exception as error:  # noqa: BLE001 - an outage is waited out
            log.warning("outbox_waits", service=app.service.name, rows=len(rows), error=repr(error)[:300])
            app.waiting["outbox"] = f"{len(rows)} 条事件等待发布：{error!r:.120}"
            await asyncio.sleep(0.5)
            return [], len(rows)
        app.waiting.pop("outbox", None)
        return [r["n"] for r in rows], len(rows)

    async def size(self) -> int:
        """Rows that still wait (an estimate is enough for back-pressure)."""
        return int(await self._app.pool.fetchval("select count(*) from (select 1 from kit_outbox limit 100000) x"))
