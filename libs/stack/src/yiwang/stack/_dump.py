"""The node's database into a file and back, by PostgreSQL's own tools."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from yiwang.stack.embedded import ServerFailed, find_postgres


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its password, and the environment that carries it: a command line is everybody's to read."""
    parts = urlsplit(url)
    environ = dict(os.environ)
    if parts.password is None:
        return url, environ
    environ["PGPASSWORD"] = unquote(parts.password)
    login, _, address = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}@{address}")), environ


async def dump(url: str, snapshot: str, file: Path) -> None:
    """Write the database as it is in the exported snapshot. Raises ServerFailed with pg_dump's own words."""
    await _run("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", "--no-password", f"--file={file}")


async def load(url: str, file: Path) -> None:
    """Fill an empty database, in one transaction. Raises ServerFailed with pg_restore's own words."""
    await _run("pg_restore", url, "--single-transaction", "--exit-on-error", "--no-password", str(file), into=True)


async def _run(tool: str, url: str, *arguments: str, into: bool = False) -> None:
    address, environ = without_password(url)
    process = await asyncio.create_subprocess_exec(
        find_postgres(tool),
        *arguments,
        "--dbname" if into else "-d",
        address,
        env=environ,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise ServerFailed(f"{tool} 没有完成：{errors.decode(errors='replace').strip()}")
