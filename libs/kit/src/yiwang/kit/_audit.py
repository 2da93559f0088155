"""The audit trail: every mutating call, also a refused or failed one, with who, what, from where and the trace.

Rows go to `kit_audit` in the service's schema, in batches within a fraction of a second; a service without a database
writes them to the log stream named ``audit``. While the database is away the rows wait in memory; when too many wait,
mutating calls are refused (503) rather than done unseen. A `kill -9` can lose the rows of the last moment: what a
command did stands in its events and flow records, which are written in its own transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol

import asyncpg
import msgspec
import structlog

from ._http_errors import DATABASE_DOWN
from .names import AUDITED

WAIT_AT_MOST: Final = 20_000
"""Rows in memory at which mutating calls are refused."""
BATCH: Final = 500
PAUSE_S: Final = 0.1
RETRY_S: Final = 1.0

log = structlog.get_logger("audit")


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One mutating call."""

    at: dt.datetime
    person_ref: str
    post_id: str
    unit_id: str
    role: str
    method: str
    route: str
    """The template, e.g. ``/cases/{no}/{action}``"""
    params: dict[str, str]
    """Path parameters; those that the route names in ``opt={"private": (...)}`` are masked"""
    status: int
    code: str
    """The error code of a refusal"""
    client: str
    """The caller's network address"""
    trace_id: str


class AuditRow(AuditRecord, frozen=True, kw_only=True):
    """A record with its number and service, as read back."""

    n: int
    service: str


class Trail(Protocol):
    """Where records go."""

    @property
    def full(self) -> bool: ...
    def note(self, record: AuditRecord) -> None: ...
    async def aclose(self) -> None: ...


class LogTrail:
    """For a service without a database: the log stream ``audit``."""

    full = False

    def __init__(self, service: str) -> None:
        self._service = service

    def note(self, record: AuditRecord) -> None:
        AUDITED.labels(self._service).inc()
        log.info(
            "audit", service=self._service, **{k: v for k, v in msgspec.to_builtins(record).items() if k != "client"}
        )

    async def aclose(self) -> None:
        return None


class TableTrail:
    """Rows of `kit_audit`, inserted in batches by one task that starts with the first record."""

    def __init__(
        self, service: str, pool: asyncpg.Pool[Any], *, wait_at_most: int = WAIT_AT_MOST, retry_s: float = RETRY_S
    ) -> None:
        self._service, self._pool = service, pool
        self._wait_at_most, self._retry_s = wait_at_most, retry_s
        self._waiting: deque[AuditRecord] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def full(self) -> bool:
        return len(self._waiting) >= self._wait_at_most

    def note(self, record: AuditRecord) -> None:
        """Remember *record*; it is written within a fraction of a second."""
        self._waiting.append(record)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name=f"audit {self._service}")

    async def aclose(self) -> None:
        """Write what waits; gives up after one failed attempt (and says how much was not written)."""
        self._closing.set()
        if self._task is not None:
            await self._task
        if self._waiting:
            log.error("audit_not_written", service=self._service, rows=len(self._waiting))

    async def flushed(self) -> None:
        """Return when everything noted so far is written."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _write(self) -> None:
        while self._waiting:
            batch = [self._waiting[i] for i in range(min(BATCH, len(self._waiting)))]
            try:
                await self._pool.execute(_INSERT, _encode(batch).decode())
            except (*DATABASE_DOWN, asyncpg.PostgresError, TimeoutError) as exc:
                log.warning("audit_waits", service=self._service, rows=len(self._waiting), error=type(exc).__name__)
                if self._closing.is_set():
                    return
                await self._pause(self._retry_s)
                continue
            for _ in batch:
                self._waiting.popleft()
            AUDITED.labels(self._service).inc(len(batch))
            if not self._waiting:
                return
            await self._pause(PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)


_encode: Final = msgspec.json.Encoder().encode
_INSERT: Final = """
insert into kit_audit (at, person_ref, post_id, unit_id, role, method, route, params, status, code, client, trace_id)
select at, person_ref, post_id, unit_id, role, method, route, params, status, code, client, trace_id
from json_populate_recordset(null::kit_audit, $1::text::json)
"""


_PAGE: Final = """
select n, at, person_ref, post_id, unit_id, role, method, route, params, status, code, client, trace_id
from kit_audit
where ($1::timestamptz is null or at < $1) and ($2 = '' or person_ref = $2) and ($3 = '' or route = $3)
order by at desc fetch first $4 rows with ties
"""


async def read_trail(
    pool: asyncpg.Pool[Any], service: str, *, before: dt.datetime | None, person_ref: str, route: str, limit: int
) -> list[AuditRow]:
    """The newest records before *before*, newest first; a few more than *limit* when the last moment is shared."""
    rows = await pool.fetch(_PAGE, before, person_ref, route, limit)
    return [AuditRow(**{**row, "service": service, "params": _params(row["params"])}) for row in map(dict, rows)]


def _params(value: str | Mapping[str, str]) -> dict[str, str]:
    return msgspec.json.decode(value, type=dict[str, str]) if isinstance(value, str) else dict(value)
