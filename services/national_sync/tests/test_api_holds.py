"""Whatever is sent to it: no 500, no undeclared answer, no wrong body accepted, no stranger let in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from yiwang.kit.testing_http import assert_api_holds
from yiwang.national_sync.app import service
from yiwang.national_sync.http import ROUTES
from yiwang.national_sync.http_tasks import TASKS
from yiwang.national_sync.testing import SECRET, a_course, a_platform, a_profile, syncing

INBOUND = a_platform("futian", more='direction = "in"\nareas = ["440304"]')


def paths(*handlers: Any) -> set[str]:
    """As the router and as the OpenAPI page write them."""
    found = {path for handler in handlers for path in handler.paths}
    return found | {re.sub(r":\w+}", "}", path) for path in found}


PARTS = {
    "exchange": set(ROUTES),
    "tasks": set(TASKS),
    "the rest": set(service.routes) - set(ROUTES) - set(TASKS),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", list(PARTS))
async def test_the_api_holds_what_its_page_promises(node: Any, tmp_path: Path, part: str) -> None:
    """In three parts, so that each is tried within its time."""
    profile = a_profile(tmp_path, INBOUND, a_platform("nation"))
    others = {handler for name, handlers in PARTS.items() if name != part for handler in handlers}
    async with syncing(node, profile, secrets=f"futian={SECRET}") as app:
        await node.publish(*a_course())
        await node.settled()
        excluded = sorted(paths(*others) - paths(*PARTS[part]))
        await assert_api_holds(app, examples=3, exclude_paths=excluded, timeout_s=240)
