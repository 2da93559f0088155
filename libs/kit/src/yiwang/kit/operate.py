"""What an operator does to a running service: look at parked events, retry or drop them, replay into a read model."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Final

import asyncpg
import msgspec
from yiwang.contracts import Event, SnapshotRequested, parse

from ._config import Kit
from ._envelope import Stamper
from ._hears import STREAMS
from ._nats import PARKED, Publisher, api, connect
from ._node import Node
from ._service import Service
from ._streams import ensure_streams

WAKE: Final = "select pg_notify($1, 'held')"


class Parked(msgspec.Struct, frozen=True):
    """An event that a service couldn't handle, with the reason."""

    id: int
    stream: str
    seq: int
    tag: str
    key: str
    event_id: str
    reason: str
    parked_at: dt.datetime
    state: str
    data: bytes


async def parked(db: asyncpg.Connection[Any], schema: str, state: str = "parked", most: int = 500) -> list[Parked]:
    """The service's parked events, oldest first; *state* is parked, retried or dropped."""
    rows = await db.fetch(
        "select id, stream, seq, tag, key, event_id, reason, parked_at, state, data"
        f" from {schema}.kit_parked where state = $1 order by id limit $2",
        state, most,
    )  # fmt: skip
    return [Parked(**row) for row in rows]


async def retry(db: asyncpg.Connection[Any], schema: str, parked_id: int, by: str) -> int:
    """Hand a parked event to its service again; returns how many later events of its key were handled meanwhile.

    A number above 0 means that it now runs out of order: the caller should say so before asking.
    Raises LookupError when nothing of that number is parked.
    """
    async with db.transaction():
        row = await db.fetchrow(
            f"update {schema}.kit_parked set state = 'retried', decided_by = $2, decided_at = now()"
            " where id = $1 and state = 'parked' returning *",
            parked_id, by,
        )  # fmt: skip
        if row is None:
            raise LookupError(f"{schema} has no parked event {parked_id}; list them with 'yiwang parked list'")
        later = await db.fetchval(
            f"select count(*) from {schema}.kit_position where stream = $1 and seq > $2", row["stream"], row["seq"]
        )
        await db.execute(f"delete from {schema}.kit_inbox where event_id = $1", row["event_id"])
        await db.execute(
            f"insert into {schema}.kit_held (pp, key, stream, seq, subject, data, reason) values ($1, $2, $3, $4, $5, $6, $7)",
            parse(row["subject"]).partition, row["key"], row["stream"], row["seq"], row["subject"], row["data"], "retried by a person",
        )  # fmt: skip
        await db.execute(WAKE, f"kit_{schema}")
    return int(later)


async def drop(db: asyncpg.Connection[Any], schema: str, parked_id: int, by: str, why: str) -> None:
    """Decide that a parked event stays unhandled; it is kept with who decided and why. Raises LookupError."""
    if not why.strip():
        raise ValueError("say why the event may be dropped: the reason is kept with it")
    done = await db.execute(
        f"update {schema}.kit_parked set state = 'dropped', decided_by = $2, decided_at = now(),"
        " reason = reason || ' | dropped: ' || $3 where id = $1 and state = 'parked'",
        parked_id, by, why,
    )  # fmt: skip
    if done == "UPDATE 0":
        raise LookupError(f"{schema} has no parked event {parked_id}; list them with 'yiwang parked list'")


async def parked_in_stream(kit: Kit, service: Service) -> list[dict[str, str]]:
    """Parked events of a service without a database, from the PARKED stream: reason, subject, key, seq."""
    nc = await connect(kit, "yiwang-parked")
    try:
        found = []
        info = await api(nc, f"STREAM.INFO.{PARKED}", {"subjects_filter": f"yw-parked.{service.schema}"})
        js = nc.jetstream()
        for seq in range(info["state"]["first_seq"], info["state"]["last_seq"] + 1):
            msg = await js.get_msg(PARKED, seq)
            if msg.subject == f"yw-parked.{service.schema}":
                found.append({"id": str(seq), **(msg.headers or {})})
        return found
    finally:
        await nc.close()


async def request_snapshots(kit: Kit, reader: str, since: dt.datetime) -> str:
    """Ask the owners of cases to re-emit them to *reader* (`yiwang replay`); returns the request's id.

    The reader keeps hearing live events meanwhile; it applies by `case_version`, so nothing is missed or undone.
    """
    return await say(kit, SnapshotRequested(reader=reader, since=since))


async def say(kit: Kit, event: Event) -> str:
    """Publish one event in the node's name, as its operator; returns its id."""
    nc = await connect(kit, "yiwang-operator")
    try:
        await ensure_streams(nc, kit)
        publisher = Publisher(nc)
        await publisher.start()
        stamper = Stamper(Node.of(kit), "operator")
        ready = stamper.stamp(event, dt.datetime.now(dt.UTC), parent=str(uuid.uuid4()), n=0)
        await publisher.publish([(ready.subject, ready.data, ready.id, "")])
        return ready.id
    finally:
        await nc.close()


async def rewind(db: asyncpg.Connection[Any], kit: Kit, schema: str, since: dt.datetime) -> dict[str, int]:
    """Set the positions of a stopped service back to *since* and forget its inbox from then on; returns stream → sequence.

    Only for a service that can apply events again (a read model). Raises RuntimeError while replicas still work.
    """
    busy = await db.fetchval(f"select string_agg(distinct owner, ', ') from {schema}.kit_lease where until > now()")
    if busy:
        raise RuntimeError(f"{schema} is running ({busy}): stop it before its positions are set back")
    nc = await connect(kit, "yiwang-rewind")
    try:
        moved: dict[str, int] = {}
        for stream in STREAMS.values():
            seq = await _sequence_at(nc, stream, since)
            done = await db.execute(
                f"update {schema}.kit_position set seq = least(seq, $2) where stream = $1", stream, seq
            )
            if done != "UPDATE 0":
                moved[stream] = seq
        await db.execute(f"delete from {schema}.kit_inbox where day >= $1", since.astimezone(dt.UTC).date())
        return moved
    finally:
        await nc.close()


async def _sequence_at(nc: Any, stream: str, since: dt.datetime) -> int:
    """The last sequence before *since*."""
    body = {
        "stream_name": stream, "action": "create",
        "config": {"ack_policy": "none", "deliver_policy": "by_start_time", "opt_start_time": since.isoformat(),
                   "mem_storage": True, "inactive_threshold": 5 * 10**9},
    }  # fmt: skip
    name = f"at_{uuid.uuid4().hex[:12]}"
    info = await api(nc, f"CONSUMER.CREATE.{stream}.{name}", body | {"config": body["config"] | {"name": name}})  # type: ignore[operator]
    return int(info["delivered"]["stream_seq"])
