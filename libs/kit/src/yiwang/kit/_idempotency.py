"""`Idempotency-Key`: one key of one caller on one route has one effect and one answer.

The key, the body's hash and the answer stand in `kit_command`. Another body is refused (422); a second call while the
first is running waits and gets the same answer; a crash between effect and answer is told from one before the effect,
because `_effect.mark_effect` is part of the command's own transaction. Kept for 7 days.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import msgspec

from ._codes import COMMAND_DONE, IDEMPOTENCY_CONFLICT, PAYLOAD_TOO_LARGE, TOO_BUSY
from ._effect import Command, current
from ._http_errors import invalid
from ._identity import Caller
from ._openapi import guard_of
from ._problems import FieldError, Problem

KEEP_DAYS: Final = 7
HOLD_S: Final = 60
"""A call that neither answers nor dies holds its key so long; after that a retry may take it over."""
WAIT_S: Final = 30.0
KEY: Final = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")
UNSTORED: Final = frozenset({401, 403, 408, 413, 429})
PURGE_EVERY_S: Final = 3600.0


class Answer(msgspec.Struct, frozen=True):
    """A stored reply."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


async def purge(pool: asyncpg.Pool[Any]) -> None:
    """Forget keys older than KEEP_DAYS."""
    await pool.execute(f"delete from kit_command where at < now() - interval '{KEEP_DAYS} days'")


class Idempotency:
    """Litestar middleware; acts on routes with ``opt={"idempotent": True}`` when the header is there."""

    _purged_at: float = float("-inf")

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        key = _key(scope)
        if key is None or not _may_enter(scope):
            await self._app(scope, receive, send)
            return
        if not KEY.match(key):
            raise invalid(FieldError("header.Idempotency-Key", "应为 1 到 128 个字母、数字或 . _ : -"))
        pool: asyncpg.Pool[Any] = scope["route_handler"].opt["yw_site"].app.pool
        await self._purge(pool)
        body = await _read(scope, receive)
        found = await _claim(pool, _command(scope, key, body))
        if isinstance(found, Answer):
            await _replay(found, send)
        else:
            await self._run(pool, found, scope, body, send)

    async def _purge(self, pool: asyncpg.Pool[Any]) -> None:
        if time.monotonic() - self._purged_at > PURGE_EVERY_S:
            self._purged_at = time.monotonic()
            await purge(pool)

    async def _run(self, pool: asyncpg.Pool[Any], command: Command, scope: Any, body: bytes, send: Any) -> None:
        messages: list[Any] = []

        async def keep(message: Any) -> None:
            messages.append(message)

        reset = current.set(command)
        try:
            await self._app(scope, _once(body), keep)
        finally:
            current.reset(reset)
            answer = _answer_of(messages)
            await asyncio.shield(_settle(pool, command, answer))
        for message in messages:
            await send(message)


def _key(scope: Any) -> str | None:
    if scope["type"] != "http" or not scope["route_handler"].opt.get("idempotent"):
        return None
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"idempotency-key"), None)


def _may_enter(scope: Any) -> bool:
    """Whether the guard will let the caller in; who is refused leaves no key behind."""
    guard = guard_of(scope["route_handler"])
    if guard is None or guard.public:
        return True
    caller: Caller = scope["user"]
    try:
        guard.admit(caller, scope["route_handler"].opt.get("yw_area", ""))
    except Problem:
        return False
    return caller.known


def _command(scope: Any, key: str, body: bytes) -> Command:
    caller: Caller = scope["user"]
    client = scope.get("client") or ("",)
    return Command(
        principal=caller.person_ref or f"anonymous@{client[0]}",
        route=f"{scope['method']} {scope['path']}",
        key=key,
        digest=hashlib.sha256(scope.get("query_string", b"") + b"\n" + body).digest(),
        holder=uuid.uuid4(),
    )


async def _read(scope: Any, receive: Any) -> bytes:
    limit = scope["route_handler"].resolve_request_max_body_size()
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client left before its request was complete")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if isinstance(limit, int) and size > limit:
            raise PAYLOAD_TOO_LARGE(limit=limit)
        if not message.get("more_body"):
            return b"".join(chunks)


def _once(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _claim(pool: asyncpg.Pool[Any], command: Command) -> Command | Answer:
    """The hold on the key, or the stored answer.

    Raises kit.idempotency_conflict, kit.command_done, or kit.too_busy when the first call takes too long.
    """
    names = (command.principal, command.route, command.key)
    until = time.monotonic() + WAIT_S
    pause = 0.01
    while time.monotonic() < until:
        if await pool.fetchval(_HOLD, *names, command.digest, command.holder):
            return command
        row = await pool.fetchrow(_LOOK, *names)
        if row is not None:
            if row["digest"] != command.digest:
                raise IDEMPOTENCY_CONFLICT()
            if row["status"] is not None:
                headers = msgspec.json.decode(row["headers"], type=list[tuple[str, str]])
                return Answer(row["status"], headers, row["body"])
            if row["effected"] and row["given_up"]:
                raise COMMAND_DONE()
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.25)
    raise TOO_BUSY(why="同一操作的上一次提交还在进行", retry_after=5)


async def _settle(pool: asyncpg.Pool[Any], command: Command, answer: Answer | None) -> None:
    names = (command.principal, command.route, command.key, command.holder)
    if answer is None or answer.status >= 500 or answer.status in UNSTORED:
        await pool.execute(_RELEASE, *names)
        return
    headers = msgspec.json.encode(answer.headers).decode()
    await pool.execute(_STORE, *names, answer.status, headers, answer.body)


def _answer_of(messages: list[Any]) -> Answer | None:
    if not messages or messages[0]["type"] != "http.response.start":
        return None
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in messages[0].get("headers", ())]
    return Answer(messages[0]["status"], headers, b"".join(m.get("body", b"") for m in messages[1:]))


async def _replay(answer: Answer, send: Any) -> None:
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers]
    headers.append((b"idempotent-replayed", b"true"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


_HOLD: Final = f"""
insert into kit_command (principal, route, key, digest, holder, held_until)
values ($1, $2, $3, $4, $5, now() + interval '{HOLD_S} seconds')
on conflict (principal, route, key) do update set holder = excluded.holder, held_until = excluded.held_until
where kit_command.status is null and not kit_command.effected
  and kit_command.digest = excluded.digest and kit_command.held_until < now()
returning true
"""
_LOOK: Final = """
select digest, status, headers, body, effected, held_until < now() as given_up
from kit_command where principal = $1 and route = $2 and key = $3
"""
_STORE: Final = """
update kit_command set status = $5, headers = $6::jsonb, body = $7
where principal = $1 and route = $2 and key = $3 and holder = $4
"""
_RELEASE: Final = """
with gone as (
    delete from kit_command where principal = $1 and route = $2 and key = $3 and holder = $4 and not effected
)
update kit_command set held_until = now()
where principal = $1 and route = $2 and key = $3 and holder = $4 and effected
"""
