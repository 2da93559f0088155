"""Thin routes: what comes together is answered together, each by itself, and no promise of the edge is lost."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from functools import cache, partial

import httpx
import pytest
from uvicorn import Config
from uvicorn.server import ServerState
from yiwang.kit._dev_people import dev_token
from yiwang.kit._http import http_server
from yiwang.kit._one_write import OneWrite

from .conftest import Batches


@cache
def token(role: str) -> str:
    """One token of a role for all requests: another would have to be verified first."""
    return dev_token(role, area="440300")


def request(body: bytes, *lines: str, role: str = "acceptor") -> bytes:
    """One POST /notes as it goes over the wire."""
    head = ["POST /notes HTTP/1.1", "Host: desk", "Content-Type: application/json", f"Content-Length: {len(body)}", *lines]
    head += [f"Authorization: Bearer {token(role)}"] if role else []
    return "\r\n".join([*head, "", ""]).encode() + body


@asynccontextmanager
async def line(desk):
    """A connection to a real server, to write bytes as they are."""
    async with http_server(desk.asgi, "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], dict]:
    """Status, headers and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(h.lower().split(": ", 1) for h in head[1:] if h)
    return int(head[0].split()[1]), headers, json.loads(await reader.readexactly(int(headers["content-length"])))


async def trail(desk) -> list[tuple[int, str, str, str]]:
    await desk.asgi.state["yw_sites"][0].trail.flushed()
    rows = await desk.app.pool.fetch("select status, person_ref, code, client from kit_audit order by n")
    return [(r["status"], r["person_ref"], r["code"], r["client"]) for r in rows]


async def test_requests_on_one_connection_are_answered_in_order_and_each_by_itself(desk):
    """Pipelined: taken, refused by the route, taken; all of them audited."""
    async with line(desk) as (reader, writer):
        writer.write(request(b'{"a":1}', "Idempotency-Key: k1") + request(b'"no thing"') + request(b"[]"))
        first, second, third = [await answer(reader) for _ in range(3)]
    assert (first[0], first[2]["by"], first[2]["size"], first[2]["key"]) == (202, "dev-acceptor", 7, "k1")
    assert first[2]["beside"] == 1
    assert (second[0], second[2]["code"], second[1]["content-type"]) == (404, "desk.no_thing", "application/problem+json")
    assert second[1]["x-trace-id"] == second[2]["trace_id"]
    assert (third[0], third[2]["size"]) == (202, 2)
    kept = [(202, "dev-acceptor", "", "127.0.0.1"), (404, "dev-acceptor", "desk.no_thing", "127.0.0.1")]
    assert await trail(desk) == [*kept, kept[0]]


