"""The API page, health, metrics, traces, server-sent events, and the real server."""

import asyncio
import re

import httpx
import msgspec
import pytest
from litestar import get
from litestar.response import ServerSentEvent
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from yiwang.kit import Service, anonymous
from yiwang.kit._edge import Edge
from yiwang.kit._http import http_server, serve_http, sse
from yiwang.kit._openapi import _mend_tuples


async def schema(desk) -> dict:
    async with desk.client() as http:
        return (await http.get("/schema/openapi.json")).json()


async def test_every_refusal_of_a_route_is_declared_with_its_code(desk):
    paths = (await schema(desk))["paths"]
    keep, look = paths["/things"]["post"], paths["/things/{no}"]["get"]
    assert set(keep["responses"]) == {"201", "400", "401", "403", "409", "413", "422", "500", "503"}
    assert set(look["responses"]) == {"200", "400", "404", "500", "503"}
    assert "desk.no_thing" in look["responses"]["404"]["description"]
    assert set(look["responses"]["404"]["content"]) == {"application/problem+json"}
    assert keep["security"] == [{"bearer": []}]
    assert keep["x-roles"] == ["acceptor"]
    assert "security" not in look


async def test_closed_structs_say_that_they_are_closed(desk):
    components = (await schema(desk))["components"]["schemas"]
    assert components["Thing"]["additionalProperties"] is False
    assert "additionalProperties" not in components["Kept"]
    assert set(components["ProblemBody"]["required"]) >= {"type", "title", "status", "detail", "code", "who", "do"}


async def test_a_list_says_what_it_holds():
    document = {
        "items": {"oneOf": [{"type": "string"}, {}]},
        "deeper": [{"items": {"oneOf": [{"a": 1}, {"b": 1}, {}]}}],
    }
    _mend_tuples(document)
    assert document == {"items": {"type": "string"}, "deeper": [{"items": {"oneOf": [{"a": 1}, {"b": 1}]}}]}


async def test_the_page_and_all_that_it_loads_come_from_here(desk):
    async with desk.client() as http:
        page = await http.get("/schema")
        assert page.headers["content-type"].startswith("text/html")
        assert not re.search(r"https?://|//[a-z]", page.text)
        for address in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
            asset = await http.get(address)
            assert asset.status_code == 200
            assert len(asset.content) > 10_000
        assert (await http.get("/schema/assets/../conftest.py")).status_code == 404
        assert (await http.get("/schema/assets/index.j2")).status_code == 404


async def test_readiness_says_in_sentences_what_is_waiting(desk):
    async with desk.client() as http:
        assert (await http.get("/livez")).text == "ok"
        assert (await http.get("/readyz")).json() == {"ready": True, "waiting": {}}
        desk.app.waiting["group 0"] = "分区组0等待数据库"
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["waiting"] == {"desk.group 0": "分区组0等待数据库"}


async def test_requests_are_counted_by_route_template(desk):
    async with desk.client() as http:
        for no in (1, 2):
            await http.get(f"/things/{no}")
        text = (await http.get("/metrics")).text
    lines = [
        line for line in text.splitlines() if line.startswith("yiwang_http_requests_total{") and 'status="404"' in line
    ]
    assert any('route="/things/{no}"' in line and 'service="desk"' in line for line in lines)
    assert "/things/1" not in text


async def test_the_access_log_has_no_personal_data(desk, logs):
    async with desk.client("acceptor") as http:
        await http.get("/things/1?phone=13800000000")
        await http.post("/things", json={"name": "张三"})
    access = [line for line in logs if line["event"] == "http"]
    assert [(line["method"], line["route"], line["status"]) for line in access] == [
        ("GET", "/things/{no}", 404), ("POST", "/things", 201)]  # fmt: skip
    assert "13800000000" not in str(access)
    assert "张三" not in str(access)
    assert "10.1.2.3" not in str(access)


async def test_a_call_continues_the_callers_trace(desk):
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with desk.client() as http:
        answer = await http.get("/things/1", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
    assert answer.headers["x-trace-id"] == trace_id
    assert answer.json()["trace_id"] == trace_id


async def test_a_recorded_span_names_the_route_and_nothing_personal(desk):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    edge = desk.asgi.asgi_handler
    assert isinstance(edge, Edge)
    edge.tracer = provider.get_tracer("test")
    async with desk.client() as http:
        parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        await http.get("/things/1?name=张三", headers=parent)
    [span] = exporter.get_finished_spans()
    assert span.name == "GET /things/{no}"
    assert dict(span.attributes) == {
        "http.request.method": "GET", "http.route": "/things/{no}", "http.response.status_code": 404}  # fmt: skip


async def test_server_sent_events_carry_ids_and_json(start):
    @get("/stream", guards=[anonymous])
    async def stream() -> ServerSentEvent:
        async def messages():
            yield 1, {"no": 1}
            yield 2, "two"

        return sse(messages(), event="notice")

    service = Service("sender")
    service.api(stream)
    desk = await start(service)
    async with desk.client() as http:
        answer = await http.get("/stream")
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.split()
    assert lines == [
        "id:",
        "1",
        "event:",
        "notice",
        "data:",
        '{"no":1}',
        "id:",
        "2",
        "event:",
        "notice",
        "data:",
        "two",
    ]


async def test_the_real_server_serves_and_drains(desk):
    async with http_server(desk.asgi, "127.0.0.1", 0) as port, httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{port}/readyz")
    assert answer.status_code == 200
    assert "server" not in answer.headers


async def test_a_running_request_is_answered_before_the_server_ends(start):
    entered, proceed = asyncio.Event(), asyncio.Event()

    @get("/slow", guards=[anonymous])
    async def slow() -> str:
        entered.set()
        await proceed.wait()
        return "done"

    service = Service("slow")
    service.api(slow)
    desk = await start(service)
    async with httpx.AsyncClient(timeout=10) as http:
        async with http_server(desk.asgi, "127.0.0.1", 0) as port:
            call = asyncio.create_task(http.get(f"http://127.0.0.1:{port}/slow"))
            await entered.wait()
            asyncio.get_running_loop().call_soon(proceed.set)
        assert (await call).text == "done"


async def test_a_taken_port_is_refused_with_a_sentence(desk):
    async with http_server(desk.asgi, "127.0.0.1", 0) as port:
        with pytest.raises(OSError, match="YIWANG_HTTP_PORT"):
            await serve_http(desk.asgi, "127.0.0.1", port)


def test_problem_bodies_are_stable():
    from yiwang.kit._codes import UNAUTHENTICATED

    assert list(msgspec.json.decode(msgspec.json.encode(UNAUTHENTICATED().body("t")))) == [
        "type", "title", "status", "detail", "code", "who", "do", "trace_id", "errors"]  # fmt: skip
