"""(b) kit: the same job as a service with a database; `BENCH_MODE=on` asks one query per event instead."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

import asyncpg
import uvloop
from yiwang.contracts import CaseFiled, NoticeRequested
from yiwang.kit import Context, Service, migrate, running

from bench import _common

service = Service("probe", database=True)
INSERT = "insert into cases select * from unnest($1::text[], $2::int[], $3::text[]) on conflict do nothing"


async def store(events: Sequence[CaseFiled], ctx: Context) -> list[NoticeRequested]:
    await ctx.tx.execute(
        INSERT,
        [e.case.case_id for e in events],
        [e.case.case_version for e in events],
        [e.category.key for e in events],
    )
    return [NoticeRequested(business_id=e.case.case_id, template="t", audience="unit:u") for e in events]


async def store_one(event: CaseFiled, ctx: Context) -> NoticeRequested:
    await ctx.tx.execute(
        "insert into cases values ($1, $2, $3) on conflict do nothing",
        event.case.case_id,
        event.case.case_version,
        event.category.key,
    )
    return NoticeRequested(business_id=event.case.case_id, template="t", audience="unit:u")


if os.environ.get("BENCH_MODE") == "on":
    service.on(CaseFiled)(store_one)
else:
    service.on_batch(CaseFiled)(store)


async def main(count: int) -> None:
    kit = _common.kit_from_env()
    await migrate([service], kit.database_url)
    db = await asyncpg.connect(kit.database_url)
    await db.execute(
        "set role yw_probe; create table probe.cases (case_id text, version int, category text, primary key (case_id, version))"
    )
    async with running(service, kit=kit, environ={}, migrated=True) as [app]:
        begin = time.perf_counter(), _common.cpu_s()
        while await db.fetchval("select count(*) from probe.kit_inbox") < count:
            await asyncio.sleep(0.1)
        while await app.outbox.size():
            await asyncio.sleep(0.01)
        _common.report(count, begin)
    await db.close()


uvloop.run(main(_common.EVENTS))
