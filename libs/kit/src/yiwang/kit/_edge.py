"""The outermost layer of every request: trace, caller, audit, access log, metrics. No bodies, no query values."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Histogram

from ._audit import AuditRecord, Trail
from ._codes import INTERNAL, SEALED, TOO_BUSY
from ._http_errors import log_unforeseen, problem_of
from ._identity import NOBODY, Caller, Guard, Post
from ._openapi import MUTATING
from ._problems import PROBLEM_JSON, Problem
from ._telemetry import tracing
from .fence import RETRY_AFTER_S
from .names import HTTP_REQUESTS, HTTP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._tokens import Verifier

QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})
_ids: Final = random.Random()
"""Names to find calls by; no secrets"""
_propagator: Final = TraceContextTextMapPropagator()

log = structlog.get_logger("access")


@lru_cache(maxsize=4096)
def _count(service: str, method: str, route: str, status: int) -> Counter:
    return HTTP_REQUESTS.labels(service, method, route, status)


@lru_cache(maxsize=1024)
def _seconds(service: str, route: str) -> Histogram:
    return HTTP_SECONDS.labels(service, route)


class Site:
    """One app as the edge sees it."""

    __slots__ = ("app", "service", "trail")

    def __init__(self, app: Any, trail: Trail) -> None:
        self.app, self.trail = app, trail
        self.service: str = app.service.name

    def __deepcopy__(self, _: Any) -> Site:
        """Litestar copies its routers; the app stays one."""
        return self


class FastRoute(msgspec.Struct, frozen=True):
    """A thin ASGI route before the documented one."""

    site: Any
    call: Any
    guard: Guard


class Edge:
    """ASGI middleware around the whole Litestar app."""

    def __init__(
        self,
        inner: Callable[[Any, Any, Any], Awaitable[None]],
        verifier: Verifier,
        fast: Mapping[tuple[str, str], FastRoute],
        *,
        apps: Sequence[Any] = (),
        quiet: bool = False,
    ) -> None:
        self._inner, self._verifier, self._fast, self._quiet = inner, verifier, fast, quiet
        self._apps = apps
        self.tracer = trace.get_tracer("yiwang.http")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = {key: value for key, value in scope["headers"] if key in (b"traceparent", b"authorization")}
        parent = headers.get(b"traceparent", b"").decode("latin-1")
        context = _propagator.extract({"traceparent": parent}) if parent else None
        if context is None and not tracing():  # a span that nobody records costs as much as one that somebody does
            await self._answer(scope, receive, send, headers, trace.INVALID_SPAN, context)
            return
        with self.tracer.start_as_current_span("http", context=context, kind=trace.SpanKind.SERVER) as span:
            await self._answer(scope, receive, send, headers, span, context)

    async def _answer(
        self, scope: Any, receive: Any, send: Any, headers: dict[bytes, bytes], span: trace.Span, context: Any
    ) -> None:
        call = _Call(scope, send, _trace_id(span, context))
        await self._identify(scope, headers.get(b"authorization", b""))
        try:
            await self._serve(call, scope, receive)
        finally:
            call.finish(span, quiet=self._quiet)

    async def _identify(self, scope: Any, authorization: bytes) -> None:
        scope["user"] = NOBODY
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and token:
            try:
                scope["user"] = await self._verifier.verify(token.strip())
            except Problem as refusal:
                scope["state"]["yw_refusal"] = refusal

    async def _serve(self, call: _Call, scope: Any, receive: Any) -> None:
        fast = self._fast.get((scope["method"], scope["path"]))
        try:
            if scope["method"] in MUTATING and any(app.sealed for app in self._apps):
                raise SEALED(retry_after=RETRY_AFTER_S)
            if fast is not None and await self._serve_fast(fast, call, scope, receive):
                return
            await self._inner(scope, receive, call.send)
        except Exception as exc:
            if call.status:
                raise
            problem = problem_of(exc, method=scope["method"])
            if problem.error is INTERNAL:
                log_unforeseen(exc, trace_id=call.trace_id, route=scope["path"] if fast else "-")
            scope["state"]["yw_code"] = problem.code
            await call.refuse(problem)

    async def _serve_fast(self, fast: FastRoute, call: _Call, scope: Any, receive: Any) -> bool:
        """Whether the thin route answered; who may not use it gets the documented route's refusal."""
        caller: Caller = scope["user"]
        call.site = fast.site
        scope["path_template"] = scope["path"]
        if not fast.guard.public:
            if not caller.known:
                return False
            scope["state"]["yw_post"] = fast.guard.admit(caller, fast.site.app.node.jurisdiction)
        return bool(await fast.call(fast.site.app, scope, receive, call.send))


