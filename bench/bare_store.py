"""(b) bare: nats-py + asyncpg; inbox, position, one row, outbox in one transaction a batch, ordered publish after it."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from typing import Any

import asyncpg
import nats
import uvloop
from yiwang.contracts import CaseFiled, NoticeRequested, decoder_of, encode, partition_of

from bench import _common

BATCH, WINDOW = 200, 800
DDL = """
create schema if not exists bare; set search_path = bare;
create table inbox (event_id text not null, day date not null, primary key (event_id, day)) partition by range (day);
create table inbox_all partition of inbox default;
create table position (stream text primary key, seq bigint not null);
insert into position values ('UP', 0);
create table cases (case_id text not null, version int not null, category text not null, primary key (case_id, version));
create table outbox (n bigint generated always as identity primary key, pp smallint not null, id text not null,
    subject text not null, data bytea not null);
"""


async def main(count: int) -> None:
    nc = await nats.connect(os.environ["BENCH_NATS"], pending_size=64 * 2**20)
    js = nc.jetstream(publish_async_max_pending=4000)
    db = await asyncpg.connect(os.environ["BENCH_PG"])
    await db.execute(DDL)
    body = {"stream_name": "UP", "action": "create", "config": {
        "name": "bare", "ack_policy": "none", "deliver_policy": "by_start_sequence", "opt_start_seq": 1, "mem_storage": True,
        "filter_subject": "yw.up.440300.440300.*.case.filed.v1", "max_deliver": -1, "inactive_threshold": 30 * 10**9}}  # fmt: skip
    await nc.request(
        "$JS.API.CONSUMER.CREATE.UP.bare.yw.up.440300.440300.*.case.filed.v1", json.dumps(body).encode(), timeout=5
    )
    inbox, buffer, wake = nc.new_inbox(), [], asyncio.Event()
    asked = 0

    async def heard(msg: Any) -> None:
        nonlocal asked
        if msg.headers and not msg.data and "Status" in msg.headers:
            return
        asked -= 1
        buffer.append((msg.metadata.sequence.stream, msg.data))
        wake.set()

    await nc.subscribe(inbox + ".*", cb=heard, pending_msgs_limit=10**6, pending_bytes_limit=2**30)
    decode, done, n = decoder_of(CaseFiled).decode, 0, 0
    begin = time.perf_counter(), _common.cpu_s()
    while done < count:
        if asked < WINDOW // 2:
            n += 1
            want, asked = WINDOW - asked, WINDOW
            await nc.publish(
                "$JS.API.CONSUMER.MSG.NEXT.UP.bare", b'{"batch":%d,"expires":20000000000}' % want, f"{inbox}.{n}"
            )
        if not buffer:
            wake.clear()
            await wake.wait()
        taken, buffer[:] = buffer[:BATCH], buffer[BATCH:]
        events = [decode(data) for _, data in taken]
        async with db.transaction():
            await db.execute("update position set seq = $1 where stream = 'UP'", taken[-1][0])
            await db.fetch("insert into inbox select * from unnest($1::text[], $2::date[]) on conflict do nothing returning event_id",
                           [e.id for e in events], [e.recorded_at.date() for e in events])  # fmt: skip
            await db.execute("insert into cases select * from unnest($1::text[], $2::int[], $3::text[]) on conflict do nothing",
                             [e.case.case_id for e in events], [e.case.case_version for e in events],
                             [e.category.key for e in events])  # fmt: skip
            outs = []
            for event in events:
                key = event.case.case_id
                out = NoticeRequested(
                    business_id=key, template="t", audience="unit:u", id=str(uuid.uuid5(uuid.UUID(event.id), "bare/0")),
                    source="440300/bare", occurred_at=event.occurred_at, recorded_at=event.recorded_at, subject=key,
                    tenant_id="440300", jurisdiction="440300", causation_id=event.id, correlation_id=event.correlation_id,
                )  # fmt: skip
                pp = partition_of(key)
                outs.append((pp, out.id, f"yw.local.440300.440300.{pp:02d}.notice.requested.v1", encode(out)))
            await db.execute("insert into outbox (pp, id, subject, data) select * from"
                             " unnest($1::smallint[], $2::text[], $3::text[], $4::bytea[])",
                             *[list(column) for column in zip(*outs, strict=True)])  # fmt: skip
        rows = await db.fetch("select n, id, subject, data from outbox order by n limit 2000")
        futures = [await js.publish_async(r["subject"], r["data"], headers={"Nats-Msg-Id": r["id"]}) for r in rows]
        await asyncio.gather(*futures)
        async with db.transaction():
            await db.execute("set local synchronous_commit = off")
            await db.execute("delete from outbox where n = any($1::bigint[])", [r["n"] for r in rows])
        done += len(taken)
    _common.report(count, begin)
    await nc.close()


uvloop.run(main(_common.EVENTS))
