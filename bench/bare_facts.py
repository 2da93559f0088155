"""(c) bare, with the product's facts: the same five events of a report in the same envelope, through four processes, by hand.

`python -m bench.bare_facts grid|cases|notify|intake`. nats-py, asyncpg and the contracts, without the kit: each stage hears
the one type it needs, judges nothing, keeps no order across replicas, no position, no flow, no audit and no read model. What
the product takes beyond this is what it does; what this takes beyond `bare_path` is what its facts weigh.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
import uuid
import zlib
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import asyncpg
import uvloop
from msgspec.structs import replace
from yiwang.contracts import (
    CaseEvent,
    CaseReported,
    ClaimedPlace,
    ExternalId,
    Point,
    decode,
    decoder_of,
    encode,
    subject_of,
    tag_of,
)

from .bare_path import Puller, decode_report, intake, link, prepare, serve

Fact = TypeVar("Fact", bound=CaseEvent)
REPORTED, LOCATED, ACCEPTED, FILED, DISPATCHED = (
    cast(Any, decode(line)) for line in Path(__file__).with_name("facts.ndjson").read_bytes().splitlines()
)
"""The five events of one case, as the product says them of this load"""
STAGES: Final = ("grid", "cases", "notify")


def said(fact: CaseEvent, cause: CaseEvent, **others: Any) -> tuple[str, bytes, str]:
    """Subject, encoded event and message id of *fact* about the case of *cause*."""
    tag, now = tag_of(type(fact)), dt.datetime.now(dt.UTC)
    head, old = fact.case, cause.case
    place = others.get("place") or old.place
    event = replace(
        fact, id=str(uuid.uuid5(uuid.UUID(cause.id), tag)), occurred_at=now, recorded_at=now, subject=old.case_id,
        causation_id=cause.id, correlation_id=cause.correlation_id, **others,
        case=replace(head, case_id=old.case_id, report_ids=old.report_ids, external_ids=old.external_ids, place=place),
    )  # fmt: skip
    return subject_of(event, tag), encode(event), event.id


def reported(body: bytes) -> tuple[str, bytes, str]:
    report = decode_report(body)
    report_id = str(uuid.uuid5(uuid.UUID(REPORTED.id), report.source["record_id"]))
    case_id = str(uuid.uuid5(uuid.UUID(report_id), "case"))
    point = Point(**report.place["point"])
    cause = replace(
        REPORTED, id=report_id, correlation_id=report_id, report_id=report_id,
        case=replace(REPORTED.case, case_id=case_id, report_ids=(report_id,),
                     external_ids=(ExternalId(system=report.source["system"], id=report.source["record_id"]),)),
    )  # fmt: skip
    return said(cause, cause, claimed_place=ClaimedPlace(point=point, original_point=point))


class Stage:
    """Hears one type, says others."""

    def __init__(self, hears: type[CaseEvent]) -> None:
        self.type = hears

    async def open(self, name: str) -> None:
        self.nc, self.js = await link()
        self.db = await asyncpg.connect(os.environ["BENCH_PG"])
        self.pull = Puller(self.nc, name, f"yw.up.*.*.*.{tag_of(self.type)}")
        await self.pull.start()

    async def batch(self) -> tuple[list[Any], list[Any]]:
        messages, read = await self.pull.batch(), decoder_of(self.type).decode
        return messages, [read(msg.data) for msg in messages]

    async def end(self, messages: list[Any], outs: list[tuple[str, bytes, str]]) -> None:
        await asyncio.gather(*[await self.js.publish_async(s, data, headers={"Nats-Msg-Id": i}) for s, data, i in outs])
        for msg in messages:
            await msg.ack()


async def grid() -> None:
    """Every report gets a cell."""
    stage = Stage(CaseReported)
    await stage.open("grid")
    while True:
        messages, events = await stage.batch()
        outs = []
        for event in events:
            point = event.claimed_place.point
            cell = f"441900112{zlib.crc32(b'%.3f,%.3f' % (point.lon, point.lat)) % 10**6:06d}"
            place = replace(LOCATED.place, cell15=cell, point=point, original_point=event.claimed_place.original_point)
            outs.append(said(LOCATED, event, place=place))
        await stage.end(messages, outs)


async def cases() -> None:
    """Every place gets a unit: accepted, filed and dispatched, the case a row with its document."""
    stage = Stage(type(LOCATED))
    await stage.open("cases")
    while True:
        messages, events = await stage.batch()
        outs, rows = [], []
        for event in events:
            done = [said(fact, event) for fact in (ACCEPTED, FILED, DISPATCHED)]
            outs += done
            unit = f"unit-{int(event.place.cell15[-6:]) % 40:02d}"
            rows.append((event.case.case_id, "0113", event.place.cell15, unit, done[-1][1].decode()))
        await stage.db.execute(
            "insert into cases select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[])"
            " on conflict do nothing", *[list(column) for column in zip(*rows, strict=True)])  # fmt: skip
        await stage.end(messages, outs)


async def notify() -> None:
    """Every unit is told."""
    stage = Stage(type(DISPATCHED))
    await stage.open("notify")
    while True:
        messages, events = await stage.batch()
        now = dt.datetime.now(dt.UTC)
        late = [int((now - e.recorded_at).total_seconds() * 1e6) for e in events]
        await stage.db.execute("insert into notices (id, unit, lat_us) select * from unnest($1::text[], $2::text[], $3::bigint[])"
                               " on conflict do nothing", [e.id for e in events],
                               [e.assignments[0].unit_id for e in events], late)  # fmt: skip
        await stage.end(messages, [])


if __name__ == "__main__":
    if sys.argv[1] == "intake":
        serve(intake(reported), int(sys.argv[2]))
    else:
        uvloop.run({"grid": grid, "cases": cases, "notify": notify, "prepare": prepare}[sys.argv[1]]())
