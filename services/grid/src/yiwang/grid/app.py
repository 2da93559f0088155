"""The grid, wired: handlers and routes are attached by importing them."""

from __future__ import annotations

from . import announcements, handlers
from .http import LOOKUPS
from .http_parts import PARTS
from .http_unlocated import UNLOCATED
from .http_versions import VERSIONS
from .service import service

service.api(*LOOKUPS, *PARTS, *UNLOCATED, *VERSIONS)

__all__ = ["announcements", "handlers", "service"]
