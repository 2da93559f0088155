"""What waits: keys whose head asked for a retry, with all that came after it, and events that are parked for a person."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import structlog

from ._context import Tx
from ._engine import Item, item_of
from ._service import Again, Retry

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.held")


class Held:
    """The waiting keys of one group, as rows of kit_held and in memory: key → when its head is due."""

    def __init__(self, app: App, group: int) -> None:
        self._app, self._group = app, group
        self._due: dict[str, dt.datetime] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._due

    def __len__(self) -> int:
        return len(self._due)

    def due(self) -> list[str]:
        """Keys whose moment has come."""
        now = dt.datetime.now(dt.UTC)
        return [key for key, due in self._due.items() if due <= now]

    def pause(self, most: float = 0.5) -> float:
        """Seconds until the next key is due, *most* at the most."""
        now = dt.datetime.now(dt.UTC)
        return max(0.005, min([most, *((due - now).total_seconds() for due in self._due.values())]))

    async def read(self, db: Any) -> None:
        """Read the rows of this group."""
        rows = await db.fetch(
            "select distinct on (key) key, due from kit_held where pp % $1 = $2 order by key, n", self._app.groups, self._group
        )
        self._due = {r["key"]: r["due"] for r in rows}

    async def look(self, key: str) -> int | None:
        """Read one key's head again; how often it was tried, or None when nothing of the key waits any more."""
        row = await self._app.pool.fetchrow("select due, tries from kit_held where key = $1 order by n limit 1", key)
        if row is None:
            self._due.pop(key, None)
            return None
        self._due[key] = row["due"]
        return int(row["tries"])

    async def items_of(self, key: str) -> list[Item]:
        """The waiting events of *key*, in order (a batch at the most)."""
        rows = await self._app.pool.fetch("select * from kit_held where key = $1 order by n limit $2", key, self._app.kit.batch)
        items = []
        for r in rows:
            item = item_of(self._app.service, r["stream"], r["seq"], r["subject"], bytes(r["data"]), r["trace"])
            if item is None:  # the service no longer hears this type
                await self._app.pool.execute("delete from kit_held where n = $1", r["n"])
                continue
            item.tries, item.held = r["tries"], r["n"]
            items.append(item)
        return items

    async def write(self, db: Tx, items: list[Item]) -> None:
        """Let *items* wait behind the head of their keys."""
        if items:
            await db.execute(
                "insert into kit_held (pp, key, stream, seq, subject, trace, data) select * from"
                " unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bytea[])",
                [i.partition for i in items], [i.key for i in items], [i.stream for i in items], [i.seq for i in items],
                [i.subject for i in items], [i.trace for i in items], [i.data for i in items],
            )  # fmt: skip

    async def age_hours(self, db: Tx, item: Item) -> float:
        """How long a waiting event has waited."""
        return float(await db.fetchval("select extract(epoch from now() - since) / 3600 from kit_held where n = $1", item.held))

    async def hold(self, db: Tx, item: Item, error: Exception) -> None:
        """Let *item*, and with it its key, wait for another try."""
        after = error.after if isinstance(error, Retry) else min(2.0**item.tries * 0.5, 60.0)
        if not isinstance(error, Retry):
            log.error("handler_failed", service=self._app.service.name, type=item.sub.tag, key=item.key, tries=item.tries,
                      error=repr(error)[:500], exc_info=error)  # fmt: skip
        reason = str(error)[:2000].replace("\0", "")
        if item.held:
            self._due[item.key] = await db.fetchval(
                "update kit_held set tries = tries + 1, due = now() + $2 * interval '1 s', reason = $3 where n = $1 returning due",
                item.held, after, reason,
            )  # fmt: skip
        else:
            self._due[item.key] = await db.fetchval(
                "insert into kit_held (pp, key, stream, seq, subject, trace, data, tries, due, reason)"
                " values ($1, $2, $3, $4, $5, $6, $7, 1, now() + $8 * interval '1 s', $9) returning due",
                item.partition, item.key, item.stream, item.seq, item.subject, item.trace, item.data, after, reason,
            )  # fmt: skip

    async def park(self, db: Tx, item: Item, reason: str) -> None:
        """Put *item* aside for a person; later events of its key go on."""
        log.warning("parked", service=self._app.service.name, type=item.sub.tag, key=item.key, reason=reason[:500])
        await db.execute(
            "insert into kit_parked (stream, seq, subject, tag, key, event_id, reason, data)"
            " select $1, $2, $3, $4, $5, $6, $7, $8 where $6 = '' or not exists"
            " (select from kit_parked where key = $5 and event_id = $6 and state = 'parked')",
            item.stream, item.seq, item.subject, item.sub.tag, item.key, item.event.id if item.event else "",
            reason[:2000].replace("\0", ""), item.data,
        )  # fmt: skip
        if item.event is not None and item.sub.again is Again.NEVER:
            await self._app.inbox.note(db, [item])
        if item.held:
            await db.execute("delete from kit_held where n = $1", item.held)
        self._app.count_parked(item)
