"""Every exception becomes problem+json: what we refuse, what the framework refuses, what is down, what is our fault."""

from __future__ import annotations

import asyncio
import re
import secrets
import traceback
from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import msgspec
import nats.errors
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import HTTPRouteHandler

from ._codes import (
    BAD_REQUEST,
    DEPENDENCY_DOWN,
    FORBIDDEN,
    INTERNAL,
    NO_SUCH_METHOD,
    NO_SUCH_PATH,
    PAYLOAD_TOO_LARGE,
    TOO_MANY,
    UNAUTHENTICATED,
    UNSUPPORTED_TYPE,
    VALIDATION,
)
from ._problems import PROBLEM_JSON, FieldError, Problem

log = structlog.get_logger("yiwang.kit.http")

DATABASE_DOWN: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    ConnectionError,
)
NATS_DOWN: Final = (
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionDrainingError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.NoServersError,
    nats.errors.NoRespondersError,
    nats.errors.StaleConnectionError,
    nats.errors.TimeoutError,
)
RETRY_AFTER_S: Final = 5

_MSGSPEC_PATH: Final = re.compile(r"`\$\.?(?P<path>[^`]*)`$")
_SAYS: Final = (
    (re.compile(r"^'data'$"), "没有请求正文，请提交 JSON（没有内容可填时提交 {}）"),
    (re.compile(r"^Object missing required field `(.+?)`"), r"缺少必填字段 \1"),
    (re.compile(r"^Missing required (?:\w+ )?argument[: ]*`?(\w+)`?"), r"缺少必填项 \1"),
    (re.compile(r"^Object contains unknown field `(.+?)`"), r"没有字段 \1"),
    (re.compile(r"^Expected `(.+?)`, got `(.+?)`"), r"类型应为 \1，收到的是 \2"),
    (re.compile(r"^Expected `(?:str|array|object|bytes)` of length (.+)$"), r"长度应 \1"),
    (re.compile(r"^Expected `(.+?)` matching regex '(.+)'"), r"应符合格式 \2"),
    (re.compile(r"^Expected `(.+?)` (>=|<=|>|<) (.+)$"), r"应 \2 \3"),
    (re.compile(r"^Expected `datetime` with a timezone component"), "时间必须带时区，例如 2026-11-23T08:00:00+08:00"),
    (re.compile(r"^Invalid RFC3339 encoded datetime"), "时间应写成 2026-11-23T08:00:00+08:00"),
    (re.compile(r"^Invalid enum value (.+)$"), r"没有取值 \1"),
    (re.compile(r"^Invalid value (.+)$"), r"没有取值 \1"),
    (re.compile(r"^Invalid UUID"), "不是合格的 UUID"),
)


def in_chinese(message: str) -> str:
    """A validation library's sentence in Chinese; unknown sentences stay as they are."""
    for pattern, template in _SAYS:
        if match := pattern.match(message):
            return match.expand(template) if "\\" in template else template
    return message


def field_error(message: str) -> FieldError:
    """A msgspec validation message as (path, what): ``Expected `int`, got `str` - at `$.count` ``."""
    text, _, where = message.partition(" - at ")
    match = _MSGSPEC_PATH.search(where)
    return FieldError(f"$.{match['path']}" if match and match["path"] else "$", in_chinese(text))


def invalid(*errors: FieldError) -> Problem:
    """The refusal of a request with these mistakes."""
    return VALIDATION(count=len(errors), errors=errors)