class Paper(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing to close."""

    def told(self) -> dict | None:
        """The body of the answer, once it is whole."""
        head, _, body = self.written.partition(b"\r\n\r\n")
        sizes = [int(h.partition(b":")[2]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")]
        return json.loads(body) if sizes == [len(body)] else None


async def in_one_turn(desk, requests: list[bytes]) -> list[dict]:
    """What is answered to requests that come in one turn of the loop, each on a line of its own."""
    config = Config(desk.asgi, loop="none", http=partial(OneWrite, doors=desk.asgi.asgi_handler.doors("127.0.0.1")))
    config.load()
    state, papers = ServerState(), [Paper() for _ in requests]
    for paper, one in zip(papers, requests, strict=True):
        protocol = config.http_protocol_class(config=config, server_state=state, app_state={})
        protocol.connection_made(paper)
        protocol.data_received(one)
    async with asyncio.timeout(60):
        while not all(paper.told() for paper in papers):
            await asyncio.sleep(0)
    return [paper.told() or {} for paper in papers]


async def test_what_comes_in_one_turn_goes_through_together(desk):
    """One call for all who are let in; everybody gets the own answer, and who may not gets the documented refusal."""
    assert (await in_one_turn(desk, [request(b"1")]))[0]["size"] == 1  # the token is known now
    body = [b"%0*d" % (n + 1, 0) for n in range(40)]
    roles = ["acceptor" if len(one) % 4 else "leader" for one in body]
    told = await in_one_turn(desk, [request(one, role=role) for one, role in zip(body, roles, strict=True)])
    assert [one.get("size") for one in told] == [len(one) if len(one) % 4 else None for one in body]
    assert {one["code"] for one in told if "code" in one} == {"kit.forbidden"}
    assert {one["beside"] for one in told if "beside" in one} == {30}


async def test_what_nobody_foresaw_at_the_door_is_answered_by_the_documented_route(desk, monkeypatch):
    """An error before anybody is let in leaves no request of its turn without an answer."""
    await in_one_turn(desk, [request(b"1")])
    monkeypatch.setattr(desk.asgi.asgi_handler, "_apps", [object()])  # has no word on whether it is sealed
    told = await in_one_turn(desk, [request(b"1"), request(b"2")])
    assert [one["code"] for one in told] == ["kit.internal", "kit.internal"]


async def test_a_token_is_verified_once_on_the_documented_way(desk):
    """The thin route below the framework waits for nobody: a new token's first request goes around it."""
    async with line(desk) as (reader, writer):
        for _ in range(2):
            writer.write(request(b"{}"))
            assert (await answer(reader))[0] == 202
    assert desk.app.get(Batches) == [1, 1]


async def test_a_body_in_pieces_waits_until_it_is_whole(desk):
    whole = request(b'{"words":"' + b"x" * 30_000 + b'"}')
    async with line(desk) as (reader, writer):
        for at in range(0, len(whole), 7000):
            writer.write(whole[at : at + 7000])
            await writer.drain()
        assert (await answer(reader))[2]["size"] == 30_012


@pytest.mark.parametrize(
    ("lines", "size", "beside"),
    [((), 90_000, 1), ((), 100_001, 0), (("Content-Encoding: identity",), 5, 0), (("Expect: 100-continue",), 5, 0),
     (("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",), 5, 1)],
)  # fmt: skip
async def test_what_does_not_fit_goes_its_usual_way(desk, lines, size, beside):
    """A long body and a traced call pass ASGI and still the thin route; what it can't read, the documented one."""
    async with line(desk) as (reader, writer):
        writer.write(request(b"x" * size, *lines))
        if "Expect: 100-continue" in lines:
            await reader.readuntil(b"\r\n\r\n")
        status, headers, told = await answer(reader)
    assert (status, told["size"], told["beside"]) == (202, size, beside)
    assert headers["x-content-type-options"] == "nosniff"
    if "traceparent" in "".join(lines):
        assert headers["x-trace-id"] == "0af7651916cd43dd8448eb211c80319c"


async def test_nobody_passes_who_may_not_and_every_attempt_is_kept(desk):
    async with line(desk) as (reader, writer):
        writer.write(request(b"{}", role="") + request(b"{}", "Authorization: Bearer nonsense", role=""))
        assert [(await answer(reader))[2]["code"] for _ in range(2)] == ["kit.unauthenticated", "kit.bad_token"]
        writer.write(request(b"{}", "X-Forwarded-For: 10.9.8.7", role="leader"))
        assert (await answer(reader))[2]["code"] == "kit.forbidden"
    assert desk.app.get(Batches) == []
    assert [row for row in await trail(desk) if row[0] == 403] == [(403, "dev-leader", "kit.forbidden", "10.9.8.7")]


async def test_a_connection_that_shall_end_is_ended(desk):
    async with line(desk) as (reader, writer):
        writer.write(request(b"{}", "Connection: close"))
        status, headers, _ = await answer(reader)
        assert (status, headers["connection"], await reader.read()) == (202, "close", b"")


async def test_without_a_server_the_thin_route_answers_too(desk):
    async with desk.client("acceptor") as http:
        taken = await http.post("/notes", json={"a": 1})
        assert (taken.status_code, taken.json()["beside"]) == (202, 1)
        assert (await http.post("/notes", content=b"x")).json()["beside"] == 0
        refused = await http.post("/notes", json="no thing")
        assert (refused.status_code, refused.json()["code"]) == (404, "desk.no_thing")
    assert isinstance(refused, httpx.Response)
    assert [status for status, *_ in await trail(desk)] == [202, 202, 404]
