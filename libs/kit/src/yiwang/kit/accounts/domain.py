"""The rules of accounts: what a password must be, what a post is, what a token says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from yiwang.contracts import areas

from .._identity import ROLE_LABELS, Post, Role

Login = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{1,39}$", description="Lower-case login name")]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
RESERVED: Final = frozenset({Role.SECURITY_ADMIN, Role.AUDITOR, Role.TENANT_ADMIN})
"""Roles that only a security administrator grants: running, securing and auditing the system are kept apart."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The issuer's settings (``YIWANG_IDENTITY_<NAME>``)."""

    token_minutes: int = 30
    """Life of a token; a disabled account works no longer than this"""
    session_hours: int = 12
    """How long tokens can be renewed without the password"""
    lock_after: int = 5
    """Failed attempts in a row that lock a login"""
    lock_minutes: int = 15
    """How long a login stays locked"""
    password_length: int = 10
    """Shortest password"""
    password_kinds: int = 3
    """How many of lower case, upper case, digits and other characters a password must mix"""
    argon2_memory_kib: int = 65536
    """Memory of one password check (RFC 9106, second recommended option)"""
    argon2_rounds: int = 3
    """Passes of one password check"""
    key_secret: str = ""
    """Passphrase that encrypts the signing keys at rest; empty: they lie readable in the issuer's schema"""


class PostGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A post to give."""

    role: Annotated[str, msgspec.Meta(max_length=40)]
    unit_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    areas: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=15)], ...], msgspec.Meta(min_length=1, max_length=50)]
    """Area codes; each with its subtree"""


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account to make; the password is for the first login only."""

    login: Login
    display_name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    password: Password
    posts: Annotated[tuple[PostGrant, ...], msgspec.Meta(max_length=20)] = ()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as administrators see it."""

    login: str
    person_ref: str
    """The pseudonym that events carry"""
    display_name: str
    must_change: bool
    disabled: bool
    locked: bool
    posts: tuple[Post, ...]


def weaknesses(password: str, login: str, settings: Settings) -> list[str]:
    """What is wrong with a new password, in words; empty when it is good.

    >>> weaknesses("Lanshan-2026", "wang", Settings())
    []
    >>> weaknesses("wang", "wang", Settings())
    ['至少 10 个字符', '至少混用 3 种字符（小写、大写、数字、其他）', '不能包含账号名']
    """
    kinds = [
        any(c.islower() for c in password),
        any(c.isupper() for c in password),
        any(c.isdigit() for c in password),
        any(not c.isalnum() for c in password),
    ]
    found = []
    if len(password) < settings.password_length:
        found.append(f"至少 {settings.password_length} 个字符")
    if sum(kinds) < settings.password_kinds:
        found.append(f"至少混用 {settings.password_kinds} 种字符（小写、大写、数字、其他）")
    if login and login in password.lower():
        found.append("不能包含账号名")
    return found


def mistakes_of(grant: PostGrant) -> list[str]:
    """What is wrong with a post, in words."""
    found = [] if grant.role in ROLE_LABELS else [f"没有角色 {grant.role}"]
    for code in grant.areas:
        try:
            areas.level_of(code)
        except ValueError:
            found.append(f"{code} 不是区划代码")
    return found


def claims_of(
    account: Account, *, issuer: str, audience: str, now: int, auth_time: int, settings: Settings
) -> Mapping[str, Any]:
    """What a token says: the pseudonym and the posts, no name. Times in Unix seconds."""
    return {
        "iss": issuer,
        "aud": audience,
        "sub": account.person_ref,
        "iat": now,
        "exp": min(now + settings.token_minutes * 60, auth_time + settings.session_hours * 3600),
        "auth_time": auth_time,
        "azp": "identity",
        "posts": msgspec.to_builtins(account.posts),
    }
