"""The API holds what its page promises, and the check finds it when it doesn't."""

import pytest
from litestar import get
from yiwang.kit import ErrorCode, Service, anonymous
from yiwang.kit.testing_http import assert_api_holds

HIDDEN = ErrorCode("loose.hidden", 409, who="caller", say="不巧", do="改天再来")


async def test_the_desk_holds_its_page(desk):
    report = await assert_api_holds(desk.asgi, examples=20)
    assert "No issues found" in report


async def test_an_undeclared_answer_is_found(start):
    @get("/moody", guards=[anonymous])
    async def moody(n: int) -> int:
        """Refuses without saying so on the page."""
        if n > 5:
            raise HIDDEN()
        return n

    service = Service("loose")
    service.api(moody)
    desk = await start(service)
    desk.asgi.state["yw_strict"] = False
    with pytest.raises(AssertionError, match="Undocumented status code"):
        await assert_api_holds(desk.asgi, examples=20, exclude_paths=["/audit"])
