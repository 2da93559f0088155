"""The worker of one leased partition group: feeds in, one transaction a batch, position in the same transaction.

Promises (architecture 4): order per key; an event's effect happens once; what fails waits (`Retry`, unknown errors)
or is parked (`Reject`) and never blocks other keys; an outage of PostgreSQL or NATS pauses and parks nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import asyncpg
from yiwang.contracts import PARTITIONS

from ._context import Tx
from ._engine import Engine, HandlerFailed, Item, item_of, refusal
from ._feed import Feed, Raw
from ._hears import own_echo
from ._held import Held
from ._telemetry import span_of

if TYPE_CHECKING:
    from ._app import App

TRANSIENT: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
"""Errors of the database, not of the event: the batch is tried again as it is."""


class LeaseLost(Exception):
    """Another replica holds the group now (or this one was asleep too long)."""


def partitions_of(group: int, groups: int) -> list[int]:
    """The partitions of a group: those with ``pp % groups == group``."""
    return [pp for pp in range(PARTITIONS) if pp % groups == group]


def _index(items: list[Item], item: Item) -> int:
    return next(n for n, one in enumerate(items) if one is item)


class Worker:
    """Handles the events of one group while the lease (*epoch*) is ours."""

    def __init__(self, app: App, group: int, epoch: int) -> None:
        self.app, self.group, self.epoch = app, group, epoch
        self.wake = asyncio.Event()
        self.engine = Engine(app)
        self.feeds: list[Feed] = []
        self.positions: dict[str, int] = {}
        self.ignore_to: dict[tuple[str, str], int] = {}
        self.held = Held(app, group)
        self.idle = False

    # -- opening -------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read the positions and open the feeds there. Raises LeaseLost, or RuntimeError for a stream that isn't ours."""
        async with self.app.pool.acquire() as db:
            owner = await db.fetchval(
                "select owner from kit_lease where grp = $1 and epoch = $2", self.group, self.epoch
            )
            if owner != self.app.replica:
                raise LeaseLost
            rows = await db.fetch("select stream, seq, created from kit_position where grp = $1", self.group)
            handled = await db.fetch("select tag, stream, from_seq from kit_handled")
            await self.held.read(db)
        self.ignore_to = {(r["stream"], r["tag"]): r["from_seq"] for r in handled}
        self.positions = {r["stream"]: r["seq"] for r in rows}
        for row in rows:
            self._check_identity(row["stream"], row["created"], row["seq"])
        await self._catch_up()
        for stream, seq in self.positions.items():
            await self._open_feed(stream, seq)

    def _check_identity(self, stream: str, created: str, seq: int) -> None:
        now = self.app.streams.get(stream)
        if now is not None and created != now:
            raise RuntimeError(
                f"stream {stream} was created anew at {now} (known: {created}) while {self.app.service.name} has handled it"
                f" up to {seq}: restore the matching NATS backup, or let the administrator run"
                f" 'yiwang replay {self.app.service.name} --new-stream {stream}'"
            )

    async def _open_feed(self, stream: str, seq: int) -> None:
        groups = self.app.groups
        filters = self.app.hears(stream, None if groups == 1 else partitions_of(self.group, groups))
        if filters:
            feed = Feed(self.app.nc, stream, filters, seq + 1, self.wake)
            await feed.open()
            self.feeds.append(feed)

    async def _catch_up(self) -> None:
        """Hear types that were added with ``start="first"`` from their beginning, before going on."""
        async with self.app.pool.acquire() as db:
            rows = await db.fetch("select * from kit_catchup where grp = $1 order by stream, tag", self.group)
        for row in rows:
            own = partitions_of(self.group, self.app.groups)
            sub = self.app.service.subscriptions.get(row["tag"])
            filters = self.app.hears(row["stream"], own, tag=sub.tag) if sub is not None else []
            if filters:
                feed = Feed(self.app.nc, row["stream"], filters, row["seq"] + 1, self.wake)
                await feed.open()
                try:
                    await self._drain_until(feed, row["until_seq"], row["tag"])
                finally:
                    await feed.close()
            await self.app.pool.execute(
                "delete from kit_catchup where grp = $1 and stream = $2 and tag = $3",
                self.group,
                row["stream"],
                row["tag"],
            )

    async def _drain_until(self, feed: Feed, until: int, tag: str) -> None:
        quiet = 0
        while quiet < 3:  # the end shows as silence: sequences of other subjects lie between
            self.wake.clear()
            raws = await feed.take(self.app.kit.batch)
            if not raws:
                quiet = quiet + 1 if not feed.pending else 0
                await self._wait(0.3)
                continue
            quiet = 0
            await self._handle([r for r in raws if r.seq <= until], move=False)
            await self.app.pool.execute(
                "update kit_catchup set seq = $4 where grp = $1 and stream = $2 and tag = $3",
                self.group, feed.stream, tag, raws[-1].seq,
            )  # fmt: skip
            if raws[-1].seq >= until:
                return

    async def close(self) -> None:
        for feed in self.feeds:
            await feed.close()
        self.feeds.clear()

    # -- the loop ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Handle until the lease is lost; raises LeaseLost, FeedLost or what the database raised."""
        await self.open()
        self.app.waiting.pop(f"group {self.group}", None)
        try:
            while self.group in self.app.leases:
                self.wake.clear()
                raws = await self._collect()
                due = self.held.due()
                self.idle = not raws and not due and not any(feed.pending for feed in self.feeds)
                begun = time.perf_counter()
                if raws:
                    await self._handle(raws)
                for key in due:
                    await self._handle_held(key)
                if not raws and not due:
                    await self._wait(self.held.pause())
                elif len(raws) < self.app.kit.batch // 4:
                    # Under load a short rest makes the next batch larger, and a transaction costs much the same either way.
                    await asyncio.sleep(min(2 * (time.perf_counter() - begun), self.app.kit.linger_ms / 1000))
        finally:
            await self.close()

    async def _collect(self) -> list[Raw]:
        raws: list[Raw] = []
        for feed in self.feeds:
            raws += await feed.take(self.app.kit.batch - len(raws))
            if len(raws) >= self.app.kit.batch:
                break
        return raws

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            pass

    # -- handling ------------------------------------------------------------------------------------------------

    async def _handle(self, raws: list[Raw], *, move: bool = True) -> None:
        """Handle *raws* fully: in batches, bisected around what fails."""
        items = [item for raw in raws if (item := self._item(raw)) is not None]
        ends = {raw.stream: raw.seq for raw in raws} if move else {}
        while items:
            done = await self._attempt(items, {} if not move else self._reached(items))
            items = items[done:]
        if move and any(self.positions.get(s, 0) < q for s, q in ends.items()):
            await self._attempt([], ends)

    def _item(self, raw: Raw) -> Item | None:
        item = item_of(self.app.service, raw.stream, raw.seq, raw.subject, raw.data, raw.trace)
        if item is None or raw.seq <= self.ignore_to.get((raw.stream, item.sub.tag), 0):
            return None
        if raw.stream == "UP" and own_echo(item.sub, raw.subject, self.app.acts_for):
            return None
        return item

    @staticmethod
    def _reached(items: list[Item]) -> dict[str, int]:
        return {item.stream: item.seq for item in items}

    async def _attempt(self, items: list[Item], ends: dict[str, int], *, held_key: str = "") -> int:
        """One transaction over as many of *items* as go well; returns how many are settled (at least one)."""
        if items and items[0].poison:
            await self._settle(items[0], ValueError(items[0].poison), ends={} if not ends else self._reached(items[:1]))
            return 1
        stop = next((n for n, item in enumerate(items) if item.poison), len(items))
        if stop < len(items):
            items = items[:stop]
            ends = self._reached(items) if ends else {}
        try:
            return await self._transaction(items, ends, held_key)
        except HandlerFailed as failed:
            if isinstance(failed.error, TRANSIENT):
                raise failed.error from failed
            bad, error = failed.items, failed.error
        at = _index(items, bad[0])
        if at == 0 and len(bad) == 1:
            await self._settle(items[0], error, ends=self._reached(items[:1]) if ends else {})
            return 1
        # Settle what stands before the failing one, or the first half of the failing span, and come back for the rest.
        part = items[: at or _index(items, bad[len(bad) // 2])]
        return await self._attempt(part, self._reached(part) if ends else {}, held_key=held_key)

    async def _transaction(self, items: list[Item], ends: dict[str, int], held_key: str) -> int:
        app = self.app
        await app.inbox.ensure([item.event for item in items if item.event is not None])
        async with app.pool.acquire() as db, db.transaction():
            waiting = [] if held_key else [item for item in items if item.key in self.held]
            waiting_ids = {id(item) for item in waiting}
            fresh = await self._begin(db, [item for item in items if id(item) not in waiting_ids], ends)
            with span_of(f"{app.service.name} handles", [item.trace for item in fresh]):
                left, ctx = await self.engine.run(fresh, db)
                await app.outbox.write(db, ctx)
            if left:  # the time budget is spent: settle what stands before the first one left
                cut = _index(items, left[0])
                await app.inbox.forget(db, left)
                items = items[:cut]
                kept = {id(item) for item in items}
                waiting = [item for item in waiting if id(item) in kept]
                ends = {s: max(self.positions.get(s, 0), self._reached(items).get(s, 0)) for s in ends}
                await self._move(db, ends)
            await self.held.write(db, waiting)
            if held_key:
                await db.execute("delete from kit_held where n = any($1::bigint[])", [item.held for item in items])
        for stream, seq in ends.items():
            self.positions[stream] = max(seq, self.positions.get(stream, 0))
        if ctx.outputs:
            app.outbox.wake(ctx.outputs)
        app.count(items, ctx)
        return len(items)

    async def _begin(self, db: Tx, items: list[Item], ends: dict[str, int]) -> list[Item]:
        """Fence, move the positions and write the inbox, in one statement; returns the items not handled before.

        Raises LeaseLost when the lease isn't ours any more.
        """
        ids, days = self.app.inbox.rows(items)
        row = await db.fetchrow(
            "with lease as (update kit_lease set until = now() + $4 * interval '1 s' where grp = $1 and epoch = $2"
            " and owner = $3 returning grp), moved as (update kit_position p set seq = n.seq from lease,"
            " unnest($5::text[], $6::bigint[]) n(stream, seq)"
            " where p.grp = lease.grp and p.stream = n.stream),"
            " fresh as (insert into kit_inbox select i.id, i.day from lease, unnest($7::text[], $8::date[]) i(id, day)"
            " on conflict do nothing returning event_id)"
            " select (select count(*) from lease) held, array(select event_id from fresh) fresh",
            self.group, self.epoch, self.app.replica, self.app.kit.lease_seconds,
            list(ends), [max(seq, self.positions.get(stream, 0)) for stream, seq in ends.items()], ids, days,
        )  # fmt: skip
        if row is None or not row["held"]:
            raise LeaseLost
        return self.app.inbox.pick(items, set(row["fresh"]))

    async def _fence(self, db: Tx) -> None:
        await self._begin(db, [], {})

    async def _move(self, db: Tx, ends: dict[str, int]) -> None:
        if ends:
            await db.execute(
                "update kit_position p set seq = n.seq from unnest($2::text[], $3::bigint[]) n(stream, seq)"
                " where p.grp = $1 and p.stream = n.stream",
                self.group, list(ends), [max(seq, self.positions.get(stream, 0)) for stream, seq in ends.items()],
            )  # fmt: skip

    # -- what waits ----------------------------------------------------------------------------------------------

    async def refresh_held(self) -> None:
        """Look again at what waits (a person retried a parked event)."""
        async with self.app.pool.acquire() as db:
            await self.held.read(db)
        self.wake.set()

    async def _handle_held(self, key: str) -> None:
        """Try the events of a waiting key again, in order, until one fails once more or none is left."""
        items = await self.held.items_of(key)
        while items:
            tried, done = items[0].tries, await self._attempt(items, {}, held_key=key)
            head = await self.held.look(key)
            if head is not None and head > tried and done == 1:
                return
            items = items[done:]
        await self.held.look(key)

    async def _settle(self, item: Item, error: Exception, ends: dict[str, int]) -> None:
        """Write down one failing event: it waits with its key, or it is parked for a person."""
        app = self.app
        reason = item.poison or refusal(error)
        async with app.pool.acquire() as db, db.transaction():
            await self._fence(db)
            if reason is None and item.held and await self.held.age_hours(db, item) > app.kit.patience_hours:
                reason = f"still failing after {app.kit.patience_hours:g} h: {error!r}"
            if reason is not None:
                await self.held.park(db, item, reason)
            else:
                await self.held.hold(db, item, error)
            await self._move(db, ends)
        for stream, seq in ends.items():
            self.positions[stream] = max(seq, self.positions.get(stream, 0))
