"""Errors are data: a code, an HTTP status, who must act, what happened and what to do about it.

A service declares its codes once, in `errors.py`; raising one is enough for the right HTTP answer
(application/problem+json, RFC 9457), the right entry in OpenAPI and the right reason on a parked event.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec

PROBLEM_JSON: Final = "application/problem+json"

WHO: Final = {
    "caller": "请您",
    "admin": "请管理员",
    "upper": "请上级平台",
    "time": "请稍候",
    "us": "请软件维护方",
}
"""Who must act, as the code's `who` → how the sentence begins."""

TITLES: Final = {
    400: "请求有误",
    401: "没有登录",
    403: "没有权限",
    404: "没有找到",
    405: "方法不允许",
    406: "格式不提供",
    409: "状态冲突",
    410: "已经失效",
    412: "版本不符",
    413: "内容过大",
    415: "格式不支持",
    422: "内容矛盾",
    423: "已被锁定",
    429: "过于频繁",
    500: "内部错误",
    501: "尚未开通",
    502: "上游出错",
    503: "暂时不可用",
    504: "上游超时",
}


class FieldError(msgspec.Struct, frozen=True):
    """One mistake in the request: where (`$.point.lon`, `query.page`) and what."""

    path: str
    message: str


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """The answer's body (RFC 9457 members first)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    who: str
    do: str
    trace_id: str = ""
    errors: tuple[FieldError, ...] = ()


class Problem(Exception):
    """A refusal that says who must do what; made by calling an `ErrorCode`."""

    def __init__(
        self,
        error: ErrorCode,
        detail: str,
        do: str,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{detail}（{WHO[error.who]}{do}）")
        self.error = error
        self.detail = detail
        self.do = do
        self.errors = tuple(errors)
        self.retry_after = 5 if retry_after is None and error.status == 503 else retry_after
        """Seconds, for 429 and 503."""

    @property
    def code(self) -> str:
        return self.error.code

    @property
    def status(self) -> int:
        return self.error.status

    def body(self, trace_id: str = "") -> ProblemBody:
        """What goes on the wire."""
        return ProblemBody(
            type=f"urn:yiwang:problem:{self.code}",
            title=self.error.title,
            status=self.status,
            detail=self.detail,
            code=self.code,
            who=self.error.who,
            do=self.do,
            trace_id=trace_id,
            errors=self.errors,
        )

    def headers(self) -> dict[str, str]:
        """The headers that belong to the answer."""
        headers = {} if self.retry_after is None else {"Retry-After": str(max(1, self.retry_after))}
        return headers | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})


class ErrorCode:
    """One kind of refusal. `NOT_FOUND(no=no)` makes the Problem to raise.

    *code* is ``<service>.<name>``, unique in the process; *say* and *do* are Chinese sentences with ``{fields}``.
    Raises ValueError when the code is taken by another definition, or *who* or *status* is unknown.
    """

    __slots__ = ("code", "do", "module", "say", "status", "who")

    def __init__(self, code: str, status: int, *, who: str, say: str, do: str) -> None:
        if who not in WHO:
            raise ValueError(f"{code}: who={who!r} is unknown; use one of {', '.join(WHO)}")
        if status not in TITLES:
            raise ValueError(f"{code}: status {status} has no title; use one of {', '.join(map(str, TITLES))}")
        if not say or not do:
            raise ValueError(f"{code}: a refusal says what happened and what to do; fill both")
        self.code, self.status, self.who, self.say, self.do = code, status, who, say, do
        self.module: str = sys._getframe(1).f_globals.get("__name__", "")
        known = _codes.setdefault(code, self)
        if known is not self and known.module != self.module:
            raise ValueError(f"{code} is already declared in {known.module}; choose another name in {self.module}")
        _codes[code] = self

    @property
    def title(self) -> str:
        return TITLES[self.status]

    @property
    def fields(self) -> frozenset[str]:
        """The names to give when calling it."""
        parsed = (name for text in (self.say, self.do) for _, name, _, _ in string.Formatter().parse(text))
        return frozenset(name.partition(".")[0] for name in parsed if name)

    def __call__(
        self, *, errors: Sequence[FieldError] = (), retry_after: int | None = None, **fields: object
    ) -> Problem:
        return Problem(self, self.say.format(**fields), self.do.format(**fields), errors, retry_after)

    def __repr__(self) -> str:
        return f"<ErrorCode {self.code} {self.status}>"


_codes: dict[str, ErrorCode] = {}


def error_codes() -> Mapping[str, ErrorCode]:
    """Every code that this process has declared, by name."""
    return dict(sorted(_codes.items()))


def answers(*codes: ErrorCode) -> dict[int, ResponseSpec]:
    """The refusals of a route, for OpenAPI: ``@get(..., responses=answers(NOT_FOUND, GONE))``.

    What the kit itself may answer (400, 401, 403, 413, 500, 503 …) is added by `build_http`.
    """
    by_status: dict[int, list[ErrorCode]] = {}
    for code in codes:
        by_status.setdefault(code.status, []).append(code)
    return {status: _spec(found) for status, found in by_status.items()}


def _spec(codes: Sequence[ErrorCode]) -> ResponseSpec:
    lines = "; ".join(f"`{c.code}` {c.say}" for c in codes)
    return ResponseSpec(
        data_container=ProblemBody,
        description=f"{HTTPStatus(codes[0].status).phrase}: {lines}",
        generate_examples=False,
        media_type=_media_type(),
    )


def _media_type() -> Any:
    return PROBLEM_JSON
