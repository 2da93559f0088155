"""A service's connections to its database: few, and none that asks what nobody wants to know."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import asyncpg

if TYPE_CHECKING:
    from ._app import App

SPARE_S: Final = 300
"""A connection that nobody has needed for so long is closed: each is a process of some MiB"""
OURS_FROM: Final = 16384
"""Below are the types of PostgreSQL itself, the same in every database"""
_ASKED_BEFORE: Final = SimpleNamespace(name="known")


class Plain(asyncpg.Connection):  # type: ignore[misc,unused-ignore]
    """Goes back to its pool without a word, and asks no two times what every database answers alike.

    asyncpg would reset the session each time, one more round to the database for every query from a pool. There is
    nothing to reset: what is set here is set for one transaction (``set local``, ``set_config(…, true)``), and who
    listens does so over a connection outside of pools (`_ears`). A transaction that was left open is still rolled back.
    It would also look up each array type anew in every connection (three statements, 3 ms).
    """

    types: Final[dict[frozenset[int], Any]] = {}

    def get_reset_query(self) -> str:
        """Nothing."""
        return ""

    async def _introspect_types(self, typeoids: Any, timeout: Any) -> tuple[Any, Any]:
        asked = frozenset(typeoids)
        if asked in self.types:
            return self.types[asked], _ASKED_BEFORE
        found, statement = await super()._introspect_types(typeoids, timeout)  # type: ignore[misc,unused-ignore]
        if max(asked) < OURS_FROM:
            self.types[asked] = found
        return found, statement


def unsecured(url: str) -> dict[str, Any]:
    """Options for a database on this very machine whose address says nothing of TLS: none, and no asking for it."""
    here = urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
    return {"ssl": False} if here and "sslmode" not in url and "PGSSLMODE" not in os.environ else {}


def address_of(app: App) -> tuple[str, dict[str, str]]:
    """Where the service logs in, and as whom: by the node's login as its own role, unless it has a login of its own."""
    url = app.environ.get(f"{app.service.env_prefix}_DATABASE_URL")
    settings = {
        "search_path": app.service.schema,
        "application_name": f"yiwang-{app.service.name}",
        # A replica that freezes inside a transaction must not keep its row locks.
        "idle_in_transaction_session_timeout": "10000",
    }
    if url is None:
        settings["role"] = f"yw_{app.service.schema}"
    return url or app.kit.database_url, settings


async def open_pool(app: App) -> asyncpg.Pool[Any]:
    """The service's pool, with one connection; more come as they are needed."""
    url, settings = address_of(app)
    return await asyncpg.create_pool(
        url, min_size=1, max_size=8 + 2 * app.groups, command_timeout=30, server_settings=settings,
        max_inactive_connection_lifetime=SPARE_S, connection_class=Plain,
        **unsecured(url),
    )  # fmt: skip
