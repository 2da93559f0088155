"""What a handler may use besides the event itself."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from yiwang.contracts import Actor, Event, partition_of

from ._envelope import Ready, derived_id
from ._service import Outcome

if TYPE_CHECKING:
    import asyncpg

    from ._app import App
    from ._node import Node

Tx: TypeAlias = "asyncpg.pool.PoolConnectionProxy[Any] | asyncpg.Connection[Any]"
"""A connection inside a transaction."""


def listed(outcome: Outcome) -> list[Event]:
    """A handler's answer as a list."""
    if outcome is None:
        return []
    return [outcome] if isinstance(outcome, Event) else list(outcome)


class Context:
    """One transaction of one service: a batch of events, a timer, or an HTTP action.

    `tx` is the connection inside the transaction (None for a service without a database), `event` the input in an
    `on` handler, `attempt` counts deliveries of it from 1.
    """

    def __init__(
        self,
        app: App,
        tx: Tx | None,
        *,
        parent: str = "",
        event: Event | None = None,
        attempt: int = 1,
        actor: Actor | None = None,
        purpose: str = "",
        occurred_at: dt.datetime | None = None,
        device_at: dt.datetime | None = None,
    ) -> None:
        self.app, self._tx, self.event, self.attempt = app, tx, event, attempt
        self.parent, self.actor, self.purpose = parent, actor, purpose
        self.occurred_at, self.device_at = occurred_at, device_at
        self.outputs: list[Ready] = []
        self.direct: list[Ready] = []
        """What leaves without the outbox (`Again.SAME`)"""

    @property
    def tx(self) -> Tx:
        if self._tx is None:
            raise RuntimeError(f"{self.app.service.name} has no database: declare Service(..., database=True)")
        return self._tx

    @property
    def node(self) -> Node:
        return self.app.node

    @property
    def settings(self) -> Any:
        return self.app.settings

    def now(self) -> dt.datetime:
        """The moment on the service's clock (virtual in demos and tests)."""
        return self.app.clock.now()

    def emit(self, *events: Event) -> list[Event]:
        """In an HTTP action: let *events* follow from it. They go out after the commit; returns them stamped."""
        return self.stamp(list(events), cause=self.event)

    def stamp(self, events: list[Event], cause: Event | None = None, *, direct: bool = False) -> list[Event]:
        """Stamp *events* as outputs of this transaction, in order."""
        now = self.now()
        stamped: list[Event] = []
        outputs = self.direct if direct else self.outputs
        for event in events:
            ready = self.app.stamper.stamp(
                event,
                now,
                parent=cause.id if cause else self.parent,
                n=len(self.outputs) if cause is None else len(stamped),
                cause=cause,
                actor=self.actor,
                purpose=self.purpose,
                occurred_at=self.occurred_at,
                device_at=self.device_at,
            )
            outputs.append(ready)
            stamped.append(ready.event)
        return stamped

    async def set_timer(
        self, kind: str, key: str, due: dt.datetime, data: dict[str, Any] | None = None, *, purpose: str = ""
    ) -> None:
        """Ask for the timer (*kind*, *key*) at *due*; an earlier one of that name is replaced."""
        if kind not in self.app.service.timers:
            raise LookupError(f"{self.app.service.name} has no @service.timer({kind!r})")
        timer_id = derived_id(key, f"{self.app.service.schema}/{kind}/{due.isoformat()}")
        await self.tx.execute(
            "insert into kit_timer (kind, key, id, pp, due, data, purpose) values ($1, $2, $3, $4, $5, $6, $7)"
            " on conflict (kind, key) do update set id = excluded.id, due = excluded.due, data = excluded.data,"
            " purpose = excluded.purpose, tries = 0, reason = ''",
            kind, key, timer_id, partition_of(key), due, msgspec.json.encode(data or {}).decode(),
            purpose or self.purpose or (self.event.purpose if self.event else "live"),
        )  # fmt: skip

    async def set_timers(
        self, kind: str, rows: list[tuple[str, dt.datetime, dict[str, Any]]], *, purpose: str = "live"
    ) -> None:
        """Set-based `set_timer` for (key, due, data) rows; the last of a key wins."""
        last = {key: (due, data) for key, due, data in rows}
        if not last:
            return
        keys = list(last)
        await self.tx.execute(
            "insert into kit_timer (kind, key, id, pp, due, data, purpose)"
            " select $1, * , $7 from unnest($2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::jsonb[])"
            " on conflict (kind, key) do update set id = excluded.id, due = excluded.due, data = excluded.data,"
            " purpose = excluded.purpose, tries = 0, reason = ''",
            kind, keys,
            [derived_id(k, f"{self.app.service.schema}/{kind}/{last[k][0].isoformat()}") for k in keys],
            [partition_of(k) for k in keys], [last[k][0] for k in keys],
            [msgspec.json.encode(last[k][1]).decode() for k in keys], purpose,
        )  # fmt: skip

    async def cancel_timer(self, kind: str, *keys: str) -> None:
        """Forget the timers (*kind*, each of *keys*), if they are set."""
        await self.tx.execute("delete from kit_timer where kind = $1 and key = any($2::text[])", kind, list(keys))
