"""The API of sealed hand-overs of contacts: the books of both sides, the holder's decision, the asker's call."""

# Litestar resolves these annotations at run time, so there is no `from __future__ import annotations` here.
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import get, post
from litestar.params import Parameter
from yiwang.contracts import Moment
from yiwang.kit import App, Caller, Context, Role, allow, answers

from . import lending_handlers, lending_store, store
from .errors import LENDING_CLOSED, NO_LENDING
from .lending import GIVEN, STATES, TAKEN, Lending
from .lending_handlers import key_of

DECIDERS: Final = (Role.SHIFT_LEADER, Role.LEADER, Role.SECURITY_ADMIN)
"""Who may let a contact go to another tier."""
READERS: Final = (*DECIDERS, Role.ACCEPTOR, Role.AUDITOR)
MOST: Final = 200
AskId = Annotated[str, Parameter(max_length=64)]


class LendingView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the books; nothing in it is personal."""

    ask_id: str
    side: str
    """given (by this node) or taken (by it)"""
    state: str
    state_name: str
    case_id: str
    case_no: str
    report_id: str
    other: str
    area: str
    opinion: str
    asked_by: str
    asked_at: Moment
    decided_by: str
    decided_at: Moment | None
    expires_at: Moment | None
    reason: str
    ended_at: Moment | None


class LentContact(msgspec.Struct, frozen=True, kw_only=True):
    """Personal: for the return visit only, until `expires_at`."""

    ask_id: str
    report_id: str
    name: str = ""
    phone: str = ""
    openid: str = ""
    expires_at: Moment | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the contact is not handed over."""

    reason: Annotated[str, msgspec.Meta(min_length=2, max_length=500)]


@get("/reports/handovers", guards=[allow(*READERS)])
async def list_lendings(app: App, caller: Caller) -> list[LendingView]:
    """The books: who asked whom for which contact, who decided, until when, and its end. Newest first."""
    seen = [f"{_stem(area)}%" for post in caller.posts for area in post.areas]
    return [_view(line) for line in await lending_store.listed(app.pool, seen, MOST)]


@post(
    "/reports/handovers/{ask_id:str}/grant", status_code=200, guards=[allow(*DECIDERS)],
    opt={"idempotent": True}, responses=answers(NO_LENDING, LENDING_CLOSED),
)  # fmt: skip
async def grant_lending(ask_id: AskId, app: App, caller: Caller) -> LendingView:
    """同意移交: the contact goes sealed to the node that asked, and to nobody else."""

    async def once(ctx: Context) -> Lending:
        kept = await _open(ctx, caller, ask_id)
        ctx.emit(*await lending_handlers.grant(ctx, kept.line, kept.public_key, caller.person_ref))
        return await _again(ctx, ask_id)

    return _view(await app.act(caller, once))


@post(
    "/reports/handovers/{ask_id:str}/refuse", status_code=200, guards=[allow(*DECIDERS)],
    opt={"idempotent": True}, responses=answers(NO_LENDING, LENDING_CLOSED),
)  # fmt: skip
async def refuse_lending(ask_id: AskId, data: Refusal, app: App, caller: Caller) -> LendingView:
    """不予移交: the visit stays with this node."""

    async def once(ctx: Context) -> Lending:
        kept = await _open(ctx, caller, ask_id)
        ctx.emit(await lending_handlers.refuse(ctx, kept.line, lending_handlers.PERSON, data.reason, caller.person_ref))
        return await _again(ctx, ask_id)

    return _view(await app.act(caller, once))


@get(
    "/reports/handovers/{ask_id:str}/contact", guards=[allow(Role.ACCEPTOR, Role.SHIFT_LEADER)],
    responses=answers(NO_LENDING, LENDING_CLOSED),
)  # fmt: skip
async def lent_contact(ask_id: AskId, app: App, caller: Caller) -> LentContact:
    """The contact that another tier handed over, for who calls back; every look is kept in `looks`."""
    async with app.pool.acquire() as db, db.transaction():
        kept = await lending_store.lock(db, ask_id)
        if kept is None or kept.line.side != TAKEN:
            raise NO_LENDING(ask_id=ask_id)
        line = kept.line
        caller.require((Role.ACCEPTOR, Role.SHIFT_LEADER), line.area)
        if line.state != "held" or line.expires_at is None or line.expires_at <= app.clock.now():
            raise LENDING_CLOSED(state=STATES["ended"] if line.state == "held" else STATES[line.state])
        await store.look(db, line.report_id, caller.person_ref, app.clock.now())
        opened = {name: await app.vault.open(key_of(ask_id), words) or "" for name, words in kept.sealed.items()}
    return LentContact(ask_id=ask_id, report_id=line.report_id, expires_at=line.expires_at, **opened)


async def call_back(app: App, caller: Caller, report_id: str) -> None:
    """The report is about to be erased: whoever was given its contact destroys it too."""

    async def once(ctx: Context) -> None:
        ctx.emit(*await lending_handlers.revoke(ctx, report_id))

    await app.act(caller, once)


async def _open(ctx: Context, caller: Caller, ask_id: str) -> lending_store.Kept:
    kept = await lending_store.lock(ctx.tx, ask_id)
    if kept is None or kept.line.side != GIVEN:
        raise NO_LENDING(ask_id=ask_id)
    caller.require(DECIDERS, kept.line.area or kept.line.me)
    if kept.line.state != "asked":
        raise LENDING_CLOSED(state=STATES[kept.line.state])
    return kept


async def _again(ctx: Context, ask_id: str) -> Lending:
    kept = await lending_store.lock(ctx.tx, ask_id)
    assert kept is not None  # it was locked a moment ago
    return kept.line


def _stem(area: str) -> str:
    if len(area) == 6 and area.endswith("00"):
        return area[:2] if area.endswith("0000") else area[:4]
    return area


def _view(line: Lending) -> LendingView:
    fields = {name: getattr(line, name) for name in LendingView.__struct_fields__ if name != "state_name"}
    return LendingView(state_name=STATES[line.state], **fields)


LENDING: Final[Sequence[Any]] = (list_lendings, grant_lending, refuse_lending, lent_contact)
