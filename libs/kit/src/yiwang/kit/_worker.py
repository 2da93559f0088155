"""The worker of one leased partition group: feeds in, one transaction a batch, position in the same transaction.

Promises (architecture 4): order per key; an event's effect happens once; what fails waits (`Retry`, unknown errors)
or is parked (`Reject`) and never blocks other keys; an outage of PostgreSQL or NATS pauses and parks nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from yiwang.contracts import PARTITIONS

from ._company import Alone
from ._context import Tx
from ._deliver import WENT_BACK, Deliveries, LeaseLost
from ._engine import Item, item_of
from ._feed import Feed, FeedLost, Raw
from ._hears import own_echo
from ._held import Held

if TYPE_CHECKING:
    from ._app import App


def partitions_of(group: int, groups: int) -> list[int]:
    """The partitions of a group: those with ``pp % groups == group``."""
    return [pp for pp in range(PARTITIONS) if pp % groups == group]


class Worker:
    """Handles the events of one group while the lease (*epoch*) is ours."""

    def __init__(self, app: App, group: int, epoch: int) -> None:
        self.app, self.group, self.epoch = app, group, epoch
        self.wake = asyncio.Event()
        self.feeds: list[Feed] = []
        self.ignore_to: dict[tuple[str, str], int] = {}
        self._ignored = 0
        self.held = Held(app, group)
        self.alone = Alone(3 * app.kit.linger_ms / 1000)
        self._pairs = any(sub.company_s for sub in app.service.subscriptions.values())
        self.deliveries = Deliveries(app, group, epoch, self.held)
        self.seen: dict[str, int] = {}
        """Stream → the last sequence that came"""
        self.idle = False
        self._went_back = self._held_changed = False
        self.most = app.kit.batch * app.service.batches
        """Events in one transaction at the most"""

    @property
    def positions(self) -> dict[str, int]:
        """Stream → the last sequence that is settled."""
        return self.deliveries.positions

    def begin_again(self) -> None:
        """The database stands before what was handled: open anew where it stands."""
        self._went_back = True
        self.wake.set()

    # -- opening -------------------------------------------------------------------------------------------------

    async def open(self, db: Tx) -> None:
        """Read the positions and open the feeds there. Raises LeaseLost, or RuntimeError for a stream that isn't ours."""
        owner = await db.fetchval("select owner from kit_lease where grp = $1 and epoch = $2", self.group, self.epoch)
        if owner != self.app.replica:
            raise LeaseLost
        rows = await db.fetch("select stream, seq, created from kit_position where grp = $1", self.group)
        handled = await db.fetch("select tag, stream, from_seq from kit_handled")
        await self.held.read(db)
        self.ignore_to = {(r["stream"], r["tag"]): r["from_seq"] for r in handled}
        self._ignored = max(self.ignore_to.values(), default=0)
        self.deliveries.positions = {r["stream"]: r["seq"] for r in rows}
        for row in rows:
            self._check_identity(row["stream"], row["created"], row["seq"])
        await self._catch_up(db)
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
            feed = Feed(self.app.nc, stream, filters, seq + 1, self.wake, calm_s=self.app.kit.poll_seconds)
            await feed.open()
            self.feeds.append(feed)

    async def _catch_up(self, db: Tx) -> None:
        """Hear types that were added with ``start="first"`` from their beginning, before going on."""
        rows = await db.fetch("select * from kit_catchup where grp = $1 order by stream, tag", self.group)
        for row in rows:
            own = partitions_of(self.group, self.app.groups)
            sub = self.app.service.subscriptions.get(row["tag"])
            filters = self.app.hears(row["stream"], own, tag=sub.tag) if sub is not None else []
            if filters:
                feed = Feed(self.app.nc, row["stream"], filters, row["seq"] + 1, self.wake)
                await feed.open()
                try:
                    await self._drain_until(db, feed, row["until_seq"], row["tag"])
                finally:
                    await feed.close()
            await self.app.pool.execute(
                "delete from kit_catchup where grp = $1 and stream = $2 and tag = $3",
                self.group,
                row["stream"],
                row["tag"],
            )

    async def _drain_until(self, db: Tx, feed: Feed, until: int, tag: str) -> None:
        quiet = 0
        while quiet < 3:  # the end shows as silence: sequences of other subjects lie between
            self.wake.clear()
            raws = await feed.take(self.most)
            if not raws:
                quiet = quiet + 1 if not feed.pending else 0
                await self._wait(0.3)
                continue
            quiet = 0
            items = [item for raw in raws if raw.seq <= until and (item := self._item(raw)) is not None]
            await self.deliveries.handle(db, items, {})
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
        try:
            async with self.app.pool.acquire() as db:
                await self.open(db)
            self.app.waiting.pop(f"group {self.group}", None)
            while self._ours:
                async with self.app.pool.acquire() as db:  # for as long as something comes
                    quiet = 0
                    while self._ours and quiet < 2:
                        await self._round(db)
                        quiet = quiet + 1 if self.idle else 0
                await self._sleep()
        finally:
            await self.close()

    @property
    def _ours(self) -> bool:
        return self.group in self.app.leases and not self.app.sealed

    async def _sleep(self) -> None:
        """Wait until something comes, or a waiting key is due; nothing is asked of the database meanwhile."""
        while self._ours and not self.wake.is_set() and not self.held.due():
            for feed in self.feeds:
                await feed.take(0)  # it keeps itself alive, and says when it is lost
            await self._wait(self.held.pause(self.app.kit.poll_seconds))

    async def _round(self, db: Tx) -> None:
        if self._went_back:
            raise FeedLost(WENT_BACK)
        self.wake.clear()
        if self._held_changed:
            self._held_changed = False
            await self.held.read(db)
        begun = time.monotonic()
        raws = await self._collect()
        items = [item for raw in raws if (item := self._item(raw)) is not None]
        if self._pairs:
            items = self.alone.pair(items, begun)
        due = self.held.due()
        self.idle = not raws and not items and not due and not self.alone and not any(f.pending for f in self.feeds)
        if raws or items:
            self.seen |= {raw.stream: raw.seq for raw in raws}
            self.deliveries.floor = self.alone.floor()
            await self.deliveries.handle(db, items, self.deliveries.below_floor(self.seen))
        for key in due:
            await self._handle_held(db, key)
        if not raws and not due:
            await self._wait(self.alone.pause(begun, self.held.pause()))
        elif len(raws) < self.most // 2:
            await asyncio.sleep(self._rest(time.monotonic() - begun))

    def _rest(self, took_s: float) -> float:
        """Seconds to wait after a small batch: under load that makes the next one larger, and a transaction costs much
        the same either way; the longer it took, the more. Who only watches may rest longer.
        """
        linger = self.app.kit.linger_ms / 1000
        return 10 * linger if self.app.service.watches else min(max(2 * took_s, linger), 3 * linger)

    async def _collect(self) -> list[Raw]:
        raws: list[Raw] = []
        for feed in self.feeds:
            raws += await feed.take(self.most - len(raws))
            if len(raws) >= self.most:
                break
        return raws

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            pass

    # -- handling ------------------------------------------------------------------------------------------------

    def _item(self, raw: Raw) -> Item | None:
        item = item_of(self.app.service, raw.stream, raw.seq, raw.subject, raw.data, raw.trace)
        if item is None:
            return None
        if raw.seq <= self._ignored and raw.seq <= self.ignore_to.get((raw.stream, item.sub.tag), 0):
            return None
        if raw.stream == "UP" and own_echo(item.sub, raw.subject, self.app.acts_for):
            return None
        return item

    # -- what waits ----------------------------------------------------------------------------------------------

    def look_again(self) -> None:
        """Somebody else changed what waits (a person retried a parked event): read it between two transactions.

        Read while one is on its way, a key that just began to wait would be forgotten and overtaken by its later events.
        """
        self._held_changed = True
        self.wake.set()

    async def _handle_held(self, db: Tx, key: str) -> None:
        """Try the events of a waiting key again, in order, until one fails once more or none is left."""
        items = await self.held.items_of(key)
        while items:
            tried = items[0].tries
            left = await self.deliveries.attempt(db, items, move=False, held_key=key)
            head = await self.held.look(key)
            if head is not None and head > tried and len(items) - len(left) == 1:
                return
            items = left
        await self.held.look(key)
