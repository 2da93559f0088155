"""Hearing PostgreSQL's NOTIFY: one connection for all services of a node in a process, whatever they listen to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from ._pool import address_of, unsecured

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.ears")
Heard = Callable[[str], None]
"""Gets what was said; nothing when something may have been missed"""


class Ears:
    """The channels that somebody here listens to, at one database. It links up when the first one comes."""

    def __init__(self, url: str, every_s: float) -> None:
        self._url, self._every_s = url, every_s
        self._heard: dict[str, list[Heard]] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, channel: str, heard: Heard) -> None:
        """Tell *heard* of everything that is said on *channel* from now on."""
        self._heard.setdefault(channel, []).append(heard)
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep(), name="ears")

    async def remove(self, channel: str, heard: Heard) -> None:
        """No more of it; the last one hangs up."""
        self._heard[channel].remove(heard)
        if not self._heard[channel]:
            del self._heard[channel]
        self._changed.set()
        if not self._heard and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - an outage is waited out
                log.warning("ears_wait", error=repr(error)[:200])
                await asyncio.sleep(1)

    async def _listen(self) -> None:
        """Link up, listen to all channels, and look now and then whether the link still stands."""
        db = await asyncpg.connect(
            self._url, timeout=30, command_timeout=30, server_settings={"application_name": "yiwang-ears"},
            **unsecured(self._url),
        )  # fmt: skip
        known: set[str] = set()
        try:
            while True:
                self._changed.clear()
                gone, fresh = known - self._heard.keys(), self._heard.keys() - known
                for channel in gone:
                    await db.remove_listener(channel, self._on_notify)
                for channel in fresh:
                    await db.add_listener(channel, self._on_notify)
                known = known - gone | fresh  # and no other: more may have come meanwhile
                for channel in fresh:
                    self._tell(channel, "")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._every_s):
                        await self._changed.wait()
                if not self._changed.is_set():
                    await db.execute("select 1")
        finally:
            with contextlib.suppress(Exception):  # it may have gone with its server
                await db.close(timeout=2)

    def _on_notify(self, _db: Any, _pid: int, channel: str, said: object) -> None:
        self._tell(channel, str(said))

    def _tell(self, channel: str, said: str) -> None:
        for heard in list(self._heard.get(channel, ())):
            heard(said)


@contextlib.asynccontextmanager
async def listening(app: App, channel: str, heard: Heard) -> AsyncIterator[None]:
    """Hear what is said on *channel* while inside. After each beginning, and after an outage, *heard* gets "": whatever
    was said meanwhile nobody heard.
    """
    url, _ = address_of(app)
    ears = app.link.ears.get(url)
    if ears is None:
        ears = app.link.ears[url] = Ears(url, max(2.0, app.kit.poll_seconds))
    ears.add(channel, heard)
    try:
        yield
    finally:
        await ears.remove(channel, heard)
