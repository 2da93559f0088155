"""(a) kit: the same job as a service without a database."""

from __future__ import annotations

import asyncio
import time

import uvloop
from yiwang.contracts import CaseFiled, NoticeRequested
from yiwang.kit import Context, Service, running

from bench import _common

service = Service("probe")
seen = 0


@service.on(CaseFiled)
async def tell(event: CaseFiled, ctx: Context) -> NoticeRequested:
    global seen
    seen += 1
    return NoticeRequested(business_id=event.case.case_id, template="t", audience="unit:u")


async def main(count: int) -> None:
    begin = time.perf_counter(), _common.cpu_s()
    async with running(service, kit=_common.kit_from_env(), environ={}) as [app]:
        begin = time.perf_counter(), _common.cpu_s()
        while seen < count:
            await asyncio.sleep(0.005)
        while app.publisher._waiting:
            await asyncio.sleep(0.005)
        _common.report(count, begin)


uvloop.run(main(_common.EVENTS))
