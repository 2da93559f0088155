"""Accounts, attempts and posts in the issuer's schema."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import argon2
import asyncpg
import msgspec

from .._identity import Post
from .._sql import Sql
from . import domain
from .errors import BAD_POST, DISABLED, LOCKED, LOGIN_FAILED, LOGIN_TAKEN, MUST_CHANGE, NO_ACCOUNT, WEAK_PASSWORD

sql = Sql("yiwang.kit.accounts")
_AT_ONCE: Final = 2
"""Password checks at the same moment: each takes `argon2_memory_kib`."""
_SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))
Db = Any
"""An asyncpg connection or pool whose search_path is the issuer's schema"""


class _Row(msgspec.Struct, frozen=True):
    login: str
    person_ref: str
    display_name: str
    must_change: bool
    disabled: bool
    posts: str
    locked: bool

    def account(self) -> domain.Account:
        posts = msgspec.json.decode(self.posts, type=tuple[Post, ...])
        return domain.Account(**{f: getattr(self, f) for f in self.__struct_fields__ if f != "posts"}, posts=posts)


class Hasher:
    """argon2id, off the event loop and a few at a time."""

    def __init__(self, settings: domain.Settings) -> None:
        self._argon2 = argon2.PasswordHasher(
            time_cost=settings.argon2_rounds, memory_cost=settings.argon2_memory_kib, parallelism=1
        )
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._decoy = self._argon2.hash(uuid.uuid4().hex)

    async def hash(self, password: str) -> str:
        """The hash to store."""
        async with self._room:
            return await asyncio.to_thread(self._argon2.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether *password* is the stored one; takes as long for an account that does not exist."""
        async with self._room:
            try:
                await asyncio.to_thread(self._argon2.verify, stored or self._decoy, password)
            except argon2.exceptions.VerificationError:
                return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether *stored* was made with weaker parameters than today's."""
        return self._argon2.check_needs_rehash(stored)


@contextlib.asynccontextmanager
async def accounts_db(database_url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection for the functions below, as the command line opens it (after `yiwang migrate identity`)."""
    db = await asyncpg.connect(database_url, server_settings={"search_path": "identity", "role": "yw_identity"})
    try:
        yield db
    finally:
        await db.close()


async def find(db: Db, login: str) -> domain.Account:
    """One account. Raises identity.no_account."""
    row = await sql.row(db, "account", _Row, login)
    if row is None:
        raise NO_ACCOUNT(login=login)
    return row.account()


async def page(db: Db, after: str, limit: int) -> list[domain.Account]:
    """*limit* accounts after the login *after*, by login."""
    return [row.account() for row in await sql.rows(db, "accounts", _Row, after, limit)]


async def create_account(
    db: Db,
    new: domain.NewAccount,
    *,
    granted_by: str = "command line",
    must_change: bool = True,
    settings: domain.Settings | None = None,
) -> domain.Account:
    """Make an account with its posts, in the transaction of *db*.

    Raises identity.weak_password, identity.bad_post, identity.login_taken.
    """
    settings = settings or domain.Settings()
    _check(new.password, new.login, settings)
    _check_posts(new.posts)
    hashed = await Hasher(settings).hash(new.password)
    ref = f"p-{uuid.uuid4().hex}"
    if not await sql.value(db, "add_account", new.login, ref, new.display_name, hashed, must_change):
        raise LOGIN_TAKEN(login=new.login)
    await _add_posts(db, new.login, new.posts, granted_by)
    return await find(db, new.login)


async def replace_posts(db: Db, login: str, posts: Sequence[domain.PostGrant], *, granted_by: str) -> domain.Account:
    """End the account's posts and give it these, in the transaction of *db*. Raises identity.bad_post, no_account."""
    _check_posts(posts)
    await find(db, login)
    await sql.run(db, "end_posts", login)
    await _add_posts(db, login, posts, granted_by)
    return await find(db, login)


async def reset_password(db: Db, login: str, password: str, *, settings: domain.Settings | None = None) -> None:
    """Give a password for one login, after which it has to be changed; unlocks.

    Raises identity.weak_password, identity.no_account.
    """
    settings = settings or domain.Settings()
    _check(password, login, settings)
    await find(db, login)
    await sql.run(db, "set_password", login, await Hasher(settings).hash(password), True)
    await sql.run(db, "forget_attempts", login)


async def set_disabled(db: Db, login: str, disabled: bool) -> domain.Account:
    """Switch an account off or on. Raises identity.no_account."""
    await find(db, login)
    await sql.run(db, "set_disabled", login, disabled)
    return await find(db, login)


async def unlock(db: Db, login: str) -> domain.Account:
    """Forget failed attempts. Raises identity.no_account."""
    await sql.run(db, "forget_attempts", login)
    return await find(db, login)


async def log_in(db: Db, hasher: Hasher, login: str, password: str, settings: domain.Settings) -> domain.Account:
    """The account whose password this is.

    Raises identity.login_failed, identity.locked, identity.disabled, identity.must_change.
    """
    account = await _prove(db, hasher, login, password, settings)
    if account.must_change:
        raise MUST_CHANGE()
    return account


async def change_password(
    db: Db, hasher: Hasher, login: str, old: str, new: str, settings: domain.Settings
) -> domain.Account:
    """Replace a password by its owner. Raises as `log_in`, and identity.weak_password."""
    account = await _prove(db, hasher, login, old, settings)
    _check(new, login, settings)
    if new == old:
        raise WEAK_PASSWORD(why="与旧密码相同")
    await sql.run(db, "set_password", login, await hasher.hash(new), False)
    return account


async def _prove(db: Db, hasher: Hasher, login: str, password: str, settings: domain.Settings) -> domain.Account:
    until = await sql.value(db, "locked_until", login)
    if until is not None:
        raise LOCKED(until=until.astimezone(_SHANGHAI).strftime("%H:%M"))
    stored = await sql.value(db, "password_hash", login)
    if not await hasher.matches(stored, password):
        await sql.run(db, "failed", login, settings.lock_after, settings.lock_minutes)
        raise LOGIN_FAILED()
    await sql.run(db, "forget_attempts", login)
    account = await find(db, login)
    if account.disabled:
        raise DISABLED()
    if hasher.is_outdated(stored):
        await sql.run(db, "rehash", login, await hasher.hash(password), stored)
    return account


async def _add_posts(db: Db, login: str, posts: Sequence[domain.PostGrant], granted_by: str) -> None:
    for post in posts:
        post_id = f"post-{uuid.uuid4().hex[:12]}"
        await sql.run(db, "add_post", post_id, login, post.unit_id, post.role, list(post.areas), granted_by)


def _check(password: str, login: str, settings: domain.Settings) -> None:
    if why := domain.weaknesses(password, login, settings):
        raise WEAK_PASSWORD(why="；".join(why))


def _check_posts(posts: Sequence[domain.PostGrant]) -> None:
    if why := [mistake for post in posts for mistake in domain.mistakes_of(post)]:
        raise BAD_POST(why="；".join(why))
