"""The inbox: ids of handled events, in partitions by day that are dropped whole."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import asyncpg
from yiwang.contracts import Event

from ._context import Tx
from ._engine import Item

if TYPE_CHECKING:
    from ._app import App


RACED: Final = (asyncpg.DuplicateTableError, asyncpg.UniqueViolationError, asyncpg.InvalidObjectDefinitionError)


def day_of(event: Event) -> dt.date:
    """The day in whose partition the event's id stands: that of `recorded_at`, the same at every redelivery."""
    return event.recorded_at.astimezone(dt.UTC).date()


class Inbox:
    """Remembers what a service has handled for as long as it can be delivered again."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._days: set[dt.date] = set()

    async def ensure(self, events: Sequence[Event]) -> None:
        """Make the day partitions that *events* need."""
        for day in {day_of(event) for event in events} - self._days:
            name = f"kit_inbox_{day:%Y%m%d}"
            with contextlib.suppress(*RACED):  # another replica was faster
                await self._app.pool.execute(
                    f"create table if not exists {name} partition of kit_inbox"
                    f" for values from ('{day}') to ('{day + dt.timedelta(days=1)}')"
                )
            self._days.add(day)

    @staticmethod
    def rows(items: list[Item]) -> tuple[list[str], list[dt.date]]:
        """Ids and days of *items*, as columns."""
        events = [item.event for item in items if item.event]
        return [event.id for event in events], [day_of(event) for event in events]

    async def known(self, db: Tx, items: list[Item]) -> set[str]:
        """The ids of those of *items* that were handled before."""
        rows = await db.fetch(
            "select i.event_id from kit_inbox i join unnest($1::text[], $2::date[]) n(id, day)"
            " on i.event_id = n.id and i.day = n.day", *self.rows(items),
        )  # fmt: skip
        return {row["event_id"] for row in rows}

    async def note(self, db: Tx, items: list[Item]) -> None:
        """Write the ids down inside the transaction."""
        await db.execute(
            "insert into kit_inbox select * from unnest($1::text[], $2::date[]) on conflict do nothing", *self.rows(items)
        )

    async def sweep(self, keep_days: int) -> list[str]:
        """Drop the partitions older than *keep_days*; returns their names."""
        oldest = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=keep_days)
        rows = await self._app.pool.fetch(
            "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'kit_inbox'::regclass"
        )
        old = [r["relname"] for r in rows if r["relname"] < f"kit_inbox_{oldest:%Y%m%d}"]
        for name in old:
            await self._app.pool.execute(f"drop table {name}")
        self._days = {day for day in self._days if day >= oldest}
        return old
