"""A city's day: reports of every channel go through all six services to their end, under both shipped profiles."""

from __future__ import annotations

import asyncio

import pytest
from yiwang.stack.demo_feed import Feed
from yiwang.stack.testing import TestNode

from .city import city

REPORTS = 60


@pytest.mark.timeout(240)
@pytest.mark.parametrize("profile", ["shenzhen", "dongguan"])
async def test_every_report_ends_and_the_books_balance(node: TestNode, profile: str) -> None:
    """Nothing lost, nothing doubled, nothing parked; what is owed to people and to the nation is accounted for."""
    async with city(node, profile) as town:
        feed = Feed(town.profile, town.jurisdiction, seed=7)
        for start in range(0, REPORTS, 20):
            await asyncio.gather(*(town.report(feed, start + n) for n in range(20)))
        await node.settled()
        await town.work()
        books = await town.books()

    assert town.crew.refusals == []
    assert books.mistakes == []
    assert (books.lost, books.doubled, books.parked, books.waiting) == (0, 0, 0, 0)
    assert books.reports == REPORTS
    assert books.cases == books.states.get("closed", 0) + books.states.get("voided", 0)
    assert books.states["closed"] > REPORTS / 2
    assert books.notices.get("delivered", 0) > 0
    assert 0 == books.sync.get("pending", 0) == books.sync.get("refused", 0)
    assert books.sync["delivered"] > 0
