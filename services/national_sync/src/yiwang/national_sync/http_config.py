"""Announced data sets over HTTP: publish, see who uses them, decide about what was announced to us."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import Parameter
from yiwang.contracts import CONFIG_SETS, ConfigPublished
from yiwang.kit import App, Caller, Context, Role, allow, answers
from yiwang.kit.announced import digest_of
from yiwang.kit.announced_parts import encode, pieces

from . import announcements, errors
from .announcements import AnswerRow, PublishedRow, ReceivedRow
from .returns import require_node_below

KEEPERS: Final = (Role.ADMIN, Role.TENANT_ADMIN)
READERS: Final = (*KEEPERS, Role.LEADER, Role.SUPERVISOR, Role.SHIFT_LEADER, Role.AUDITOR)
CONTENT_MAX: Final = 16 * 1024 * 1024
Name = Annotated[str, Parameter(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Version = Annotated[str, msgspec.Meta(pattern=r"^[\w.+-]{1,64}$")]


class Announcement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole data set as text, for one node below or (empty) for all of them."""

    version: Version
    valid_from: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    content: Annotated[str, msgspec.Meta(min_length=1, max_length=CONTENT_MAX, pattern=r"^[^\x00]*$")]
    title: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*$")] = ""
    to: Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4}[0-9A-Z]{2,5})?$")] = ""


class Published(msgspec.Struct, frozen=True):
    set_name: str
    version: str
    digest: str


class NodeState(msgspec.Struct, frozen=True, kw_only=True):
    """A node below: applied, refused (with the reason) or silent."""

    node: str
    name: str
    state: str
    reason: str
    at: dt.datetime | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One version and who uses it."""

    announcements: list[PublishedRow]
    applied: int
    refused: int
    silent: int
    nodes: list[NodeState]


class ReceivedView(msgspec.Struct, frozen=True, kw_only=True):
    """What was announced to this node: waiting (for a person), adopted, applied or refused."""

    n: int
    issuer: str
    set_name: str
    version: str
    title: str
    digest: str
    valid_from: dt.datetime
    state: str
    reason: str
    decided_by: str
    at: dt.datetime
    decided_at: dt.datetime | None


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Take it over, or refuse it with a reason that the issuer reads."""

    adopt: bool
    reason: Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^[^\x00]*$")] = ""


def _view(row: ReceivedRow) -> ReceivedView:
    return ReceivedView(**{name: getattr(row, name) for name in ReceivedView.__struct_fields__})


@post(
    "/sync/config/sets/{set_name:str}",
    guards=[allow(*KEEPERS)],
    request_max_body_size=2 * CONTENT_MAX,
    responses=answers(errors.NO_SET, errors.NOT_BELOW, errors.VERSION_TAKEN, errors.TOO_LONG_SET, errors.LATE_DEADLINE),
    opt={"idempotent": True},
)
async def publish(app: App, caller: Caller, set_name: Name, data: Announcement) -> Published:
    """Announce a version to nodes below: they take it over by themselves, or refuse it with a reason."""
    caller.require(KEEPERS, app.node.jurisdiction)
    if set_name not in CONFIG_SETS:
        raise errors.NO_SET(name=set_name, known="、".join(CONFIG_SETS))
    if data.to and data.to != app.node.jurisdiction:
        require_node_below(app, data.to)
    if not 2000 <= data.valid_from.year <= 2100:
        raise errors.LATE_DEADLINE(why="起用时间应在 2000 年至 2100 年之间")
    try:
        content, encoding = encode(data.content)
    except ValueError as error:
        raise errors.TOO_LONG_SET(why=str(error)) from error
    digest = digest_of(data.content)

    async def act(ctx: Context) -> None:
        for row in await announcements.sql.rows(ctx.tx, "published_version", PublishedRow, set_name, data.version):
            if row.digest != digest or row.addressee == data.to:
                raise errors.VERSION_TAKEN(version=data.version)
        for part, parts, text in pieces(content):
            ctx.emit(
                ConfigPublished(
                    addressee=data.to, set_name=set_name, version=data.version, valid_from=data.valid_from, digest=digest,
                    scope=data.to or app.node.jurisdiction, title=data.title, content=text, encoding=encoding, part=part,
                    parts=parts,
                )
            )  # fmt: skip

    await app.act(caller, act)
    return Published(set_name, data.version, digest)


