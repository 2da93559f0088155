"""A year of a big city in the evaluation: `python -m bench evaluation [FINISHED] [LIVED]` (cases; 200000 10000).

FINISHED cases come in by the set-based path, LIVED more are lived event by event through NATS; then figures of any month,
rankings and the cases behind numbers are asked for, and everything is counted again from scratch.
Generated with the shape of Pingshan 2018: 18 classes very unevenly, days from Monday to Sunday, 9.2 % overdue.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import heapq
import os
import random
import resource
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
from yiwang.contracts import CaseEvent, encode, subject_of, tag_of
from yiwang.evaluation import figures
from yiwang.evaluation.app import service
from yiwang.evaluation.facts import Facts
from yiwang.evaluation.figures import What
from yiwang.evaluation.importing import PAGE, bring_in
from yiwang.evaluation.periods import Period, period
from yiwang.evaluation.profile import Book
from yiwang.evaluation.ranking import ranked
from yiwang.evaluation.reading import values_of
from yiwang.evaluation.recount import mistakes
from yiwang.evaluation.testing import Life
from yiwang.kit import Kit, ManualClock, running
from yiwang.kit.link import Link

from ._common import cpu_of, cpu_s, servers

ROOT = "440300"
YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CLASSES = [f"event/{1 + n // 9:02d}/{1 + n % 9:02d}" for n in range(54)]
WEIGHTS = [1 / (n + 1) for n in range(54)]
A_DAY = 125_000 / 31
"""Cases of a big city"""
COUNTIES = [f"4403{n:02d}" for n in range(3, 13)]
HOURS = [1, 1, 1, 1, 1, 2, 5, 12, 20, 24, 26, 20, 10, 12, 19, 22, 22, 18, 10, 7, 5, 3, 2, 1]


def finished(count: int, chance: random.Random, at: int, whole: int) -> list[Facts]:
    """*count* closed cases of the year, numbered from *at* of the *whole* year: day after day, as a place would bring them."""
    made = []
    for n in range(at, at + count):
        county = COUNTIES[int(chance.random() ** 2 * 10)]
        street = f"{county}{chance.randint(1, 8):03d}"
        hour = chance.choices(range(24), HOURS)[0]
        begun = YEAR + dt.timedelta(days=n * 334 // whole, hours=hour - 8, minutes=chance.randrange(60))
        late = chance.random() < 0.092
        made.append(
            Facts(
                case_id=name_of("f", n), case_no=f"N{n}", version=9, state="closed", custody=county, taken_by=county,
                place=f"{street}{chance.randint(1, 10):03d}", duty_grid=f"{street}Z{chance.randint(1, 8):02d}",
                channel=chance.choice(("1", "1", "1", "11", "33")), reporter_kind="collector",
                cls=chance.choices(CLASSES, WEIGHTS)[0], reported_at=begun, accepted_at=begun, filed=True, filed_at=begun,
                filed_on_time=True, dispatched=True, dispatched_at=begun, dispatched_on_time=True,
                first_unit=(unit := f"{street}-u{chance.randint(1, 3)}"), unit=unit,
                disposed_at=begun + dt.timedelta(hours=5), timeliness="overdue" if late else "on_time", used_s=18000,
                check_sent=1, checked_at=begun + dt.timedelta(hours=6), check_on_time=True,
                closed_at=begun + dt.timedelta(hours=7),
            )
        )  # fmt: skip
    return made


STEPS = [
    "+3 accept", "+5 file", "+6 dispatch {unit} 240", "+10 start h{h}", "+{work} handle service", "+2 confirm",
    "+5 send_check 30", "+20 check pass", "+5 close",
]  # fmt: skip


def name_of(kind: str, n: int) -> str:
    """An id like those of intake, in no order, that begins with *kind*."""
    return f"{kind}{uuid.uuid5(uuid.NAMESPACE_OID, f'{kind}{n}')}"


def lived(n: int, chance: random.Random, count: int) -> Life:
    """A case of December with its ten events; the *count* cases of the month begin one after the other."""
    county = COUNTIES[int(chance.random() ** 2 * 10)]
    street = f"{county}{chance.randint(1, 8):03d}"
    begun = YEAR + dt.timedelta(days=334) + n * dt.timedelta(days=min(31.0, count / A_DAY)) / count
    life = Life(
        name_of("l", n), at=begun, place=f"{street}{chance.randint(1, 10):03d}", custody=county, duty_grid=f"{street}Z01",
        cls=chance.choices(CLASSES, WEIGHTS)[0],
    )  # fmt: skip
    given = {"unit": f"{street}-u{chance.randint(1, 3)}", "h": n % 300, "work": 300 if chance.random() < 0.092 else 120}
    return life.lead("report 1", *[step.format(**given) for step in STEPS])


def told(count: int, chance: random.Random) -> Iterator[list[CaseEvent]]:
    """The events of *count* lives in the order in which they happen, by the thousand."""
    coming: list[tuple[dt.datetime, int, int, CaseEvent]] = []
    page: list[CaseEvent] = []
    for n in range(count):
        life = lived(n, chance, count)
        while coming and coming[0][0] < life.events[0].occurred_at:
            page.append(heapq.heappop(coming)[3])
        for k, event in enumerate(life.events):
            heapq.heappush(coming, (event.occurred_at, n, k, event))
        if len(page) >= 1000:
            yield page
            page = []
    yield page + [one[3] for one in sorted(coming, key=lambda one: one[:3])]


async def publish(kit: Kit, count: int, chance: random.Random) -> int:
    """Put the events of *count* lives into the stream; returns how many events."""
    link, said = await Link.open(kit, "bench"), 0
    try:
        for events in told(count, chance):
            for start in range(0, len(events), 1000):
                page = events[start : start + 1000]
                await link.publisher.publish([(subject_of(e, tag_of(type(e))), encode(e), e.id, "") for e in page])
            said += len(events)
    finally:
        await link.nc.close()
    return said


async def drained(app: Any, cases: int) -> None:
    """Until every lived case is closed."""
    while await app.pool.fetchval("select count(*) from cases where case_id like 'l%' and version >= 10") < cases:
        await asyncio.sleep(0.2)


async def timed(what: str, ask: Any, rounds: int = 9) -> None:
    """Print the median and the worst of some rounds."""
    spent = []
    for _ in range(rounds):
        begin = time.perf_counter()
        await ask()
        spent.append((time.perf_counter() - begin) * 1000)
    print(f"{what:58} {statistics.median(spent):7.1f} ms median, {max(spent):7.1f} ms worst")


async def questions(app: Any) -> None:
    """Figures of any month, rankings, a trend, and the cases behind numbers."""
    rules = app.get(Book).rules

    def of(kind: str, one: Period, cls: str = "") -> What:
        return What(kind=kind, cls=cls, first=one.first, last=one.last)

    month, year = period("2026-06"), period("2026")
    await timed("figures of the city, a month", lambda: figures.sums_of(app.pool, rules, of("area", month), [ROOT]))
    await timed("figures of a district by class, a month",
                lambda: figures.sums_of(app.pool, rules, of("area", month, "event/01/01"), ["440305"]))  # fmt: skip
    await timed("figures of a community by class (from parts), a month",
                lambda: figures.sums_of(app.pool, rules, of("area", month, "event/01"), ["440305001001"]))  # fmt: skip
    await timed("figures of the city, the year", lambda: figures.sums_of(app.pool, rules, of("area", year), [ROOT]))
    book = app.get(Book).indicators

    async def rank(kind: str, under: str, level: str, over: Period) -> list[str]:
        """As the page of rankings does it: which objects, their sums and inputs, the indicator of each."""
        code, what = "intime_archive_rate", of(kind, over)
        needs = book.needs(code)
        objects = await figures.objects_of(app.pool, rules, what, under, level)
        found = await values_of(app, app.pool, msgspec.structs.replace(what, only=tuple(needs)), objects, over, needs)
        ranked({one: book.rate(code, values) for one, (_, values) in found.items()}, {})
        return objects

    units = await rank("unit", "", "county", month)
    streets = await rank("area", ROOT, "street", month)
    await timed(f"ranking of {len(streets)} streets, a month", lambda: rank("area", ROOT, "street", month))
    await timed(f"ranking of {len(units)} units, a month", lambda: rank("unit", "", "county", month))
    await timed(f"ranking of {len(units)} units, the year", lambda: rank("unit", "", "county", year))
    await timed("every counter of the city by day, the year",
                lambda: figures.by_day(app.pool, rules, of("area", year), ROOT))  # fmt: skip
    first = (dt.date(1, 1, 1), "")
    await timed("100 cases behind the city's overdue number, a month",
                lambda: figures.behind(app.pool, rules, of("area", month), ROOT, "overtime_dispose", first, 100))  # fmt: skip
    await timed("100 cases behind a unit's closed number, a month",
                lambda: figures.behind(app.pool, rules, of("unit", month), units[0], "archive_num", first, 100))  # fmt: skip


async def bench(kit: Kit, pids: tuple[int, int], done: int, month: int) -> None:
    chance = random.Random(2026)
    clock = ManualClock(YEAR + dt.timedelta(days=366))
    async with running(service, kit=kit, environ={"YIWANG_EVALUATION_WARN_SECONDS": "0"}, clock=clock) as [app]:
        begin, taken = time.perf_counter(), 0
        async with app.pool.acquire() as db:
            for start in range(0, done, PAGE * 4):
                batch = await asyncio.to_thread(finished, min(PAGE * 4, done - start), chance, start, done)
                taken += await bring_in(db, batch, app.get(Book).rules, ROOT)
            spent = time.perf_counter() - begin
            print(f"{taken:,} finished cases in {spent:,.0f} s: {taken / spent:,.0f} a second (with making them up)")
            await db.execute("analyze cases; analyze parts; analyze sums")
    said = await publish(kit, month, chance)
    begin, cpu = time.perf_counter(), [cpu_s(), *map(cpu_of, pids)]
    async with running(service, kit=kit, environ={"YIWANG_EVALUATION_WARN_SECONDS": "0"}, clock=clock) as [app]:
        await drained(app, month)
        spent = time.perf_counter() - begin
        used = [(now - then) / said * 1e6 for now, then in zip([cpu_s(), *map(cpu_of, pids)], cpu, strict=True)]
        print(f"{said:,} events of {month:,} cases in {spent:,.0f} s: {said / spent:,.0f} events/s; CPU an event:"
              f" service {used[0]:,.0f} µs, NATS {used[1]:,.0f}, PostgreSQL {used[2]:,.0f}")  # fmt: skip
        sizes = await app.pool.fetch("select relname, pg_total_relation_size(oid) size, reltuples::bigint n from pg_class"
                                     " where relname in ('cases', 'parts', 'sums', 'hours')")  # fmt: skip
        print("tables: " + ", ".join(f"{r['relname']} {r['n']:,} rows {r['size'] / 2**20:,.0f} MiB" for r in sizes))
        await questions(app)
        begin = time.perf_counter()
        wrong = await mistakes(app)
        print(f"recount from scratch: {len(wrong)} differences, {time.perf_counter() - begin:,.0f} s {wrong[:3]}")


def main() -> None:
    done, month = ([int(n) for n in sys.argv[2:4]] + [200_000, 10_000][len(sys.argv[2:4]) :])
    print(f"# Evaluation on {os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    with servers(2) as (nats, postgres):
        kit = Kit(nats_url=nats.url("b0"), database_url=postgres.create_database("evaluation"), jurisdiction=ROOT,
                  embedded=True, stream_max_gib=4.0)  # fmt: skip
        asyncio.run(bench(kit, (nats.pid, postgres.pid), done, month))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
