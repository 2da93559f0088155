"""The mesh service, wired: handlers, loops and routes are attached by importing them."""

from __future__ import annotations

from . import desk, guard, handlers, relay, watch
from .http import ROUTES
from .service import service

service.api(*ROUTES)

__all__ = ["desk", "guard", "handlers", "relay", "service", "watch"]
