"""The outermost layer of every request: trace, caller, audit, access log, metrics. No bodies, no query values."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ._codes import SEALED, TOO_BUSY
from ._fast import Asked, Door, FastRoute, always, answer_of, identify, refused
from ._noted import Site, note_call
from ._openapi import MUTATING
from ._telemetry import tracing
from .fence import RETRY_AFTER_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._tokens import Verifier

_ids: Final = random.Random()
"""Names to find calls by; no secrets"""
_propagator: Final = TraceContextTextMapPropagator()


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

    def doors(self, proxies: str) -> dict[tuple[str, str], Door]:
        """The thin routes as the server may use them; *proxies* are believed whom they speak for."""
        return {
            at: Door(route, self._verifier, self.refuse_sealed, proxies, quiet=self._quiet)
            for at, route in self._fast.items()
        }

    def refuse_sealed(self, method: str) -> None:
        """Raises kit.sealed for a call that would change something while the node is sealed."""
        if method in MUTATING and any(app.sealed for app in self._apps):
            raise SEALED(retry_after=RETRY_AFTER_S)

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
        await identify(scope, self._verifier, headers.get(b"authorization", b""))
        try:
            await self._serve(call, scope, receive)
        finally:
            call.finish(span, quiet=self._quiet)

    async def _serve(self, call: _Call, scope: Any, receive: Any) -> None:
        fast = self._fast.get((scope["method"], scope["path"]))
        try:
            self.refuse_sealed(scope["method"])
            if fast is not None and await self._serve_fast(fast, call, scope, receive):
                return
            await self._inner(scope, receive, call.send)
        except Exception as exc:
            if call.status:
                raise
            await call.answer(refused(exc, scope, scope["path"] if fast else "-"))

    async def _serve_fast(self, fast: FastRoute, call: _Call, scope: Any, receive: Any) -> bool:
        """Whether the thin route answered; it has read nothing when it did not."""
        head = fast.head(scope["headers"])
        if head is None:
            return False
        call.site = fast.site
        scope["path_template"] = fast.path
        if not fast.admits(scope):
            return False
        body = await _whole(receive)
        if body is None:  # the caller hung up; nothing was done and nobody is there to be told
            return True
        [answer] = await fast.call(fast.site.app, [Asked(scope["user"], body, head.key)])
        if isinstance(answer, Exception):
            raise answer
        await call.answer(answer, fast.status)
        return True


async def _whole(receive: Any) -> bytes | None:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return None if message["type"] == "http.disconnect" else body


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
            message["headers"] = [*message.get("headers", ()), *always(self.trace_id)]
        await self._send(message)

    async def answer(self, answer: Any, status: int = 0) -> None:
        """Send what a thin route says, or a refusal, without Litestar."""
        status, headers, body = answer_of(answer, status, self.trace_id)
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def finish(self, span: trace.Span, *, quiet: bool) -> None:
        """Write the call down."""
        handler = self.scope.get("route_handler")
        opt: Mapping[str, Any] = getattr(handler, "opt", None) or {}
        site: Site | None = self.site or opt.get("yw_site")
        route = str(self.scope.get("path_template") or "-")
        if span.is_recording():
            method = str(self.scope["method"])
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.request.method": method, "http.route": route})
            span.set_attribute("http.response.status_code", self.status)
        note_call(self.scope, site, route, self.status, time.perf_counter() - self._started, quiet=quiet, opt=opt)


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
