"""The evaluation service, wired: handlers, loops and routes are attached by importing them."""

from __future__ import annotations

from . import handlers
from .service import service

__all__ = ["handlers", "service"]