@get("/sync/config/sets", guards=[allow(*READERS)])
async def published(app: App, limit: Annotated[int, Parameter(ge=1, le=500)] = 100) -> list[PublishedRow]:
    """Our announcements, the newest first."""
    return await announcements.sql.rows(app.pool, "published", PublishedRow, limit)


@get("/sync/config/sets/{set_name:str}/{version:str}", guards=[allow(*READERS)], responses=answers(errors.NO_VERSION))
async def standing(
    app: App, set_name: Name, version: Annotated[str, Parameter(pattern=r"^[\w.+-]{1,64}$")]
) -> Standing:
    """Who uses a version of ours, who refused it and why, and who hasn't answered."""
    rows = await announcements.sql.rows(app.pool, "published_version", PublishedRow, set_name, version)
    if not rows:
        raise errors.NO_VERSION(name=set_name, version=version)
    said = {r.node: r for r in await announcements.sql.rows(app.pool, "answers", AnswerRow, set_name, version)}
    names = dict.fromkeys(said, "") | _asked(app, rows)
    nodes = [_state(code, name, said.get(code)) for code, name in sorted(names.items())]
    count = {state: sum(n.state == state for n in nodes) for state in ("applied", "refused", "silent")}
    return Standing(announcements=rows, nodes=nodes, **count)


def _asked(app: App, rows: list[PublishedRow]) -> dict[str, str]:
    """Code → name of every node that the announcements are meant for."""
    mesh = app.mesh
    below = {n.code: n.name for n in mesh.page.nodes if mesh.below(n.code) and not n.docked} if mesh else {}
    if any(not row.addressee for row in rows):
        return below
    return {row.addressee: below.get(row.addressee, "") for row in rows}


def _state(code: str, name: str, said: AnswerRow | None) -> NodeState:
    if said is None:
        return NodeState(node=code, name=name, state="silent", reason="", at=None)
    return NodeState(node=code, name=name, state=said.state, reason=said.reason, at=said.at)


@get("/sync/config/received", guards=[allow(*READERS)])
async def received(app: App, limit: Annotated[int, Parameter(ge=1, le=500)] = 100) -> list[ReceivedView]:
    """What was announced to this node, the newest first."""
    rows = await announcements.sql.rows(app.pool, "received", ReceivedRow, limit)
    return [_view(row) for row in rows]


@post(
    "/sync/config/received/{n:int}/decide",
    guards=[allow(*KEEPERS)],
    status_code=200,
    responses=answers(errors.NO_ANNOUNCEMENT, errors.DECIDED, errors.REASON_MISSING),
    opt={"idempotent": True},
)
async def decide(app: App, caller: Caller, n: int, data: Decision) -> ReceivedView:
    """Take over, or refuse with a reason, what waits for a person."""
    caller.require(KEEPERS, app.node.jurisdiction)
    if not data.adopt and not data.reason.strip():
        raise errors.REASON_MISSING()
    if not 0 < n <= 2**53:
        raise errors.NO_ANNOUNCEMENT(n=n)

    async def act(ctx: Context) -> None:
        row = await announcements.sql.row(ctx.tx, "lock_received", ReceivedRow, n)
        if row is None:
            raise errors.NO_ANNOUNCEMENT(n=n)
        if row.state != "waiting":
            raise errors.DECIDED(n=n)
        by = caller.person_ref
        if data.adopt:
            ctx.emit(*await announcements.adopt(ctx, row, by))
        else:
            ctx.emit(await announcements.refuse(ctx, row, data.reason, by))

    await app.act(caller, act)
    row = await announcements.sql.row(app.pool, "lock_received", ReceivedRow, n)
    if row is None:
        raise errors.NO_ANNOUNCEMENT(n=n)
    return _view(row)


CONFIG: Final = (publish, published, standing, received, decide)
