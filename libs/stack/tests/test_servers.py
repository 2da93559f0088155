"""The order of choice: given servers, then containers when asked, then embedded ones; the same for tests and `up`."""

from __future__ import annotations

import nats as client
import pytest
from yiwang.stack.embedded import Account, Nats, Postgres, ServerFailed, can_log_in
from yiwang.stack.servers import choice, find_servers, refuse_used


def test_given_servers_come_first() -> None:
    """A URL in the environment is used even when containers are asked for."""
    given = {"YIWANG_NATS_URL": "nats://there:4222", "YIWANG_BACKEND": "containers"}
    assert choice(given) == ("given", "container")
    assert choice(given | {"YIWANG_DATABASE_URL": "postgresql://there/yw"}) == ("given", "given")


def test_embedded_servers_are_the_last_choice() -> None:
    """Without any setting a machine with nothing on it can run the mesh."""
    assert choice({}) == ("embedded", "embedded")


def test_an_unknown_backend_is_refused_with_what_to_write() -> None:
    """A typing mistake must not silently start embedded servers."""
    with pytest.raises(ServerFailed, match="embedded 或 containers"):
        choice({"YIWANG_BACKEND": "docker"})


def test_uses_given_servers_as_they_are() -> None:
    """Nothing is started, nothing is created, and accounts are left to the server's administrator."""
    with Nats() as nats, Postgres(durable=False) as postgres:
        given = {"YIWANG_NATS_URL": nats.url(), "YIWANG_DATABASE_URL": postgres.url("yw_given")}
        with find_servers(given) as servers:
            assert (servers.nats_kind, servers.postgres_kind) == ("given", "given")
            assert servers.nats.url("any") == nats.url()
            assert servers.postgres.create_database("yw_440300") == postgres.url("yw_given")
            with pytest.raises(ServerFailed, match="n440306"):
                servers.nats.add_accounts(Account("n440306"))
        assert can_log_in(nats.url())


def test_starts_only_what_is_not_given() -> None:
    """A given NATS and an embedded PostgreSQL go together; the embedded one ends with the block."""
    with Nats() as nats:
        with find_servers({"YIWANG_NATS_URL": nats.url()}, durable=False) as servers:
            assert (servers.nats_kind, servers.postgres_kind) == ("given", "embedded")
            assert servers.postgres.create_database("yw_440300").endswith("/yw_440300")
        assert can_log_in(nats.url())


async def test_tests_never_run_on_an_account_that_is_in_use() -> None:
    """The fixtures delete streams: a given account that holds any is refused by name, an empty one is taken."""
    with Nats() as nats:
        await refuse_used(nats.url())
        link = await client.connect(nats.url())
        await link.jetstream().add_stream(name="UP", subjects=["yw.up.>"])
        await link.close()
        with pytest.raises(ServerFailed, match="UP"):
            await refuse_used(nats.url())
