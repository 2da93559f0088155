"""The node under test: its variables, database, mesh page and HTTP address."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import importlib.resources
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
from yiwang.kit import ConfigError, Kit, Service, clock_from, load
from yiwang.kit.mesh import Mesh
from yiwang.stack import registry

TIMEOUT_S = 60


class Site:
    """One running node."""

    def __init__(self, environ: Mapping[str, str], db: Any, http: httpx.AsyncClient, urls: Mapping[str, str]) -> None:
        self.environ, self.db, self.http = environ, db, http
        self._urls = urls
        self.kit = load(Kit, environ, "YIWANG")
        self.clock = clock_from(self.kit.clock, self.kit.clock_epoch)
        self.mesh = Mesh.load(self.kit.mesh, self.kit.jurisdiction)
        self.backups: Sequence[Path] = ()
        self.trial: Any = None
        """What the test reports measured, or the sentence why they couldn't be sent"""

    def at(self, path: str) -> str:
        """The address that answers *path*."""
        return self._urls.get(path.split("/")[1], self._urls[""]) + path

    async def get(self, path: str, token: str = "", **params: Any) -> Any:
        """The JSON at *path*. Raises httpx.HTTPStatusError."""
        answer = await self.http.get(self.at(path), params=params, headers=bearer(token))
        answer.raise_for_status()
        return answer.json()

    async def value(self, query: str, *args: Any) -> Any:
        """One value from the node's database."""
        return await self.db.fetchval(query, *args)

    async def has(self, table: str) -> bool:
        """Whether the database has *table* (``schema.name``)."""
        return bool(await self.value("select to_regclass($1) is not null", table))

    async def running(self, service: str) -> bool:
        """Whether a replica of *service* gave a sign of life within the last minute."""
        if not await self.has(f"{service}.kit_replica"):
            return False
        return bool(
            await self.value(
                f"select exists(select from {service}.kit_replica where seen > now() - interval '1 minute')"
            )
        )

    def rows(self, table: str) -> list[dict[str, str]]:
        """A table of the profile (``dispatch/units.csv``); holidays come with dispatch where the profile has none."""
        file = Path(self.kit.profile) / table
        if self.kit.profile and file.is_file():
            text = file.read_text("utf-8-sig")
        elif table.endswith("holidays.csv"):
            text = importlib.resources.files(_package("dispatch")).joinpath("data/holidays.csv").read_text("utf-8-sig")
        else:
            return []
        return list(csv.DictReader(text.splitlines()))

    def today(self) -> dt.date:
        """The node's day in China."""
        return self.clock.now().astimezone(dt.timezone(dt.timedelta(hours=8))).date()


def _package(name: str) -> str:
    service: Service = registry.find_service(name)
    return service.package


def bearer(token: str) -> dict[str, str]:
    """The header of a caller with *token*; none for a stranger."""
    return {"Authorization": f"Bearer {token}"} if token else {}


@contextlib.asynccontextmanager
async def opened(environ: Mapping[str, str], urls: Sequence[str]) -> AsyncIterator[Site]:
    """The node that *environ* describes. Raises ConfigError with sentences when it doesn't answer."""
    try:
        db = await asyncpg.connect(environ["YIWANG_DATABASE_URL"], timeout=10)
    except (OSError, asyncpg.PostgresError) as error:
        raise ConfigError([f"节点的数据库连不上（{error}）：请先启动节点，再验收"]) from error
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as http:
            yield Site(environ, db, http, await addresses(http, environ, urls))
    finally:
        await db.close()


async def addresses(http: httpx.AsyncClient, environ: Mapping[str, str], urls: Sequence[str]) -> dict[str, str]:
    """First part of a path → the address that serves it, and "" → the first address. Raises ConfigError."""
    port = int(environ.get("YIWANG_HTTP_PORT", "8080"))
    found: dict[str, str] = {}
    for url in urls or [f"http://127.0.0.1:{port}"]:
        try:
            answer = await http.get(f"{url.rstrip('/')}/schema/openapi.json")  # the first asker waits until it is made
            paths = msgspec.json.decode(answer.content, type=dict[str, Any])["paths"] if answer.is_success else {}
        except (httpx.TransportError, msgspec.DecodeError):
            continue
        for path in paths:
            found.setdefault(path.split("/")[1], url.rstrip("/"))
            found.setdefault("", url.rstrip("/"))
    if "" not in found:
        raise ConfigError([f"节点的 HTTP 地址没有应答（端口 {port}）：请先启动节点，或用 --url 给出地址"])
    return found
