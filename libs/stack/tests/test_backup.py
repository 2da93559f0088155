"""A backup taken while the node works is a consistent pair: restored, nothing is lost or has happened twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import click
import pytest
from yiwang.contracts import CaseFiled, CaseReported
from yiwang.kit import App, Context, Service
from yiwang.kit.testing import a_case, a_head, a_report
from yiwang.stack.backup import backup, read_manifest, restore
from yiwang.stack.servers import GivenNats
from yiwang.stack.testing import TestNode, TestServers


def filing() -> Service:
    """A service that writes one row per report and says that it is filed."""
    service = Service("filing", database=True)

    @service.on_start
    async def table(app: App) -> None:
        await app.pool.execute("create table if not exists done (case_id text primary key)")

    @service.on(CaseReported)
    async def file(event: CaseReported, ctx: Context) -> CaseFiled:
        await ctx.tx.execute("insert into done values ($1)", event.case.case_id)
        return a_case(head_change={"case_id": event.case.case_id})

    return service


def environ_of(node: TestNode) -> Mapping[str, str]:
    return {"YIWANG_NATS_URL": node.nats_url, "YIWANG_DATABASE_URL": node.database_url, "YIWANG_JURISDICTION": "440300"}


async def publish(node: TestNode, first: int, last: int) -> None:
    for n in range(first, last):
        await node.publish(a_report(head=a_head(case_id=f"case-{n}", report_ids=(f"report-{n}",))))


async def rows(node: TestNode) -> set[str]:
    db = await asyncpg.connect(node.database_url)
    found = await db.fetch("select case_id from filing.done")
    await db.close()
    return {row["case_id"] for row in found}


def another(servers: TestServers) -> TestNode:
    """A second, empty node."""
    name = f"restored_{os.getpid()}"
    return servers.node(name)


async def test_a_backup_under_load_restores_without_loss_or_doubling(
    node: TestNode, test_servers: TestServers, open_dir: Path
) -> None:
    """Reports keep coming during the backup. Restored elsewhere and started, every report of the copied stream is filed
    exactly once, and those that came after the backup are simply not there."""
    if isinstance(test_servers.nats, GivenNats):
        pytest.skip("a given NATS has one account; restoring beside the original needs two")
    async with node.running(filing()):
        await publish(node, 0, 40)
        enough, more = asyncio.Event(), 40

        async def keep_publishing() -> None:
            nonlocal more
            while not enough.is_set():
                await publish(node, more, more + 1)
                more += 1

        load = asyncio.create_task(keep_publishing())
        manifest = await backup(environ_of(node), open_dir / "backup")
        enough.set()
        await load
        assert more > 40
        await node.settled()

    fresh = another(test_servers)
    try:
        assert await restore(environ_of(fresh), open_dir / "backup", manifest, replace=False) == 2
        reported = {event.case.case_id for event in await fresh.events(CaseReported)}
        assert {f"case-{n}" for n in range(40)} <= reported <= {f"case-{n}" for n in range(more)}
        assert await rows(fresh) <= reported
        async with fresh.running(filing()) as app:
            assert app.node.incarnation == 2
            await publish(fresh, 1000, 1003)
            await fresh.settled()
        expected = reported | {f"case-{n}" for n in range(1000, 1003)}
        assert await rows(fresh) == expected
        filed = await fresh.events(CaseFiled)
        by_id = {event.id: event.case.case_id for event in filed}
        assert sorted(by_id.values()) == sorted(expected)
    finally:
        await fresh.close()
        await test_servers.drop_database(f"restored_{os.getpid()}")


async def test_a_node_with_data_is_not_overwritten_unasked(node: TestNode, open_dir: Path) -> None:
    """Restoring over a node that holds cases needs the word --replace; the incarnation then still goes up."""
    async with node.running(filing()):
        await publish(node, 0, 3)
        await node.settled()
    manifest = await backup(environ_of(node), open_dir / "backup")
    with pytest.raises(click.ClickException, match="--replace"):
        await restore(environ_of(node), open_dir / "backup", manifest, replace=False)
    assert await restore(environ_of(node), open_dir / "backup", manifest, replace=True) == 2
    assert await restore(environ_of(node), open_dir / "backup", manifest, replace=True) == 3
    assert await rows(node) == {"case-0", "case-1", "case-2"}


async def test_a_damaged_backup_is_refused_before_anything_is_touched(node: TestNode, open_dir: Path) -> None:
    """Every file's digest is checked first; a backup is never written into a directory that holds something."""
    async with node.running(filing()):
        await publish(node, 0, 1)
        await node.settled()
    target = open_dir / "backup"
    await backup(environ_of(node), target)
    with pytest.raises(click.ClickException, match="不是空目录"):
        await backup(environ_of(node), target)
    dump = target / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-1])
    with pytest.raises(click.ClickException, match="已损坏"):
        read_manifest(target)


async def test_a_tenant_is_restored_where_nobody_knows_its_login(
    node: TestNode, test_servers: TestServers, open_dir: Path
) -> None:
    """What was its login's belongs to the login that restores it; who was kept out of the database stays out."""
    login, other = f"leaving_{os.getpid()}", another(test_servers)
    async with node.running(filing()):
        await publish(node, 0, 3)
        await node.until(CaseFiled, 3)
        await node.settled()
    db = await asyncpg.connect(node.database_url)
    await db.execute(f"create role {login} login password 'leaving'; grant yw_filing to {login};"
                     f" alter schema yw owner to {login}; alter table yw.node owner to {login}")  # fmt: skip
    url = urlsplit(node.database_url)
    own = url._replace(netloc=f"{login}:leaving@{url.hostname}:{url.port}").geturl()
    manifest = await backup(environ_of(node) | {"YIWANG_DATABASE_URL": own}, open_dir / "backup")
    assert manifest.login == login
    await db.execute(f"alter role {login} rename to {login}_before")
    await db.execute(f"revoke connect on database {urlsplit(other.database_url).path[1:]} from public")

    await restore(environ_of(other), open_dir / "backup", manifest, replace=True)
    assert await rows(other) == {"case-0", "case-1", "case-2"}
    restored = await asyncpg.connect(other.database_url)
    owner = await restored.fetchval(
        "select nspowner::regrole = current_user::regrole from pg_namespace where nspname = 'yw'"
    )
    kept_out = "select not has_database_privilege('public', current_database(), 'connect')"
    assert (owner, await restored.fetchval(kept_out)) == (True, True)
    assert not await restored.fetchval("select 1 from pg_roles where rolname = $1", login)
    await restored.close()
    await db.execute(f"reassign owned by {login}_before to current_user; drop owned by {login}_before")
    await db.execute(f"drop role {login}_before")
    await db.close()
    await other.close()
    await test_servers.drop_database(urlsplit(other.database_url).path[1:])
