"""An embedded nats-server with JetStream and one account per node."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from yiwang.stack import _process
from yiwang.stack._process import ServerFailed
from yiwang.stack._server import Server


class Account(msgspec.Struct, frozen=True):
    """One NATS account with JetStream: its streams are its own, no other account sees them.

    Attributes:
        name: the account and, unless given, the user's name
        user: login name
        password: a random one when empty; kept beside the data, so that a second start has the same
        max_file: bytes the account's streams may take on disk, 0 = no limit of its own
        max_streams: 0 = no limit
        max_consumers: 0 = no limit
    """

    name: str
    user: str = ""
    password: str = ""
    max_file: int = 0
    max_streams: int = 0
    max_consumers: int = 0


def find_nats_server() -> str:
    """The nats-server program: YIWANG_NATS_SERVER, else the wheel's in this environment, else on PATH."""
    candidates = (
        os.environ.get("YIWANG_NATS_SERVER"),
        str(Path(sysconfig.get_path("scripts")) / "nats-server"),
        shutil.which("nats-server"),
    )
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return candidate
    raise ServerFailed(
        "没有找到 nats-server：请 pip install 'yiwang-stack[embedded]'，或设置 YIWANG_NATS_URL 使用已有的服务器"
    )


class Nats(Server):
    """A nats-server of our own.

    `sync` is JetStream's sync interval: "2m" (default) is fast and safe against killed processes, "always" also
    against power loss, at a fifth of the rate or less.
    """

    name = "nats-server"
    home = "yiwang-nats-"
    log_name = "nats.log"
    ends_by = signal.SIGTERM
    patience_s = 30

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        accounts: Iterable[Account] = (Account("yiwang"),),
        port: int = 0,
        sync: str = "2m",
    ) -> None:
        super().__init__(Path(directory).absolute() if directory is not None else None, port)
        self._sync = sync
        self._accounts = {account.name: account for account in accounts}

    def url(self, account: str | None = None) -> str:
        """`nats://user:password@127.0.0.1:port` of an account (the first one when not named)."""
        chosen = self._accounts[account if account is not None else next(iter(self._accounts))]
        return f"nats://{chosen.user}:{chosen.password}@127.0.0.1:{self.port}"

    def add_accounts(self, *accounts: Account) -> None:
        """Add accounts to the running server without disturbing the others; return when they can log in."""
        new = {account.name: account for account in accounts}
        self._accounts |= new
        self._remember_accounts()
        if self._process is None:
            return
        self._write_config()
        self._process.send_signal(signal.SIGHUP)
        urls = [self.url(name) for name in new]
        _process.wait_ready(self._process, lambda: all(can_log_in(url) for url in urls), self.name, self.log, 10)

    def _prepare(self) -> None:
        self._remember_accounts()

    def _spawn(self, log: Path) -> subprocess.Popen[bytes]:
        return _process.spawn([find_nats_server(), "-c", str(self._write_config())], log=log)

    def _answers(self) -> bool:
        return can_log_in(self.url())

    def _remember_accounts(self) -> None:
        """Give every account a login, the one of an earlier start in this directory where there was one."""
        book = self.directory / "accounts.json"
        known = msgspec.json.decode(book.read_bytes(), type=dict[str, Account]) if book.exists() else {}
        for name, account in self._accounts.items():
            self._accounts[name] = complete_login(account, known.get(name, account))
        write_private(book, msgspec.json.encode(known | self._accounts))

    def _write_config(self) -> Path:
        listen, store = f"127.0.0.1:{self.port}", str(self.directory / "jetstream")
        path = self.directory / "nats.conf"
        write_private(path, server_config(listen, store, self._sync, self._accounts.values()).encode())
        return path


def complete_login(account: Account, before: Account | None = None) -> Account:
    """The account with a user and a password: its own, else those it had before, else new ones."""
    before = before or account
    return msgspec.structs.replace(
        account,
        user=account.user or before.user or account.name,
        password=account.password or before.password or secrets.token_urlsafe(18),
    )


def server_config(listen: str, store: str, sync: str, accounts: Iterable[Account]) -> str:
    """The text of nats.conf (the server's format is a superset of JSON)."""
    config = {
        "listen": listen,
        "jetstream": {"store_dir": store, "sync_interval": sync},
        "accounts": {account.name: _account_block(account) for account in accounts},
        "max_payload": 8 * 1024 * 1024,
        "max_control_line": 16 * 1024,
    }
    return json.dumps(config, indent=1)


def _account_block(account: Account) -> dict[str, Any]:
    limits = {
        key: value
        for key, value in (
            ("max_file", account.max_file),
            ("max_streams", account.max_streams),
            ("max_consumers", account.max_consumers),
        )
        if value
    }
    return {
        "users": [{"user": account.user, "password": account.password}],
        "jetstream": limits or "enabled",
    }


def write_private(path: Path, content: bytes) -> None:
    """Replace the file at once, readable by its owner only: it holds passwords."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)


def can_log_in(url: str, wait: float = 1.0) -> bool:
    """True when a NATS server at `nats://user:password@host:port` accepts this login."""
    login, _, address = url.removeprefix("nats://").rpartition("@")
    host, _, port = address.partition(":")
    user, _, password = login.partition(":")
    hello = {"verbose": False, "pedantic": False, "user": user, "pass": password, "lang": "python", "version": "0"}
    end = time.monotonic() + wait
    try:
        with socket.create_connection((host, int(port or 4222)), wait) as link:
            link.sendall(f"CONNECT {json.dumps(hello)}\r\nPING\r\n".encode())
            answer = b""
            while time.monotonic() < end:
                part = link.recv(65_536)
                answer += part
                if not part or b"-ERR" in answer:
                    return False
                if b"PONG" in answer:
                    return True
    except OSError:
        return False
    return False
