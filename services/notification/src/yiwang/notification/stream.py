"""New inbox notices as they come: one reader of the table per process, many listeners.

Rows are read in the order (transaction id, seq) and only below the oldest running transaction, so that no row can
appear later before a position that was passed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import msgspec
from yiwang.kit import App

from .service import service
from .store import sql

PAGE: Final = 500
EVERY_S: Final = 0.5
SILENCE_S: Final = 15.0
ROOM: Final = 1000
"""Notices that may wait for a slow listener; past that it is cut off and comes back with its last id."""


class Position(NamedTuple):
    """Where a listener stands."""

    xid: str
    seq: int

    @classmethod
    def parse(cls, text: str) -> Position:
        """``812.94``, as event ids are. Raises ValueError."""
        xid, dot, seq = text.partition(".")
        if not dot or not xid.isdecimal() or not seq.isdecimal() or len(xid) > 19 or len(seq) > 18:
            raise ValueError(text)
        return cls(str(int(xid)), int(seq))

    def __str__(self) -> str:
        return f"{self.xid}.{self.seq}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An inbox notice with its position."""

    xid: str
    seq: int
    notice_id: uuid.UUID
    audience: str
    role: str
    area: str
    title: str
    body: str
    urgency: str
    template: str
    case_id: str
    case_no: str
    created_at: dt.datetime

    @property
    def position(self) -> Position:
        return Position(self.xid, self.seq)


class Ears(msgspec.Struct, frozen=True):
    """What somebody may hear: audiences, and (role, prefix of area) pairs."""

    direct: frozenset[str]
    roles: tuple[tuple[str, str], ...]

    def hear(self, row: Row) -> bool:
        """Whether *row* is for them."""
        if row.audience in self.direct:
            return True
        return bool(row.role) and any(row.role == role and row.area.startswith(prefix) for role, prefix in self.roles)


class Tail:
    """The listeners of this process, and how far the table has been read for them."""

    def __init__(self) -> None:
        self.listeners: dict[asyncio.Queue[Row | None], Ears] = {}
        self.at: Position | None = None
        self.awake, self.ready = asyncio.Event(), asyncio.Event()

    def spread(self, rows: list[Row]) -> None:
        """Give *rows* to those who may hear them; cut off whose room is full."""
        for queue, ears in list(self.listeners.items()):
            for row in rows:
                if not ears.hear(row):
                    continue
                if queue.qsize() >= ROOM:
                    del self.listeners[queue]
                    queue.put_nowait(None)
                    break
                queue.put_nowait(row)


@service.on_start
async def open_tail(app: App) -> None:
    """Make room for listeners."""
    app.resources[Tail] = Tail()


@service.background()
async def read_tail(app: App) -> None:
    """Read what is new while anybody listens."""
    tail = app.get(Tail)
    while True:
        if not tail.listeners:
            tail.at = None
            tail.ready.clear()
            tail.awake.clear()
            await tail.awake.wait()
        try:
            if tail.at is None:
                tail.at = await horizon(app)
                tail.ready.set()
            rows = await sql.rows(app.pool, "tail", Row, tail.at.xid, tail.at.seq, PAGE)
        except Exception as error:
            if not app.is_outage(error):
                raise
            app.log.warning("stream_waits", error=type(error).__name__)
            rows = []
        tail.spread(rows)
        if rows:
            tail.at = rows[-1].position
        if len(rows) < PAGE:
            await asyncio.sleep(EVERY_S)


async def horizon(app: App) -> Position:
    """The position before everything that may still come."""
    return Position(await sql.value(app.pool, "horizon"), 0)


async def listen(app: App, ears: Ears, after: Position | None) -> AsyncIterator[Row | None]:
    """Notices for *ears*, from *after* (or from now) on, each once, until the listener leaves or is cut off.

    None is said after a silence, so that a link that died is noticed.
    """
    tail, queue = app.get(Tail), asyncio.Queue[Row | None]()
    tail.listeners[queue] = ears
    tail.awake.set()
    try:
        await tail.ready.wait()  # what comes from here on is in the queue; what came before is read below
        last = after or await horizon(app)
        async for row in _missed(app, ears, last):
            last = row.position
            yield row
        while True:
            try:
                live = await asyncio.wait_for(queue.get(), SILENCE_S)
            except TimeoutError:
                yield None
                continue
            if live is None:
                return
            if _order(live.position) > _order(last):
                yield live
    finally:
        tail.listeners.pop(queue, None)


async def _missed(app: App, ears: Ears, after: Position) -> AsyncIterator[Row]:
    while True:
        rows = await sql.rows(app.pool, "tail", Row, after.xid, after.seq, PAGE)
        for row in rows:
            if ears.hear(row):
                yield row
        if len(rows) < PAGE:
            return
        after = rows[-1].position


def _order(position: Position) -> tuple[int, int]:
    return int(position.xid), position.seq
