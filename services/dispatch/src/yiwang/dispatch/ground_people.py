"""Who acts on campaigns, ledgers and at stations: by area, or for a unit; and how a refusal is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from yiwang.contracts import Actor
from yiwang.kit import App, Caller, Context, Post

from .campaign import within
from .errors import problem
from .refusals import Refused
from .rules import Rules
from .states_words import ROLE_NAMES

T = TypeVar("T")


async def acting(app: App, caller: Caller, once: Callable[[Context], Awaitable[T]]) -> T:
    """Do *once* in one transaction; a refusal is answered as every refusal of this service."""

    async def guarded(ctx: Context) -> T:
        try:
            return await once(ctx)
        except Refused as refused:
            raise problem(refused) from None

    done: T = await app.act(caller, guarded)
    return done


def over(caller: Caller, roles: Sequence[str], area: str, name: str) -> Actor:
    """The caller in one of *roles* over *area*, for what people call *name*. Raises Refused."""
    posts = [post for post in caller.posts if post.role in roles]
    if not posts:
        raise Refused("not_your_role", action=name, roles=role_names(roles))
    try:
        post = next((post for post in posts if post.covers(area)), None)
    except ValueError:
        raise Refused("area_malformed", area=area) from None
    if post is None or not area:
        raise Refused("outside_area", area=area)
    return actor(caller, post)


def over_all(caller: Caller, roles: Sequence[str], areas: Sequence[str], name: str) -> Actor:
    """The same, over each of *areas* (one at least). Raises Refused."""
    actors = [over(caller, roles, area, name) for area in areas]
    return actors[0]


def of_unit(caller: Caller, roles: Collection[str], unit_id: str, unit_name: str, rules: Rules) -> Actor:
    """The caller as one of *unit_id*, or of a unit above it. Raises Refused."""
    line = rules.line_of(unit_id)
    post = next((p for p in caller.posts if p.role in roles and p.unit_id in line), None) if unit_id else None
    if post is None:
        raise Refused("ledger_unit", unit=unit_name or unit_id or "尚未指定单位")
    return actor(caller, post)


def role_names(roles: Sequence[str]) -> str:
    return "、".join(ROLE_NAMES.get(role, role) for role in roles)


def actor(caller: Caller, post: Post) -> Actor:
    return Actor(
        person_ref=caller.person_ref, post_id=post.post_id, unit_id=post.unit_id, role=post.role, kind=caller.kind,
        via=caller.via,
    )  # fmt: skip


def known_area(area: str, inside: str) -> str:
    """*area*, if it is a code inside *inside*. Raises Refused."""
    if area != area.strip() or not within(inside, area):
        raise Refused("area_malformed", area=area)
    return area
