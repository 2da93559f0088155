"""Who acts by a post: over an area, or for a unit; and how a refusal is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

from yiwang.contracts import Actor
from yiwang.kit import App, Caller, Context

from .campaign import within
from .errors import refusals_answered
from .refusals import Refused
from .rules import Rules
from .states import role_names

T = TypeVar("T")


async def acting(app: App, caller: Caller, once: Callable[[Context], Awaitable[T]], **options: Any) -> T:
    """Do *once* as `App.act` does; a refusal is answered as every refusal of this service."""

    async def guarded(ctx: Context) -> T:
        with refusals_answered():
            return await once(ctx)

    done: T = await app.act(caller, guarded, **options)
    return done


def over(
    caller: Caller, roles: Sequence[str], area: str, name: str, *, wanted: str = "", area_name: str = ""
) -> Actor:
    """The caller in one of *roles* (the *wanted* one, if it is said) over *area*, for what people call *name*.

    Raises Refused; *area_name* is what it calls the area.
    """
    posts = [post for post in caller.posts if post.role in roles and wanted in ("", post.role)]
    if not posts:
        raise Refused("not_your_role", action=name, roles=role_names(roles))
    try:
        post = next((post for post in posts if post.covers(area)), None)
    except ValueError:
        raise Refused("area_malformed", area=area) from None
    if post is None or not area:
        raise Refused("outside_area", area=area_name or area)
    return caller.acting_by(post)


def over_all(caller: Caller, roles: Sequence[str], areas: Sequence[str], name: str) -> Actor:
    """The same, over each of *areas* (one at least). Raises Refused."""
    actors = [over(caller, roles, area, name) for area in areas]
    return actors[0]


def of_unit(caller: Caller, roles: Collection[str], unit_id: str, rules: Rules) -> Actor | None:
    """The caller as one of *unit_id*, or of a unit above it; None for anybody else."""
    line = rules.line_of(unit_id) if unit_id else ()
    post = next((p for p in caller.posts if p.role in roles and p.unit_id in line), None)
    return caller.acting_by(post) if post else None


def known_area(area: str, inside: str) -> str:
    """*area*, if it is a code inside *inside*. Raises Refused."""
    if area != area.strip() or not within(inside, area):
        raise Refused("area_malformed", area=area)
    return area
