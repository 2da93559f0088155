"""Where notices are pushed to: webhooks of other systems and mailboxes, kept by the administrator."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Final, Literal

import msgspec
from litestar import get, post
from yiwang.kit import App, Caller, Context, Problem, Role, allow, answers

from . import errors
from .allow import AllowList
from .audience import check_pattern
from .mail import is_address
from .store import sql
from .webhook import new_secret

ADMINS: Final = (Role.ADMIN, Role.TENANT_ADMIN)
OVERLAP: Final = dt.timedelta(hours=24)
"""So long the old secret signs beside the new one."""


class NewEndpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A webhook or a mailbox, and the audiences that it hears."""

    channel: Literal["webhook", "email"]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
    target: Annotated[str, msgspec.Meta(min_length=3, max_length=1000, pattern=r"^[\x21-\x7e]+$")]
    """The URL of the webhook, or the address of the mailbox"""
    audiences: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=120)], ...], msgspec.Meta(min_length=1, max_length=100)
    ]
    """`*`, `unit:…`, `unit:*`, `role@area` (with all areas below), `reporter:*` …"""
    receives_contact: bool = False
    """Whether a gateway for reporters (SMS, WeChat) gets the reporter's contact"""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as administrators see it; never with its secret."""

    endpoint_id: uuid.UUID
    channel: str
    name: str
    target_shown: str
    audiences: list[str]
    receives_contact: bool
    enabled: bool
    disabled_reason: str
    old_until: dt.datetime | None
    created_by: str
    created_at: dt.datetime


class EndpointWithSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The only answer that ever shows a secret; empty for a mailbox."""

    endpoint: Endpoint
    secret: str


async def _endpoint(ctx: Context, endpoint_id: uuid.UUID) -> Endpoint:
    found = await sql.row(ctx.tx, "endpoint", Endpoint, endpoint_id)
    if found is None:
        raise errors.NO_ENDPOINT(endpoint=endpoint_id)
    return found


def _refusal(app: App, wish: NewEndpoint) -> Problem | None:
    for audience in wish.audiences:
        try:
            check_pattern(audience)
        except ValueError:
            return errors.BAD_AUDIENCE(audience=audience)
    if wish.channel == "email":
        if not is_address(wish.target):
            return errors.BAD_MAILBOX(target=wish.target)
        return None if app.settings.smtp_host else errors.NO_MAIL_SERVER()
    try:
        app.get(AllowList).host_of(wish.target)
    except ValueError as error:
        return errors.NOT_ALLOWED(why=error)
    return None


def _shown(wish: NewEndpoint) -> str:
    """A mailbox without most of its name; a URL without its query, where other makers put their keys."""
    if wish.channel == "webhook":
        return wish.target.partition("?")[0]
    name, _, domain = wish.target.partition("@")
    return f"{name[:1]}***@{domain}"


@get("/notices/endpoints", guards=[allow(*ADMINS, Role.AUDITOR)])
async def list_endpoints(app: App) -> list[Endpoint]:
    """All endpoints, by name."""
    return await sql.rows(app.pool, "endpoints", Endpoint)


@post(
    "/notices/endpoints",
    guards=[allow(*ADMINS)],
    responses=answers(errors.BAD_AUDIENCE, errors.BAD_MAILBOX, errors.NO_MAIL_SERVER, errors.NOT_ALLOWED),
)
async def add_endpoint(app: App, caller: Caller, data: NewEndpoint) -> EndpointWithSecret:
    """Add an endpoint. The answer shows its secret, this once."""
    if refusal := _refusal(app, data):
        raise refusal
    endpoint_id, secret = uuid.uuid4(), new_secret() if data.channel == "webhook" else ""

    async def act(ctx: Context) -> Endpoint:
        key = f"endpoint/{endpoint_id}"
        await sql.run(
            ctx.tx, "add_endpoint", endpoint_id, data.channel, data.name, await app.vault.seal(key, data.target),
            _shown(data), list(data.audiences), data.receives_contact,
            await app.vault.seal(key, secret) if secret else "", caller.person_ref, ctx.now(),
        )  # fmt: skip
        return await _endpoint(ctx, endpoint_id)

    return EndpointWithSecret(endpoint=await app.act(caller, act), secret=secret)


@post(
    "/notices/endpoints/{endpoint_id:uuid}/rotate",
    guards=[allow(*ADMINS)],
    status_code=200,
    responses=answers(errors.NO_ENDPOINT, errors.NOT_A_WEBHOOK),
)
async def rotate_secret(app: App, caller: Caller, endpoint_id: uuid.UUID) -> EndpointWithSecret:
    """Give a webhook a new secret, shown this once; for a day the old one signs beside it."""
    secret = new_secret()

    async def act(ctx: Context) -> Endpoint:
        found = await _endpoint(ctx, endpoint_id)
        if found.channel != "webhook":
            raise errors.NOT_A_WEBHOOK(endpoint=found.name)
        sealed = await app.vault.seal(f"endpoint/{endpoint_id}", secret)
        await sql.run(ctx.tx, "rotate", endpoint_id, sealed, ctx.now() + OVERLAP)
        return await _endpoint(ctx, endpoint_id)

    return EndpointWithSecret(endpoint=await app.act(caller, act), secret=secret)


@post(
    "/notices/endpoints/{endpoint_id:uuid}/{verb:str}",
    guards=[allow(*ADMINS)],
    status_code=200,
    responses=answers(errors.NO_ENDPOINT, errors.BAD_VERB),
)
async def switch_endpoint(app: App, caller: Caller, endpoint_id: uuid.UUID, verb: str) -> Endpoint:
    """`enable` or `disable` an endpoint. What it missed meanwhile isn't sent again."""
    if verb not in ("enable", "disable"):
        raise errors.BAD_VERB(verb=verb)

    async def act(ctx: Context) -> Endpoint:
        reason = "" if verb == "enable" else f"由 {caller.person_ref} 停用"
        await sql.run(ctx.tx, "switch", endpoint_id, verb == "enable", reason)
        return await _endpoint(ctx, endpoint_id)

    return await app.act(caller, act)


ENDPOINT_ROUTES: Final = (list_endpoints, add_endpoint, rotate_secret, switch_endpoint)
