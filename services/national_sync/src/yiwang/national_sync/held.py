"""Announcements that were lost on the way down are repeated: each node says what it was told, the issuer what it lacks.

A node says it when it starts, every few hours, and after a resync; so a county that was cut off for longer than the
streams keep has every set again without anybody's doing. What a node has answered, even by no, is not repeated.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any, Final

import msgspec
from yiwang.contracts import ConfigHeld, ConfigPublished, Event, HeldSet
from yiwang.kit import App, Context, Scope
from yiwang.kit.announced_parts import pieces

from .announcements import sql
from .service import service

EVERY_S: Final = 6 * 3600.0
MOST: Final = 500


class KeptRow(msgspec.Struct, frozen=True, kw_only=True):
    """An announcement of ours with its content, the newest of its set for a node."""

    set_name: str
    version: str
    digest: str
    title: str
    scope: str
    valid_from: dt.datetime
    content: str
    encoding: str


async def holding(db: Any) -> ConfigHeld:
    """What this node was told of sets, the newest first."""
    return ConfigHeld(sets=tuple(await sql.rows(db, "holding", HeldSet, MOST)))


@service.background(leased=True)
async def say_what_is_held(app: App) -> None:
    """At the start and every few hours, where there is a tier above."""
    while app.mesh is not None and app.mesh.parent is not None:
        try:
            async with app.command(None, purpose="live") as ctx:
                ctx.emit(await holding(ctx.tx))
            await asyncio.sleep(EVERY_S)
        except Exception as error:
            if not app.is_outage(error):
                raise
            await asyncio.sleep(app.kit.poll_seconds)
    await asyncio.Event().wait()  # nobody above announces anything


@service.on(ConfigHeld, scope=Scope.BELOW)
async def repeat(event: ConfigHeld, ctx: Context) -> list[Event]:
    """A node below says what it was told: tell it again what it lacks of the newest version of each set."""
    node, mesh = event.jurisdiction, ctx.app.mesh
    if mesh is None or not mesh.below(node):
        return []
    known = {(one.set_name, one.version, one.digest) for one in event.sets}
    said: list[Event] = []
    for row in await sql.rows(ctx.tx, "newest_for", KeptRow, node, list(mesh.page.chain(node))):
        if (row.set_name, row.version, row.digest) not in known:
            said += again(row, node)
    return said


def again(row: KeptRow, node: str) -> list[ConfigPublished]:
    """The announcement as it was, for *node* alone."""
    return [
        ConfigPublished(
            addressee=node, set_name=row.set_name, version=row.version, valid_from=row.valid_from, digest=row.digest,
            scope=row.scope, title=row.title, content=text, encoding=row.encoding, part=part, parts=parts, repeated=True,
        )
        for part, parts, text in pieces(row.content)
    ]  # fmt: skip
