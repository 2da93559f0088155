"""Who may come in without a name: a citizen with a report, whoever logs in, and the page itself. Nobody else."""

from __future__ import annotations

from yiwang.kit._openapi import guard_of, routes_of
from yiwang.kit.accounts import service as identity
from yiwang.stack.registry import find_services

CITIZEN = {"POST /reports", "POST /reports/check", "POST /reports/media", "GET /reports/{report_id}"}
LOGIN = {"POST /identity/token", "GET /identity/jwks.json", "POST /identity/password"}
PAGE = {"GET /", "GET /worklist", "GET /worklist/{name}"}
PLATFORM = {
    "POST /sync/inbound/{platform}",
    "GET /sync/inbound/{platform}/digest",
    "GET /sync/inbound/{platform}/records",
    "GET /sync/outbound/{platform}",
}


def doors() -> dict[str, str]:
    """METHOD path → the kind of its guard, over all services."""
    from litestar import Litestar, Router

    names = ("intake", "grid", "dispatch", "enforcement", "evaluation", "national_sync", "notification", "mesh")
    routes = [route for service in (*find_services(names), identity) for route in service.routes]
    app = Litestar(route_handlers=[Router(path="/", route_handlers=routes)], openapi_config=None)
    found = {}
    for method, path, handler in routes_of(app):
        guard = guard_of(handler)
        found[f"{method} {path}"] = guard.kind if guard else "none"
    return found


def test_only_citizens_logins_and_the_page_are_anonymous() -> None:
    """Every other route names the roles that may use it."""
    found = doors()

    assert {door for door, guard in found.items() if guard == "anonymous"} <= CITIZEN | LOGIN | PAGE
    assert {door for door, guard in found.items() if guard == "anonymous"} >= CITIZEN
    assert {door for door, guard in found.items() if guard == "signed"} == PLATFORM
    assert [door for door, guard in found.items() if guard == "none"] == []
