"""Comparing a day with the receiver: count and digest for each (platform, district, day), and what differs."""

from __future__ import annotations

import datetime as dt

from yiwang.kit import App

from .links import Link
from .payloads import SHANGHAI
from .protocol import digest_of
from .store import Day, Reconciliation, hashes, sql
from .transport import Transport


async def compare(app: App, link: Link, transport: Transport, district: str, day: dt.date) -> Reconciliation | None:
    """Compare one day of one district; what the receiver lacks or holds otherwise is sent again.

    None where the receiver can't be asked. Raises Down.
    """
    name, sender, at = link.platform.name, app.node.node_id, app.clock.now()
    ours = await hashes(app.pool, "delivered_of_day", name, district, day)
    digest = digest_of(ours)
    theirs = await transport.digest(sender, district, day.isoformat())
    if theirs is None:
        return None
    missing: list[str] = []
    foreign: list[str] = []
    if theirs.digest != digest:
        known = {k.record_id: k.hash for k in await transport.known(sender, district, day.isoformat())}
        missing = sorted(record_id for record_id, content in ours if known.get(record_id) != content)
        foreign = sorted(set(known) - {record_id for record_id, _ in ours})
    found = Reconciliation(
        platform=name,
        district=district,
        day=day,
        compared_at=at,
        our_count=len(ours),
        our_digest=digest,
        their_count=theirs.count,
        their_digest=theirs.digest,
        missing=missing,
        foreign_ids=foreign,
    )
    async with app.pool.acquire() as db, db.transaction():
        await sql.run(
            db, "set_reconciliation", name, district, day, at, found.our_count, digest, theirs.count, theirs.digest,
            missing, foreign,
        )  # fmt: skip
        if missing:
            await sql.run(db, "resend_ids", name, missing)
    return found


async def compare_ended(app: App, link: Link, transport: Transport) -> int:
    """Compare the days that ended and changed since their last comparison; how many. Raises Down."""
    today = app.clock.now().astimezone(SHANGHAI).date()
    since = today - dt.timedelta(days=app.settings.reconcile_days)
    days = await sql.rows(app.pool, "days_to_compare", Day, link.platform.name, today, since)
    for one in days:
        await compare(app, link, transport, one.district, one.day)
    return len(days)
