"""Thin routes: plain JSON requests, as many as come in one turn of the loop, answered together.

Such a request costs a fraction of one that passes server, framework and middleware by itself. What doesn't fit (another
content type, a body in pieces or compressed, a caller who must be refused) goes the way of the documented route.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from ._codes import INTERNAL, TOO_BUSY
from ._http_errors import log_unforeseen, problem_of
from ._identity import NOBODY, Caller, Guard
from ._noted import Site, note_call
from ._problems import PROBLEM_JSON, Problem
from ._telemetry import tracing

if TYPE_CHECKING:
    from ._tokens import Verifier

_JSON: Final = b"application/json"
_LEFT: Final = frozenset({b"content-encoding", b"transfer-encoding", b"expect"})
"""Headers of requests that are left to the documented route"""
_ids: Final = random.Random()
"""Names to find calls by; no secrets"""
_encode: Final = msgspec.json.Encoder().encode


class Asked(msgspec.Struct, frozen=True):
    """One request at a thin route."""

    caller: Caller
    body: bytes
    key: str
    """Its Idempotency-Key, empty where it has none"""


Together = Callable[[Any, Sequence[Asked]], Awaitable[Sequence[Any]]]
"""(app, requests) → for each of them the value of the answer's body, or the exception that refuses it"""


class Head(msgspec.Struct, frozen=True):
    """What a thin route needs of a request's headers."""

    size: int
    authorization: bytes
    key: str
    forwarded: bool
    traced: bool


class FastRoute(msgspec.Struct, frozen=True):
    """A thin route before the documented one: its requests are plain JSON of at most *most* bytes."""

    site: Site
    call: Together
    guard: Guard
    status: int
    most: int
    path: str

    def head(self, headers: Iterable[tuple[bytes, bytes]]) -> Head | None:
        """None for a request that is left to the documented route."""
        size, plain, key, authorization, forwarded, traced = 0, False, "", b"", False, False
        for name, value in headers:
            if name == b"content-type":
                plain = value == _JSON or value.replace(b" ", b"").lower() == _JSON + b";charset=utf-8"
            elif name == b"content-length":
                size = int(value) if value.isdigit() else 0
            elif name == b"authorization":
                authorization = value
            elif name == b"idempotency-key":
                key = value.decode("latin-1")
            elif name.startswith(b"x-forwarded-"):
                forwarded = True
            elif name == b"traceparent":
                traced = True
            elif name in _LEFT:
                return None
        return Head(size, authorization, key, forwarded, traced) if plain and 0 < size <= self.most else None

    def admits(self, scope: Any) -> bool:
        """Whether the caller may use it; who isn't known gets the documented route's refusal.

        Raises the Problem of who is known and may not, or of a full audit trail.
        """
        if self.site.trail.full:
            raise TOO_BUSY(why="审计记录尚未写入数据库", retry_after=5)
        if self.guard.public:
            return True
        if not scope["user"].known:
            return False
        scope["state"]["yw_post"] = self.guard.admit(scope["user"], self.site.app.node.jurisdiction)
        return True


async def identify(scope: Any, verifier: Verifier, authorization: bytes) -> None:
    """Put the caller into *scope*; a token that doesn't hold is kept as the refusal for who needs one."""
    scope["user"] = NOBODY
    if token := bearer(authorization):
        try:
            scope["user"] = await verifier.verify(token)
        except Problem as refusal:
            scope["state"]["yw_refusal"] = refusal


def bearer(authorization: bytes) -> str:
    """The token of an Authorization header; empty where there is none."""
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refused(exc: BaseException, scope: Any, route: str) -> Problem:
    """The Problem that answers *exc*, noted for log and audit."""
    problem = problem_of(exc, method=scope["method"])
    if problem.error is INTERNAL:
        log_unforeseen(exc, trace_id=scope["state"]["yw_trace"], route=route)
    scope["state"]["yw_code"] = problem.code
    return problem


