"""A database is made anew by the login that owns it, whatever PostgreSQL is just doing with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import click
import pytest
from yiwang.stack import _owners
from yiwang.stack.testing import TestNode

SLOW = """
create table dirty (n int) with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1);
insert into dirty select generate_series(1, 100000);
delete from dirty;
"""
"""A table whose vacuum lasts a minute"""


@pytest.fixture
async def admin(node: TestNode) -> AsyncIterator[Any]:
    """The server's superuser, beside the node's database."""
    db = await asyncpg.connect(urlsplit(node.database_url)._replace(path="/postgres").geturl())
    yield db
    await db.close()


@pytest.fixture
async def own_url(node: TestNode, admin: Any) -> AsyncIterator[str]:
    """The node's database as a login sees it that owns it and is no superuser."""
    url, login = urlsplit(node.database_url), f"owning_{os.getpid()}"
    name = url.path.lstrip("/")
    await admin.execute(f"create role {login} login createdb password 'owning'; alter database {name} owner to {login}")
    yield url._replace(netloc=f"{login}:owning@{url.hostname}:{url.port}").geturl()
    await admin.execute(f"alter database {name} owner to current_user; drop role {login}")


async def test_a_database_is_made_anew_while_it_is_vacuumed(node: TestNode, admin: Any, own_url: str) -> None:
    """Autovacuum belongs to nobody, so nobody but a superuser may end it by force; it leaves when it is asked."""
    async with _owners.database(node.database_url) as db:
        await db.execute(SLOW)
    name = urlsplit(own_url).path.lstrip("/")
    await admin.execute("alter system set autovacuum_naptime = '1s'")
    await admin.execute("select pg_reload_conf()")
    try:
        async with asyncio.timeout(120):
            while not await admin.fetchval(
                "select 1 from pg_stat_activity where datname = $1 and backend_type = 'autovacuum worker'", name
            ):
                await asyncio.sleep(0.02)
        await _owners.empty_database(own_url, [])
    finally:
        await admin.execute("alter system reset autovacuum_naptime")
        await admin.execute("select pg_reload_conf()")
    async with _owners.database(own_url) as db:
        assert await db.fetchval("select to_regclass('dirty')") is None


async def test_who_may_not_be_sent_away_is_named_and_nothing_is_dropped(node: TestNode, own_url: str) -> None:
    """Somebody with more rights looks at the database: a sentence says what to do, and it stays as it was."""
    async with _owners.database(node.database_url) as db:
        await db.execute("create table kept (n int)")
        with pytest.raises(click.ClickException, match=f"还有 {urlsplit(node.database_url).username} 在用，本账号无权断开"):
            await _owners.empty_database(own_url, [])
        assert await db.fetchval("select to_regclass('kept')") is not None
