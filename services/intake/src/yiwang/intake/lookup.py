"""Which reports are already here: every request that waits in one turn of the loop shares one query.

It protects beyond the stream's duplicate window. When PostgreSQL doesn't answer, intake goes on without it: the stream
still refuses what it saw within its window, and dispatch's primary keys keep an older repetition from becoming a
second case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from yiwang.kit import App

from . import store

PATIENCE_S: Final = 0.5
"""How long a report waits for the database"""
REST_S: Final = 1.0
"""How long nobody asks again after the database failed to answer"""
AWAY: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
log: Final = structlog.get_logger("yiwang.intake")


class Known(msgspec.Struct, frozen=True):
    """A report that is here."""

    report_id: str
    case_id: str
    digest: str


class Lookup:
    """Micro-batched look-up by report id."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Sequence[str], asyncio.Future[dict[str, Known]]]] = []
        self._task: asyncio.Task[None] | None = None
        self._rest_until = 0.0
        self.unchecked = 0
        """Reports that were taken without asking the database"""

    async def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """report id → what is known of it, for those of *ids* that are here."""
        if self._loop.time() < self._rest_until:
            self.unchecked += len(ids)
            return {}
        future: asyncio.Future[dict[str, Known]] = self._loop.create_future()
        self._waiting.append((ids, future))
        if self._task is None:
            self._task = self._loop.create_task(self._ask())
        return await future

    async def _ask(self) -> None:
        """Ask for as long as somebody waits; those who come while a query runs share the next one."""
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                found = await self._fetch([report_id for ids, _ in asked for report_id in ids])
                for ids, future in asked:
                    if not future.done():
                        future.set_result({i: found[i] for i in ids if i in found} if found else {})
        finally:
            self._task = None

    async def _fetch(self, ids: list[str]) -> dict[str, Known]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                rows: list[Any] = await store.known(self._app.pool, ids)
        except AWAY as error:
            self._rest_until = self._loop.time() + REST_S
            self.unchecked += len(ids)
            log.warning("lookup_away", reports=len(ids), error=type(error).__name__)
            return {}
        return {row["report_id"]: Known(row["report_id"], row["case_id"], row["digest"]) for row in rows}
