"""NATS and PostgreSQL in containers: the images of the deployment in tests (YIWANG_BACKEND=containers)."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from yiwang.stack._nats_server import Account, can_log_in, complete_login, server_config, write_private
from yiwang.stack.embedded import ServerFailed

NATS_IMAGE = "nats:2.15-alpine"
POSTGRES_IMAGE = "postgres:17-alpine"


class ContainerNats:
    """nats-server in a container, with the same accounts as the embedded one."""

    def __init__(self, container: Any, config: Path, accounts: Mapping[str, Account]) -> None:
        self._container, self._config, self._accounts = container, config, dict(accounts)

    def url(self, account: str | None = None) -> str:
        """URL with the login of an account (the first when not named)."""
        chosen = self._accounts[account if account is not None else next(iter(self._accounts))]
        host, port = self._container.get_container_host_ip(), self._container.get_exposed_port(4222)
        return f"nats://{chosen.user}:{chosen.password}@{host}:{port}"

    def add_accounts(self, *accounts: Account) -> None:
        """Make accounts while the server runs; return when they can log in."""
        for account in accounts:
            self._accounts[account.name] = complete_login(account)
        # Written in place: a container sees the file that was mounted, not one that replaces it.
        self._config.write_text(server_config("0.0.0.0:4222", "/data", "2m", self._accounts.values()))
        self._container.get_wrapped_container().kill("HUP")
        self.wait([account.name for account in accounts])

    def wait(self, names: Iterable[str]) -> None:
        """Return when every account can log in; raises ServerFailed after 10 s."""
        for name in names:
            if not any(can_log_in(self.url(name)) for _ in range(10)):
                raise ServerFailed(f"容器中的 NATS 不接受账户 {name}：请查看容器日志")


class ContainerPostgres:
    """PostgreSQL in a container."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def url(self, database: str = "postgres") -> str:
        """URL of a database."""
        host, port = self._container.get_container_host_ip(), self._container.get_exposed_port(5432)
        return f"postgresql://postgres:postgres@{host}:{port}/{database}"

    def create_database(self, name: str) -> str:
        """Create the database unless it is there; return its URL."""
        command = ["sh", "-c", f"psql -U postgres -tc \"select 1 from pg_database where datname='{name}'\" | grep -q 1 "
                   f"|| createdb -U postgres {name}"]  # fmt: skip
        code, output = self._container.exec(command)
        if code:
            raise ServerFailed(f"容器中的 PostgreSQL 没有建成数据库 {name}：{output!r}")
        return self.url(name)


@contextlib.contextmanager
def nats_container(environ: Mapping[str, str], accounts: Iterable[Account]) -> Iterator[ContainerNats]:
    """A NATS container that ends with the block."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    known = {account.name: complete_login(account) for account in accounts}
    with tempfile.TemporaryDirectory(prefix="yiwang-nats-") as directory:
        config = Path(directory) / "nats.conf"
        write_private(config, server_config("0.0.0.0:4222", "/data", "2m", known.values()).encode())
        container = (
            DockerContainer(environ.get("YIWANG_NATS_IMAGE", NATS_IMAGE))
            .with_exposed_ports(4222)
            .with_volume_mapping(str(config), "/etc/yiwang/nats.conf")
            .with_command(["-c", "/etc/yiwang/nats.conf"])
            .waiting_for(LogMessageWaitStrategy("Server is ready"))
        )
        with container:
            server = ContainerNats(container, config, known)
            server.wait(known)
            yield server


@contextlib.contextmanager
def postgres_container(environ: Mapping[str, str]) -> Iterator[ContainerPostgres]:
    """A PostgreSQL container that ends with the block."""
    from testcontainers.community.postgres import PostgresContainer

    image = environ.get("YIWANG_PG_IMAGE", POSTGRES_IMAGE)
    with PostgresContainer(image, username="postgres", password="postgres", driver=None) as container:
        yield ContainerPostgres(container)
