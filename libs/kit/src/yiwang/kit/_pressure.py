"""Back-pressure: when to say "later" instead of taking what can't be kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg

from ._codes import TOO_BUSY
from ._hears import STREAMS
from ._nats import api
from ._space import space

if TYPE_CHECKING:
    from ._app import App


class _Checked:
    """Key of the cached answer."""


async def check(app: App) -> None:
    """Raise the 503 Problem when streams or the database's quota are full or too much waits (checked once a second)."""
    now = asyncio.get_running_loop().time()
    checked, problem = app.resources.get(_Checked, (0.0, ""))
    if now - checked > max(1.0, app.kit.poll_seconds / 2):
        app.resources[_Checked] = (now, problem)  # whoever comes while this one measures goes by the last answer
        problem = await _measure(app)
        app.resources[_Checked] = (now, problem)
    if problem:
        raise TOO_BUSY(why=problem, retry_after=5)


async def _measure(app: App) -> str:
    if not app.nc.is_connected:
        return "消息服务器连接中断"
    for name in STREAMS.values():
        info = await api(app.nc, f"STREAM.INFO.{name}", timeout=2)
        used, most = int(info["state"]["bytes"]), int(info["config"]["max_bytes"])
        if 0 < 0.95 * most < used:
            return f"事件流{name}已用{used / 2**30:.1f} GiB，上限{most / 2**30:.1f} GiB"
    if app.service.database and (rows := await _outbox(app)) > app.kit.outbox_limit:
        return f"{rows}条事件等待发布"
    return (await space(app)).refusal if app.service.database else ""


async def _outbox(app: App) -> int:
    """Rows that wait; 0 when the database doesn't say: its absence is no fullness, and intake takes reports without it."""
    try:
        async with asyncio.timeout(0.5):
            return await app.outbox.size()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        return 0
