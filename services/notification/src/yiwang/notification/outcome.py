"""What follows from an attempt: done, again later, the next step of the chain, or the end of it."""

from __future__ import annotations

import datetime as dt
import hashlib

from yiwang.contracts import NoticeDelivered, NoticeFailed
from yiwang.kit import Context

from . import steps
from .book import Book
from .pushes import Push
from .retry import Result, next_attempt
from .store import Waiting, sql
from .trouble import disable_endpoint


async def record(ctx: Context, push: Push, result: Result, now: dt.datetime, took_ms: int) -> None:
    """Write down an attempt and what follows: done, again later, the next step of the chain, or the end of it."""
    n = push.attempts + 1
    await sql.run(ctx.tx, "record_attempt", push.delivery_id, n, now, result.klass, result.reason, took_ms)
    ok = result.klass == "ok"
    again = None if ok else next_attempt(result, n, now, str(push.delivery_id))
    state = "delivered" if ok else "pending" if again else "failed"
    receipt = hashlib.sha256(result.receipt).hexdigest() if ok else ""
    updated = await sql.run(
        ctx.tx, "record_delivery", push.delivery_id, state, n, again or now, "" if ok else result.klass, result.reason,
        result.provider_id, receipt, now if ok else None,
    )  # fmt: skip
    if updated != "UPDATE 1" or again:
        return
    if ok:
        await sql.run(ctx.tx, "settle_delivered", push.notice_id, now)
        ctx.emit(_delivered(push, n, result, receipt, now))
        return
    ctx.emit(_failed(push, n, result))
    await _fall_back(ctx, push, result, now)
    if result.gone or result.klass not in ("permanent_template", "permanent_recipient"):
        await disable_endpoint(ctx, push.endpoint_id, push.name, result.reason)


async def _fall_back(ctx: Context, push: Push, result: Result, now: dt.datetime) -> None:
    """Go on with the chain when no push of this step can succeed any more; at its end the notice has failed."""
    notice = await sql.row(ctx.tx, "open_notice", Waiting, push.notice_id)
    if notice is None or notice.hopeful:
        return
    if not await steps.advance(ctx.tx, notice, now, ctx.app.get(Book).quiet):
        await sql.run(ctx.tx, "end_notice", push.notice_id, "failed", result.klass, now)


def _delivered(push: Push, n: int, result: Result, receipt: str, now: dt.datetime) -> NoticeDelivered:
    return NoticeDelivered(
        business_id=push.business_id, version=push.version, template=push.template, audience=push.audience,
        template_version=push.template_version, channel=push.channel, attempt=n, provider_id=result.provider_id,
        delivered_at=now, receipt_hash=receipt,
    )  # fmt: skip


def _failed(push: Push, n: int, result: Result) -> NoticeFailed:
    return NoticeFailed(
        business_id=push.business_id, version=push.version, template=push.template, audience=push.audience,
        template_version=push.template_version, channel=push.channel, attempt=n, failure_class=result.klass,
        reason=result.reason,
    )  # fmt: skip
