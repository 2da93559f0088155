"""`yiwang backup` and `yiwang restore`: a node's database and streams as one consistent pair, while the node runs.

What makes the pair consistent: every service that decides something writes its outgoing events into its outbox in the
same transaction, and its publisher deletes the row after JetStream's ack. The backup holds all outboxes (EXCLUSIVE
locks wait for writers in flight and keep new ones out, readers go on), takes the database's snapshot, and copies the
streams before it lets go. So the streams hold no event that the snapshot does not know of, every position in the
snapshot lies inside the copied streams, and an event that was not yet acknowledged is in the snapshot's outbox: it is
published again after a restore under its own id, and readers have it once.

A restore raises the node's incarnation, so that what it says from then on is told from what it said before.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import click
import msgspec
from nats.aio.client import Client
from rich.console import Console
from yiwang.kit.fence import sealed_at
from yiwang.kit.link import connect
from yiwang.stack import _dump, _owners, _streams, place
from yiwang.stack._streams import Copied
from yiwang.stack.embedded import Account, ServerFailed
from yiwang.stack.servers import find_servers
from yiwang.stack.up import in_loop

Db: TypeAlias = "asyncpg.Connection[Any]"
FORMAT = 1


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds.

    Attributes:
        format: of this page
        made_at: when the pair was taken
        node: which node it is
        incarnation: the node's, when it was taken
        roles: database roles that own what is in the dump
        streams: the streams
        digests: file name → sha256 of every file
        sealed_at: since when the node was sealed to move, None for a backup of a working node
        login: the node's own login, to which the rest of the dump belongs
    """

    format: int
    made_at: dt.datetime
    node: place.Wanted
    incarnation: int
    roles: list[str]
    streams: list[Copied]
    digests: dict[str, str]
    sealed_at: dt.datetime | None = None
    login: str = ""


@click.command("backup")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), default=place.DEFAULT_DATA, help="数据目录（默认 ./var）")
def backup_command(directory: Path, data: Path) -> None:
    """把节点的数据库和消息流作为一致的一对备份到目录；节点可以继续运行。"""
    with place.node_at(data) as environ:
        manifest = in_loop(backup(environ, directory))
    messages = sum(int(stream.state["messages"]) for stream in manifest.streams)
    size = sum(file.stat().st_size for file in directory.iterdir()) / 2**20
    click.echo(f"已备份到 {directory}：{len(manifest.streams)} 个流 {messages} 条消息，共 {size:.1f} MiB")


@click.command("restore")
@click.argument("directory", type=click.Path(path_type=Path, exists=True))
@click.option("--replace", is_flag=True, help="替换节点现有的数据库和消息流")
@click.option("--keep-streams", is_flag=True, help="只恢复数据库：消息流完好时用，备份之后的事件由各服务重新读取")
@click.option("--data", type=click.Path(path_type=Path), default=place.DEFAULT_DATA, help="数据目录（默认 ./var）")
def restore_command(directory: Path, replace: bool, keep_streams: bool, data: Path) -> None:
    """从备份恢复节点（先停止节点）；恢复后节点的世代号加一。"""
    if run := place.running_at(data):
        raise click.ClickException(f"节点正在运行（进程 {run.pid}）：请先停止它再恢复")
    manifest = read_manifest(directory)
    data.mkdir(parents=True, exist_ok=True)
    place.remember(data, manifest.node)
    with place.locked(data), find_servers(data=data, accounts=[Account(manifest.node.account)]) as servers:
        given = {name: value for name, value in os.environ.items() if name.startswith("YIWANG_")}  # an nkey, a CA
        environ = given | place.node_environ(servers, manifest.node, data, 0)
        incarnation = in_loop(restore(environ, directory, manifest, replace=replace, keep_streams=keep_streams))
    Console(soft_wrap=True).print(
        f"已恢复到 {manifest.made_at.astimezone():%Y-%m-%d %H:%M:%S}，世代号 {incarnation}；用 yiwang up 启动"
    )


