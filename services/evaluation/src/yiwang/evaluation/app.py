"""The evaluation service, wired: handlers, loops and routes are attached by importing them."""

from __future__ import annotations

from . import handlers
from .http import ROUTES
from .http_reports import REPORTS
from .http_scores import SCORES
from .service import service

service.api(*ROUTES, *SCORES, *REPORTS)

__all__ = ["handlers", "service"]
