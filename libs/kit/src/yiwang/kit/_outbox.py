"""The outbox: outputs leave in order, published only by the holder of their partition group.

A row is a page: the outputs of one transaction in one group. The replica that wrote a page still has it in memory and
doesn't read it back; which pages are committed, and in which order, the table alone says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from ._context import Context, Tx
from ._envelope import Ready
from ._nats import Outgoing
from ._telemetry import current_trace

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.outbox")
ROWS: Final = 64
EVENTS: Final = 2000
"""Rows read and events published at once, at the most"""
PAGE: Final = 250
"""Events in one row"""
REST_BELOW: Final = 100
"""After fewer events a short rest makes the next page larger"""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[Outgoing]).decode


class Page(msgspec.Struct, gc=False):
    """A row to be written: events of one group, in order."""

    group: int
    events: list[Outgoing]

    @property
    def data(self) -> bytes:
        return _encode(self.events)


def pages_of(outputs: Iterable[Ready], groups: int) -> list[Page]:
    """*outputs* as pages, at most `PAGE` events in each; the order within a group stays."""
    trace = current_trace()
    open_pages: dict[int, Page] = {}
    found: list[Page] = []
    for out in outputs:
        group = out.partition % groups
        page = open_pages.get(group)
        if page is None or len(page.events) == PAGE:
            page = open_pages[group] = Page(group, [])
            found.append(page)
        page.events.append((out.subject, out.data, out.id, trace))
    return found


def columns_of(pages: Sequence[Page]) -> tuple[list[int], list[int], list[bytes]]:
    """Partition, number of events and data of each page, as the table takes them."""
    return [p.group for p in pages], [len(p.events) for p in pages], [p.data for p in pages]


INSERT: Final = """insert into kit_outbox (pp, id, subject, events, data)
select pp, '', '', events, data from unnest($1::smallint[], $2::int[], $3::bytea[]) as p(pp, events, data)"""


async def _either(wake: asyncio.Event, seconds: float) -> None:
    """Wait for *wake*, at most *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        pass


class Outbox:
    """Writes outputs inside the transaction and wakes whoever must publish them."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.wakes: dict[int, asyncio.Event] = {}
        self._written: dict[int, Page] = {}
        """Row → page: written by this replica and not yet published"""

    async def write(self, db: Tx, ctx: Context, *, notify: bool = False) -> None:
        """Store *ctx*'s outputs in its transaction; with *notify* other replicas' publishers hear of the commit."""
        pages = pages_of(ctx.outputs, self._app.groups)
        if not pages:
            return
        if notify:
            statement = f"with said as ({INSERT} returning 1) select pg_notify($4, 'outbox') from said limit 1"
            await db.execute(statement, *columns_of(pages), f"kit_{self._app.service.schema}")
        else:
            await db.execute(INSERT, *columns_of(pages))

    def remember(self, rows: Sequence[int], pages: Sequence[Page]) -> None:
        """Keep *pages*, just written as *rows*, for the publisher of their group if this replica has it."""
        for n, page in zip(rows, pages, strict=True):
            if page.group in self.wakes:
                self._written[n] = page

    def forget(self, rows: Sequence[int]) -> None:
        """The transaction that wrote *rows* was rolled back."""
        for n in rows:
            self._written.pop(n, None)

    def wake(self, outputs: Iterable[Ready] = ()) -> None:
        """Wake the publishers of the groups that this replica holds."""
        groups = {o.partition % self._app.groups for o in outputs} or set(self.wakes)
        for group in groups:
            if event := self.wakes.get(group):
                event.set()

    async def publish_group(self, group: int) -> None:
        """Publish what the group's rows hold, in order, for as long as the lease is ours."""
        wake = self.wakes[group] = asyncio.Event()
        try:
            while group in self._app.leases:
                wake.clear()
                async with self._app.pool.acquire() as db:
                    await self._publish_pages(db, group)
                await _either(wake, 2 * self._app.kit.poll_seconds)
        finally:
            self.wakes.pop(group, None)
            self.forget([n for n, page in self._written.items() if page.group == group])
            self._app.waiting.pop("outbox", None)

    async def _publish_pages(self, db: Tx, group: int) -> None:
        """Until nothing is left."""
        sent, events = await self._publish_some(db, group, [])
        while events and group in self._app.leases:
            if events < REST_BELOW:
                await asyncio.sleep(self._app.kit.linger_ms / 2000)
            sent, events = await self._publish_some(db, group, sent)

    async def _publish_some(self, db: Tx, group: int, sent: list[int]) -> tuple[list[int], int]:
        """Delete the rows *sent*, publish the next ones; returns what is sent now and how many events there were.

        A failure leaves them for the next try, from the first unacked on.
        """
        app = self._app
        rows = await db.fetch(
            # Losing a delete only means publishing the same ids again: it needs no flush to disk.
            "with gone as (delete from kit_outbox where n = any($4::bigint[]))"
            " select off, r.* from (select set_config('synchronous_commit', 'off', true) as off) lazily left join lateral"
            " (select n, id, subject, trace, events, case when n = any($5::bigint[]) then null else data end as data"
            " from kit_outbox where ($1 = 1 or pp % $1 = $2) and n <> all($4::bigint[]) order by n limit $3) r on true"
            " order by n",
            app.groups, group, ROWS, sent, list(self._written),
        )  # fmt: skip
        if rows[0]["n"] is None or group not in app.leases:
            app.waiting.pop("outbox", None)  # nothing is left that waits
            return [], 0
        taken: list[int] = []
        events: list[Outgoing] = []
        for row in rows:
            if len(events) >= EVENTS:
                break
            page = self._written.get(row["n"])
            events += page.events if page else events_of(row)
            taken.append(row["n"])
        try:
            await app.publisher.publish(events, timeout=10)
        except Exception as error:  # noqa: BLE001 - an outage is waited out
            log.warning("outbox_waits", service=app.service.name, events=len(events), error=repr(error)[:300])
            app.waiting["outbox"] = f"{len(events)} 条事件等待发布：{error!r:.120}"
            await asyncio.sleep(0.5)
            return [], len(events)
        app.waiting.pop("outbox", None)
        self.forget(taken)
        return taken, len(events)

    async def size(self) -> int:
        """Events that still wait (an estimate is enough for back-pressure)."""
        counted = "select coalesce(sum(greatest(events, 1)), 0) from (select events from kit_outbox limit 100000) x"
        return int(await self._app.pool.fetchval(counted))


def events_of(row: Any) -> list[Outgoing]:
    """The events of a stored row; one written before there were pages is a single event."""
    if row["id"]:
        return [(row["subject"], bytes(row["data"]), row["id"], row["trace"])]
    return _decode(row["data"])


async def regroup(db: Tx, groups: int) -> None:
    """Cut the waiting pages anew for another number of *groups*; the order stays. No replica may be at work."""
    rows = await db.fetch("delete from kit_outbox returning n, id, subject, trace, events, data")
    pages: list[Page] = []
    for row in sorted(rows, key=lambda r: r["n"]):
        for event in events_of(row):
            group = int(event[0].split(".", 5)[4]) % groups
            last = next((page for page in reversed(pages) if page.group == group), None)
            if last is None or len(last.events) == PAGE:
                last = Page(group, [])
                pages.append(last)
            last.events.append(event)
    if pages:
        await db.execute(INSERT, *columns_of(pages))
