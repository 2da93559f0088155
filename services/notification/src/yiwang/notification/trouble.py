"""When an endpoint fails for good: switch it off and tell the administrator by another way."""

from __future__ import annotations

import uuid

from yiwang.contracts import NoticeRequested
from yiwang.kit import Context

from . import steps
from .book import Book
from .domain import requested
from .store import sql

TEMPLATE = "endpoint_disabled"


async def disable_endpoint(ctx: Context, endpoint_id: uuid.UUID, name: str, reason: str) -> None:
    """Switch the endpoint off and put a notice into the administrators' inbox, once for each time."""
    if await sql.run(ctx.tx, "switch", endpoint_id, False, reason) != "UPDATE 1":
        return
    now, book = ctx.now(), ctx.app.get(Book)
    if TEMPLATE not in book.templates:
        return
    wish = NoticeRequested(
        business_id=f"endpoint/{endpoint_id}/{now.isoformat()}",
        template=TEMPLATE,
        audience=f"admin@{ctx.node.jurisdiction}",
        params={"name": name, "target": name, "reason": reason},
        urgency="urgent",
    )
    if draft := requested(wish, book):
        await steps.begin(ctx.tx, [draft], now, book.quiet)
