"""The service that test_kills.py runs as three replicas: stores each event once, sometimes asks for a retry."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

from yiwang.contracts import CaseFiled, CaseVisited, Event, NoticeRequested
from yiwang.kit import Context, Reject, Retry, Service, main

service = Service("chaos", database=True)


def unlucky(event: Event, attempt: int) -> bool:
    """About 3 % of the events fail one to three times."""
    draw = zlib.crc32(event.id.encode())
    return draw % 33 == 0 and attempt <= 1 + draw // 33 % 3


@service.on_batch(CaseFiled)
async def store(events: Sequence[CaseFiled], ctx: Context) -> list[NoticeRequested]:
    if any(unlucky(event, ctx.attempt) for event in events):
        raise Retry("not yet", after=0.05)
    await ctx.tx.execute(
        "insert into hist (key, v) select * from unnest($1::text[], $2::int[])",
        [e.case.case_id for e in events], [e.case.case_version for e in events],
    )  # fmt: skip
    return [
        NoticeRequested(business_id=e.case.case_id, version=e.case.case_version, template="t", audience="unit:u")
        for e in events
    ]


@service.on(CaseVisited)
async def store_one(event: CaseVisited, ctx: Context) -> NoticeRequested:
    if unlucky(event, ctx.attempt):
        raise Retry("not yet", after=0.05)
    if event.score == 13:
        raise Reject("thirteen")
    await ctx.tx.execute("insert into hist (key, v) values ($1, $2)", event.case.case_id, event.case.case_version)
    return NoticeRequested(
        business_id=event.case.case_id, version=event.case.case_version, template="t", audience="unit:u"
    )


if __name__ == "__main__":
    os.environ.setdefault("YIWANG_HTTP_PORT", "0")
    main(service)