def problem_of(exc: BaseException, *, method: str = "", limit: int = 0) -> Problem:
    """The Problem that answers *exc*; kit.internal for what nobody foresaw."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, ValidationException):
        return _of_validation(exc)
    if isinstance(exc, msgspec.ValidationError):
        return invalid(field_error(str(exc)))
    if isinstance(exc, HTTPException):
        return _of_http(exc, method, limit)
    if isinstance(exc, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return BAD_REQUEST(why="文字中有不能保存的字符")
    if isinstance(exc, DATABASE_DOWN) and not isinstance(exc, ValueError):  # asyncpg's encoding errors are ValueErrors
        return DEPENDENCY_DOWN(what="数据库", retry_after=RETRY_AFTER_S)
    if isinstance(exc, NATS_DOWN):
        return DEPENDENCY_DOWN(what="消息服务 NATS", retry_after=RETRY_AFTER_S)
    if isinstance(exc, (TimeoutError, asyncio.TimeoutError)):
        return DEPENDENCY_DOWN(what="依赖的服务（超时）", retry_after=RETRY_AFTER_S)
    return INTERNAL()


def _of_validation(exc: ValidationException) -> Problem:
    extra = exc.extra if isinstance(exc.extra, list) else []
    errors = [_of_message(item) for item in extra if isinstance(item, Mapping)]
    return invalid(*errors) if errors else BAD_REQUEST(why="参数不完整或格式不对")


def _of_message(item: Mapping[str, Any]) -> FieldError:
    source = str(getattr(item.get("source"), "value", item.get("source") or ""))
    key = str(item.get("key", ""))
    message = in_chinese(str(item.get("message", "")))
    if source == "body" or key == "data":
        return FieldError("$" if key in ("", "data") else f"$.{key}", message)
    return FieldError(f"{source or 'query'}.{key}" if key else "$", message)


def _of_http(exc: HTTPException, method: str, limit: int) -> Problem:
    status = exc.status_code
    if status == 405:
        return NO_SUCH_METHOD(method=method)
    if status == 413:
        return PAYLOAD_TOO_LARGE(limit=limit)
    if status == 429:
        return TOO_MANY(seconds=RETRY_AFTER_S, retry_after=RETRY_AFTER_S)
    plain = {401: UNAUTHENTICATED, 404: NO_SUCH_PATH, 415: UNSUPPORTED_TYPE}
    if status in plain:
        return plain[status]()
    if status == 403:
        return FORBIDDEN(needed="任一岗位")
    if status >= 500:
        return INTERNAL()
    return BAD_REQUEST(why="内容不是合格的 JSON 或表单" if status == 400 else f"HTTP {status}")


def log_unforeseen(exc: BaseException, *, trace_id: str, route: str) -> None:
    """What broke and where, without the message: it may quote a person's data."""
    frames = [f"{f.filename.rpartition('/site-packages/')[2]}:{f.lineno} {f.name}" for f in _frames(exc)[-12:]]
    log.error("unforeseen", trace_id=trace_id, route=route, error=type(exc).__qualname__, frames=frames)


def _frames(exc: BaseException) -> list[traceback.FrameSummary]:
    cause = exc.__cause__
    return ([*_frames(cause)] if cause else []) + list(traceback.extract_tb(exc.__traceback__))


def trace_id_of(scope: Mapping[str, Any]) -> str:
    """The request's trace id, as the edge stored it."""
    found: str = scope["state"].get("yw_trace", "") or secrets.token_hex(16)
    return found


def answer_exception(request: Request[Any, Any, Any], exc: Exception) -> Response[Any]:
    """The Litestar exception handler for everything."""
    scope: Any = request.scope
    handler = scope.get("route_handler")
    limit = handler.resolve_request_max_body_size() if isinstance(handler, HTTPRouteHandler) else 0
    problem = problem_of(exc, method=request.method, limit=limit or 0)
    trace_id = trace_id_of(scope)
    if problem.error is INTERNAL:
        log_unforeseen(exc, trace_id=trace_id, route=str(scope.get("path_template", "-")))
    problem = _declared_or_internal(problem, scope, trace_id)
    scope["state"]["yw_code"] = problem.code
    return Response(
        content=msgspec.json.encode(problem.body(trace_id)),
        status_code=problem.status,
        headers=_allowed_methods(exc) | problem.headers(),
        media_type=PROBLEM_JSON,
    )


def _allowed_methods(exc: Exception) -> dict[str, str]:
    """RFC 9110: a 405 lists the methods that the resource has."""
    found = {k.lower(): v for k, v in (exc.headers or {}).items()} if isinstance(exc, HTTPException) else {}
    return {"Allow": found["allow"]} if "allow" in found else {}


def _declared_or_internal(problem: Problem, scope: Any, trace_id: str) -> Problem:
    """A route that answers what it doesn't declare lies to its clients: an error in tests, a warning in production."""
    declared: frozenset[int] | None = getattr(scope.get("route_handler"), "opt", {}).get("yw_declared")
    if declared is None or problem.status in declared:
        return problem
    log.warning(
        "undeclared_answer",
        code=problem.code,
        status=problem.status,
        route=scope.get("path_template"),
        trace_id=trace_id,
    )
    if scope["litestar_app"].state.get("yw_strict", False):
        where = f"{scope['method']} {scope.get('path_template')}"
        return Problem(
            INTERNAL, f"{where} 回答了未声明的 {problem.code}", f"在该路由加上 responses=answers({problem.code})"
        )
    return problem
