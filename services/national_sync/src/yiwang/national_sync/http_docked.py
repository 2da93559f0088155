"""Platforms of other makers over HTTP: how their exchange goes, what they lack, what they must mend."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import Parameter
from yiwang.contracts import areas
from yiwang.kit import App, Role, allow, answers

from . import errors
from .docked_media import MEDIA
from .inbound import docked_sql as sql
from .links import Link, Links
from .task_docked import way_to

READERS: Final = (Role.ADMIN, Role.AUDITOR, Role.LEADER, Role.SUPERVISOR, Role.SHIFT_LEADER, Role.TENANT_ADMIN)
WAYS: Final = {"http": "对方推送", "pull": "本级拉取", "directory": "文件交换"}


class StateRow(msgspec.Struct, frozen=True, kw_only=True):
    platform: str
    last_at: dt.datetime | None
    last_error: str
    records: int
    cases: int
    refused: int


class MendRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record that the other side must mend and send again under a new number."""

    record_id: str
    kind: str
    district: str
    reason: str
    at: dt.datetime


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One platform's exchange; `missing`: what a person here must still set. `tasks`: its places get inspection tasks online.

    `media`: it tells of its cases' files.
    """

    platform: str
    title: str
    way: str
    areas: tuple[str, ...]
    missing: str
    tasks: bool
    media: bool
    last_at: dt.datetime | None
    last_error: str
    records: int
    cases: int
    refused: int


class DockedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place with another maker's platform: what it lacks, and its exchange if one is set up."""

    code: str
    name: str
    lacks: tuple[str, ...]
    exchange: list[Exchange]
    say: str


@get("/sync/docked", guards=[allow(*READERS)])
async def docked(app: App) -> list[DockedPlace]:
    """Every docked place below (of the mesh page), and platforms that report for others."""
    links = [link for link in app.get(Links).by_name.values() if link.platform.incoming]
    rows = await sql.rows(app.pool, "states", StateRow, [link.platform.name for link in links])
    states = {row.platform: row for row in rows}
    found = {link.platform.name: _exchange(app, link, states[link.platform.name]) for link in links}
    mesh, shown, placed = app.mesh, list[DockedPlace](), set[str]()
    for node in mesh.page.nodes if mesh else ():
        if not node.docked or not mesh or not mesh.below(node.code):
            continue
        own = [one for one in found.values() if any(areas.contains(node.code, a) for a in one.areas)]
        placed |= {one.platform for one in own}
        shown.append(DockedPlace(code=node.code, name=node.name, lacks=node.lacks, exchange=own, say=_say(own)))
    rest = [one for name, one in found.items() if name not in placed]
    shown += [
        DockedPlace(code=one.areas[0] if one.areas else "", name=one.title, lacks=(), exchange=[one], say=_say([one]))
        for one in rest
    ]
    return shown


def _exchange(app: App, link: Link, row: StateRow) -> Exchange:
    p = link.platform
    counted = msgspec.structs.asdict(row)
    tasks = bool(p.areas) and all(way_to(app, area) for area in p.areas)
    return Exchange(
        title=p.title,
        way=WAYS[p.transport],
        areas=p.areas,
        missing=link.missing,
        tasks=tasks,
        media=MEDIA in p.records,
        **counted,
    )


def _say(own: list[Exchange]) -> str:
    """What stands between us and this place's cases, as a sentence; empty when all is well."""
    if not own:
        return "没有登记数据交换：请管理员在 sync/*.toml 中登记，否则本级看不到它的案件"
    if any(one.missing for one in own):
        return next(one.missing for one in own if one.missing)
    if all(one.last_at is None for one in own):
        return next((one.last_error for one in own if one.last_error), "尚未收到过数据")
    return next((one.last_error for one in own if one.last_error), "")


@get("/sync/docked/{platform:str}/refused", guards=[allow(*READERS)], responses=answers(errors.NO_PLATFORM))
async def to_mend(app: App, platform: str, limit: Annotated[int, Parameter(ge=1, le=500)] = 100) -> list[MendRow]:
    """What a platform reported and we could not take, with the reasons, for its people."""
    if platform not in app.get(Links).by_name:
        raise errors.NO_PLATFORM(platform=platform[:64])
    return await sql.rows(app.pool, "refused", MendRow, platform, limit)


DOCKED: Final = (docked, to_mend)
