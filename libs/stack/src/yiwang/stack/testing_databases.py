"""For tests: fresh databases, made when they are first needed, as copies in which the services' schemas lie already.

Migrating a service with many steps takes longer than most tests. So the schemas of each set of services are made once,
by the same migrations, and copied file by file: that spares PostgreSQL the log that `create database` writes otherwise.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections import Counter
from collections.abc import Sequence

import asyncpg
from yiwang.kit import Service, migrate

from .servers import PostgresServer

Schemas = tuple[tuple[str, str], ...]
"""Schema and package of each service that keeps something"""


class TestDatabase:
    """A database of one test; nobody has made it before it is asked for."""

    __test__ = False

    def __init__(self, databases: TestDatabases, name: str) -> None:
        self._databases, self.name = databases, name
        self.address = databases.postgres.url(name)
        """URL of the database, whether it is there or not"""
        self._made = False

    @property
    def url(self) -> str:
        """URL of the database, which is there from now on."""
        if not self._made:
            with concurrent.futures.ThreadPoolExecutor(1) as aside:  # a loop of its own, beside the tests'
                aside.submit(asyncio.run, self._databases.create(self.name)).result()
            self._made = True
        return self.address

    async def prepare(self, services: Sequence[Service]) -> bool:
        """Make it for *services*, if nobody has; True when their schemas are there."""
        if self._made or not any(service.database for service in services):
            return False
        self._made = True
        template = await self._databases.template(services)
        await self._databases.create(self.name, template)
        return bool(template)


class TestDatabases:
    """The databases of a session's tests on one server."""

    __test__ = False

    def __init__(self, postgres: PostgresServer) -> None:
        self.postgres = postgres
        self._asked: Counter[Schemas] = Counter()
        self._templates: dict[Schemas, str] = {}
        self._one_by_one = asyncio.Lock()

    async def create(self, name: str, template: str = "") -> None:
        """Make the database, as a copy of *template* if one is named."""
        await self._execute(f"create database {name} template {template or 'template1'} strategy file_copy")

    async def drop(self, name: str) -> None:
        """Remove the database if it is there, whoever still uses it."""
        await self._execute(f"drop database if exists {name} with (force)")

    async def template(self, services: Sequence[Service]) -> str:
        """Name of a database with the schemas of *services*; "" for those that are asked for the first time: many a set
        of services is that of one test.
        """
        schemas = tuple((service.schema, service.package) for service in services if service.database)
        async with self._one_by_one:
            self._asked[schemas] += 1
            if self._asked[schemas] > 1 and schemas not in self._templates:
                name = f"template_{os.getpid()}_{len(self._templates)}"
                await self.create(name)
                await migrate(services, self.postgres.url(name))
                self._templates[schemas] = name
        return self._templates.get(schemas, "")

    async def close(self) -> None:
        """Remove the templates: the server may be somebody else's."""
        for name in self._templates.values():
            await self.drop(name)

    async def _execute(self, statement: str) -> None:
        db = await asyncpg.connect(self.postgres.url())
        try:
            await db.execute(statement)
        finally:
            await db.close()


__all__ = ["TestDatabase", "TestDatabases"]
