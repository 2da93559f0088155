"""Files of nodes below over HTTP: ask for one, see whether it has come, look at it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter
from yiwang.kit import App, Caller, Context, Role, allow, answers
from yiwang.kit.files import MEDIA_NOT_HERE, NotHere

from . import errors, media
from .media import RefRow, WantedRow

READERS: Final = (
    Role.LEADER, Role.SUPERVISOR, Role.ADMIN, Role.SHIFT_LEADER, Role.DISPATCHER, Role.EVALUATOR, Role.AUDITOR,
)  # fmt: skip
MediaId = Annotated[str, Parameter(pattern="^[0-9a-f]{64}$")]


class MediaState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file is: here, or at its home node, with what became of asking for it."""

    media_id: str
    here: bool
    home_node: str
    size: int
    mime: str
    state: str
    """here, elsewhere, wanted, asked or unavailable"""
    reason: str
    asked_at: dt.datetime | None


async def state_of(app: App, media_id: str) -> MediaState:
    """Raises kit.media_not_here for a file that no event of the subtree named."""
    try:
        stored = await app.media.info(media_id)
        return MediaState(
            media_id=media_id, here=True, home_node=stored.home_node, size=stored.size, mime=stored.mime, state="here",
            reason="", asked_at=None,
        )  # fmt: skip
    except NotHere:
        ref = await media.sql.row(app.pool, "ref", RefRow, media_id)
    if ref is None:
        raise NotHere(media_id)
    row = await media.sql.row(app.pool, "wanted", WantedRow, media_id)
    return MediaState(
        media_id=media_id, here=False, home_node=ref.home_node, size=ref.size, mime=ref.mime,
        state=row.state if row else "elsewhere", reason=row.reason if row else "", asked_at=row.asked_at if row else None,
    )  # fmt: skip


@get("/sync/media/{media_id:str}", guards=[allow(*READERS)], responses=answers(MEDIA_NOT_HERE))
async def where(app: App, media_id: MediaId) -> MediaState:
    """Where a file is that an event of this node or one below named."""
    return await state_of(app, media_id)


@post(
    "/sync/media/{media_id:str}/request",
    guards=[allow(*READERS)],
    status_code=202,
    responses=answers(MEDIA_NOT_HERE, errors.NO_HOLDER),
    opt={"idempotent": True},
)
async def request(app: App, caller: Caller, media_id: MediaId) -> MediaState:
    """Ask its home node to send a file up; it is here some seconds after the link carries it."""
    found = await state_of(app, media_id)
    if found.here:
        return found
    if not media.holder_of(app, found.home_node):
        raise errors.NO_HOLDER(home=found.home_node)

    async def act(ctx: Context) -> None:
        await media.sql.run(ctx.tx, "want", [media_id], [found.home_node], caller.person_ref, ctx.now())

    await app.act(caller, act)
    return await state_of(app, media_id)


@get(
    "/sync/media/{media_id:str}/content",
    guards=[allow(*READERS)],
    responses=answers(MEDIA_NOT_HERE),
    media_type="application/octet-stream",
)
async def content(app: App, media_id: MediaId) -> Response[bytes]:
    """The file itself, if it is here."""
    try:
        stored = await app.media.info(media_id)
    except NotHere:
        ref = await media.sql.row(app.pool, "ref", RefRow, media_id)
        raise NotHere(media_id, ref.home_node if ref else "") from None
    data = await app.media.read(media_id)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
    return Response(data, media_type=stored.mime, headers=headers)


@get("/sync/media", guards=[allow(*READERS)])
async def asked_for(app: App, limit: Annotated[int, Parameter(ge=1, le=500)] = 100) -> list[WantedRow]:
    """Files that this node asked for, the newest first."""
    return await media.sql.rows(app.pool, "wanted_list", WantedRow, limit)


MEDIA: Final = (where, request, content, asked_for)
