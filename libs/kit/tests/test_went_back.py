"""A database that stands before what was handled: what its crash took back is handled again, by itself.

Transactions that say nothing aren't flushed at their commit, so a crash may take the last of them back, position and effect
together. A service that sleeps meanwhile without a connection remembers a position that is no longer true.
"""

from __future__ import annotations

import asyncio
from typing import Any

from yiwang.contracts import CaseFiled
from yiwang.kit import Context, Service
from yiwang.kit.testing import a_case, a_head
from yiwang.stack.testing import TestNode


def keeper() -> Service:
    """A service that keeps what it heard and says nothing."""
    service = Service("keeper", database=True)

    @service.on_start
    async def table(app: Any) -> None:
        await app.pool.execute("create table if not exists heard (key text primary key)")

    @service.on(CaseFiled)
    async def keep(event: CaseFiled, ctx: Context) -> None:
        await ctx.tx.execute("insert into heard values ($1)", event.case.case_id)

    return service


async def crash(app: Any, *lost: str) -> None:
    """Take back the last events, as a crash does: their effect, their ids and the position, all or nothing."""
    async with app.pool.acquire() as db, db.transaction():
        await db.execute("delete from heard where key = any($1)", list(lost))
        await db.execute("delete from kit_inbox")
        await db.execute("update kit_position set seq = seq - $1 where seq > 0", len(lost))


async def heard(app: Any, *keys: str) -> None:
    """Wait until exactly these were heard."""
    async with asyncio.timeout(60):
        while [r["key"] for r in await app.pool.fetch("select key from heard order by 1")] != sorted(keys):
            await asyncio.sleep(0.02)


async def test_what_a_crash_took_back_is_handled_again(node: TestNode) -> None:
    """Also where nothing more comes; and before the next event, where one does."""
    async with node.running(keeper()) as app:
        await node.publish(a_case(head=a_head(case_id="a")), a_case(head=a_head(case_id="b")))
        await heard(app, "a", "b")
        await node.settled()

        await crash(app, "b")
        await heard(app, "a", "b")

        await node.settled()
        await crash(app, "b")
        await node.publish(a_case(head=a_head(case_id="c")))
        await heard(app, "a", "b", "c")
        await node.settled()
