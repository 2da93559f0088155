"""What is written down of every call: numbers, the access log, the audit trail. No bodies, no query values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import structlog
from prometheus_client import Counter, Histogram

from ._audit import AuditRecord, Trail
from ._identity import Caller, Post
from ._openapi import MUTATING
from .names import HTTP_REQUESTS, HTTP_SECONDS

QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})

log = structlog.get_logger("access")


class Site:
    """One app as the edge sees it."""

    __slots__ = ("app", "service", "trail")

    def __init__(self, app: Any, trail: Trail) -> None:
        self.app, self.trail = app, trail
        self.service: str = app.service.name

    def __deepcopy__(self, _: Any) -> Site:
        """Litestar copies its routers; the app stays one."""
        return self


@lru_cache(maxsize=4096)
def _count(service: str, method: str, route: str, status: int) -> Counter:
    return HTTP_REQUESTS.labels(service, method, route, status)


@lru_cache(maxsize=1024)
def _seconds(service: str, route: str) -> Histogram:
    return HTTP_SECONDS.labels(service, route)


def note_call(
    scope: Any, site: Site | None, route: str, status: int, seconds: float, *, quiet: bool, opt: Mapping[str, Any] = {}
) -> None:
    """Count the call, log it (unless *quiet*), and audit it where it changes something."""
    method, service, state = str(scope["method"]), site.service if site else "kit", scope["state"]
    _count(service, method, route, status).inc()
    _seconds(service, route).observe(seconds)
    if not quiet and route not in QUIET:
        log.info(
            "http",
            service=service,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            code=state.get("yw_code", ""),
            trace_id=state["yw_trace"],
        )
    if site is not None and method in MUTATING:
        site.trail.note(_record(scope, route, status, opt.get("private", ())))


def _record(scope: Any, route: str, status: int, private: Any) -> AuditRecord:
    state = scope["state"]
    caller: Caller = scope["user"]
    post: Post | None = state.get("yw_post") or next(iter(caller.posts), None)
    params = {k: "***" if k in private else str(v) for k, v in (scope.get("path_params") or {}).items()}
    client = scope.get("client")
    return AuditRecord(
        at=dt.datetime.now(dt.UTC),
        person_ref=caller.person_ref or state.get("yw_person", ""),
        post_id=post.post_id if post else "",
        unit_id=post.unit_id if post else "",
        role=post.role if post else "",
        method=str(scope["method"]),
        route=route,
        params=params,
        status=status or 500,
        code=state.get("yw_code", ""),
        client=client[0] if client else "",
        trace_id=state["yw_trace"],
    )
