"""Which servers to use: given ones, containers, or embedded ones.

The same order serves tests and `yiwang up`, for NATS and PostgreSQL apart:

1. YIWANG_NATS_URL / YIWANG_DATABASE_URL: servers that are there already; nothing is started.
2. YIWANG_BACKEND=containers: containers through testcontainers (images YIWANG_NATS_IMAGE, YIWANG_PG_IMAGE).
3. Otherwise the servers from the wheels.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import msgspec
import nats as nats_client
from yiwang.stack.embedded import Account, Nats, Postgres, ServerFailed


class NatsServer(Protocol):
    """What the mesh needs of a NATS server."""

    def url(self, account: str | None = None) -> str:
        """URL with the login of an account."""

    def add_accounts(self, *accounts: Account) -> None:
        """Make accounts while the server runs."""


class PostgresServer(Protocol):
    """What the mesh needs of a PostgreSQL server."""

    def url(self, database: str = "postgres") -> str:
        """URL of a database."""

    def create_database(self, name: str) -> str:
        """Create the database unless it is there; return its URL."""


class Servers(msgspec.Struct, frozen=True):
    """The servers in use.

    Attributes:
        nats, postgres: the servers
        nats_kind, postgres_kind: how each was chosen: "given", "container" or "embedded"
        note: a sentence for the operator, or ""
    """

    nats: NatsServer
    postgres: PostgresServer
    nats_kind: str
    postgres_kind: str
    note: str = ""


class GivenNats:
    """A NATS server whose URL we were given; its accounts are its administrator's."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, account: str | None = None) -> str:
        """The given URL, whatever the account."""
        return self._url

    def add_accounts(self, *accounts: Account) -> None:
        """Raises ServerFailed: only the server's administrator can do it."""
        names = "、".join(account.name for account in accounts)
        raise ServerFailed(f"YIWANG_NATS_URL 指向外部服务器：请其管理员建立账户 {names}")


class GivenPostgres:
    """A PostgreSQL whose URL we were given; the URL's own database is the node's database."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str = "") -> str:
        """The given URL, with another database when one is named."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}")) if database else self._url

    def create_database(self, name: str) -> str:
        """The given URL: its administrator has made the database."""
        return self._url


def choice(environ: Mapping[str, str]) -> tuple[str, str]:
    """(NATS, PostgreSQL), each "given", "container" or "embedded". Raises ServerFailed for an unknown backend."""
    backend = environ.get("YIWANG_BACKEND", "embedded")
    if backend not in ("embedded", "containers"):
        raise ServerFailed(f"YIWANG_BACKEND={backend} 无法识别：请写 embedded 或 containers")
    started = "container" if backend == "containers" else "embedded"
    nats = "given" if environ.get("YIWANG_NATS_URL") else started
    return nats, "given" if environ.get("YIWANG_DATABASE_URL") else started


@contextlib.contextmanager
def find_servers(
    environ: Mapping[str, str] = os.environ,
    *,
    data: Path | None = None,
    accounts: Iterable[Account] = (Account("yiwang"),),
    durable: bool = True,
) -> Iterator[Servers]:
    """The servers, started where they must be, stopped at the end; `data` keeps what embedded servers are given.

    YIWANG_NATS_SYNC is the embedded NATS's sync interval ("2m", or "always" against power loss).
    """
    nats_kind, postgres_kind = choice(environ)
    with contextlib.ExitStack() as stack:
        nats: NatsServer
        postgres: PostgresServer
        note = ""
        if nats_kind == "given":
            nats = GivenNats(environ["YIWANG_NATS_URL"])
        elif nats_kind == "container":
            from yiwang.stack.containers import nats_container

            nats = stack.enter_context(nats_container(environ, accounts))
        else:
            place, sync = data and data / "nats", environ.get("YIWANG_NATS_SYNC", "2m")
            nats = stack.enter_context(Nats(place, accounts=accounts, sync=sync))
        if postgres_kind == "given":
            postgres = GivenPostgres(environ["YIWANG_DATABASE_URL"])
        elif postgres_kind == "container":
            from yiwang.stack.containers import postgres_container

            postgres = stack.enter_context(postgres_container(environ))
        else:
            embedded = Postgres(data and data / "postgres", durable=durable)
            note = embedded.note
            postgres = stack.enter_context(embedded)
        yield Servers(nats, postgres, nats_kind, postgres_kind, note)


async def refuse_used(url: str) -> None:
    """For tests on a given server: they delete their streams. Raises ServerFailed for an account that holds any."""
    link = await nats_client.connect(url, connect_timeout=3, max_reconnect_attempts=1)
    try:
        streams = await link.jetstream().streams_info()
    finally:
        await link.close()
    if streams:
        names = "、".join(stream.config.name or "" for stream in streams)
        raise ServerFailed(f"YIWANG_NATS_URL 的账户里有流 {names}，测试会删除它们：请给测试一个空账户")
