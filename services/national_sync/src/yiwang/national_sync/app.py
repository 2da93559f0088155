"""The exchange, wired: handlers, loops and routes are attached by importing them."""

from __future__ import annotations

from . import announcements, handlers, held, loops, media, media_loop, resync, returns, task_handlers
from .http import ROUTES
from .http_config import CONFIG
from .http_docked import DOCKED
from .http_media import MEDIA
from .http_returns import RETURNS
from .http_tasks import TASKS
from .service import service

service.api(*ROUTES, *TASKS, *RETURNS, *CONFIG, *MEDIA, resync.resyncs, *DOCKED)

__all__ = ["announcements", "handlers", "held", "loops", "media", "media_loop", "resync", "returns", "service", "task_handlers"]
