"""Leases: which replica works which partition group, kept as rows with an epoch and an expiry (database time)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from . import _outbox, fence
from ._hears import STREAMS, streams_of
from ._nats import api

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.leases")
GIVE_BACK_S: Final = 2.0
"""How long a service that ends waits for its database to hear that it does"""


async def prepare(app: App) -> None:
    """Make the rows of positions and leases for this service's streams, groups and event types.

    Raises RuntimeError with a sentence when the number of groups changes while other replicas still work.
    """
    service, groups = app.service, app.groups
    last = {}
    for stream in sorted({s for sub in service.subscriptions.values() for s in streams_of(sub, app.mesh)}):
        info = await api(app.nc, f"STREAM.INFO.{stream}")
        last[stream] = int(info["state"]["last_seq"])
    async with app.pool.acquire() as db, db.transaction():
        await db.execute("select pg_advisory_xact_lock(hashtext($1))", f"yiwang/{service.schema}/prepare")
        await _regroup(app, db)
        await db.execute("update kit_state set handler_set = greatest(handler_set, $1)", service.handler_set)
        await db.execute("insert into kit_lease (grp) select generate_series(0, $1 - 1) on conflict do nothing", groups)
        for stream in last:
            await db.execute(
                "insert into kit_position (stream, grp, seq, created)"
                " select $1, g, 0, $3 from generate_series(0, $2 - 1) g on conflict do nothing",
                stream, groups, app.streams[stream],
            )  # fmt: skip
        await _new_types(app, db, last)


async def _regroup(app: App, db: Any) -> None:
    known = await db.fetchval("select groups from kit_state for update")
    if known is None:
        await db.execute("insert into kit_state (groups) values ($1)", app.groups)
    elif known != app.groups:
        busy = await db.fetchval("select string_agg(distinct owner, ', ') from kit_lease where until > now()")
        if busy:
            raise RuntimeError(
                f"{app.service.name} has {known} partition groups and YIWANG_GROUPS asks for {app.groups}: "
                f"stop the replicas that still work ({busy}) before the number changes"
            )
        # Start every new group where the slowest old one was; the inbox drops what was handled already.
        await db.execute("create temporary table old on commit drop as select stream, min(seq) seq, min(created) created"
                         " from kit_position group by stream")  # fmt: skip
        await db.execute("delete from kit_position; delete from kit_catchup")
        await db.execute(
            "insert into kit_position select stream, g, seq, created from old, generate_series(0, $1 - 1) g", app.groups
        )
        await db.execute("delete from kit_lease where grp >= $1", app.groups)
        await db.execute("update kit_lease set epoch = epoch + 1")
        await db.execute("update kit_state set groups = $1", app.groups)
        await _outbox.regroup(db, app.groups)


async def _new_types(app: App, db: Any, last: dict[str, int]) -> None:
    known = {r["tag"] for r in await db.fetch("select tag from kit_handled")}
    for tag, sub in app.service.subscriptions.items():
        if tag in known:
            continue
        stream = STREAMS[sub.event_type.flow]
        from_seq = last[stream] if sub.start == "now" else 0
        await db.execute(
            "insert into kit_handled (tag, stream, from_seq, handler_set) values ($1, $2, $3, $4)",
            tag, stream, from_seq, app.service.handler_set,
        )  # fmt: skip
        if known and sub.start == "first":  # heard from its beginning; the other types go on where they were
            await db.execute(
                "insert into kit_catchup (stream, grp, tag, seq, until_seq) select stream, grp, $2, 0, seq from kit_position"
                " where stream = $1 and seq > 0",
                stream, tag,
            )  # fmt: skip


async def keep(app: App) -> None:
    """Take this replica's fair share of the groups, hand over what is too much, for as long as it runs."""
    while not app.stopping:
        try:
            await _round(app)
            app.waiting.pop("leases", None)
        except asyncpg.ReadOnlySQLTransactionError:
            app.sealed = True  # the seal is shut: what is left goes along with the database
        except Exception as error:  # noqa: BLE001 - an outage is waited out
            app.waiting["leases"] = f"数据库暂时不可用：{error!r:.120}"
            log.warning("leases_wait", service=app.service.name, error=repr(error)[:300])
        await asyncio.sleep(min(app.kit.poll_seconds, app.kit.lease_seconds / 6))


async def _round(app: App) -> None:
    ttl = app.kit.lease_seconds
    async with app.pool.acquire() as db:
        look = None if app.sealed else await _look(app, db)
        since = look["sealed_at"] if look else await db.fetchval(fence.SEALED_AT)
        if await fence.holds(app, since) and await fence.at_rest(app):
            for group in list(app.leases):
                await app.work.release(group)
            return
        look = look or await _look(app, db)
        for group in set(app.leases) - set(look["kept"]):
            app.work.drop(group)
        for group in set(look["behind"]) & set(app.leases):
            app.work.workers[group].begin_again()
        want = -(-app.groups // max(look["alive"], 1)) if app.service.handler_set >= look["newest"] else 0
        for group in sorted(app.leases)[want:]:
            await app.work.release(group)
        if len(app.leases) < want:
            for row in await db.fetch(
                "update kit_lease set epoch = epoch + 1, owner = $1, until = now() + $2 * interval '1 s' where grp in"
                " (select grp from kit_lease where until < now() and grp < $3 order by grp for update skip locked limit $4)"
                " returning grp, epoch",
                app.replica, ttl, app.groups, want - len(app.leases),
            ):  # fmt: skip
                app.work.take(row["grp"], row["epoch"])


async def give_back(app: App) -> None:
    """End the leases that a round took just before it was cancelled, so that nobody has to wait until they run out."""
    async with asyncio.timeout(GIVE_BACK_S), app.pool.acquire() as db:
        await db.execute("update kit_lease set until = '-infinity' where owner = $1", app.replica)


async def _look(app: App, db: Any) -> Any:
    """Say that this replica is alive, keep the leases that are still ours, and see how things stand: one statement.

    It also finds the groups of which more was handled than the database knows, where nothing comes that would tell.

    A crash of the database that loses it only ends a lease earlier: it needs no flush to disk.
    """
    settled = app.work.positions
    return await db.fetchrow(
        _LOOK, app.replica, app.service.handler_set, app.kit.lease_seconds, list(app.leases), list(app.leases.values()),
        [group for group, _, _ in settled], [stream for _, stream, _ in settled], [seq for _, _, seq in settled],
    )  # fmt: skip


_LOOK: Final = """
with seen as (
    insert into kit_replica (name, seen, handler_set) values ($1, now(), $2)
    on conflict (name) do update set seen = now(), handler_set = excluded.handler_set
), kept as (
    update kit_lease l set until = now() + $3 * interval '1 s' from unnest($4::int[], $5::bigint[]) m(grp, epoch)
    where l.grp = m.grp and l.epoch = m.epoch and l.owner = $1 returning l.grp
)
select (select sealed_at from yw.node) as sealed_at, newest.handler_set as newest, array(select grp from kept) as kept,
    array(select distinct p.grp from kit_position p join unnest($6::int[], $7::text[], $8::bigint[]) m(grp, stream, seq)
        using (grp, stream) where p.seq < m.seq) as behind,
    (select count(*) from kit_replica where seen > now() - $3 * interval '1 s' and handler_set >= newest.handler_set
        and name <> $1) + ($2 >= newest.handler_set)::int as alive,
    set_config('synchronous_commit', 'off', true)
from kit_state newest
"""
