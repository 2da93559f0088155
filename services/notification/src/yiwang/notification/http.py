"""A person's notices: the list, the stream, marking as read; and the books for the administrator."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import Parameter
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage
from yiwang.kit import App, Caller, Context, Role, allow, answers

from . import errors
from .audience import direct, prefix_of
from .http_endpoints import ENDPOINT_ROUTES
from .store import sql
from .stream import Ears, Position, Row, listen

KEEPERS: Final = (Role.ADMIN, Role.TENANT_ADMIN, Role.AUDITOR)
LAST: Final = 2**63 - 1


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice in somebody's inbox; `read_at` is this person's own."""

    notice_id: uuid.UUID
    seq: int
    audience: str
    title: str
    body: str
    urgency: str
    template: str
    case_id: str
    case_no: str
    created_at: dt.datetime
    read_at: dt.datetime | None = None


class NoticePage(msgspec.Struct, frozen=True, kw_only=True):
    """Notices, newest first; `next` is the `before` of the next page, 0 at the end."""

    items: list[Notice]
    next: int


class PushCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many pushes of a channel stand where."""

    channel: str
    state: str
    failure_class: str
    count: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Notices due = delivered + failed + unsent + pending."""

    due: int
    delivered: int
    failed: int
    """Every channel that leads to the audience refused it, or was given up"""
    unsent: int
    """No channel leads to the audience (无可用渠道): nothing was tried"""
    pending: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The books of the service, counted from its tables."""

    notices: Counts
    balanced: bool
    pushes: list[PushCount]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of one push; `n` is null while there was none."""

    delivery_id: uuid.UUID
    endpoint: str
    channel: str
    step: int
    state: str
    n: int | None
    at: dt.datetime | None
    klass: str | None
    reason: str | None
    took_ms: int | None


def ears(caller: Caller) -> Ears:
    """What *caller* may hear: self, posts and units, and the roles over the areas of the posts."""
    posts = [(post.post_id, post.unit_id) for post in caller.posts]
    roles = dict.fromkeys((str(post.role), prefix_of(area)) for post in caller.posts for area in post.areas)
    return Ears(frozenset(direct(caller.person_ref, posts)), tuple(roles))


def _args(caller: Caller) -> tuple[list[str], list[str], list[str], str]:
    may = ears(caller)
    return sorted(may.direct), [role for role, _ in may.roles], [prefix for _, prefix in may.roles], caller.person_ref


@get("/notices", guards=[allow()])
async def my_notices(
    app: App,
    caller: Caller,
    unread: bool = False,
    before: Annotated[int, Parameter(ge=0, le=LAST)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> NoticePage:
    """Notices for the caller, their posts, units and roles, newest first."""
    rows = await sql.rows(app.pool, "inbox", Notice, *_args(caller), before or LAST, unread, limit + 1)
    page = rows[:limit]
    return NoticePage(items=page, next=page[-1].seq if len(rows) > limit else 0)


@get("/notices/stream", guards=[allow()], responses=answers(errors.BAD_POSITION))
async def my_stream(app: App, caller: Caller, request: Request[Any, Any, Any]) -> ServerSentEvent:
    """The same notices as they come, as server-sent events; `Last-Event-ID` goes on without a gap."""
    text = request.headers.get("last-event-id", "")
    try:
        after = Position.parse(text) if text else None
    except ValueError as error:
        raise errors.BAD_POSITION() from error
    return ServerSentEvent(_lines(listen(app, ears(caller), after)))


async def _lines(rows: AsyncIterator[Row | None]) -> AsyncIterator[ServerSentEventMessage]:
    async for row in rows:
        if row is None:
            yield ServerSentEventMessage(comment="still here")
            continue
        data = msgspec.json.encode(msgspec.convert(row, Notice, from_attributes=True)).decode()
        yield ServerSentEventMessage(data=data, id=str(row.position), event="notice")


@post("/notices/{notice_id:uuid}/read", guards=[allow()], status_code=200, responses=answers(errors.NO_NOTICE))
async def mark_read(app: App, caller: Caller, notice_id: uuid.UUID) -> Notice:
    """Say that the caller has seen a notice; the first time counts."""

    async def act(ctx: Context) -> Notice:
        if await sql.row(ctx.tx, "one_for", Notice, *_args(caller), notice_id) is None:
            raise errors.NO_NOTICE(notice=notice_id)
        await sql.run(ctx.tx, "mark_read", notice_id, caller.person_ref, ctx.now())
        found = await sql.row(ctx.tx, "one_for", Notice, *_args(caller), notice_id)
        assert found is not None
        return found

    return await app.act(caller, act)


@get("/notices/summary", guards=[allow(*KEEPERS)])
async def summary(app: App, since: dt.datetime | None = None) -> Summary:
    """How many notices were due, and what became of them; *since* counts those made from then on."""
    start = since or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    start = start if start.tzinfo else start.replace(tzinfo=dt.UTC)
    [counts] = await sql.rows(app.pool, "summary", Counts, start)
    pushes = await sql.rows(app.pool, "pushes", PushCount)
    balanced = counts.due == counts.delivered + counts.failed + counts.unsent + counts.pending
    return Summary(notices=counts, balanced=balanced, pushes=pushes)


@get("/notices/{notice_id:uuid}/attempts", guards=[allow(*KEEPERS)], responses=answers(errors.NO_NOTICE))
async def attempts(app: App, notice_id: uuid.UUID) -> list[Attempt]:
    """Every attempt to bring a notice to other systems and mailboxes."""
    if not await sql.value(app.pool, "notice_exists", notice_id):
        raise errors.NO_NOTICE(notice=notice_id)
    return await sql.rows(app.pool, "attempts", Attempt, notice_id)


ROUTES: Final = (my_notices, my_stream, mark_read, summary, attempts, *ENDPOINT_ROUTES)
