"""The five steps of a move, each by the variables of the node at one of its two places."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import asyncpg
import click
from nats.aio.client import Client
from yiwang.kit import Kit
from yiwang.kit.fence import sealed_at
from yiwang.kit.link import api, connect
from yiwang.kit.mesh import Mesh
from yiwang.stack import place
from yiwang.stack.backup import Manifest, backup, read_manifest, restore
from yiwang.stack.tenant import fence

PATIENCE_S: Final = 180.0
"""A link that stands still although it shows life is noticed by words that stay away, which takes more than two of them"""


async def seal(environ: Mapping[str, str], patience_s: float = PATIENCE_S) -> int:
    """Seal the node; returns the sequence of the last event of UP. A seal that was broken off is completed.

    Raises click.ClickException with a sentence when something doesn't come to rest within *patience_s*.
    """
    async with _hands_on(environ) as (kit, nc, db):
        await fence.mark(db)
        await fence.rest(db, patience_s)
        await fence.close_database(db)
        last = await fence.close_streams(nc, kit, patience_s)
        await fence.handed_over(nc, kit, last, patience_s)
        return last


async def unseal(environ: Mapping[str, str]) -> None:
    """Take the seal off where it was set; the services go on by themselves. Raises click.ClickException."""
    async with _hands_on(environ) as (kit, nc, db):
        await _must_be_sealed(db, kit)
        await fence.open_streams(nc, kit)
        await fence.open_database(db)


async def export(environ: Mapping[str, str], directory: Path) -> Manifest:
    """Write the sealed node into *directory*. Raises click.ClickException for a node that isn't sealed through."""
    async with _hands_on(environ) as (kit, nc, db):
        await _must_be_sealed(db, kit)
        if left := await fence.still_open(nc):
            raise click.ClickException(f"{kit.jurisdiction} 的封存没有做完（{left}）：请再次运行 tenant seal")
    return await backup(environ, directory)


async def take_in(environ: Mapping[str, str], directory: Path, *, replace: bool = False) -> Manifest:
    """Fill the new place from *directory* and compare; it stays sealed. Raises click.ClickException."""
    manifest = read_manifest(directory)
    kit = place.kit_of(environ)
    if manifest.node.jurisdiction != kit.jurisdiction:
        raise click.ClickException(
            f"{directory} 是 {manifest.node.jurisdiction} 的数据，这里是 {kit.jurisdiction}：请核对目录"
        )
    if manifest.sealed_at is None:
        raise click.ClickException(f"{directory} 不是封存后导出的：迁移请先 tenant seal，恢复备份请用 yiwang restore")
    await restore(environ, directory, manifest, replace=replace)
    async with _hands_on(environ) as (_, nc, _db):
        for stream in manifest.streams:
            here = (await api(nc, f"STREAM.INFO.{stream.name}"))["state"]
            is_here, was_there = [(int(state["messages"]), int(state["last_seq"])) for state in (here, stream.state)]
            if is_here != was_there:
                raise click.ClickException(
                    f"流 {stream.name} 与导出时不一致（条数和末尾序号 {is_here}，导出时 {was_there}）：请用 --replace 重新装入"
                )
    return manifest


async def open_up(environ: Mapping[str, str]) -> None:
    """Take the seal off at the new place. Raises click.ClickException for a node that isn't sealed, or still hosted."""
    async with _hands_on(environ) as (kit, nc, db):
        await _must_be_sealed(db, kit)
        mesh = Mesh.load(kit.mesh, kit.jurisdiction)
        if mesh is not None and mesh.me.host:
            raise click.ClickException(
                f"网络页说 {kit.jurisdiction} 仍由 {mesh.me.host} 承载：请先换上新的拓扑；在原平台取消迁移用 tenant unseal"
            )
        await fence.open_streams(nc, kit)
        await fence.open_database(db)


async def _must_be_sealed(db: fence.Db, kit: Kit) -> None:
    if await sealed_at(db) is None:
        raise click.ClickException(
            f"{kit.jurisdiction} 没有封存：请先在原平台运行 yiwang tenant seal {kit.jurisdiction}"
        )


@contextlib.asynccontextmanager
async def _hands_on(environ: Mapping[str, str]) -> AsyncIterator[tuple[Kit, Client, fence.Db]]:
    """The node's configuration, its NATS account, and its database in a session that may write."""
    kit = place.kit_of(environ)
    nc = await connect(kit, "yiwang-tenant")
    try:
        db = await asyncpg.connect(kit.database_url, server_settings={"default_transaction_read_only": "off"})
        try:
            yield kit, nc, db
        finally:
            await db.close()
    finally:
        await nc.close()
