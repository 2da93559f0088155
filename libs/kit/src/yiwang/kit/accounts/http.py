"""Logging in, public keys, and the administration of accounts."""

import time
from typing import Annotated, Any

import jwt
import msgspec
from litestar import Request, Response, get, post, put
from litestar.params import Parameter

from .._app import App
from .._identity import Caller, Post, Role, allow, anonymous
from .._problems import answers
from . import domain, store
from .errors import (
    BAD_POST,
    DISABLED,
    LOCKED,
    LOGIN_FAILED,
    LOGIN_TAKEN,
    MUST_CHANGE,
    NO_ACCOUNT,
    OWN_ACCOUNT,
    SESSION_OVER,
    WEAK_PASSWORD,
)
from .keys import SigningKeys

ADMINS = [allow(Role.SECURITY_ADMIN, Role.ADMIN)]
LoginPath = Annotated[str, Parameter(max_length=40)]


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    login: domain.Login
    password: domain.Password


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    login: domain.Login
    old: domain.Password
    new: domain.Password


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    password: domain.Password


class Posts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    posts: Annotated[tuple[domain.PostGrant, ...], msgspec.Meta(max_length=20)]


class Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int
    token_type: str = "Bearer"


class AccountPage(msgspec.Struct, frozen=True):
    """Give `next` as `after` for the page after this one; empty at the end."""

    accounts: list[domain.Account]
    next: str


class Me(msgspec.Struct, frozen=True):
    person_ref: str
    posts: tuple[Post, ...]


@post(
    "/identity/token",
    guards=[anonymous],
    status_code=200,
    responses=answers(LOGIN_FAILED, LOCKED, DISABLED, MUST_CHANGE),
)
async def log_in(app: App, request: Request[Any, Any, Any], data: Credentials) -> Response[Token]:
    """Exchange login and password for a token."""
    account = await store.log_in(app.pool, app.get(store.Hasher), data.login, data.password, app.settings)
    request.scope["state"]["yw_person"] = account.person_ref
    now = int(time.time())
    return await _token(app, account, now, now)


@post("/identity/renew", guards=[allow()], status_code=200, responses=answers(SESSION_OVER, DISABLED, LOGIN_FAILED))
async def renew(app: App, caller: Caller, request: Request[Any, Any, Any]) -> Response[Token]:
    """A fresh token with the posts of today, without the password, while the session lasts."""
    claims = jwt.decode(request.headers["authorization"].partition(" ")[2], options={"verify_signature": False})
    now, auth_time = int(time.time()), int(claims.get("auth_time", 0))
    if now >= auth_time + app.settings.session_hours * 3600:
        raise SESSION_OVER(hours=app.settings.session_hours)
    login = await app.pool.fetchval("select login from account where person_ref = $1", caller.person_ref)
    if login is None:
        raise LOGIN_FAILED()
    account = await store.find(app.pool, login)
    if account.disabled:
        raise DISABLED()
    return await _token(app, account, now, auth_time)


@post("/identity/password", guards=[anonymous], status_code=204,
      responses=answers(LOGIN_FAILED, LOCKED, DISABLED, WEAK_PASSWORD))  # fmt: skip
async def change_password(app: App, request: Request[Any, Any, Any], data: PasswordChange) -> None:
    """Replace one's own password; also the first one, which an administrator gave."""
    hasher = app.get(store.Hasher)
    account = await store.change_password(app.pool, hasher, data.login, data.old, data.new, app.settings)
    request.scope["state"]["yw_person"] = account.person_ref


@get("/identity/jwks.json", guards=[anonymous])
async def jwks(app: App) -> Response[dict[str, list[dict[str, str]]]]:
    """The public keys by which every service verifies tokens."""
    return Response(await app.get(SigningKeys).jwks(), headers={"Cache-Control": "public, max-age=60"})


@get("/identity/me", guards=[allow()])
async def me(caller: Caller) -> Me:
    """Who I am here."""
    return Me(caller.person_ref, caller.posts)


