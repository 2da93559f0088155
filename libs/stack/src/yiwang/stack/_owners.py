"""To whom a restored database belongs: services' roles stay, what was its login's passes to the login that restores it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import asyncpg
import click

Db: TypeAlias = "asyncpg.Connection[Any]"


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Db]:
    """A connection that may write, also while the database is sealed."""
    db = await asyncpg.connect(url, server_settings={"default_transaction_read_only": "off"})
    try:
        yield db
    finally:
        await db.close()


async def empty_database(url: str, roles: Iterable[str]) -> None:
    """Make the database anew, empty, and the roles that own what comes into it. Whoever was kept out of it stays out.

    Raises click.ClickException, and leaves it as it is, when somebody whom this login may not send away is using it.
    """
    name = urlsplit(url).path.lstrip("/")
    async with database(urlsplit(url)._replace(path="/postgres").geturl()) as db:
        closed = "select not has_database_privilege('public', oid, 'connect') from pg_database where datname = $1"
        kept_out = await db.fetchval(closed, name)
        await _drop(db, name)
        await db.execute(f'create database "{name}"')
        if kept_out:
            await db.execute(f'revoke connect on database "{name}" from public')
        for role in roles:
            if not await db.fetchval("select 1 from pg_roles where rolname = $1", role):
                await db.execute(f'create role "{role}" login')


async def _drop(db: Db, name: str) -> None:
    """Sends away whom this login may send away; autovacuum, which belongs to nobody, leaves by itself. By force it may not:
    for a login that is no superuser the drop would fail whenever the database is just being vacuumed.
    """
    there = "from pg_stat_activity where datname = $1 and usesysid is not null and"
    if others := await db.fetch(f"select distinct usename {there} not pg_has_role(usesysid, 'USAGE')", name):
        who = "、".join(row["usename"] for row in others)
        raise click.ClickException(f"数据库 {name} 还有 {who} 在用，本账号无权断开：请先断开这些连接，再恢复")
    for left in reversed(range(3)):  # a service that is still running connects again
        await db.fetch(f"select pg_terminate_backend(pid) {there} pg_has_role(usesysid, 'USAGE')", name)
        try:
            await db.execute(f'drop database if exists "{name}"')
        except asyncpg.ObjectInUseError as error:
            if not left:
                raise click.ClickException(f"数据库 {name} 总有人重新连接：请先停止各服务，再恢复") from error
        else:
            return


@asynccontextmanager
async def taken_over(url: str, login: str) -> AsyncIterator[None]:
    """Let a dump of *login* be loaded where there is no such login: a stand-in has it meanwhile, then we.

    A tenant leaves a server where it had a login of its own, and its new place knows another one.
    """
    async with database(url) as db:
        may_log_in = await db.fetchval("select rolcanlogin from pg_roles where rolname = $1", login)
        stand_in = bool(login) and not may_log_in  # one that is there already is left from a restore that didn't end
        if stand_in and may_log_in is None:
            await db.execute(f'create role "{login}"')
            await db.execute(f'grant "{login}" to current_user')
    yield
    if stand_in:
        async with database(url) as db, db.transaction():
            await db.execute(f'reassign owned by "{login}" to current_user')
            await db.execute(f'drop owned by "{login}"')
            await db.execute(f'drop role "{login}"')