class _Call:
    """What the edge learns about one request while it is answered."""

    __slots__ = ("_send", "_started", "scope", "site", "status", "trace_id")

    def __init__(self, scope: Any, send: Any, trace_id: str) -> None:
        self.scope, self._send, self.trace_id = scope, send, trace_id
        self.status = 0
        self.site: Site | None = None
        self._started = time.perf_counter()
        scope["state"]["yw_trace"] = trace_id

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-trace-id", self.trace_id.encode()),
                (b"x-content-type-options", b"nosniff"),
            ]
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer *problem* without Litestar."""
        headers = [(k.lower().encode(), v.encode()) for k, v in problem.headers().items()]
        headers.append((b"content-type", PROBLEM_JSON.encode()))
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": msgspec.json.encode(problem.body(self.trace_id))})

    def finish(self, span: trace.Span, *, quiet: bool) -> None:
        """Audit, log (unless *quiet*) and count the call."""
        handler = self.scope.get("route_handler")
        opt: Mapping[str, Any] = getattr(handler, "opt", None) or {}
        site: Site | None = self.site or opt.get("yw_site")
        route = str(self.scope.get("path_template") or "-")
        method, service = str(self.scope["method"]), site.service if site else "kit"
        seconds = time.perf_counter() - self._started
        _count(service, method, route, self.status).inc()
        _seconds(service, route).observe(seconds)
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.request.method": method, "http.route": route})
            span.set_attribute("http.response.status_code", self.status)
        if not quiet and route not in QUIET:
            ms, code = round(seconds * 1000, 1), self.scope["state"].get("yw_code", "")
            log.info(
                "http",
                service=service,
                method=method,
                route=route,
                status=self.status,
                ms=ms,
                code=code,
                trace_id=self.trace_id,
            )
        if site is not None and method in MUTATING:
            site.trail.note(self._record(method, route, opt))

    def _record(self, method: str, route: str, opt: Mapping[str, Any]) -> AuditRecord:
        state = self.scope["state"]
        caller: Caller = self.scope["user"]
        post: Post | None = state.get("yw_post") or next(iter(caller.posts), None)
        private = opt.get("private", ())
        params = {k: "***" if k in private else str(v) for k, v in (self.scope.get("path_params") or {}).items()}
        client = self.scope.get("client")
        return AuditRecord(
            at=dt.datetime.now(dt.UTC),
            person_ref=caller.person_ref or state.get("yw_person", ""),
            post_id=post.post_id if post else "",
            unit_id=post.unit_id if post else "",
            role=post.role if post else "",
            method=method,
            route=route,
            params=params,
            status=self.status or 500,
            code=state.get("yw_code", ""),
            client=client[0] if client else "",
            trace_id=self.trace_id,
        )


class AuditRoom:
    """Litestar middleware of mutating routes: no room in the audit trail, no mutation."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] in MUTATING:
            site: Site | None = scope["route_handler"].opt.get("yw_site")
            if site is not None and site.trail.full:
                raise TOO_BUSY(why="审计记录尚未写入数据库", retry_after=5)
        await self._app(scope, receive, send)


def _trace_id(span: trace.Span, parent: Any) -> str:
    own = span.get_span_context()
    found = own if own.is_valid else trace.get_current_span(parent).get_span_context()
    return format(found.trace_id if found.is_valid else _ids.getrandbits(128), "032x")
