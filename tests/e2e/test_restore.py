"""Yesterday's backup comes back: no number and no event is lost or used twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from yiwang.stack.backup import backup, restore
from yiwang.stack.demo_feed import Feed
from yiwang.stack.testing import TestNode

from .city import City, city
from .test_kills import versions_in_stream


async def day(town: City, feed: Feed, first: int, count: int) -> None:
    """A day's reports, worked to their end."""
    await asyncio.gather(*(town.report(feed, first + n) for n in range(count)))
    await town.node.settled()
    await town.work()


async def numbers(town: City) -> list[str]:
    rows = await town.apps["dispatch"].pool.fetch("select case_no from cases where case_no <> '' order by 1")
    return [r["case_no"] for r in rows]


@pytest.mark.timeout(240)
async def test_the_database_of_yesterday_under_the_streams_of_today(node: TestNode, tmp_path: Path) -> None:
    """The disk of PostgreSQL died, NATS lives: the cases of today are read back, numbers go on without a gap."""
    environ = {
        "YIWANG_NATS_URL": node.nats_url,
        "YIWANG_DATABASE_URL": node.database_url,
        "YIWANG_JURISDICTION": "440300",
    }
    async with city(node, "shenzhen") as town:
        feed = Feed(town.profile, town.jurisdiction, seed=5)
        await day(town, feed, 0, 12)
        manifest = await backup(environ, tmp_path / "yesterday")
        await day(town, feed, 100, 12)
        before = await numbers(town)
        accepted = set(town.accepted)

    incarnation = await restore(environ, tmp_path / "yesterday", manifest, replace=True, keep_streams=True)

    async with city(node, "shenzhen") as town:
        town.accepted = accepted
        await node.settled(timeout=60)
        await day(town, feed, 200, 12)
        books = await town.books()
        after = await numbers(town)
    assert incarnation == 2
    assert books.mistakes == []
    assert (books.lost, books.parked) == (0, 0)
    assert books.reports == 36
    assert set(before) <= set(after)
    assert max(Counter(after).values()) == 1
    for prefix, found in grouped(after).items():
        assert list(range(1, len(found) + 1)) == found, prefix
    for case, versions in (await versions_in_stream(node.kit())).items():
        assert sorted(set(versions)) == list(range(1, max(versions) + 1)), case
        assert max(Counter(v for v in versions if v > 2).values(), default=1) == 1, case


def grouped(found: list[str]) -> dict[str, list[int]]:
    """county and day → the sequence numbers given."""
    days: dict[str, list[int]] = {}
    for number in sorted(found):
        days.setdefault(number[:-5], []).append(int(number[-5:]))
    return days
