"""SQL is SQL: named queries from `queries.sql`, frozen Structs out, numbered migrations."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.resources
import re
from functools import cached_property
from typing import Any, Final, TypeVar

import asyncpg
import msgspec

R = TypeVar("R", bound=msgspec.Struct)
_HEAD: Final = re.compile(r"^--\s*([a-z][a-z0-9_]*):\s*(.+)$")
_MIGRATION: Final = re.compile(r"^(\d{4})_(pre|post)_([a-z0-9_]+)\.sql$")


def parse_queries(text: str) -> dict[str, str]:
    """name → SQL; each query starts with a line ``-- name: what it gives``."""
    queries: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if match := _HEAD.match(line):
            name = match[1]
            if name in queries:
                raise ValueError(f"queries.sql names {name} twice")
            queries[name] = []
        elif name:
            queries[name].append(line)
    return {name: "\n".join(lines).strip().rstrip(";") for name, lines in queries.items()}


class Sql:
    """The named queries of one package: ``sql = Sql("yiwang.dispatch")`` in its store."""

    def __init__(self, package: str, file: str = "queries.sql") -> None:
        self._package, self._file = package, file

    @cached_property
    def texts(self) -> dict[str, str]:
        return parse_queries(importlib.resources.files(self._package).joinpath(self._file).read_text("utf-8"))

    def __getitem__(self, name: str) -> str:
        try:
            return self.texts[name]
        except KeyError:
            raise LookupError(f"{self._package}/{self._file} has no query {name!r}") from None

    async def rows(self, tx: Any, name: str, row: type[R], *args: Any) -> list[R]:
        """All rows as *row* Structs (fields named as the columns)."""
        return [row(**record) for record in await tx.fetch(self[name], *args)]

    async def row(self, tx: Any, name: str, row: type[R], *args: Any) -> R | None:
        """The first row, or None."""
        record = await tx.fetchrow(self[name], *args)
        return None if record is None else row(**record)

    async def value(self, tx: Any, name: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        return await tx.fetchval(self[name], *args)

    async def run(self, tx: Any, name: str, *args: Any) -> str:
        """Run for effect; the command tag, e.g. ``UPDATE 3``."""
        return str(await tx.execute(self[name], *args))


class Migration(msgspec.Struct, frozen=True):
    number: int
    phase: str
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(package: str) -> list[Migration]:
    """The numbered files of *package*/migrations, in order; raises ValueError for a name that breaks the rule."""
    folder = importlib.resources.files(package).joinpath("migrations")
    found = []
    for file in sorted(folder.iterdir(), key=lambda f: f.name) if folder.is_dir() else []:
        if not file.name.endswith(".sql"):
            continue
        match = _MIGRATION.match(file.name)
        if not match:
            raise ValueError(f"{package}/migrations/{file.name}: name it 0001_pre_what.sql or 0001_post_what.sql")
        found.append(Migration(int(match[1]), match[2], match[3], file.read_text("utf-8")))
    return found


async def migrate(db: asyncpg.Connection[Any], schema: str, packages: list[str], phase: str = "post") -> list[str]:
    """Bring *schema* up to date, each migration in its own transaction; returns what was applied.

    With *phase* ``pre`` only the steps that old code can live with. Raises RuntimeError with a sentence when a step
    that was applied before has been changed since.
    """
    applied = []
    role = f"yw_{schema}"
    await db.execute("select pg_advisory_lock(hashtext($1))", f"yiwang/{schema}")
    try:
        await _prepare(db, schema, role)
        done = {
            (r["package"], r["number"], r["phase"]): r["digest"] for r in await db.fetch(_DONE.format(schema=schema))
        }
        for package in packages:
            for step in migrations_of(package):
                if phase == "pre" and step.phase == "post":
                    continue
                known = done.get((package, step.number, step.phase))
                if known is None:
                    await _apply(db, schema, role, package, step)
                    applied.append(f"{schema}: {step.number:04d}_{step.phase}_{step.name}")
                elif known != step.digest:
                    raise RuntimeError(
                        f"{package}/migrations/{step.number:04d}_{step.phase}_{step.name}.sql was changed after it had "
                        f"been applied to {schema}: restore the file and write the change as a new number"
                    )
    finally:
        await db.execute("select pg_advisory_unlock(hashtext($1))", f"yiwang/{schema}")
    return applied


_DONE: Final = "select package, number, phase, digest from {schema}.kit_migration"


_HAS_SEAL: Final = "select 1 from pg_attribute where attrelid = 'yw.node'::regclass and attname = 'sealed_at'"


async def _prepare(db: asyncpg.Connection[Any], schema: str, role: str) -> None:
    async with db.transaction():
        # Roles belong to the whole server: two databases may be prepared at the same moment.
        await db.execute("select pg_advisory_xact_lock(hashtext('yiwang/roles'))")
        if not await db.fetchval("select 1 from pg_roles where rolname = $1", role):
            try:
                async with db.transaction():
                    await db.execute(f"create role {role} login")
            except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                for _ in range(500):  # another database's migration created it; this session's cache hears of it in a moment
                    if await db.fetchval("select to_regrole($1)", role) is not None:
                        break
                    await asyncio.sleep(0.01)
        await db.execute(f"create schema if not exists {schema} authorization {role}")
        await db.execute("create schema if not exists yw")
        await db.execute(
            "create table if not exists yw.node (one boolean primary key default true, incarnation int not null)"
        )
        await db.execute("insert into yw.node (incarnation) values (1) on conflict do nothing")
        if not await db.fetchval(_HAS_SEAL):  # a look first: altering waits for everybody who reads
            await db.execute("alter table yw.node add column sealed_at timestamptz")
        await db.execute(f"grant usage on schema yw to {role}; grant select on yw.node to {role}")
        await db.execute(f"set local role {role}")
        await db.execute(
            f"create table if not exists {schema}.kit_migration (package text, number int, phase text, digest text not null,"
            " applied_at timestamptz not null default now(), primary key (package, number, phase))"
        )


async def _apply(db: asyncpg.Connection[Any], schema: str, role: str, package: str, step: Migration) -> None:
    async with db.transaction():
        await db.execute(f"set local role {role}; set local search_path = {schema}")
        await db.execute(step.sql)
        await db.execute(
            "insert into kit_migration (package, number, phase, digest) values ($1, $2, $3, $4)",
            package, step.number, step.phase, step.digest,
        )  # fmt: skip
