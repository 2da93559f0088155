"""The OpenAPI page of intake tells the truth: no 500, no undocumented answer, whatever is sent."""

from __future__ import annotations

import pytest
from yiwang.intake.app import service
from yiwang.kit.testing_http import assert_api_holds
from yiwang.stack.testing import TestNode


@pytest.mark.timeout(240)
async def test_the_api_holds_what_its_page_promises(node: TestNode) -> None:
    """Without /reports/check, whose body is that of /reports: half of the requests would say the same twice."""
    async with node.running(service) as app:
        await assert_api_holds(app, examples=4, exclude_paths=["/reports/check"], timeout_s=200)
