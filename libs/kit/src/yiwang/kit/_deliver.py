"""One batch, one transaction: effects, position, inbox and outbox together; what fails is found by bisecting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import asyncpg
from nats.errors import ConnectionClosedError, NoRespondersError

from ._context import Tx
from ._engine import Engine, HandlerFailed, Item, refusal
from ._feed import FeedLost
from ._held import Held
from ._outbox import Page, columns_of, pages_of
from ._service import Again
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
AWAY: Final = (*TRANSIENT, ConnectionError, TimeoutError, ConnectionClosedError, NoRespondersError)
"""Errors that say that a server is away; an absent file (also an OSError) is none of them"""
PUBLISH_S: Final = 8.0
"""How long a transaction may wait for the acks of what it says without an outbox"""


WENT_BACK: Final = "the database stands before what was handled: it crashed, was restored, or a replay was asked for"


class LeaseLost(Exception):
    """Another replica holds the group now (or this one was asleep too long)."""


class _Repeated(Exception):
    """Some of the items were handled before."""


def _index(items: list[Item], item: Item) -> int:
    return next(n for n, one in enumerate(items) if one is item)


class Deliveries:
    """Handles batches of one group while the lease (*epoch*) is ours, over one connection."""

    def __init__(self, app: App, group: int, epoch: int, held: Held) -> None:
        self.app, self.group, self.epoch, self.held = app, group, epoch, held
        self.engine = Engine(app)
        self.positions: dict[str, int] = {}
        self.floor: dict[str, int] = {}
        """Stream → a sequence that no position may reach: it waits in memory"""

    def _reached(self, items: Sequence[Item]) -> dict[str, int]:
        return self.below_floor({item.stream: item.seq for item in items})

    def below_floor(self, ends: dict[str, int]) -> dict[str, int]:
        """*ends* as far as nothing waits before them."""
        return {stream: min(seq, self.floor.get(stream, seq + 1) - 1) for stream, seq in ends.items()}

    async def handle(self, db: Tx, items: list[Item], ends: dict[str, int]) -> None:
        """Handle *items* fully and move the positions to *ends* (nowhere when it is empty)."""
        while items:
            items = await self.attempt(db, items, move=bool(ends))
        if any(self.positions.get(stream, 0) < seq for stream, seq in ends.items()):
            await self._transaction(db, [], ends, "")

    async def attempt(self, db: Tx, items: list[Item], *, move: bool, held_key: str = "") -> list[Item]:
        """One transaction over as many of *items* as go well; returns those that are left (fewer than before)."""
        if items[0].poison:
            await self.settle(db, items[0], ValueError(items[0].poison), move=move)
            return items[1:]
        stop = next((n for n, item in enumerate(items) if item.poison), len(items))
        run, later = items[:stop], items[stop:]
        try:
            return await self._transaction(db, run, self._reached(run) if move else {}, held_key) + later
        except HandlerFailed as failed:
            if isinstance(failed.error, TRANSIENT):
                raise failed.error from failed
            bad, error = failed.items, failed.error
        at = _index(run, bad[0])
        if at == 0 and len(bad) == 1:
            await self.settle(db, run[0], error, move=move)
            return items[1:]
        # Settle what stands before the failing one, or the first half of the failing span, and come back for the rest.
        cut = at or _index(run, bad[len(bad) // 2])
        return await self.attempt(db, run[:cut], move=move, held_key=held_key) + items[cut:]

    async def _transaction(self, db: Tx, items: list[Item], ends: dict[str, int], held_key: str) -> list[Item]:
        """Handle *items*; returns those that the time budget left. Raises HandlerFailed, LeaseLost."""
        app, waiting = self.app, []
        if not held_key and len(self.held):
            waiting = [item for item in items if item.key in self.held]
        away = {id(item) for item in waiting}
        fresh = first_of_each([item for item in items if id(item) not in away])
        inboxed = [item for item in fresh if item.sub.again is Again.NEVER]
        await app.inbox.ensure([item.event for item in inboxed if item.event is not None])
        try:
            return await self._effect(db, items, fresh, waiting, ends, held_key)
        except _Repeated:
            async with db.transaction():
                known = await app.inbox.known(db, inboxed)
            fresh = [item for item in fresh if item.event is None or item.event.id not in known]
            return await self._effect(db, items, fresh, waiting, ends, held_key)

    async def _effect(
        self, db: Tx, items: list[Item], fresh: list[Item], waiting: list[Item], ends: dict[str, int], held_key: str
    ) -> list[Item]:
        app = self.app
        rows: list[int] = []
        try:
            async with db.transaction():
                with span_of(f"{app.service.name} handles", [item.trace for item in fresh]):
                    left, ctx = await self.engine.run(fresh, db)
                    pages = pages_of(ctx.outputs, app.groups)
                done = items
                if left:  # the time budget is spent: the position stops before the first one left
                    kept = {id(item) for item in left}
                    fresh = [item for item in fresh if id(item) not in kept]
                    done = items[: _index(items, left[0])]
                    sure = {id(item) for item in done}
                    waiting = [item for item in waiting if id(item) in sure]
                    left = [item for item in items if id(item) in kept or (id(item) not in sure and item.key in self.held)]
                    ends = {s: self._reached(done).get(s, 0) for s in ends}
                if waiting:
                    await self.held.write(db, waiting)
                if held_key:
                    await db.execute("delete from kit_held where n = any($1::bigint[])", [i.held for i in done])
                rows = await self._close(db, fresh, ends, pages)
                app.outbox.remember(rows, pages)
                if ctx.direct:  # before the commit: what isn't acknowledged is said again, with the same ids
                    await app.publish_ready(ctx.direct, timeout=PUBLISH_S)
        except BaseException:
            app.outbox.forget(rows)
            raise
        for stream, seq in ends.items():
            self.positions[stream] = max(seq, self.positions.get(stream, 0))
        if ctx.outputs:
            app.outbox.wake(ctx.outputs)
        app.count(fresh, ctx)
        return left

    async def _close(self, db: Tx, done: list[Item], ends: dict[str, int], pages: list[Page]) -> list[int]:
        """Fence, move the positions, write inbox and outbox, in one statement; returns the outbox's rows.

        What says nothing needs no flush to disk: after a crash of the database its position is gone with it, and whoever
        remembers a later one must begin again there. Raises FeedLost then, LeaseLost when the lease isn't ours any more,
        _Repeated when some of *done* were handled before.
        """
        ids, days = self.app.inbox.rows([item for item in done if item.sub.again is Again.NEVER])
        row = await db.fetchrow(
            _CLOSE, self.group, self.epoch, self.app.replica, list(ends),
            [max(seq, self.positions.get(stream, 0)) for stream, seq in ends.items()], ids, days, *columns_of(pages),
            None if pages else "off", list(self.positions), list(self.positions.values()),
        )  # fmt: skip
        if row is None or not row["held"]:
            raise LeaseLost
        if row["behind"]:
            raise FeedLost(WENT_BACK)
        if row["fresh"] < len(ids):
            raise _Repeated
        return list(row["pages"])

    async def settle(self, db: Tx, item: Item, error: Exception, *, move: bool) -> None:
        """Write down one failing event: it waits with its key, or it is parked for a person."""
        app = self.app
        reason = item.poison or refusal(error)
        ends = self._reached([item]) if move else {}
        async with db.transaction():
            if reason is None and item.held and await self.held.age_hours(db, item) > app.kit.patience_hours:
                reason = f"still failing after {app.kit.patience_hours:g} h: {error!r}"
            if reason is not None:
                await self.held.park(db, item, reason)
            else:
                await self.held.hold(db, item, error)
            await self._close(db, [], ends, [])
        for stream, seq in ends.items():
            self.positions[stream] = max(seq, self.positions.get(stream, 0))


def first_of_each(items: list[Item]) -> list[Item]:
    """Of items with one id the first."""
    seen: dict[str, Item] = {}
    for item in items:
        if item.event is not None:
            seen.setdefault(item.event.id, item)
    return items if len(seen) == len(items) else list(seen.values())


_CLOSE: Final = """
with lease as materialized (
    select grp from kit_lease where grp = $1 and epoch = $2 and owner = $3 for no key update
), moved as (
    update kit_position p set seq = n.seq from lease, unnest($4::text[], $5::bigint[]) n(stream, seq)
    where p.grp = lease.grp and p.stream = n.stream
), fresh as (
    insert into kit_inbox select i.id, i.day from lease, unnest($6::text[], $7::date[]) i(id, day)
    on conflict do nothing returning 1
), said as (
    insert into kit_outbox (pp, id, subject, events, data)
    select p.pp, '', '', p.events, p.data from lease,
        unnest($8::smallint[], $9::int[], $10::bytea[]) with ordinality as p(pp, events, data, at) order by p.at
    returning n
)
select (select count(*) from lease) as held, (select count(*) from fresh) as fresh,
    array(select n from said order by n) as pages,
    exists(select from kit_position p, unnest($12::text[], $13::bigint[]) n(stream, seq)
        where p.grp = $1 and p.stream = n.stream and p.seq < n.seq) as behind,
    set_config('synchronous_commit', coalesce($11, current_setting('synchronous_commit')), true)
"""
