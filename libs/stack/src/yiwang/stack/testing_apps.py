"""For tests: a service that runs here, and HTTP clients for people of any role."""

from __future__ import annotations

import functools
from typing import Any

import httpx
from yiwang.kit import App
from yiwang.kit.http import build_http, close_http


class Http:
    """The HTTP of the services that run for a test, built when somebody asks for it: hundreds of routes take a while."""

    def __init__(self, apps: list[App]) -> None:
        self._apps = apps

    @functools.cached_property
    def asgi(self) -> Any:
        return build_http(self._apps, strict=True)

    async def close(self) -> None:
        """As the server does when it stops."""
        if "asgi" in vars(self):
            await close_http(self.asgi)


class RunningApp:
    """A service that runs for a test: the `App` and HTTP clients for people of any role."""

    def __init__(self, app: App, http: Http) -> None:
        self.app, self._http = app, http
        self._clients: list[httpx.AsyncClient] = []

    @property
    def _asgi(self) -> Any:
        return self._http.asgi

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)

    def http(
        self, role: str = "", *, area: str = "", unit_id: str = "", person_ref: str = "", **options: Any
    ) -> httpx.AsyncClient:
        """A client of the service's HTTP API, in process: with a token for *role* over *area*, or anonymous."""
        from yiwang.kit.dev import dev_token

        headers = dict(options.pop("headers", {}))
        if role:
            token = dev_token(role, area=area or self.app.node.jurisdiction, unit_id=unit_id, person_ref=person_ref)
            headers["Authorization"] = f"Bearer {token}"
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self._asgi),
            base_url="http://test",
            headers=headers,
            timeout=30,
            **options,
        )
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


__all__ = ["Http", "RunningApp"]
