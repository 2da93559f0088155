"""Several services behind one HTTP edge."""

import contextlib

import pytest
from litestar import get, post
from yiwang.kit import App, Caller, Role, Service, allow, anonymous
from yiwang.kit._http import build_http, close_http


def a_service(name: str, *, database: bool = True) -> Service:
    """A service with one route to read and one to change."""
    service = Service(name, database=database)

    @get(f"/{name}", guards=[anonymous], name=f"{name}-read")
    async def read(app: App) -> str:
        return app.service.name

    @post(f"/{name}", guards=[allow(Role.LEADER)], name=f"{name}-change")
    async def change(app: App, caller: Caller) -> str:
        return f"{app.service.name} {caller.actor().role}"

    service.api(read, change)
    return service


async def test_each_route_gets_its_own_service_and_the_trail_shows_all(node):
    async with contextlib.AsyncExitStack() as stack:
        apps = await stack.enter_async_context(node.running(a_service("north"), a_service("south")))
        http, auditor = apps[0].http("leader"), apps[0].http("auditor")
        assert [(await http.get(f"/{name}")).text for name in ("north", "south")] == ["north", "south"]
        for name in ("north", "south", "north"):
            assert (await http.post(f"/{name}")).text == f"{name} leader"
        for site in apps[0]._asgi.state["yw_sites"]:
            await site.trail.flushed()
        page = (await auditor.get("/audit", params={"limit": 2})).json()
        rest = (await auditor.get("/audit", params={"limit": 2, "before": page["next"]})).json()
    assert [row["service"] for row in page["records"] + rest["records"]] == ["north", "south", "north"]


async def test_readiness_names_the_service_that_waits(node):
    async with contextlib.AsyncExitStack() as stack:
        apps = await stack.enter_async_context(node.running(a_service("north"), a_service("south", database=False)))
        apps[1].app.waiting["feed"] = "等待消息服务"
        answer = await apps[0].http().get("/readyz")
    assert (answer.status_code, answer.json()["waiting"]) == (503, {"south.feed": "等待消息服务"})


async def test_two_services_on_one_path_do_not_start(node):
    async with node.running(a_service("north")) as running:
        with pytest.raises(Exception, match="already registered"):
            build_http([running.app, running.app], title="twice")
        await close_http(running._asgi)
