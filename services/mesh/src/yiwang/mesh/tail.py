"""Reading a stream from where one left off, in order, for as long as it takes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from yiwang.kit import App
from yiwang.kit.link import Feed, Raw, api

from .store import sql

MOST = 500
REST_S = 1.0


class Tail:
    """What *reader* has not yet read of a stream. A stream that was made anew is read from its beginning.

    The mark is written at most once a second (or `YIWANG_POLL_SECONDS`), and at the end: after a fall what came since is
    read again.
    """

    def __init__(self, app: App, reader: str, stream: str) -> None:
        self._app, self.reader, self.stream = app, reader, stream
        self._rest_s = max(REST_S, app.kit.poll_seconds)
        self.created = ""
        self.seq = 0
        self._marked = 0
        self._at = 0.0

    @contextlib.asynccontextmanager
    async def batches(self) -> AsyncIterator[AsyncIterator[list[Raw]]]:
        """Batches without end. Raises FeedLost, in the reading, when it must start again."""
        self.created = str((await api(self._app.nc, f"STREAM.INFO.{self.stream}"))["created"])
        self.seq = self._marked = await sql.value(self._app.pool, "mark", self.reader, self.created) or 0
        wake = asyncio.Event()
        feed = Feed(self._app.nc, self.stream, [">"], self.seq + 1, wake, calm_s=self._app.kit.poll_seconds)
        await feed.open()
        try:
            yield self._take(feed, wake)
        finally:
            await feed.close()
            with contextlib.suppress(Exception):  # the database may be down: what came since is read again
                await self.mark(self._app.pool)

    async def _take(self, feed: Feed, wake: asyncio.Event) -> AsyncIterator[list[Raw]]:
        while True:
            wake.clear()
            if batch := await feed.take(MOST):
                yield batch
                if len(batch) < MOST // 2:
                    await asyncio.sleep(self._app.kit.linger_ms / 1000)  # the next one is larger
                continue
            await self.reached(self.seq)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._rest_s):
                    await wake.wait()

    async def reached(self, seq: int) -> None:
        """Everything up to *seq* is done."""
        self.seq = seq
        if time.monotonic() - self._at > self._rest_s:
            await self.mark(self._app.pool)

    async def mark(self, tx: Any) -> None:
        """Write the mark."""
        self._at = time.monotonic()
        if self.seq != self._marked:
            self._marked = self.seq
            await sql.run(tx, "set_mark", self.reader, self.created, self.seq)
