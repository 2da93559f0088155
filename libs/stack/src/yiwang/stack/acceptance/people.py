"""Who sends the test reports: one person who is acceptor and inspector of the node's area for as long as the test takes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import msgspec
from yiwang.kit import Problem
from yiwang.kit import accounts as identity
from yiwang.stack.users import initial_password

from .site import Site

LOGIN: Final = "acceptance-test"
NAME: Final = "验收测试"
ROLES: Final = ("collector", "acceptor")
NOBODY: Final = "没有可用的测试人员：请用 --token 给出一个同时有信息采集员和受理员岗位的登录凭证（本节点不用本地账号）"


class Tester(msgspec.Struct, frozen=True):
    """The tester's name in events, and a token."""

    person_ref: str
    token: str


@contextlib.asynccontextmanager
async def tester(site: Site, token: str) -> AsyncIterator[Tester]:
    """The tester: by the given token, of the development issuer, or a local account that is disabled at the end.

    Raises LookupError with a sentence when there is none.
    """
    if token:
        me = await site.get("/identity/me", token) if await site.has("identity.account") else {"person_ref": ""}
        yield Tester(str(me["person_ref"]) or _subject(token), token)
    elif site.kit.dev_people:
        from yiwang.kit import Post
        from yiwang.kit.dev import dev_issuer

        area = site.kit.jurisdiction
        posts = [Post(post_id=f"{LOGIN}-{role}", unit_id="", role=role, areas=(area,)) for role in ROLES]
        issuer = dev_issuer(site.environ.get("YIWANG_DEV_KEYS", ""))
        yield Tester(LOGIN, issuer.token(LOGIN, posts, name=NAME))
    elif await site.has("identity.account"):
        async with _account(site) as found:
            yield found
    else:
        raise LookupError(NOBODY)


@contextlib.asynccontextmanager
async def _account(site: Site) -> AsyncIterator[Tester]:
    """A local account with a password that nobody knows; switched off again at the end, whatever happened."""
    password = initial_password()
    url = site.environ["YIWANG_DATABASE_URL"]
    try:
        async with identity.accounts_db(url) as db, db.transaction():
            await _enable(db, password, site.kit.jurisdiction)
        answer = await site.http.post(site.at("/identity/token"), json={"login": LOGIN, "password": password})
        if not answer.is_success:
            raise LookupError(f"测试人员登录被拒（{answer.status_code} {answer.text[:200]}）：请看账号服务的日志")
        token = str(answer.json()["access_token"])
        me = await site.get("/identity/me", token)
        yield Tester(str(me["person_ref"]), token)
    except (Problem, asyncpg.PostgresError) as error:
        raise LookupError(f"建立测试人员没有成功（{error}）：请检查账号服务") from error
    finally:
        async with identity.accounts_db(url) as db, db.transaction():
            if await db.fetchval("select exists(select from account where login = $1)", LOGIN):
                await identity.set_disabled(db, LOGIN, True)


async def _enable(db: asyncpg.Connection[asyncpg.Record], password: str, area: str) -> None:
    if await db.fetchval("select exists(select from account where login = $1)", LOGIN):
        await identity.set_disabled(db, LOGIN, False)
        await identity.reset_password(db, LOGIN, password)
        await db.execute("update account set must_change = false where login = $1", LOGIN)
        return
    posts = [{"role": role, "areas": [area], "unit_id": ""} for role in ROLES]
    new = {"login": LOGIN, "display_name": NAME, "password": password, "posts": posts}
    await identity.create_account(db, msgspec.convert(new, identity.NewAccount), must_change=False)


def _subject(token: str) -> str:
    import jwt

    return str(jwt.decode(token, options={"verify_signature": False})["sub"])
