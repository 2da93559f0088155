"""(c) bare: POST → JetStream → routed and dispatched in one PostgreSQL statement a batch → notified, without the kit.

`python bare_path.py intake|cases|notify`; the same report, ids, windows and batches as the product.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import nats
import uvicorn
import uvloop

BATCH, WINDOW = 200, 2000
DDL = """
create table if not exists cases (id text primary key, category text not null, grid text not null, unit text not null,
    body jsonb not null, received_at timestamptz not null default now());
create table if not exists notices (id text primary key, unit text not null, lat_us bigint not null,
    sent_at timestamptz not null default now());
"""


class Report(msgspec.Struct):
    """The part of a report that routing needs."""

    source: dict[str, str]
    place: dict[str, Any]
    category: dict[str, str]


class Envelope(msgspec.Struct):
    id: str
    type: str
    ts: int
    data: msgspec.Raw


class Dispatched(msgspec.Struct):
    id: str
    ts: int
    grid: str
    unit: str
    category: str


encode = msgspec.json.Encoder().encode
decode_report = msgspec.json.Decoder(Report).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_dispatched = msgspec.json.Decoder(Dispatched).decode


async def link() -> tuple[Any, Any]:
    nc = await nats.connect(os.environ["BENCH_NATS"], pending_size=64 * 2**20)
    return nc, nc.jetstream(publish_async_max_pending=20000)


class Puller:
    """Continuous pull from a durable."""

    def __init__(self, nc: Any, durable: str, subject: str) -> None:
        self.nc, self.durable, self.subject = nc, durable, subject
        self.buffer: list[Any] = []
        self.asked = self.n = 0
        self.wake = asyncio.Event()

    async def start(self) -> None:
        config = {"durable_name": self.durable, "name": self.durable, "ack_policy": "explicit", "max_ack_pending": 10000,
                  "filter_subject": self.subject}  # fmt: skip
        body = {"stream_name": "UP", "action": "", "config": config}
        await self.nc.request(
            f"$JS.API.CONSUMER.CREATE.UP.{self.durable}.{self.subject}", json.dumps(body).encode(), timeout=5
        )
        self.inbox = self.nc.new_inbox()
        await self.nc.subscribe(self.inbox + ".*", cb=self.heard, pending_msgs_limit=10**6, pending_bytes_limit=2**30)

    async def heard(self, msg: Any) -> None:
        if msg.headers and not msg.data and "Status" in msg.headers:
            if msg.headers["Status"] != "100" and msg.subject == f"{self.inbox}.{self.n}":
                self.asked = 0
                self.wake.set()
            return
        self.asked -= 1
        self.buffer.append(msg)
        self.wake.set()

    async def batch(self) -> list[Any]:
        while True:
            if self.asked < WINDOW // 2:
                self.n += 1
                want, self.asked = WINDOW - self.asked, WINDOW
                await self.nc.publish(f"$JS.API.CONSUMER.MSG.NEXT.UP.{self.durable}",
                                      b'{"batch":%d,"expires":20000000000}' % want, f"{self.inbox}.{self.n}")  # fmt: skip
            if self.buffer:
                taken, self.buffer = self.buffer[:BATCH], self.buffer[BATCH:]
                return taken
            self.wake.clear()
            await self.wake.wait()


def intake(said: Callable[[bytes], tuple[str, bytes, str]]) -> Any:
    """The ASGI app; *said* makes subject, event and message id of a body."""
    state: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                if message["type"] == "lifespan.startup":
                    state["nc"], state["js"] = await link()
                    await send({"type": "lifespan.startup.complete"})
                else:
                    await send({"type": "lifespan.shutdown.complete"})
                    return
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        if scope["method"] == "POST":
            await take(body)
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-type", b"application/json"),
                                                                              (b"content-length", b"2")]})  # fmt: skip
        await send({"type": "http.response.body", "body": b"{}"})

    async def take(body: bytes) -> None:
        subject, event, event_id = said(body)
        ack = await state["js"].publish_async(subject, event, headers={"Nats-Msg-Id": event_id})
        await asyncio.wait_for(ack, 5)

    return app


def reported(body: bytes) -> tuple[str, bytes, str]:
    report_id = decode_report(body).source["record_id"]
    envelope = b'{"id":"%s","type":"report","ts":%d,"data":%s}' % (report_id.encode(), time.time_ns(), body)
    return "yw.up.440300.440300.00.bare.reported.v1", envelope, report_id


def serve(app: Any, port: int) -> None:
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, loop="uvloop")


async def cases() -> None:
    nc, js = await link()
    db = await asyncpg.connect(os.environ["BENCH_PG"])
    pull = Puller(nc, "cases", "yw.up.*.*.*.bare.reported.v1")
    await pull.start()
    while True:
        messages = await pull.batch()
        rows, outs = [], []
        for msg in messages:
            envelope = decode_envelope(msg.data)
            report = decode_report(envelope.data)
            point = report.place["point"]
            cell = zlib.crc32(b"%.3f,%.3f" % (point["lon"], point["lat"])) % 2000
            grid, unit = f"440310-{cell:04d}", f"unit-{cell % 40:02d}"
            category = f"{report.category['major']}{report.category['minor']}"
            rows.append((envelope.id, category, grid, unit, bytes(envelope.data).decode()))
            outs.append((envelope.id + ":d", encode(Dispatched(envelope.id, envelope.ts, grid, unit, category))))
        await db.execute("insert into cases select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[])"
                         " on conflict do nothing", *[list(column) for column in zip(*rows, strict=True)])  # fmt: skip
        futures = [await js.publish_async("yw.up.440300.440300.00.bare.dispatched.v1", data, headers={"Nats-Msg-Id": i})
                   for i, data in outs]  # fmt: skip
        await asyncio.gather(*futures)
        for msg in messages:
            await msg.ack()


async def notify() -> None:
    nc, _ = await link()
    db = await asyncpg.connect(os.environ["BENCH_PG"])
    pull = Puller(nc, "notify", "yw.up.*.*.*.bare.dispatched.v1")
    await pull.start()
    while True:
        messages = await pull.batch()
        now = time.time_ns()
        found = [decode_dispatched(msg.data) for msg in messages]
        await db.execute("insert into notices (id, unit, lat_us) select * from unnest($1::text[], $2::text[], $3::bigint[])"
                         " on conflict do nothing", [d.id for d in found], [d.unit for d in found],
                         [(now - d.ts) // 1000 for d in found])  # fmt: skip
        for msg in messages:
            await msg.ack()


async def prepare() -> None:
    db = await asyncpg.connect(os.environ["BENCH_PG"])
    await db.execute(DDL)
    await db.close()


if __name__ == "__main__":
    if sys.argv[1] == "intake":
        serve(intake(reported), int(sys.argv[2]))
    else:
        uvloop.run({"cases": cases, "notify": notify, "prepare": prepare}[sys.argv[1]]())
