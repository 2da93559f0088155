"""Queue pages and counts with ten million cases: `python -m bench queues [CASES [EVERY]]`.

The dispatch service's own migrations in a database of its own, filled by `insert ... select generate_series` (one
case in EVERY is open, a hundred if not said, spread over queues, 800 communities and 200 units; its document is a real
case's), then the service's own queries, each many times with other callers and positions. Times are those of the caller: sent,
planned, executed, fetched, decoded. Needs about 1.7 kB of disk a case, all of it given back at the end.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import msgspec
from yiwang.dispatch import experience_store, queue_store, store
from yiwang.dispatch.queue_store import Asked
from yiwang.dispatch.queues import QUEUES, SIDE, queue_of
from yiwang.dispatch.store import Filter
from yiwang.dispatch.testing import some_case, some_rules
from yiwang.dispatch.turns import Right
from yiwang.kit._sql import migrate
from yiwang.stack.embedded import Postgres

CHUNK: Final = 250_000
TRIES: Final = 200
EARLY: Final = ("locate", "accept", "audit", "verify", "file", "dispatch_city", "dispatch")
"""Queues of cases that no unit has yet"""
NOW: Final = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)
OPEN: Final = tuple(q for q in QUEUES if q not in SIDE)
FILL: Final = """
insert into cases (case_id, case_no, version, state, queue, created_at, updated_at, area, unit_id, category, due_at,
    overdue, doc, side, turns)
select id, case when early then '' else '440300' || to_char(at, 'YYYYMMDD') || lpad(n::text, 9, '0') end,
    5, case when open then 'handling' else 'closed' end, case when open then q else '' end, at, at,
    '44030' || m % 10 || lpad((m / 10 % 8)::text, 3, '0') || lpad((m / 80 % 10)::text, 3, '0'),
    case when early then '' else 'unit-' || m % 10 || '-' || m / 80 % 20 end,
    'event/01/' || lpad((n % 90)::text, 2, '0'),
    case when open then $3::timestamptz + (n % 97 - 8) * interval '41 minutes' end, open and n % 97 < 8,
    replace($4, '@id', id), case when n % (50 * $8::bigint) = 0 then 'approve' end,
    case when n % (50 * $8::bigint) = 0 then jsonb_build_array(
        jsonb_build_object('kind', 'extension', 'role', 'dispatcher', 'by', 'p-' || n, 'city', n % (100 * $8::bigint) = 0)) end
from (select *, open and q = any($7::text[]) as early from (
    select n, n + n / $8::bigint as m, md5(n::text)::uuid::text as id, n % $8::bigint = 0 as open,
        ($5::text[])[1 + n / $8::bigint % cardinality($5::text[])] as q,
        $3::timestamptz - ($2::bigint - n) * interval '9 seconds' as at
    from generate_series($1::bigint, $1::bigint + $6::bigint - 1) as n) as drawn) as s