@get("/identity/accounts", guards=ADMINS)
async def accounts(
    app: App,
    caller: Caller,
    after: Annotated[str, Parameter(max_length=40)] = "",
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> AccountPage:
    """Accounts that have to do with the caller's areas, by login."""
    rows = await store.page(app.pool, after, limit)
    own = {area for post in caller.posts for area in post.areas}
    mine = [a for a in rows if not a.posts or any(post.touches(area) for post in a.posts for area in own)]
    return AccountPage(mine, rows[-1].login if len(rows) == limit else "")


@post("/identity/accounts", guards=ADMINS, responses=answers(LOGIN_TAKEN, BAD_POST, WEAK_PASSWORD))
async def add_account(app: App, caller: Caller, data: domain.NewAccount) -> domain.Account:
    """Make an account; its password is for the first login only."""
    _may_grant(caller, data.posts)
    async with app.pool.acquire() as db, db.transaction():
        return await store.create_account(db, data, granted_by=caller.person_ref, settings=app.settings)


@put("/identity/accounts/{login:str}/posts", guards=ADMINS, responses=answers(NO_ACCOUNT, BAD_POST, OWN_ACCOUNT))
async def set_posts(app: App, caller: Caller, login: LoginPath, data: Posts) -> domain.Account:
    """Replace the posts of an account; works with the next token."""
    _may_grant(caller, data.posts)
    async with app.pool.acquire() as db, db.transaction():
        _may_change(caller, await store.find(db, login))
        return await store.replace_posts(db, login, data.posts, granted_by=caller.person_ref)


@post("/identity/accounts/{login:str}/password", guards=ADMINS, status_code=204,
      responses=answers(NO_ACCOUNT, WEAK_PASSWORD, OWN_ACCOUNT))  # fmt: skip
async def reset_password(app: App, caller: Caller, login: LoginPath, data: NewPassword) -> None:
    """Give a new first password; unlocks the account."""
    async with app.pool.acquire() as db, db.transaction():
        _may_change(caller, await store.find(db, login))
        await store.reset_password(db, login, data.password, settings=app.settings)


@post(
    "/identity/accounts/{login:str}/disable", guards=ADMINS, status_code=200, responses=answers(NO_ACCOUNT, OWN_ACCOUNT)
)
async def disable(app: App, caller: Caller, login: LoginPath) -> domain.Account:
    """Switch an account off; its token works until it expires."""
    _may_change(caller, await store.find(app.pool, login))
    return await store.set_disabled(app.pool, login, True)


@post(
    "/identity/accounts/{login:str}/enable", guards=ADMINS, status_code=200, responses=answers(NO_ACCOUNT, OWN_ACCOUNT)
)
async def enable(app: App, caller: Caller, login: LoginPath) -> domain.Account:
    """Switch an account on again."""
    _may_change(caller, await store.find(app.pool, login))
    return await store.set_disabled(app.pool, login, False)


@post(
    "/identity/accounts/{login:str}/unlock", guards=ADMINS, status_code=200, responses=answers(NO_ACCOUNT, OWN_ACCOUNT)
)
async def unlock(app: App, caller: Caller, login: LoginPath) -> domain.Account:
    """End a lock before its time."""
    _may_change(caller, await store.find(app.pool, login))
    return await store.unlock(app.pool, login)


@post("/identity/keys/rotate", guards=[allow(Role.SECURITY_ADMIN)], status_code=200)
async def rotate(app: App) -> dict[str, str]:
    """Sign with a new key from now on."""
    return {"kid": await app.get(SigningKeys).rotate()}


async def _token(app: App, account: domain.Account, now: int, auth_time: int) -> Response[Token]:
    claims = domain.claims_of(
        account, issuer=app.kit.issuer, audience=app.kit.audience, now=now, auth_time=auth_time, settings=app.settings
    )
    token = Token(await app.get(SigningKeys).sign(claims), int(claims["exp"]) - now)
    return Response(token, headers={"Cache-Control": "no-store"})


def _may_grant(caller: Caller, posts: tuple[domain.PostGrant, ...]) -> None:
    """An administrator gives posts inside the own areas only, and the reserved roles only as security administrator."""
    for grant in posts:
        roles = (Role.SECURITY_ADMIN,) if grant.role in domain.RESERVED else (Role.SECURITY_ADMIN, Role.ADMIN)
        for area in grant.areas:
            caller.require(roles, area)


def _may_change(caller: Caller, account: domain.Account) -> None:
    """Nobody administers the own account, nor one that reaches beyond the own areas."""
    if account.person_ref == caller.person_ref:
        raise OWN_ACCOUNT()
    _may_grant(caller, tuple(domain.PostGrant(role=p.role, unit_id=p.unit_id, areas=p.areas) for p in account.posts))


ROUTES = [
    log_in, renew, change_password, jwks, me,
    accounts, add_account, set_posts, reset_password, disable, enable, unlock, rotate,
]  # fmt: skip
