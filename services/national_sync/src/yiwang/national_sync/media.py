"""Files of nodes below (photos, clips): where they are, asking for them, sending them when we are asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

import msgspec
from yiwang.contracts import CaseEvent, MediaRef, MediaRequested, MediaUnavailable
from yiwang.kit import App, Context, Scope, Sql

from .service import service

sql: Final = Sql("yiwang.national_sync", "media.sql")
PHOTO: Final = "image/"
TRIES: Final = 8
PAUSE_S: Final = 30.0
"""Before it is asked for again when nothing came; doubles"""


class RefRow(msgspec.Struct, frozen=True, kw_only=True):
    media_id: str
    home_node: str
    case_id: str
    size: int
    mime: str
    seen_at: dt.datetime


class WantedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was asked for: wanted, asked, here or unavailable (with the reason)."""

    media_id: str
    home_node: str
    state: str
    reason: str
    asked_by: str
    asked_at: dt.datetime
    tries: int
    next_at: dt.datetime


def named_by(event: CaseEvent) -> tuple[MediaRef, ...]:
    """The files that a case event names."""
    body = getattr(event, "body", None)
    return (*getattr(event, "media", ()), *getattr(body, "media", ()))


async def note_refs(ctx: Context, events: Iterable[CaseEvent]) -> None:
    """Remember where the files of nodes below are; ask for small photos by ourselves if the setting says so."""
    found = {
        m.media_id: (m.media_id, m.home_node, e.case.case_id, m.size, m.mime, e.occurred_at)
        for e in events
        for m in named_by(e)
        if m.home_node and m.home_node != ctx.node.node_id
    }
    if not found:
        return
    await sql.run(ctx.tx, "add_refs", *map(list, zip(*found.values(), strict=True)))
    most = ctx.settings.fetch_photos_mib * 2**20
    small = [r for r in found.values() if r[4].startswith(PHOTO) and r[3] <= most and holder_of(ctx.app, r[1])]
    if small:
        await sql.run(ctx.tx, "want", [r[0] for r in small], [r[1] for r in small], "", ctx.now())


def holder_of(app: App, home: str) -> str:
    """The node below that can be asked for a file whose home is *home*; empty where there is none."""
    mesh = app.mesh
    if mesh is None or home not in mesh.page.by_code:
        return ""
    return home if mesh.below(home) and not mesh.page.by_code[home].docked else ""


@service.on(MediaRequested)
async def asked(event: MediaRequested, ctx: Context) -> None:
    """A tier above wants a file of ours: the loop sends it."""
    if event.addressee == ctx.node.jurisdiction and event.jurisdiction != ctx.node.jurisdiction:
        await sql.run(ctx.tx, "ask_us", event.media_id, ctx.now())


@service.on(MediaUnavailable, scope=Scope.SUBTREE)
async def unavailable(event: MediaUnavailable, ctx: Context) -> None:
    """A node below can't send what we asked for."""
    if event.jurisdiction != ctx.node.jurisdiction:
        await sql.run(ctx.tx, "settle", event.media_id, "unavailable", event.reason)