"""
"""Numbers from $1, $6 of them, of $2 in all; now, a document, the queues, those before a unit is named; one in $8 open."""


def document() -> str:
    """A real case as it is kept, without its id."""
    case = some_case(case_id="@id", description_masked="路边垃圾堆积多日，无人清运，散发异味，请尽快处理。" * 3)
    return msgspec.json.encode(case).decode()


async def fill(db: Any, count: int, every: int) -> float:
    """Seconds for *count* cases, indexes and kept counts included."""
    began = time.perf_counter()
    indexes = await db.fetch(
        "select indexname, indexdef from pg_indexes where schemaname = 'dispatch' and tablename = 'cases' and indexname <> 'cases_pkey'"
    )
    for row in indexes:
        await db.execute(f"drop index dispatch.{row['indexname']}")
    await db.execute("alter table cases set unlogged")  # its rows are read here, never recovered
    for first in range(0, count, CHUNK):
        size = min(CHUNK, count - first)
        await db.execute(FILL, first, count, NOW, document(), list(OPEN), size, list(EARLY), every, timeout=900)
    await db.execute("set maintenance_work_mem = '512MB'")
    for row in indexes:
        await db.execute(row["indexdef"], timeout=3600)
    await db.execute(
        "insert into claims select case_id, queue, 'p-' || (row_number() over ()) % 300, 'acceptor', $1::timestamptz,"
        " $1::timestamptz + interval '20 minutes' from cases where queue <> '' limit 3000",
        NOW,
    )
    keys = experience_store.facts(some_case())
    assert keys is not None
    await db.execute(
        "insert into experience select k, $2::date - (m || ' months')::interval, 'unit-' || u % 10 || '-' || u / 10, 20 + u"
        " from unnest($1::text[]) with ordinality w(k, o), generate_series(0, 11) m, generate_series(0, 149 / o::int) u",
        list(keys.keys), NOW.date(),
    )  # fmt: skip
    await db.execute("vacuum analyze cases", timeout=3600)
    await db.execute("vacuum analyze waiting")
    await db.execute("vacuum analyze claims")
    return time.perf_counter() - began


Callers = tuple[tuple[str, ...], tuple[str, ...]]


def somebody(kind: str, dice: random.Random) -> Callers:
    """What a person of that kind may see: areas, units."""
    district = f"44030{dice.randrange(10)}"
    match kind:
        case "city":
            return ("440300",), ()
        case "district":
            return (district,), ()
        case "street":
            return (f"{district}{dice.randrange(8):03}",), ()
    return (), (f"unit-{dice.randrange(10)}-{dice.randrange(20)}",)


async def timed(name: str, call: Callable[[random.Random], Awaitable[object]]) -> None:
    """Prints the median and the 99th percentile of *call* in milliseconds."""
    dice, taken = random.Random(721), []
    for _ in range(TRIES):
        began = time.perf_counter()
        await call(dice)
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    p99 = taken[int(len(taken) * 0.99) - 1]
    print(f"| {name} | {statistics.median(taken):.1f} | {p99:.1f} | {taken[-1]:.1f} |", flush=True)


async def measure_approvals(db: Any) -> None:
    async def approve(dice: random.Random) -> None:
        async with db.transaction(readonly=True):
            areas = somebody("district", dice)[0]
            asked = Asked(queue="approve", areas=areas, rights=(Right(role="dispatcher", area=areas[0]),), person_ref="p")
            await queue_store.page(db, asked, NOW, ("-infinity", ""), 51)

    async def to_approve(dice: random.Random) -> None:
        await queue_store.approvals(db, (Right(role="dispatcher", area=somebody("district", dice)[0][0]),), "p", NOW)

    await timed("requests to approve in a district", approve)
    await timed("counts of requests to approve, district", to_approve)


async def measure(db: Any) -> None:
    print("\n| at the database, ms | p50 | p99 | worst |\n|---|---|---|---|")
    for kind in ("city", "district", "street", "unit"):
        for what, later in (("first page", False), ("a later page", True)):

            async def queue(dice: random.Random, kind: str = kind, later: bool = later) -> None:
                areas, units = somebody(kind, dice)
                mine = [q for q in OPEN if q not in EARLY] if units else OPEN
                asked = Asked(queue=dice.choice(mine), areas=areas, units=units)
                after = ((NOW + dt.timedelta(hours=dice.randrange(48))).isoformat(), "") if later else ("-infinity", "")
                async with db.transaction(readonly=True):
                    await queue_store.page(db, asked, NOW, after, 51)

            await timed(f"queue of a {kind}, {what}", queue)

    async def free(dice: random.Random) -> None:
        asked = Asked(queue=dice.choice(OPEN), areas=("440300",), free=True)
        async with db.transaction(readonly=True):
            await queue_store.page(db, asked, NOW, ("-infinity", ""), 51)

    await timed("queue of a city, nobody's", free)
    await measure_approvals(db)
    for kind in ("city", "district", "unit"):

        async def counts(dice: random.Random, kind: str = kind) -> None:
            await queue_store.counts(db, *somebody(kind, dice), NOW)

        async def newest(dice: random.Random, kind: str = kind) -> None:
            areas, units = somebody(kind, dice)
            async with db.transaction(readonly=True):
                await store.page(db, Filter(areas=areas, units=units), NOW, (NOW + dt.timedelta(days=1), ""), 51)

        await timed(f"counts of all queues, {kind}", counts)
        await timed(f"newest cases, {kind}", newest)

    async def recount(dice: random.Random) -> None:
        await store.queue_counts(db, *somebody("city", dice), NOW)

    numbers = [r[0] for r in await db.fetch("select case_no from cases where case_no <> '' limit 1000")]

    async def by_number(dice: random.Random) -> None:
        assert await store.find(db, dice.choice(numbers)) is not None

    rules = some_rules()

    async def learnt(dice: random.Random) -> None:
        await experience_store.suggest(db, some_case(), rules, NOW)

    await timed("one case by number", by_number)
    await timed("suggested units (150 units, 12 months)", learnt)
    await timed("counts of all queues counted anew, city (what keeping them saves)", recount)


async def main(count: int, every: int = 100) -> None:
    assert queue_of(some_case()) == "accept"
    with Postgres(durable=False) as server:
        db = await asyncpg.connect(server.create_database("queues"))
        try:
            await migrate(db, "dispatch", ["yiwang.dispatch"])
            await db.execute("set search_path = dispatch")
            taken = await fill(db, count, every)
            size = await db.fetchval("select pg_total_relation_size('cases')")
            waiting = await db.fetchval("select count(*) from cases where queue <> ''")
            print(f"{count:,} cases, {waiting:,} open, {size / 1e9:.1f} GB, brought in set-based in {taken:.0f} s", flush=True)
            kept = await db.fetchval("select sum(cases) from waiting")
            assert kept == waiting, f"kept counts say {kept}, a count says {waiting}"
            await measure(db)
        finally:
            await db.close()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    asyncio.run(main(*(numbers or [10_000_000])))
