"""Whatever is sent to it: no 500, no undeclared answer, no wrong body accepted, no stranger let in."""

from __future__ import annotations

import datetime as dt

import pytest
from yiwang.evaluation.app import service
from yiwang.evaluation.http import ROUTES
from yiwang.evaluation.testing import MORNING, Life
from yiwang.kit import ManualClock
from yiwang.kit.testing_http import assert_api_holds
from yiwang.stack.testing import TestNode

PARTS = {"figures": set(ROUTES), "the rest": set(service.routes) - set(ROUTES)}
DONE = ["report 1", "+5 accept", "+5 file", "+5 dispatch u1 60", "+90 confirm", "+5 close"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", list(PARTS))
async def test_the_api_holds_what_its_page_promises(node: TestNode, part: str) -> None:
    """In two parts, so that each is tried within its time."""
    others = {path for name, handlers in PARTS.items() if name != part for handler in handlers for path in handler.paths}
    async with node.running(service, clock=ManualClock(MORNING + dt.timedelta(hours=9))) as app:
        await node.publish(*Life("a").lead(*DONE).events)
        await node.settled()
        others -= {path for handler in PARTS[part] for path in handler.paths}
        excluded = sorted(others | {path.replace(":str}", "}") for path in others})
        await assert_api_holds(app, examples=3, exclude_paths=excluded, timeout_s=240)
