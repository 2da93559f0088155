"""What a notice costs on the hot path (`make lab`, or -m lab): the best of several rounds, because CPUs are shared."""

from __future__ import annotations

import time

import pytest
from yiwang.kit import Context
from yiwang.notification.app import service
from yiwang.notification.handlers import tell
from yiwang.notification.testing import dispatched
from yiwang.stack.testing import TestNode

BATCH, ROUNDS, MOST_US = 200, 30, 50.0


@pytest.mark.lab
async def test_a_notice_of_a_dispatched_case_costs_at_most_50_microseconds(node: TestNode) -> None:
    """Rules, words and rows of a batch of 200, without the kit's own share of each event."""
    async with node.running(service) as app:
        spent = []
        for _ in range(ROUNDS):
            events = [dispatched(f"unit-{n % 50}") for n in range(BATCH)]
            async with app.pool.acquire() as db, db.transaction():
                start = time.thread_time()
                await tell(events, Context(app.app, db))
                spent.append((time.thread_time() - start) / BATCH * 1e6)

        assert await app.pool.fetchval("select count(*) from notice") == ROUNDS * BATCH
        assert min(spent) <= MOST_US, f"best {min(spent):.1f} µs, median {sorted(spent)[ROUNDS // 2]:.1f} µs a notice"
        print(f"best {min(spent):.1f} µs, median {sorted(spent)[ROUNDS // 2]:.1f} µs a notice")
