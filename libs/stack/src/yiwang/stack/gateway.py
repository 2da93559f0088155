"""One address before several processes: each path goes to the service that has it, both ways as a stream.

For one machine (`yiwang up --processes`). Before the internet stands a proxy with TLS, as `docs/operate.md` says.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import secrets
import signal
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

import click
import httpx
import msgspec
from yiwang.kit import Problem, Service
from yiwang.kit.http import DEPENDENCY_DOWN, NO_SUCH_PATH, serve_http
from yiwang.stack import registry

HOP: Final = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"expect",
})  # fmt: skip
"""Headers of one connection, which don't travel on (RFC 9110, 7.6.1)"""
TIMEOUTS: Final = {"connect": 5.0, "read": None, "write": 60.0, "pool": 30.0}
"""Reading may take for ever: a stream of notices is silent for hours."""
IDLE_S: Final = 2.0
"""Connections that rest are closed before the services close them (uvicorn: 5 s)"""
Raw = list[tuple[bytes, bytes]]


class _Readiness(msgspec.Struct):
    waiting: dict[str, str]


class Gateway:
    """An ASGI app that passes requests on to *targets* (service → address) by the paths of *owners* (path → service)."""

    def __init__(self, targets: Mapping[str, str], owners: Mapping[str, str]) -> None:
        self._targets, self._owners = {name: httpx.URL(url) for name, url in targets.items()}, dict(owners)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=IDLE_S)
        self._http = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(limits=limits, trust_env=False))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                await self._answer(scope, receive, send)
            except Problem as problem:
                body = msgspec.json.encode(problem.body(secrets.token_hex(16)))
                headers = {"content-type": "application/problem+json"} | problem.headers()
                await _say(send, problem.status, headers, body)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/livez":
            await _say(send, 200, {"content-type": "text/plain"}, b"ok")
        elif path == "/readyz":
            await self._ready(send)
        elif path == "/schema":
            await _say(send, 200, {"content-type": "text/html; charset=utf-8"}, self._pages().encode())
        elif name := owner_of(path, self._owners):
            await self._pass_on(name, scope, receive, send)
        else:
            raise NO_SUCH_PATH()

    async def _pass_on(self, name: str, scope: Any, receive: Any, send: Any) -> None:
        raw = scope.get("raw_path") or scope["path"].encode()
        url = self._targets[name].copy_with(
            raw_path=raw + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        )
        headers = onward(scope)
        has_body = any(key in (b"content-length", b"transfer-encoding") for key, _ in scope["headers"])
        content = _body(receive) if has_body else None
        request = httpx.Request(
            scope["method"], url, headers=headers, content=content, extensions={"timeout": TIMEOUTS}
        )
        try:
            answer = await self._http.send(request, stream=True)
        except httpx.TransportError:
            raise DEPENDENCY_DOWN(what=f"服务 {name}", retry_after=2) from None
        try:
            kept = [(key.lower(), value) for key, value in answer.headers.raw if key.lower() not in HOP]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
            await _copy(answer, receive, send)
        finally:
            await answer.aclose()

    async def _ready(self, send: Any) -> None:
        """All services are ready, or the sentences of those that wait."""
        found = await asyncio.gather(*(self._waiting(name) for name in self._targets))
        waiting = {part: why for one in found for part, why in one.items()}
        body = msgspec.json.encode({"ready": not waiting, "waiting": waiting})
        await _say(send, 503 if waiting else 200, {"content-type": "application/json"}, body)

    async def _waiting(self, name: str) -> dict[str, str]:
        try:
            answer = await self._http.get(self._targets[name].join("/readyz"), timeout=5)
            return msgspec.json.decode(answer.content, type=_Readiness).waiting
        except (httpx.HTTPError, msgspec.MsgspecError):
            return {name: "没有应答：正在启动，或者已经停止"}

    def _pages(self) -> str:
        links = "".join(
            f'<li><a href="{html.escape(str(url.join("/schema")))}">{html.escape(name)}</a></li>'
            for name, url in self._targets.items()
        )
        return f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>接口文档</title><ul>{links}</ul></html>'

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._http.aclose()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


def owners_of(services: Iterable[tuple[str, Service]]) -> dict[str, str]:
    """Beginning of a path → service, of all routes of *services*. Raises ValueError when two have the same."""
    found: dict[str, str] = {}
    for name, service in services:
        for path in (path for route in service.routes for path in getattr(route, "paths", None) or (route.path,)):
            fixed = path.partition("{")[0].rstrip("/") or "/"
            if found.setdefault(fixed, name) != name:
                raise ValueError(f"{fixed} 同时属于 {found[fixed]} 和 {name}：请给其中一个服务换一个路径")
    return found


def owner_of(path: str, owners: Mapping[str, str]) -> str:
    """The service whose beginning of a path is the longest that fits; empty when none does.

    >>> owner_of("/cases/7/photos", {"/cases": "dispatch", "/": "dispatch"})
    'dispatch'
    >>> owner_of("/casesandmore", {"/cases": "dispatch", "/": "dispatch"})
    ''
    """
    at = path.rstrip("/") or "/"
    while at not in owners and "/" in at[1:]:
        at = at.rpartition("/")[0]
    return owners.get(at, "")


def onward(scope: Mapping[str, Any]) -> Raw:
    """The request's headers for the service behind, with whom it came from (a proxy on this machine was believed)."""
    named = {
        word.strip().lower() for key, value in scope["headers"] if key == b"connection" for word in value.split(b",")
    }
    dropped = HOP | named | {b"x-forwarded-for", b"x-forwarded-proto"}
    kept: Raw = [(key, value) for key, value in scope["headers"] if key not in dropped]
    client = (scope.get("client") or ("",))[0].encode()
    return [*kept, (b"x-forwarded-for", client), (b"x-forwarded-proto", scope["scheme"].encode())]


async def _body(receive: Any) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise httpx.ReadError("the client left while it was sending")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _copy(answer: httpx.Response, receive: Any, send: Any) -> None:
    """Hand the answer on, piece by piece as it comes, until it ends or the client leaves."""
    pieces = answer.aiter_raw()
    left = asyncio.create_task(_left(receive))
    try:
        while True:
            step = asyncio.create_task(_next(pieces))
            await asyncio.wait((step, left), return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                step.cancel()
                await asyncio.gather(step, return_exceptions=True)
                return
            if (piece := step.result()) is None:
                break
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        left.cancel()


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Any, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


@click.command("gateway")
@click.argument("targets", nargs=-1, required=True, metavar="服务=地址...")
@click.option("--host", default="127.0.0.1", help="监听地址")
@click.option("--port", default=8080, help="监听端口")
def command(targets: Sequence[str], host: str, port: int) -> None:
    """把几个服务进程放到同一个地址后面（yiwang up --processes 自动启动它）。"""
    from yiwang.stack.up import in_loop

    pairs = [target.partition("=")[::2] for target in targets]
    if wrong := [name for name, url in pairs if not url.startswith("http://")]:
        raise click.ClickException(f"{wrong[0]} 没有写明地址：请写成 dispatch=http://127.0.0.1:8081")
    services = registry.find_services([name for name, _ in pairs])
    try:
        owners = owners_of(zip((name for name, _ in pairs), services, strict=True))
        in_loop(_serve(Gateway(dict(pairs), owners), host, port))
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error


async def _serve(gateway: Gateway, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; what is being answered is finished."""
    task, loop = asyncio.create_task(serve_http(gateway, host, port)), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
