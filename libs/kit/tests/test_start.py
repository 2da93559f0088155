"""A service that starts while a server goes away."""

from __future__ import annotations

import asyncpg
import pytest
from yiwang.contracts import CaseFiled
from yiwang.kit import App, Context, Service
from yiwang.kit.testing import a_case, a_head
from yiwang.stack.testing import TestNode


def keeper(attempts: list[int], lost: int) -> Service:
    """A service whose first *lost* starts lose every connection in the midst of loading its caches."""
    service = Service("keeper", database=True)

    @service.on_start
    async def load(app: App) -> None:
        attempts.append(len(attempts))
        async with app.pool.acquire() as db:
            if len(attempts) <= lost:
                other = await asyncpg.connect(app.kit.database_url)
                try:
                    await other.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where application_name = 'yiwang-keeper' and datname = current_database()"
                    )
                finally:
                    await other.close()
            await db.execute("create table if not exists heard (key text)")

    @service.on(CaseFiled)
    async def keep(event: CaseFiled, ctx: Context) -> None:
        await ctx.tx.execute("insert into heard (key) values ($1)", event.case.case_id)

    return service


async def test_a_database_that_goes_away_during_the_start_is_waited_for(node: TestNode) -> None:
    """Nobody has to start the service again by hand; what it hears afterwards has its effect once."""
    attempts: list[int] = []
    async with node.running(keeper(attempts, lost=2)) as app:
        assert len(attempts) == 3
        await node.publish(a_case(head=a_head(case_id="c")))
        await node.settled()
        assert [r["key"] for r in await app.pool.fetch("select key from heard")] == ["c"]


async def test_a_mistake_in_what_is_loaded_still_ends_the_start(node: TestNode) -> None:
    """Patience is for servers; an absent file is a person's matter."""
    service = Service("keeper", database=True)

    @service.on_start
    async def load(app: App) -> None:
        raise FileNotFoundError("profile.toml")

    with pytest.raises(FileNotFoundError, match="profile"):
        async with node.running(service):
            pass
