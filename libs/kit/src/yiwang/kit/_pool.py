"""A service's connections to its database: few, and none that asks what nobody wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from ._app import App

SPARE_S: Final = 60
"""A connection beyond the first that nobody has needed for so long is closed: each is a process of some MiB"""


class Plain(asyncpg.Connection):  # type: ignore[misc,unused-ignore]
    """Goes back to its pool without a word.

    asyncpg would reset the session each time, one more round to the database for every query from a pool. There is
    nothing to reset: what is set here is set for one transaction (``set local``, ``set_config(…, true)``), and who
    listens does so over a connection outside of pools (`_ears`). A transaction that was left open is still rolled back.
    """

    def get_reset_query(self) -> str:
        """Nothing."""
        return ""


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
    )  # fmt: skip
