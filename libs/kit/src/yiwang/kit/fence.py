"""The fence of a node that moves: once its database says that it is sealed, its services do nothing more and say so.

What is in hand is finished and published, then the partition groups are handed back; timers and loops rest, mutating
calls are refused with a sentence, reading goes on. `yiwang tenant seal` sets the mark and waits until everybody rests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog

from ._config import ConfigError

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.fence")
RETRY_AFTER_S: Final = 60
SEALED_AT: Final = "select sealed_at from yw.node"
_KNOWN: Final = (
    "select 1 from pg_attribute where attrelid = to_regclass('yw.node') and attname = 'sealed_at' and not attisdropped"
)


def closed_subject(stream: str) -> str:
    """The only subject of a closed stream, on which nobody may publish: a stream must have one."""
    return f"yw-sealed.{stream}"


async def sealed_at(db: Any) -> Any:
    """When the node was sealed; None for one that isn't, or whose database is empty."""
    return await db.fetchval(SEALED_AT) if await db.fetchval(_KNOWN) else None


async def refuse_sealed(db: Any) -> None:
    """Nothing starts on a sealed node. Raises ConfigError with a sentence."""
    if since := await sealed_at(db):
        raise ConfigError(
            [f"本节点的数据自 {since:%Y-%m-%d %H:%M}（UTC）起封存，等待迁移：请管理员在新平台运行 yiwang tenant open，"
             "或在原平台运行 yiwang tenant unseal 取消迁移，再启动服务"]
        )  # fmt: skip


async def holds(app: App, since: Any) -> bool:
    """Whether the node is sealed (since then); notices when that changes."""
    if app.sealed and since is None:
        for group in list(app.leases):  # their workers have ended
            await app.work.release(group)
        app.log.info("unsealed")
    elif since is not None and not app.sealed:
        app.log.warning("sealed", since=since.isoformat())
    app.sealed = since is not None
    if app.sealed:
        for worker in app.workers.values():
            worker.wake.set()
    return app.sealed


async def at_rest(app: App) -> bool:
    """Whether nothing is left to do for a sealed replica: until then it keeps its groups, or takes them to publish what
    an action that was under way has still decided.
    """
    return all(app.work.rests(group) for group in app.leases) and not await app.outbox.size()
