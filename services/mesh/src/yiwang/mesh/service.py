"""The service's name, settings and the mesh page that it looks at anew when it changes."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Final

import msgspec
from yiwang.kit import App, Service
from yiwang.kit.mesh import Mesh


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an administrator of this service decides."""

    watch_seconds: float = 5.0
    """How often the links are looked at and mended"""
    heartbeat_seconds: float = 60.0
    """How often this node says that it is alive, and probes the nodes below"""
    cut_after_s: float = 10.0
    """A link without any sign of the other side for so long counts as cut"""
    stall_after_s: float = 10.0
    """A link that has waited for so long with events to bring counts as stalled, and is restarted"""
    dead_after_s: float = 60.0
    """A link that stands while the other side gives no sign for so long is restarted; until then JetStream tries by itself"""
    unsent_after_s: float = 300.0
    """Age of the oldest unsent event at which an alarm is raised"""
    silent_after_s: float = 300.0
    """A node below that has said nothing for so long is silent"""
    quarantine_keep: int = 1000
    """Refused events kept whole for each child and day; more are counted only"""
    landing_keep: int = 10_000
    """Events kept in a landing stream after UP has them"""


service: Final = Service("mesh", package="yiwang.mesh", settings=Settings, database=True)


class Page:
    """The mesh page of now: the file is read again when it changes, a broken one is left aside."""

    def __init__(self, app: App) -> None:
        self._app, self.mesh = app, app.mesh
        self._stamp = self._look()
        self.started_wall = dt.datetime.now(dt.UTC)
        self.broken = ""
        self.touched = asyncio.Event()
        """Set to let the watchdog look at once"""

    def _look(self) -> tuple[int, int]:
        if not self._app.kit.mesh:
            return (0, 0)
        try:
            found = Path(self._app.kit.mesh).stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    def refresh(self) -> Mesh | None:
        """The page as it is now; None for a node that stands alone."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self.mesh = Mesh.load(self._app.kit.mesh, self._app.node.jurisdiction)
            except Exception as error:  # noqa: BLE001 - the page of before stays in use, and status shows why
                self.broken = str(error)
                self._app.log.error("mesh_page_unusable", error=str(error)[:500])
            else:
                self.broken = ""
                self._app.log.info("mesh_page_read", version=self.mesh.page.version if self.mesh else "")
        return self.mesh


@service.on_start
async def load_page(app: App) -> None:
    """The page that the node started with."""
    app.resources[Page] = Page(app)
