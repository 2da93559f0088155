"""The node's room in the database server that carries it. PostgreSQL has no quota for a database, so the node watches itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import msgspec

from ._config import ConfigError
from ._mesh import Mesh

if TYPE_CHECKING:
    from ._app import App

GIB: Final = 2**30
EVERY_S: Final = 60.0
"""So often it is measured, and at once when the mesh page was changed"""
PATIENCE_S: Final = 5.0
_SIZE: Final = """
select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class where relkind in ('r', 'm') and not relisshared
"""
"""Tables, indexes and what is kept aside; unlike `pg_database_size` it asks for no right to connect"""
_AWAY: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ConfigError)


class Space(msgspec.Struct, frozen=True):
    """What the node's database takes of what its host gives it, in GiB; `most` 0: no bound."""

    used: float = 0.0
    most: float = 0.0

    @property
    def share(self) -> float:
        """The used part of the quota; 0 without one."""
        return self.used / self.most if self.most > 0 else 0.0

    @property
    def refusal(self) -> str:
        """Why nothing new is taken, and who must do what; "" while there is room."""
        if self.share < 1:
            return ""
        return (f"本级数据库已用{self.used:.2f} GiB，达到承载平台给的配额{self.most:.2f} GiB，在办案件照常办理："
                "请管理员清理数据，或请承载平台在拓扑文件里加大quotas.max_database_gib")  # fmt: skip


class _Measured:
    """Key of the last answer."""


async def space(app: App) -> Space:
    """The room as it was at most a minute ago; as it was before, while the database doesn't answer."""
    now = asyncio.get_running_loop().time()
    found: Space = Space()
    at, page, found = app.resources.get(_Measured, (float("-inf"), 0, found))
    changed = _changed(app.kit.mesh)
    if not changed or (now - at < EVERY_S and page == changed):
        return found
    app.resources[_Measured] = (now, changed, found)  # whoever comes while this one measures goes by the last answer
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await _measure(app)
    except _AWAY as error:
        app.log.warning("space_unknown", error=repr(error)[:200])
    app.resources[_Measured] = (now, changed, found)
    return found


def _changed(page: str) -> int:
    """When the mesh page was written; 0 without one: nobody gives a node that stands alone a quota."""
    try:
        return Path(page).stat().st_mtime_ns if page else 0
    except OSError:
        return 0


async def _measure(app: App) -> Space:
    mesh = Mesh.load(app.kit.mesh, app.kit.jurisdiction)
    used: Any = await app.pool.fetchval(_SIZE)
    return Space(used / GIB, mesh.me.database_gib if mesh else 0.0)
