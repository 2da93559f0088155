"""Who is calling: roles, posts and areas; and which routes they may use.

A person (a pseudonym, `person_ref`) holds posts; a post is a role in a unit over some areas of the tree
(roles: case management, section 1.2, and those of enforcement and of the administration). A route says who may use
it by exactly one guard: `guards=[allow(Role.DISPATCHER)]` or `guards=[anonymous]`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import msgspec
from yiwang.contracts import Actor, areas

from ._codes import FORBIDDEN, OUT_OF_AREA, UNAUTHENTICATED
from ._problems import Problem

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.handlers.base import BaseRouteHandler


class Role(StrEnum):
    """What a post does."""

    COLLECTOR = "collector"
    ACCEPTOR = "acceptor"
    SHIFT_LEADER = "shift_leader"
    DISPATCHER = "dispatcher"
    DEPT_OPERATOR = "dept_operator"
    HANDLER = "handler"
    SUPERVISOR = "supervisor"
    EVALUATOR = "evaluator"
    LEADER = "leader"
    ADMIN = "admin"
    ENFORCEMENT_OFFICER = "enforcement_officer"
    LEGAL_REVIEWER = "legal_reviewer"
    AGENCY_HEAD = "agency_head"
    AUXILIARY = "auxiliary"
    COMMUNITY_WORKER = "community_worker"
    SECURITY_ADMIN = "security_admin"
    AUDITOR = "auditor"
    TENANT_ADMIN = "tenant_admin"
    SYSTEM_ACCOUNT = "system_account"

    @property
    def label(self) -> str:
        """The role's Chinese name."""
        return ROLE_LABELS[self]


ROLE_LABELS: Final[dict[str, str]] = {
    "collector": "信息采集员",
    "acceptor": "受理员",
    "shift_leader": "值班长",
    "dispatcher": "派遣员",
    "dept_operator": "专业部门",
    "handler": "处置人员",
    "supervisor": "督查员",
    "evaluator": "考核员",
    "leader": "领导",
    "admin": "管理员",
    "enforcement_officer": "执法人员",
    "legal_reviewer": "法制审核人员",
    "agency_head": "执法机关负责人",
    "auxiliary": "执法辅助人员",
    "community_worker": "社区工作者",
    "security_admin": "安全管理员",
    "auditor": "审计员",
    "tenant_admin": "租户管理员",
    "system_account": "系统账号",
}


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One post of a person: a role in a unit over the subtrees of some areas."""

    post_id: str
    unit_id: str = ""
    role: str
    areas: tuple[str, ...] = ()

    def covers(self, area_code: str) -> bool:
        """Whether *area_code* lies in one of the post's areas."""
        return any(areas.contains(own, area_code) for own in self.areas)

    def touches(self, area_code: str) -> bool:
        """Whether the post has anything to do with *area_code*: it lies in the post's areas, or they in it."""
        return any(areas.contains(own, area_code) or areas.contains(area_code, own) for own in self.areas)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls. Without a `person_ref` nobody is known (a citizen on an anonymous route)."""

    person_ref: str = ""
    posts: tuple[Post, ...] = ()
    kind: str = "human"
    """human, system or device"""
    via: str = ""
    """The client through which the call came (the token's `azp`)."""

    @property
    def known(self) -> bool:
        return bool(self.person_ref)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(post.role for post in self.posts)

    @property
    def units(self) -> frozenset[str]:
        return frozenset(post.unit_id for post in self.posts if post.unit_id)

    def may(self, role: str, area_code: str) -> bool:
        """Whether one of the caller's posts has *role* over *area_code*."""
        return any(post.role == role and post.covers(area_code) for post in self.posts)

    def require(self, role: str | Iterable[str], area_code: str) -> Post:
        """The post by which the caller has one of the roles over *area_code*.

        Raises the Problem kit.forbidden (no such role) or kit.out_of_area (not over this area).
        """
        wanted = (role,) if isinstance(role, str) else tuple(role)
        held = [post for post in self.posts if post.role in wanted]
        if not held:
            raise _forbidden(wanted)
        for post in held:
            if post.covers(area_code):
                return post
        raise OUT_OF_AREA(area=area_code)

    def actor(self, role: str = "", area_code: str = "") -> Actor:
        """The caller as events name it: by the post that has *role* (over *area_code*), else by the first post."""
        fitting = [p for p in self.posts if not role or p.role == role]
        over = [p for p in fitting if area_code and p.covers(area_code)]
        post = next(iter(over or fitting or self.posts), None)
        if post is None:
            name = role or ("citizen" if not self.known else "none")
            return Actor(person_ref=self.person_ref, role=name, kind=self.kind, via=self.via)
        return self.acting_by(post)

    def acting_by(self, post: Post) -> Actor:
        """The caller as events name it, by *post*."""
        return Actor(
            person_ref=self.person_ref,
            post_id=post.post_id,
            unit_id=post.unit_id,
            role=post.role,
            kind=self.kind,
            via=self.via,
        )


NOBODY: Final = Caller()


class Guard:
    """Who may use a route; a Litestar guard that the kit can read."""

    __slots__ = ("kind", "public", "roles")

    def __init__(self, roles: frozenset[str], *, public: bool = False, kind: str = "roles") -> None:
        self.roles = roles
        self.public = public
        self.kind = kind
        """roles, signed or anonymous"""

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        """Raises kit.unauthenticated, kit.forbidden or kit.out_of_area."""
        if self.public:
            return
        refusal: Problem | None = connection.scope["state"].get("yw_refusal")
        caller: Caller = connection.scope.get("user") or NOBODY
        if not caller.known:
            raise refusal or UNAUTHENTICATED()
        connection.scope["state"]["yw_post"] = self.admit(caller, handler.opt.get("yw_area", ""))

    def admit(self, caller: Caller, area_code: str = "") -> Post:
        """Let *caller* pass when a post has one of the roles and has to do with the node's area; returns that post.

        Raises kit.forbidden or kit.out_of_area.
        """
        held = [post for post in caller.posts if not self.roles or post.role in self.roles]
        if not held:
            raise _forbidden(sorted(self.roles))
        for post in held:
            if not area_code or post.touches(area_code):
                return post
        raise OUT_OF_AREA(area=area_code)


def allow(*roles: str) -> Guard:
    """Only callers with one of *roles* (none given: anybody who is logged in and holds a post here)."""
    unknown = [role for role in roles if role not in ROLE_LABELS]
    if unknown:
        raise ValueError(f"unknown role {unknown[0]!r}; use a member of yiwang.kit.Role")
    return Guard(frozenset(map(str, roles)))


signed: Final = Guard(frozenset(), public=True, kind="signed")
"""Another platform calls, and the handler verifies its signature before it does anything else."""
anonymous: Final = Guard(frozenset(), public=True, kind="anonymous")
"""Anybody, also without a token. Only a citizen's report, its follow-up, logging in, and public keys."""


def _forbidden(roles: Iterable[str]) -> Problem:
    return FORBIDDEN(needed="、".join(ROLE_LABELS.get(role, role) for role in roles) or "任一岗位")
