"""Platforms that can only fetch: they ask for a district's records from a number on, and so say that they have those before."""

from __future__ import annotations

import asyncio

from .books import Books
from .protocol import Batch, Result
from .store import Due, sql


class Turn(asyncio.Lock):
    """One at a time in a process: who keeps others out by a connection needs a second one, and many would wait for theirs."""


class Served(Books):
    """The way to one platform that comes and fetches."""

    async def fetched(self, district: str, asked: int, most: int) -> Batch | None:
        """The records of *district* from number *asked* on, at most *most*; None when there is none yet.

        A number that was given before brings everything from there on again: the other side was restored. A number that
        was never given: we were; what waits goes on from there.
        """
        turn = self.app.resources.setdefault(Turn, Turn())
        async with turn, self.app.pool.acquire() as db, db.transaction():
            await sql.run(db, "one_at_a_time", f"{self.platform.name}/{district}")
            await self.number()
            last = int(await sql.value(db, "last_number", self.platform.name, district) or 0)
            rows = await self._after(district, asked, most) if asked <= last + 1 else []
            first = rows[0].seq if rows else last + 1
            if asked != first:
                await self.follow(district, first, asked)
                await self.number()
                rows = await self.due(district, most)
        return self.batch(district, rows) if rows else None

    async def _after(self, district: str, asked: int, most: int) -> list[Due]:
        """What waits from *asked* on; what has a lower number was taken."""
        while (rows := await self.due(district, most)) and rows[0].seq < asked:
            taken = [row for row in rows if row.seq < asked]
            done = [Result(record_id=row.record_id, status="ok") for row in taken]
            await self.settle(district, taken, self.batch(district, taken), done)
        return rows
