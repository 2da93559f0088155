"""The gateway: one address before several processes, both ways as a stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from litestar import get
from yiwang.kit import Service, anonymous
from yiwang.kit.http import http_server
from yiwang.stack._ports import free_port
from yiwang.stack.gateway import Gateway, owner_of, owners_of

PIECES = 400


class Desk:
    """A service behind the gateway that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.go_on = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        self.heard.append(scope)
        answer = {"/cases/feed": self.feed, "/cases/breaks": self.breaks}.get(scope["path"], self.take)
        await answer(receive, send)

    async def take(self, receive: Any, send: Any) -> None:
        """Keep the body, answer with how long it was."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        headers = [
            (b"x-kept", b"1"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
            (b"content-type", b"text/plain"),
        ]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": str(len(body)).encode()})

    async def feed(self, receive: Any, send: Any) -> None:
        """Server-sent events: one now, one when the test says so, then silence until the client leaves."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await self.go_on.wait()
        await send({"type": "http.response.body", "body": b"data: 2\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left.set()

    async def breaks(self, receive: Any, send: Any) -> None:
        """Dies in the middle of its answer."""
        headers = [(b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("the service fell")


@pytest_asyncio.fixture
async def desk() -> Desk:
    return Desk()


@pytest_asyncio.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway before the desk and before a service that is down."""
    async with contextlib.AsyncExitStack() as stack:
        behind = await stack.enter_async_context(http_server(desk, "127.0.0.1", 0, drain_s=1))
        targets = {"dispatch": f"http://127.0.0.1:{behind}", "grid": f"http://127.0.0.1:{free_port()}"}
        owners = {"/cases": "dispatch", "/": "dispatch", "/grid": "grid"}
        port = await stack.enter_async_context(http_server(Gateway(targets, owners), "127.0.0.1", 0, drain_s=1))
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        yield await stack.enter_async_context(client)


async def test_a_request_arrives_as_it_was_sent_with_whom_it_came_from(http: httpx.AsyncClient, desk: Desk) -> None:
    """Method, path, query, headers and body; every Set-Cookie comes back."""
    path = "/cases/4403%2F1/file?q=%E4%B8%80&q=b"
    answer = await http.post(
        path, content=b"{}", headers={"Authorization": "Bearer t", "Connection": "x-mine", "X-Mine": "1"}
    )
    assert (answer.status_code, answer.text, answer.headers["x-kept"]) == (201, "2", "1")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    [scope] = desk.heard
    assert (scope["method"], scope["raw_path"], scope["query_string"]) == (
        "POST",
        b"/cases/4403%2F1/file",
        b"q=%E4%B8%80&q=b",
    )
    headers = dict(scope["headers"])
    assert headers[b"authorization"] == b"Bearer t"
    assert (headers[b"x-forwarded-for"], headers[b"x-forwarded-proto"]) == (b"127.0.0.1", b"http")
    assert headers[b"host"] == str(http.base_url.netloc, "ascii").encode()
    assert b"x-mine" not in headers, "a header of the one connection doesn't travel on"


async def test_a_proxy_of_this_machine_is_believed_about_the_client(http: httpx.AsyncClient, desk: Desk) -> None:
    """TLS ends before the gateway: the audit shows the citizen's address, not the proxy's."""
    await http.get("/cases", headers={"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"})
    headers = dict(desk.heard[0]["headers"])
    assert (headers[b"x-forwarded-for"], headers[b"x-forwarded-proto"]) == (b"203.0.113.7", b"https")
    assert desk.heard[0]["client"][0] == "203.0.113.7"


async def test_a_large_body_goes_through_piece_by_piece(http: httpx.AsyncClient, desk: Desk) -> None:
    """With a length or without one."""
    big = bytes(PIECES * 10_000)

    async def pieces() -> AsyncIterator[bytes]:
        for n in range(PIECES):
            yield big[n * 10_000 : (n + 1) * 10_000]

    assert (await http.post("/cases", content=big)).text == str(len(big))
    assert (await http.post("/cases", content=pieces())).text == str(len(big))
    assert desk.bodies == [big, big]


async def test_events_come_through_at_once_and_the_service_hears_that_the_client_left(
    http: httpx.AsyncClient, desk: Desk
) -> None:
    async with asyncio.timeout(30):
        async with http.stream("GET", "/cases/feed") as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            lines = (line async for line in answer.aiter_lines() if line)
            assert await anext(lines) == "data: 1", "before the service said more"
            desk.go_on.set()
            assert await anext(lines) == "data: 2"
        await desk.left.wait()


async def test_a_service_that_is_down_is_said_with_when_to_come_back(http: httpx.AsyncClient) -> None:
    """The others go on; /readyz says who is missing."""
    down = await http.get("/grid/locate")
    assert (down.status_code, down.json()["code"]) == (503, "kit.dependency_down")
    assert "服务 grid" in down.json()["detail"]
    assert int(down.headers["retry-after"]) >= 1
    assert (await http.get("/cases")).status_code == 201
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert "没有应答" in ready.json()["waiting"]["grid"]


async def test_a_half_answer_is_not_passed_on_as_a_whole_one(http: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.TransportError):
        await http.get("/cases/breaks")


async def test_a_path_of_nobody_is_refused_with_a_sentence(http: httpx.AsyncClient) -> None:
    answer = await http.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "kit.no_such_path")
    pages = (await http.get("/schema")).text
    assert "dispatch" in pages
    assert "/schema" in pages


def a_service(name: str, *paths: str) -> Service:
    service = Service(name)
    for path in paths:

        @get(path, guards=[anonymous])
        async def route() -> str:
            return ""

        service.api(route)
    return service


def test_every_path_has_the_service_whose_routes_begin_so() -> None:
    """The longest beginning wins; two services with the same one are refused before anything starts."""
    owners = owners_of(
        [
            ("dispatch", a_service("dispatch", "/", "/cases/{no:str}", "/cases")),
            ("identity", a_service("identity", "/identity/token")),
            ("people", a_service("people", "/identity/people")),
        ]
    )
    paths = ("/", "/cases", "/cases/7/file", "/identity/people", "/identity/token", "/casesx", "/identity")
    assert [owner_of(path, owners) for path in paths] == [
        "dispatch", "dispatch", "dispatch", "people", "identity", "", "",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="/cases 同时属于 dispatch 和 mine"):
        owners_of([("dispatch", a_service("dispatch", "/cases")), ("mine", a_service("mine", "/cases"))])
