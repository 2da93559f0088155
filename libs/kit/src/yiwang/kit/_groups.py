"""The partition groups that this replica holds: a worker and a publisher for each, for as long as the lease is ours."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import structlog

from . import names
from ._deliver import LeaseLost
from ._feed import FeedLost
from ._worker import Worker

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.groups")


class Groups:
    """Starts and ends the work on groups as `_leases` says."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.leases: dict[int, int] = {}
        """group → epoch"""
        self.workers: dict[int, Worker] = {}
        self._tasks: dict[int, list[asyncio.Task[None]]] = {}

    def take(self, group: int, epoch: int) -> None:
        """Begin to work *group* under *epoch*."""
        self.leases[group] = epoch
        self._tasks[group] = [
            asyncio.create_task(self._work(group, epoch), name=f"{self.app.service.name}/group{group}"),
            asyncio.create_task(self._publish(group), name=f"{self.app.service.name}/outbox{group}"),
        ]
        names.GROUPS.labels(self.app.service.name).set(len(self.leases))

    def drop(self, group: int) -> None:
        """The lease is lost: stop at once."""
        self.leases.pop(group, None)
        for task in self._tasks.pop(group, []):
            task.cancel()
        names.GROUPS.labels(self.app.service.name).set(len(self.leases))

    @property
    def positions(self) -> list[tuple[int, str, int]]:
        """(group, stream, position) of everything that is settled, as the workers remember it."""
        return [(n, *at) for n, one in self.workers.items() if n in self.leases for at in one.positions.items()]

    def rests(self, group: int) -> bool:
        """Whether nobody handles the group's events any more."""
        tasks = self._tasks.get(group, [])
        return not tasks or tasks[0].done()

    async def release(self, group: int) -> None:
        """Finish the batch in hand and give the group to another replica."""
        epoch = self.leases.pop(group)
        tasks = self._tasks.pop(group, [])
        if worker := self.workers.get(group):
            worker.wake.set()
        self.app.outbox.wake()
        await asyncio.wait(tasks, timeout=5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.app.pool.execute(
            "update kit_lease set until = '-infinity' where grp = $1 and epoch = $2 and owner = $3",
            group,
            epoch,
            self.app.replica,
        )

    async def _work(self, group: int, epoch: int) -> None:
        try:
            await self._keep_working(group, epoch)
        finally:  # lost, handed over or stopped: whoever holds the group now says what it waits for
            self.app.waiting.pop(f"group {group}", None)

    async def _keep_working(self, group: int, epoch: int) -> None:
        pause = 0.1
        while group in self.leases and not self.app.sealed:
            worker = self.workers[group] = Worker(self.app, group, epoch)
            begun = time.monotonic()
            try:
                await worker.run()
                return
            except LeaseLost:
                log.info("lease_lost", service=self.app.service.name, group=group)
                self.leases.pop(group, None)
                return
            except FeedLost as error:
                log.info("feed_reopened", service=self.app.service.name, group=group, reason=str(error))
            except Exception as error:
                self.app.waiting[f"group {group}"] = f"分区组{group}等待：{error!r:.300}"
                log.error("worker_waits", service=self.app.service.name, group=group, error=repr(error)[:500],
                          exc_info=None if self.app.is_outage(error) else error)  # fmt: skip
                pause = min(pause * 2, 5.0) if time.monotonic() - begun < 10 else 0.1
            await asyncio.sleep(pause)

    async def _publish(self, group: int) -> None:
        while group in self.leases:
            try:
                await self.app.outbox.publish_group(group)
            except Exception as error:  # noqa: BLE001 - an outage: the rows wait
                log.warning("outbox_waits", service=self.app.service.name, error=repr(error)[:300])
                await asyncio.sleep(0.5)