def answer_of(answer: Any, status: int, trace_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of what a thin route says (with *status*), or of a Problem."""
    if not isinstance(answer, Problem):
        body = _encode(answer)
        return status, [(b"content-type", _JSON), (b"content-length", b"%d" % len(body))], body
    body = _encode(answer.body(trace_id))
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers().items()]
    headers += [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", b"%d" % len(body))]
    return answer.status, headers, body


def always(trace_id: str) -> list[tuple[bytes, bytes]]:
    """The headers of every answer."""
    return [(b"x-trace-id", trace_id.encode()), (b"x-content-type-options", b"nosniff")]


class Visit:
    """One whole request, and the connection on which its answer goes out."""

    __slots__ = ("_protocol", "begun", "cycle", "door", "head", "scope")

    def __init__(self, door: Door, head: Head, protocol: Any, cycle: RequestResponseCycle) -> None:
        self.door, self.head, self._protocol, self.cycle = door, head, protocol, cycle
        self.scope: Any = cycle.scope
        self.begun = time.perf_counter()

    def come(self) -> None:
        """The body is here."""
        self.door.take(self)

    def leave(self) -> None:
        """To the documented route."""
        self._protocol.start_plainly(self.cycle)

    def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        cycle = self.cycle
        if not cycle.disconnected:
            lines = [STATUS_LINE[status]]
            for name, value in (*cycle.default_headers, *headers):
                lines += (name, b": ", value, b"\r\n")
            lines += (b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n", body)
            cycle.transport.write(b"".join(lines))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


class Door:
    """A thin route below ASGI: the whole requests of one turn of the loop go through together.

    It only takes what will be let in as it is; whoever has to be verified first or refused, the documented route tells.
    """

    def __init__(
        self, route: FastRoute, verifier: Verifier, refuse: Callable[[str], None], proxies: str, *, quiet: bool
    ) -> None:
        self.route, self._verifier, self._refuse, self._quiet = route, verifier, refuse, quiet
        self._proxy = ProxyHeadersMiddleware(_nothing, trusted_hosts=proxies)
        self._waiting: list[Visit] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def head(self, scope: Any) -> Head | None:
        """None for what goes its usual way: also what belongs to a trace, and what the server reads only when asked."""
        head = self.route.head(scope["headers"])
        return None if head is None or head.traced or head.size > HIGH_WATER_LIMIT or tracing() else head

    def take(self, visit: Visit) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._open)
        self._waiting.append(visit)

    def _open(self) -> None:
        visits, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._serve(visits))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, visits: list[Visit]) -> None:
        route, inside = self.route, []
        for visit in visits:
            if self._lets_in(visit):
                inside.append(visit)
            else:
                visit.leave()
        asked = []
        for visit in inside:
            if visit.head.forwarded:
                await self._proxy(visit.scope, None, None)  # type: ignore[arg-type]
            asked.append(Asked(visit.scope["user"], bytes(visit.cycle.body), visit.head.key))
        for visit, answer in zip(inside, await _answers(route, asked) if asked else (), strict=True):
            self._answer(visit, answer)

    def _lets_in(self, visit: Visit) -> bool:
        scope = visit.scope
        caller = self._verifier.remembered(bearer(visit.head.authorization))
        if caller is None:
            return False
        scope["user"] = caller
        try:
            self._refuse(scope["method"])
            return self.route.admits(scope)
        except Exception:  # noqa: BLE001 - the documented route meets it too, answers and logs it
            return False

    def _answer(self, visit: Visit, answer: Any) -> None:
        scope, route = visit.scope, self.route
        trace_id = scope["state"]["yw_trace"] = format(_ids.getrandbits(128), "032x")
        if isinstance(answer, Exception):
            answer = refused(answer, scope, route.path)
        status, headers, body = answer_of(answer, route.status, trace_id)
        visit.answer(status, headers + always(trace_id), body)
        note_call(scope, route.site, route.path, status, time.perf_counter() - visit.begun, quiet=self._quiet)


async def _answers(route: FastRoute, asked: Sequence[Asked]) -> Sequence[Any]:
    """One answer for each, an exception where there is none."""
    try:
        answers = await route.call(route.site.app, asked)
        if len(answers) != len(asked):
            raise TypeError(f"{route.path} gave {len(answers)} answers for {len(asked)} requests: one each")
    except Exception as exc:  # noqa: BLE001 - each of them is answered, and it is logged
        return [exc] * len(asked)
    return answers


async def _nothing(*_: Any) -> None:
    """Behind the headers of proxies comes the door."""
