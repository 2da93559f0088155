"""Which reports are already here, beyond the stream's duplicate window.

A filter in memory says "not here" of almost every new report, without a query; whom it may hold is looked up, and every
request that waits in one turn of the loop shares one query. The filter holds all rows that are older than half the
window; newer ones the stream itself recognises. When PostgreSQL doesn't answer, intake goes on without it: dispatch's
primary keys keep an older repetition from becoming a second case.
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
from .seen import Filter

PAGE: Final = 5000
OVERLAP: Final = 2000
"""Rows that are read once more: one with a lower number may be committed later"""
REFRESH_S: Final = 60.0
"""Longest pause between two readings of new rows; a quarter of the stream's duplicate window where that is shorter"""
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
        self.asked = 0
        """Reports that were looked up"""
        self._seen, self._upto, self._fresh_until = Filter(), 0, 0.0

    def note(self, report_id: str) -> None:
        """The report has a row now, or will have one in a moment."""
        if report_id not in self._seen:
            self._seen.add(report_id)

    async def refresh(self) -> None:
        """Read the rows that the filter doesn't hold yet; other replicas write, too."""
        begun = self._loop.time()
        if self._seen.size > self._seen.room:
            self._seen, self._upto, self._fresh_until = Filter(2 * self._seen.size), 0, 0.0
        after = max(0, self._upto - OVERLAP)
        while page := await store.report_ids(self._app.pool, after, PAGE):
            for _, report_id in page:
                self.note(report_id)
            after = page[-1][0]
            await asyncio.sleep(0)
        self._upto = max(after, self._upto)
        self._fresh_until = begun + self._app.kit.duplicate_window_s / 2

    async def keep_fresh(self) -> None:
        """`refresh` for as long as intake runs; while the database is away every report is looked up, in vain."""
        pause = min(REFRESH_S, self._app.kit.duplicate_window_s / 4)
        while True:
            try:
                await self.refresh()
            except AWAY as error:
                log.warning("filter_away", error=type(error).__name__)
            await asyncio.sleep(pause)

    async def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """report id → what is known of it, for those of *ids* that are here."""
        if self._loop.time() < self._fresh_until:
            ids = [report_id for report_id in ids if report_id in self._seen]
            if not ids:
                return {}
        self.asked += len(ids)
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
