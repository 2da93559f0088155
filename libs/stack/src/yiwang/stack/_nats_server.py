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
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from yiwang.stack import _process
from yiwang.stack._process import ServerFailed


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


class Nats:
    """A nats-server of our own on 127.0.0.1.

    With a `directory` the streams stay there and a later start finds them; without one they live in a temporary
    directory that goes with `stop()`. `sync` is JetStream's sync interval: "2m" (default) is fast and safe against
    killed processes, "always" also against power loss, at a fifth of the rate or less.
    """

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        accounts: Iterable[Account] = (Account("yiwang"),),
        port: int = 0,
        sync: str = "2m",
    ) -> None:
        self._temporary = directory is None
        self._sync = sync
        self._fixed_port = port
        self.port = port
        self.directory = Path(directory).absolute() if directory is not None else Path()
        self._accounts = {account.name: account for account in accounts}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process id; raises ServerFailed while it does not run."""
        if self._process is None:
            raise ServerFailed("nats-server 没有运行：请先 start()")
        return self._process.pid

    def url(self, account: str | None = None) -> str:
        """`nats://user:password@127.0.0.1:port` of an account (the first one when not named)."""
        chosen = self._accounts[account if account is not None else next(iter(self._accounts))]
        return f"nats://{chosen.user}:{chosen.password}@127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start the server (same port as before, if it ran before) and return when it answers."""
        if self._temporary and not self.directory.name:
            self.directory = Path(tempfile.mkdtemp(prefix="yiwang-nats-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self._remember_accounts()
        attempts = 1 if self.port else 3  # a free port can be taken between looking and listening
        for attempt in range(1, attempts + 1):
            try:
                self._launch(self.port or _process.free_port())
            except ServerFailed:
                if attempt == attempts:
                    raise
            else:
                break
        return self

    def stop(self) -> None:
        """End the server in order; streams are flushed. A temporary directory is removed."""
        if self._process is not None:
            _process.stop(self._process, signal.SIGTERM, "nats-server")
            self._process = None
        if self._temporary and self.directory.name:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def kill(self) -> None:
        """kill -9, as a crash would; `start()` brings it back on the same port with the same streams."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        """Stop in order and start on the same port."""
        if self._process is not None:
            _process.stop(self._process, signal.SIGTERM, "nats-server")
            self._process = None
        self.start()

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
        log = self.directory / "nats.log"
        _process.wait_ready(self._process, lambda: all(can_log_in(url) for url in urls), "nats-server", log, 10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def _launch(self, port: int) -> None:
        self.port = port
        config = self._write_config()
        log = self.directory / "nats.log"
        self._process = _process.spawn([find_nats_server(), "-c", str(config)], log=log)
        url = self.url()
        try:
            _process.wait_ready(self._process, lambda: can_log_in(url), "nats-server", log, 30)
        except ServerFailed:
            self.kill()
            self.port = self._fixed_port
            raise

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
