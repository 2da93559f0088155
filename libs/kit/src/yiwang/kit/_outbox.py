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
            while group in self._app.leases:
                wake.clear()
                if not await self._publish_page(group):
                    try:
                        async with asyncio.timeout(1.0):
                            await wake.wait()
                    except TimeoutError:
                        pass
        finally:
            self.wakes.pop(group, None)
            self._app.waiting.pop("outbox", None)

    async def _publish_page(self, group: int) -> bool:
        """Publish the first page; a failure leaves it for the next try, from the first unacked on."""
        app = self._app
        rows = await app.pool.fetch(
            "select n, id, subject, trace, data from kit_outbox where $1 = 1 or pp % $1 = $2 order by n limit $3",
            app.groups, group, PAGE,
        )  # fmt: skip
        if not rows or group not in app.leases:
            return False
        try:
            await app.publisher.publish(
                [(r["subject"], bytes(r["data"]), r["id"], r["trace"]) for r in rows], timeout=10
            )
        except Exception as error:  # noqa: BLE001 - an outage is waited out
            log.warning("outbox_waits", service=app.service.name, rows=len(rows), error=repr(error)[:300])
            app.waiting["outbox"] = f"{len(rows)} 条事件等待发布：{error!r:.120}"
            await asyncio.sleep(0.5)
            return True
        app.waiting.pop("outbox", None)
        async with app.pool.acquire() as db, db.transaction():
            # Losing this delete only means publishing the same ids again.
            await db.execute("set local synchronous_commit = off")
            await db.execute("delete from kit_outbox where n = any($1::bigint[])", [r["n"] for r in rows])
        return True

    async def size(self) -> int:
        """Rows that still wait (an estimate is enough for back-pressure)."""
        return int(await self._app.pool.fetchval("select count(*) from (select 1 from kit_outbox limit 100000) x"))
