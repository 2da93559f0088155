"""The OpenAPI page of dispatch tells the truth: no 500, no undocumented answer, whatever is sent."""

from __future__ import annotations

import datetime as dt

import pytest
from yiwang.dispatch.acts import BODIES
from yiwang.dispatch.app import make_service
from yiwang.dispatch.testing import BY_HAND, located, reported, some_rules
from yiwang.kit.testing_http import assert_api_holds
from yiwang.stack.testing import TestNode

TRIED = {"correct", "verify_result", "dispatch", "suspend"}
"""One factory makes all actions' routes; these have the richest bodies."""


@pytest.mark.timeout(240)
async def test_the_api_holds_what_its_page_promises(node: TestNode) -> None:
    async with node.running(make_service(lambda _: some_rules(auto=BY_HAND))) as app:
        for n in range(3):
            first = reported(f"case-{n}", at=dt.datetime.now(dt.UTC))
            await node.publish(first, located(first))
        await node.settled()
        others = [f"/cases/{{no}}/{action}" for action in sorted(set(BODIES) - TRIED)]
        await assert_api_holds(app, examples=2, exclude_paths=others, timeout_s=220)
