"""The evaluation service, wired: handlers, loops and routes are attached by importing them."""

from __future__ import annotations

from . import calendar, handlers, watching
from .http import ROUTES
from .http_alerts import ALERTS
from .http_reports import REPORTS
from .http_scores import SCORES
from .service import service

service.api(*ROUTES, *SCORES, *REPORTS, *ALERTS)

__all__ = ["calendar", "handlers", "service", "watching"]
