"""The exchange, wired: handlers, loops and routes are attached by importing them."""

from __future__ import annotations

from . import handlers, loops
from .http import ROUTES
from .service import service

service.api(*ROUTES)

__all__ = ["handlers", "loops", "service"]