async def backup(environ: Mapping[str, str], directory: Path) -> Manifest:
    """Write the pair into `directory`; raises click.ClickException when that already holds something."""
    page = _fresh(directory) / "manifest.json"
    url = environ["YIWANG_DATABASE_URL"]
    async with _linked(environ) as link, _owners.database(url) as reader:
        async with _owners.database(url) as holder, holder.transaction():
            await _hold_outboxes(holder)
            # From here on nobody adds to or takes from an outbox: snapshot, then streams.
            snapshot_transaction = reader.transaction(isolation="repeatable_read", readonly=True)
            await snapshot_transaction.start()
            snapshot = await reader.fetchval("select pg_export_snapshot()")
            made_at = dt.datetime.now(dt.UTC)
            streams = [await _streams.copy_out(link, name, directory) for name in await _streams.names(link)]
        await _dump.dump(url, snapshot, directory / "database.dump")
        incarnation, sealed = await _incarnation(reader), await sealed_at(reader)
        roles = await reader.fetch("select rolname from pg_roles where rolname like 'yw\\_%' order by 1")
        login = str(await reader.fetchval("select current_user"))
        await snapshot_transaction.rollback()
    files = ["database.dump", *(stream.file for stream in streams)]
    digests = {name: await asyncio.to_thread(_digest, directory / name) for name in files}
    node = place.Wanted(
        jurisdiction=environ.get("YIWANG_JURISDICTION", "440300"),
        tier=environ.get("YIWANG_TIER", "city"),
        profile=environ.get("YIWANG_PROFILE", ""),
    )
    names = [str(row["rolname"]) for row in roles]
    manifest = Manifest(FORMAT, made_at, node, incarnation, names, streams, digests, sealed, login)
    page.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def read_manifest(directory: Path) -> Manifest:
    """The backup's page, its files checked. Raises click.ClickException when something is missing or damaged."""
    page = directory / "manifest.json"
    if not page.is_file():
        raise click.ClickException(f"{directory} 里没有 manifest.json：不是备份，或备份没有做完")
    manifest = msgspec.json.decode(page.read_bytes(), type=Manifest)
    if manifest.format != FORMAT:
        raise click.ClickException(f"备份格式是 {manifest.format}，本程序只认识 {FORMAT}：请用做备份的版本恢复")
    for name, digest in manifest.digests.items():
        if not (directory / name).is_file() or _digest(directory / name) != digest:
            raise click.ClickException(f"{directory / name} 缺失或已损坏：请改用另一份备份")
    return manifest


async def restore(
    environ: Mapping[str, str], directory: Path, manifest: Manifest, *, replace: bool, keep_streams: bool = False
) -> int:
    """Fill the node from the backup; return its new incarnation. Raises click.ClickException when it is not empty.

    With *keep_streams* the streams stay as they are: the services read on from where the backup's database stood, and
    what they had said since is theirs again (the incarnation tells them to compare before they say anything new).
    """
    url = environ["YIWANG_DATABASE_URL"]
    async with _linked(environ) as link:
        present = await _streams.names(link)
        async with _owners.database(url) as db:
            before = await _incarnation(db)
        if (before or present) and not replace:
            raise click.ClickException("节点里已有数据：确认要用备份替换它们，请加 --replace")
        await _owners.empty_database(url, manifest.roles)
        for name in present if not keep_streams else ():
            await _streams.delete(link, name)
        async with _owners.taken_over(url, manifest.login):
            await _dump.load(url, directory / "database.dump")
        created = {}
        for stream in manifest.streams if not keep_streams else ():
            fitting = _streams.replicated(stream, place.kit_of(environ).stream_replicas)
            created[stream.name] = str((await _streams.copy_in(link, fitting, directory))["created"])
    async with _owners.database(url) as db, db.transaction():
        for schema in await _schemas_with(db, "kit_position"):
            # The restored streams are those that the positions were counted in, though the server made them anew.
            await db.executemany(
                f"update {schema}.kit_position set created = $2 where stream = $1", list(created.items())
            )
        if created and await db.fetchval("select to_regclass('mesh.mark') is not null"):
            await db.executemany("update mesh.mark set created = $2 where reader = $1", _readers(created))
        incarnation = max(before, manifest.incarnation) + 1
        await db.execute("update yw.node set incarnation = $1", incarnation)
    return incarnation


def _readers(created: Mapping[str, str]) -> list[tuple[str, str]]:
    """(reader, creation time of its stream) of the mesh service's readers: the relay over UP, a guard over each landing."""
    guards = [(f"guard/{name.removeprefix('IN_')}", at) for name, at in created.items() if name.startswith("IN_")]
    return [*guards, *(("relay", at) for name, at in created.items() if name == "UP")]


def _fresh(directory: Path) -> Path:
    """The directory, made for the owner's eyes alone: a backup holds personal data and the keys to it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise click.ClickException(f"{directory} 不是空目录：请换一个")
    return directory


async def _hold_outboxes(db: Db) -> None:
    schemas = await _schemas_with(db, "kit_outbox")
    if not schemas:
        raise ServerFailed("数据库里没有服务的数据：请先用 yiwang up 或 yiwang migrate 建立，再备份")
    tables = ", ".join(f"{schema}.kit_outbox" for schema in schemas)
    await db.execute("set local lock_timeout = '60s'")
    await db.execute(f"lock table {tables} in exclusive mode")


async def _schemas_with(db: Db, table: str) -> list[str]:
    rows = await db.fetch("select schemaname from pg_tables where tablename = $1 order by 1", table)
    return [str(row["schemaname"]) for row in rows]


async def _incarnation(db: Db) -> int:
    """The node's incarnation; 0 for a database that holds no node yet."""
    if not await db.fetchval("select to_regclass('yw.node') is not null"):
        return 0
    return int(await db.fetchval("select incarnation from yw.node"))


@asynccontextmanager
async def _linked(environ: Mapping[str, str]) -> AsyncIterator[Client]:
    link = await connect(place.kit_of(environ), "yiwang-backup")
    try:
        yield link
    finally:
        await link.close()


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
