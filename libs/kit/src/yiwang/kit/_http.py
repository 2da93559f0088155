"""One Litestar app for the routes of one or several services, and serving it in the running loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import msgspec
import uvicorn
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage
from litestar.types import HTTPScope

from ._audit import LogTrail, TableTrail, Trail
from ._edge import AuditRoom, Edge
from ._fast import FastRoute
from ._http_errors import answer_exception
from ._idempotency import Idempotency
from ._identity import NOBODY, Caller
from ._noted import Site
from ._one_write import OneWrite
from ._openapi import ClosedStructs, LocalSwagger, TrueJson, declared_statuses, guard_of, routes_of
from ._ops import audit_page, livez, metrics_page, readyz
from ._telemetry import LEVELS
from ._tokens import IdentitySettings, Verifier

if TYPE_CHECKING:
    from ._app import App

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of a request body unless the route says ``request_max_body_size=``."""


def build_http(
    apps: Sequence[App], *, title: str = "", verifier: Verifier | None = None, strict: bool = False
) -> Litestar:
    """The ASGI app that serves the routes of *apps*.

    With *strict* (tests) a refusal that its route does not declare is an error. Raises ValueError with every mistake
    in the routes: a missing or double guard, idempotency without a database.
    """
    sites = [Site(app, _trail(app)) for app in apps]
    title = title or "一网 " + " ".join(site.service for site in sites)
    litestar = Litestar(
        route_handlers=[*(_router(site) for site in sites), livez, readyz, metrics_page, audit_page],
        dependencies={"caller": Provide(_caller, sync_to_thread=False)},
        exception_handlers={Exception: answer_exception},
        request_max_body_size=MAX_BODY,
        openapi_config=OpenAPIConfig(
            title=title, version=version("yiwang-kit"), path="/schema", use_handler_docstrings=True,
            render_plugins=[TrueJson(), LocalSwagger(title)],
        ),
        plugins=[ClosedStructs()],
        state=State({"yw_sites": sites, "yw_strict": strict}),
        lifespan=[_lifespan],
        logging_config=None,
    )  # fmt: skip
    _check(litestar)
    for method, path, handler in routes_of(litestar):
        handler.opt["yw_declared"] = declared_statuses(method, path, handler)
    known = {(method, path): handler for method, path, handler in routes_of(litestar)}
    fast = {at: _fast(site, at, known) for site in sites for at in site.app.service.fast_routes}
    quiet = bool(apps) and LEVELS[apps[0].kit.log_level] > LEVELS["info"]
    litestar.asgi_handler = Edge(litestar.asgi_handler, verifier or _verifier(apps), fast, apps=apps, quiet=quiet)
    return litestar


def _verifier(apps: Sequence[App]) -> Verifier:
    """By the keys that the process is told, else by those of an issuer in this process."""
    settings = IdentitySettings.of(apps[0].kit)
    issuer = next((app for app in apps if app.service.name == "identity"), None)
    if settings.jwks or issuer is None:
        return Verifier(settings)
    from .accounts.keys import OwnKeys

    return Verifier(settings, keys=OwnKeys(issuer))


def _router(site: Site) -> Router:
    app = site.app

    def provide() -> Any:
        return app

    return Router(
        path="/",
        route_handlers=app.service.routes,
        dependencies={"app": Provide(provide, use_cache=True, sync_to_thread=False)},
        opt={"yw_site": site, "yw_area": app.node.jurisdiction},
        middleware=[AuditRoom, Idempotency],
        tags=[site.service],
    )


def _caller(scope: HTTPScope) -> Caller:
    found: Any = scope.get("user")
    return found if isinstance(found, Caller) else NOBODY


def _trail(app: App) -> Trail:
    return TableTrail(app.service.name, app.pool) if app.service.database else LogTrail(app.service.name)


def _check(litestar: Litestar) -> None:
    mistakes = []
    for method, path, handler in routes_of(litestar):
        if path.startswith("/schema") and "yw_site" not in handler.opt:
            continue
        if guard_of(handler) is None:
            mistakes.append(f"{method} {path}: give it exactly one of guards=[allow(Role...)] or guards=[anonymous]")
        site = handler.opt.get("yw_site")
        if handler.opt.get("idempotent") and site is not None and not site.app.service.database:
            mistakes.append(f"{method} {path}: idempotent routes need a database; declare Service(..., database=True)")
    if mistakes:
        raise ValueError("\n".join(mistakes))


def _fast(site: Site, at: tuple[str, str], known: Mapping[tuple[str, str], Any]) -> FastRoute:
    handler = known.get(at)
    guard = guard_of(handler) if handler is not None else None
    if handler is None or guard is None:
        raise ValueError(
            f"{at[0]} {at[1]}: a fast route stands before a documented route of the same path; write that one"
        )
    call, most = site.app.service.fast_routes[at]
    return FastRoute(site, call, guard, handler.status_code, most, at[1])


@contextlib.asynccontextmanager
async def _lifespan(litestar: Litestar) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await close_http(litestar)


async def close_http(litestar: Litestar) -> None:
    """Write what the audit trails still hold; the server does it when it stops, tests in process do it themselves."""
    for site in litestar.state["yw_sites"]:
        await site.trail.aclose()


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers, the process decides when to stop; it ticks once a second, not ten times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leaving = asyncio.Event()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.leaving.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def http_server(asgi: Any, host: str, port: int, *, drain_s: int = 5) -> AsyncIterator[int]:
    """Listen while inside; yields the port (useful with port 0). On leaving, running requests get *drain_s* seconds.

    Raises OSError with a sentence when the port is taken.
    """
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as exc:
        raise OSError(
            exc.errno,
            f"{host}:{port} 无法监听（{exc.strerror}）：请管理员改用别的 YIWANG_HTTP_PORT，或停掉占用它的程序",
        ) from exc
    # Accepted sockets inherit it; asyncio's own loop sets it only where the protocol number says TCP, which is not here.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    proxies = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")
    edge = getattr(asgi, "asgi_handler", None)
    protocol: Any = partial(OneWrite, doors=edge.doors(proxies) if isinstance(edge, Edge) else {})
    config = uvicorn.Config(
        asgi, loop="none", http=protocol, ws="none", lifespan="on", log_config=None,
        access_log=False, server_header=False, timeout_graceful_shutdown=drain_s,
        proxy_headers=True, forwarded_allow_ips=proxies,
    )  # fmt: skip
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]), name=f"http {host}:{port}")
    try:
        while not server.started:
            if task.done():
                await task
                raise RuntimeError("the HTTP server ended before it began; see the log above")
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        server.leaving.set()
        await task
        listener.close()


async def serve_http(asgi: Any, host: str, port: int) -> None:
    """Serve until cancelled, then drain."""
    async with http_server(asgi, host, port):
        await asyncio.Event().wait()


def sse(messages: AsyncIterator[Any], *, event: str = "message") -> ServerSentEvent:
    """Server-sent events from an iterator of Structs, dicts (as JSON) or (id, value) pairs; ids let a client resume."""

    async def lines() -> AsyncIterator[ServerSentEventMessage]:
        async for item in messages:
            number, value = item if isinstance(item, tuple) else ("", item)
            data = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            yield ServerSentEventMessage(data=data, id=str(number) or None, event=event)

    return ServerSentEvent(lines())
