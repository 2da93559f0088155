"""Every refusal is problem+json with a sentence."""

import httpx
import msgspec
import pytest
from yiwang.kit._problems import ProblemBody


def problem(answer: httpx.Response, status: int, code: str) -> ProblemBody:
    """The problem in *answer*, which must have this status and code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = msgspec.json.decode(answer.content, type=ProblemBody)
    assert body.code == code
    assert body.status == status
    assert body.detail
    assert body.do
    assert body.trace_id == answer.headers["x-trace-id"]
    return body


async def test_a_declared_refusal_says_who_must_do_what(desk):
    async with desk.client() as http:
        body = problem(await http.get("/things/7"), 404, "desk.no_thing")
    assert (body.detail, body.do, body.who) == ("没有物品 7", "核对物品编号", "caller")
    assert body.type == "urn:yiwang:problem:desk.no_thing"


@pytest.mark.parametrize(
    ("sent", "path", "message"),
    [
        ({}, "$", "缺少必填字段 name"),
        ({"name": ""}, "$.name", "长度应 >= 1"),
        ({"name": 5}, "$.name", "类型应为 str，收到的是 int"),
        ({"name": "a", "price": -1}, "$.price", "应 >= 0"),
        ({"name": "a", "colour": "red"}, "$", "没有字段 colour"),
    ],
)
async def test_a_wrong_body_is_refused_with_the_field_path(desk, sent, path, message):
    async with desk.client("acceptor") as http:
        body = problem(await http.post("/things", json=sent), 400, "kit.validation")
    assert [(e.path, e.message) for e in body.errors] == [(path, message)]


async def test_a_missing_body_is_said_to_be_missing(desk):
    async with desk.client("acceptor") as http:
        body = problem(await http.post("/things"), 400, "kit.validation")
    assert [(e.path, e.message) for e in body.errors] == [("$", "没有请求正文，请提交 JSON（没有内容可填时提交 {}）")]


async def test_broken_json_is_refused_with_a_sentence(desk):
    async with desk.client("acceptor") as http:
        answer = await http.post("/things", content=b"{", headers={"content-type": "application/json"})
    problem(answer, 400, "kit.bad_request")


async def test_unknown_paths_and_methods_are_problems_too(desk):
    async with desk.client() as http:
        problem(await http.get("/nowhere"), 404, "kit.no_such_path")
        body = problem(await http.delete("/things/1"), 405, "kit.method_not_allowed")
    assert "DELETE" in body.detail


async def test_a_bug_leaks_nothing_to_the_caller_or_the_log(desk, logs):
    async with desk.client() as http:
        answer = await http.get("/breaks?name=张三")
    problem(answer, 500, "kit.internal")
    assert "张三" not in answer.text
    assert "张三" not in str(logs)
    [entry] = [line for line in logs if line["event"] == "unforeseen"]
    assert entry["error"] == "RuntimeError"
    assert any("breaks" in frame for frame in entry["frames"])
    assert entry["trace_id"] == answer.headers["x-trace-id"]


async def test_an_absent_database_is_503_with_retry_after(desk):
    async with desk.client() as http:
        answer = await http.get("/database-gone")
    problem(answer, 503, "kit.dependency_down")
    assert int(answer.headers["retry-after"]) > 0


async def test_in_tests_an_undeclared_refusal_is_an_error(desk):
    async with desk.client() as http:
        body = problem(await http.get("/lies"), 500, "kit.internal")
    assert "desk.sold" in body.detail


async def test_in_production_an_undeclared_refusal_is_answered_and_logged(desk, logs):
    desk.asgi.state["yw_strict"] = False
    async with desk.client() as http:
        problem(await http.get("/lies"), 409, "desk.sold")
    assert [line["code"] for line in logs if line["event"] == "undeclared_answer"] == ["desk.sold"]


async def test_a_body_over_the_limit_is_refused(desk):
    async with desk.client("acceptor") as http:
        answer = await http.post(
            "/things", content=b'{"name": "' + b"x" * 5_000_000 + b'"}', headers={"content-type": "application/json"}
        )
    assert "超过 4194304 字节" in problem(answer, 413, "kit.payload_too_large").detail


async def test_a_character_that_the_database_cannot_keep_is_the_callers_mistake(desk):
    async with desk.client("acceptor") as http:
        body = problem(await http.post("/things", json={"name": "a NUL: \x00"}), 400, "kit.bad_request")
    assert "不能保存的字符" in body.detail
