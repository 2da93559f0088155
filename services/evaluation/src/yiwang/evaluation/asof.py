"""Until when the nodes below have been heard: a figure over children that are cut off says as of when it is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from yiwang.contracts.areas import contains
from yiwang.kit import App

from .store import sql


class NodeAsOf(msgspec.Struct, frozen=True, kw_only=True):
    """One node below."""

    node: str
    as_of: dt.datetime | None
    cut: bool
    """Not heard for longer than the setting says"""


class AsOf(msgspec.Struct, frozen=True, kw_only=True):
    """Over all nodes below that belong to the object."""

    at: dt.datetime
    """Of the node that was heard longest ago; now when all are heard"""
    complete: bool
    sentence: str
    nodes: tuple[NodeAsOf, ...] = ()


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    node: str
    event_at: dt.datetime | None
    beat_at: dt.datetime | None


async def as_of(app: App, db: Any, kind: str, code: str) -> AsOf:
    """As of when the figures of the object are."""
    now = app.clock.now()
    rows = {row.node: row for row in await sql.rows(db, "heard", _Row)}
    nodes = []
    for node in sorted(_below(app, rows)):
        if kind == "area" and not (contains(code, node) or contains(node, code)):
            continue
        row = rows.get(node)
        last = max((t for t in (row.event_at, row.beat_at) if t), default=None) if row else None
        cut = last is None or (now - last).total_seconds() > app.settings.cut_after_s
        nodes.append(NodeAsOf(node=node, as_of=last, cut=cut))
    cut_off = [one for one in nodes if one.cut]
    if not cut_off:
        return AsOf(at=now, complete=True, sentence="数据完整", nodes=tuple(nodes))
    said = "、".join(f"{one.node}（{_told(one.as_of)}）" for one in cut_off)
    oldest = min((one.as_of for one in cut_off if one.as_of), default=now)
    return AsOf(at=oldest, complete=False, sentence=f"下级中断，数据截至：{said}", nodes=tuple(nodes))


def _below(app: App, rows: dict[str, _Row]) -> set[str]:
    """Nodes below that beat, and children of the mesh page: one without a heartbeat (a docked platform, a node that
    stands alone in a test) can't be told from a quiet one."""
    own = app.node.node_id
    found = {node for node, row in rows.items() if row.beat_at is not None and node != own}
    if app.mesh is not None:
        found |= {child.code for child in app.mesh.children if "mesh" in child.services}
    return {node for node in found if node == own or contains(app.node.jurisdiction, node)} - {own}


def _told(at: dt.datetime | None) -> str:
    if at is None:
        return "从未收到"
    local = at.astimezone(dt.timezone(dt.timedelta(hours=8)))
    return f"{local:%Y-%m-%d %H:%M}"
