"""(a) bare: nats-py alone; continuous pull, decode, publish one output with its id, ack."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from typing import Any

import nats
import uvloop
from yiwang.contracts import CaseFiled, NoticeRequested, decoder_of, encode, partition_of

from bench import _common

BATCH, WINDOW = 200, 2000


async def main(count: int) -> None:
    nc = await nats.connect(os.environ["BENCH_NATS"], pending_size=64 * 2**20)
    js = nc.jetstream(publish_async_max_pending=4000)
    config = {"durable_name": "bare", "name": "bare", "ack_policy": "explicit", "max_ack_pending": 10000, "deliver_policy": "all",
              "filter_subjects": ["yw.up.*.*.*.case.filed.v1"]}  # fmt: skip
    body = {"stream_name": "UP", "action": "create", "config": config}
    await nc.request("$JS.API.CONSUMER.CREATE.UP.bare", json.dumps(body).encode(), timeout=5)
    inbox, buffer, wake = nc.new_inbox(), [], asyncio.Event()
    asked = 0

    async def heard(msg: Any) -> None:
        nonlocal asked
        if msg.headers and not msg.data and "Status" in msg.headers:
            return
        asked -= 1
        buffer.append(msg)
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
        futures = []
        for msg in taken:
            event = decode(msg.data)
            out = NoticeRequested(
                business_id=event.case.case_id, template="t", audience="unit:u", id=str(uuid.uuid5(uuid.UUID(event.id), "bare/0")),
                source="440300/bare", occurred_at=event.occurred_at, recorded_at=event.recorded_at, subject=event.case.case_id,
                tenant_id="440300", jurisdiction="440300", causation_id=event.id, correlation_id=event.correlation_id,
            )  # fmt: skip
            subject = f"yw.local.440300.440300.{partition_of(event.case.case_id):02d}.notice.requested.v1"
            futures.append(await js.publish_async(subject, encode(out), headers={"Nats-Msg-Id": out.id}))
        await asyncio.gather(*futures)
        for msg in taken:
            await msg.ack()
        done += len(taken)
    _common.report(count, begin)
    await nc.close()


uvloop.run(main(_common.EVENTS))
