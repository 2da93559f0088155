"""Brings notices to other systems: at least once, with our id, by the schedule, at the rate of each account.

A push is claimed with `for update skip locked`, sent outside any transaction, and its result recorded in one. A crash
between the two sends it again with the same id.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import time
import uuid
from typing import Any, Final

import msgspec
from yiwang.contracts import NoticeDelivered, NoticeFailed
from yiwang.kit import App, Context

from . import steps
from .allow import AllowList
from .book import Book
from .mail import Mailer
from .retry import Bucket, Result, next_attempt
from .service import service
from .store import Waiting, sql
from .trouble import disable_endpoint
from .webhook import Webhooks

AT_ONCE: Final = 32
PER_ENDPOINT: Final = 8
"""Pushes in hand at the most, in all and to one endpoint: a slow receiver doesn't hold up the others."""
IDLE_S: Final = 0.25


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One claimed push with its notice and its endpoint."""

    delivery_id: uuid.UUID
    attempts: int
    due_at: dt.datetime
    channel: str
    step: int
    notice_id: uuid.UUID
    audience: str
    kind: str
    role: str
    area: str
    business_id: str
    version: int
    template: str
    template_version: str
    title: str
    body: str
    urgency: str
    purpose: str
    case_id: str
    case_no: str
    steps: str
    created_at: dt.datetime
    endpoint_id: uuid.UUID
    name: str
    target: str
    receives_contact: bool
    secret: str
    old_secret: str
    old_until: dt.datetime | None
    enabled: bool


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A reporter's contact, sealed."""

    report_id: str
    name: str
    phone: str
    openid: str


@service.background(leased=True)
async def send_notices(app: App) -> None:
    """Send what is due, for ever."""
    sender = Sender(app)
    try:
        await sender.run()
    finally:
        await sender.close()


class Sender:
    """The pushes in hand."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._webhooks = Webhooks(app.get(AllowList), app.settings.webhook_timeout_s)
        self._mailer = Mailer(app.settings)
        self._buckets: dict[uuid.UUID, Bucket] = {}
        self._busy: dict[asyncio.Task[None], uuid.UUID] = {}

    async def run(self) -> None:
        """Claim and send until cancelled."""
        while True:
            claimed = await self._claim()
            for push in claimed:
                self._busy[asyncio.create_task(self._deliver(push))] = push.endpoint_id
            done: set[asyncio.Task[None]] = set()
            if self._busy:
                done, _ = await asyncio.wait(self._busy, timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED)
            elif not claimed:
                await asyncio.sleep(IDLE_S)
            for task in done:
                del self._busy[task]
                if (error := task.exception()) and not self._app.is_outage(error):
                    raise error  # an outage needs nothing: the claim ends and the push is sent again

    async def close(self) -> None:
        """Let go of everything; what was in hand is claimed again when its claim ends."""
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        await self._webhooks.close()

    async def _claim(self) -> list[Push]:
        free = AT_ONCE - len(self._busy)
        if free <= 0:
            return []
        busy = list(self._busy.values())
        full = [endpoint for endpoint in set(busy) if busy.count(endpoint) >= PER_ENDPOINT]
        now = self._app.clock.now()
        claimed = await sql.rows(self._app.pool, "claim", Push, now, min(free, PER_ENDPOINT), full)
        return [push for push in claimed if not await self._waits(push, now)]

    async def _waits(self, push: Push, now: dt.datetime) -> bool:
        """Give *push* back when its account's rate is used up."""
        if push.endpoint_id not in self._buckets:
            settings = self._app.settings
            rate = settings.webhook_rate if push.channel == "webhook" else settings.email_rate
            self._buckets[push.endpoint_id] = Bucket(rate, settings.burst)
        at = self._buckets[push.endpoint_id].reserve(now)
        if at > now:
            await sql.run(self._app.pool, "give_back", push.delivery_id, at)
        return at > now

    async def _deliver(self, push: Push) -> None:
        started, now = time.monotonic(), self._app.clock.now()
        result = await self._attempt(push, now)
        took_ms = int((time.monotonic() - started) * 1000)
        async with self._app.command(command_id=f"{push.delivery_id}/{push.attempts + 1}", purpose=push.purpose) as ctx:
            await record(ctx, push, result, now, took_ms)

    async def _attempt(self, push: Push, now: dt.datetime) -> Result:
        if not push.enabled:
            return Result(klass="permanent_recipient", reason="出口已停用")
        old = push.old_secret if push.old_until and now < push.old_until else ""
        sealed = (push.target, push.secret, old)
        try:
            opened = [await self._app.vault.open(_key(push.endpoint_id), text) for text in sealed if text]
        except ValueError:
            return Result(klass="auth", reason="出口的地址或密钥无法解封；请管理员重新登记该出口")
        target, *secrets = opened
        timeout_s = self._app.settings.webhook_timeout_s
        if push.channel == "email":
            return await self._mailer.send(target, push.title, push.body, str(push.delivery_id), now, timeout_s)
        contacts = await self._contacts(push)
        if push.kind == "reporter" and push.receives_contact and not contacts:
            return Result(klass="permanent_recipient", reason="联系方式已清除")
        # The signature's moment is real time: receivers compare it with their own clock.
        real = dt.datetime.now(dt.UTC)
        return await self._webhooks.send(target, str(push.delivery_id), real, payload(push, contacts), secrets)

    async def _contacts(self, push: Push) -> list[dict[str, str]]:
        """Reporters' contacts in the clear, for a gateway (SMS, WeChat) that may have them. Never logged."""
        if push.kind != "reporter" or not push.receives_contact:
            return []
        found = []
        for one in await sql.rows(self._app.pool, "contacts_of", Contact, push.case_id):
            sealed = {"name": one.name, "phone": one.phone, "openid": one.openid}
            opened = {k: await self._app.vault.open(one.report_id, v) for k, v in sealed.items() if v}
            found.append({k: v for k, v in opened.items() if v})
        return [contact for contact in found if contact]


def payload(push: Push, contacts: list[dict[str, str]]) -> bytes:
    """The body: ``{type, timestamp, data}`` as Standard Webhooks has it."""
    names = ("audience", "business_id", "version", "title", "body", "urgency", "purpose", "case_id", "case_no")
    data: dict[str, Any] = {"notice_id": push.notice_id} | {name: getattr(push, name) for name in names}
    if contacts:
        data["contacts"] = contacts
    return msgspec.json.encode({"type": f"notice.{push.template}", "timestamp": push.created_at, "data": data})


def _key(endpoint_id: uuid.UUID) -> str:
    return f"endpoint/{endpoint_id}"


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
    await _fall_back(ctx, push, now)
    if result.gone or result.klass not in ("permanent_template", "permanent_recipient"):
        await disable_endpoint(ctx, push.endpoint_id, push.name, result.reason)


async def _fall_back(ctx: Context, push: Push, now: dt.datetime) -> None:
    """Go on with the chain when no push of this step can succeed any more."""
    notice = await sql.row(ctx.tx, "open_notice", Waiting, push.notice_id)
    if notice and not notice.hopeful:
        await steps.advance(ctx.tx, notice, now, ctx.app.get(Book).quiet)


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
