"""The OpenAPI page of notification tells the truth: no 500, no undocumented answer, whatever is sent."""

from __future__ import annotations

import pytest
from yiwang.kit.testing_http import assert_api_holds
from yiwang.notification.app import service
from yiwang.stack.testing import TestNode


@pytest.mark.timeout(240)
async def test_the_api_holds_what_its_page_promises(node: TestNode) -> None:
    """The stream is left out: it doesn't end by itself."""
    async with node.running(service, settings={"webhook_allow": "127.0.0.1"}) as app:
        await assert_api_holds(app, examples=15, timeout_s=200, exclude_paths=["/notices/stream"])
