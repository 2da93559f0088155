"""Early warnings over HTTP, and a recount for the doubtful."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import Parameter
from yiwang.kit import App, Caller, Role, allow

from .asking import READERS
from .profile import Book
from .recount import mistakes
from .store import sql
from .warning import Rule


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """An early warning with its explanation."""

    alert: str
    since: dt.datetime
    rule: str
    kind: str
    area: str
    object: str
    cls: str
    from_at: dt.datetime
    to_at: dt.datetime
    count: int
    usual: float
    bound: float
    sentence: str
    cleared_at: dt.datetime | None


class Recounted(msgspec.Struct, frozen=True, kw_only=True):
    """What a recount from scratch found."""

    equal: bool
    mistakes: list[str]


@get("/evaluation/alerts", guards=[allow(*READERS)])
async def list_alerts(
    app: App, caller: Caller, standing: bool = True, before: dt.datetime | None = None,
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> list[AlertView]:  # fmt: skip
    """Warnings for the caller's areas, newest first; without *standing* those that are over too."""
    at = before or app.clock.now() + dt.timedelta(days=1)
    rows = await sql.rows(app.pool, "alerts", AlertView, standing, at if at.tzinfo else at.replace(tzinfo=dt.UTC), limit)
    return [row for row in rows if any(post.covers(row.area) for post in caller.posts)]


@get("/evaluation/alerts/rules", guards=[allow(*READERS)])
async def list_rules(app: App) -> list[Rule]:
    """The rules of early warning, as data."""
    return list(app.get(Book).warnings)


@get("/evaluation/recount", guards=[allow(Role.ADMIN)])
async def recount(app: App) -> Recounted:
    """Count every case again and compare with what stands: minutes in a big city, and read-only."""
    found = await mistakes(app)
    return Recounted(equal=not found, mistakes=found)


ALERTS: Final = (list_alerts, list_rules, recount)
