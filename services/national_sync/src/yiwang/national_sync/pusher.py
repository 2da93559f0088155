"""Pushing: one replica (a leased loop) numbers what is new and brings it in order, however long the link is away."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

import structlog
from yiwang.kit import App

from .books import Books
from .links import Link
from .protocol import Batch, Result
from .store import Due, sql
from .transport import Down, Gap, Transport, Unfit

log = structlog.get_logger("yiwang.national_sync")


def pause_after(failures: int, first: float, most: float, chance: float) -> float:
    """Seconds to wait after *failures* in a row: doubling, capped, with jitter (*chance* in 0 … 1).

    >>> [pause_after(n, 1, 300, 1.0) for n in (1, 2, 3, 20, 2000)]
    [1.0, 2.0, 4.0, 300.0, 300.0]
    """
    return float(min(most, first * 2 ** min(failures - 1, 40)) * (0.5 + chance / 2))


class Pusher(Books):
    """The way to one platform that takes what we bring."""

    def __init__(self, app: App, link: Link, transport: Transport) -> None:
        super().__init__(app, link)
        self.transport = transport
        self._size = self.platform.batch_size
        self._last_district = ""

    async def turn(self) -> bool:
        """Number what is new and send one batch; whether there was anything. Raises Down."""
        numbered = await self.number()
        return await self.send_next() or numbered

    async def send_next(self) -> bool:
        """Send the next batch of the next district. Raises Down."""
        name, pool = self.platform.name, self.app.pool
        district = await sql.value(pool, "due_district", name, self._last_district)
        if district is None and self._last_district:
            district = await sql.value(pool, "due_district", name, "")
        if district is None:
            return False
        self._last_district = district
        rows = await self.due(district, self._size)
        batch = self.batch(district, rows)
        try:
            results = await self.transport.send(batch)
        except Gap as gap:
            await self._follow(district, rows[0].seq, gap.expected)
        except Unfit as unfit:
            await self._shrink(district, rows, batch, str(unfit))
        else:
            await self.settle(district, rows, batch, results)
            self._size = min(self.platform.batch_size, self._size * 2)
        return True

    async def _follow(self, district: str, first: int, expected: int) -> None:
        """The receiver expects another number than *first*. Raises Down for one that can't be."""
        if expected < 1 or expected == first:
            raise Down(f"{self.platform.title}要求从 {expected} 续传，与已发送的 {first} 不符，请与对方核对")
        log.warning("sequence_follows_receiver", platform=self.platform.name, district=district, ours=first, theirs=expected)
        await self.follow(district, first, expected)

    async def _shrink(self, district: str, rows: Sequence[Due], batch: Batch, reason: str) -> None:
        """Send less at once; a single record that can't be taken is refused and its number passed on."""
        if len(rows) > 1:
            self._size = max(1, len(rows) // 2)
            return
        await self.settle(
            district, rows, batch, [Result(record_id=rows[0].record_id, status="refused", reason=reason)]
        )
        await self.renumber(district, rows[0].seq)  # the receiver took nothing: its next number is still this one

    async def wait_after(self, down: Down) -> float:
        """Note the failure; seconds to wait before the next try."""
        settings, name = self.app.settings, self.platform.name
        failures = 1 + int(await sql.value(self.app.pool, "failures", name))
        pause: float = pause_after(failures, settings.backoff_first_s, settings.backoff_most_s, random.random())
        pause = max(pause, min(down.retry_after, settings.backoff_most_s))
        next_try = self.app.clock.now() + dt.timedelta(seconds=pause * self.app.clock.speed)
        await sql.run(self.app.pool, "failed", name, failures, next_try, str(down)[:500])
        log.warning("push_waits", platform=name, failures=failures, seconds=round(pause, 1), reason=str(down)[:300])
        return pause
