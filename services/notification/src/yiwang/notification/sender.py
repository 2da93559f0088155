"""Brings notices to other systems: at least once, with our id, by the schedule, at the rate of each account.

A push is claimed with `for update skip locked`, sent outside any transaction, and its result recorded in one. A crash
between the two sends it again with the same id.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import uuid
from typing import Final

from yiwang.kit import App

from .allow import AllowList
from .mail import Mailer
from .outcome import record
from .pushes import Contact, Push, payload
from .retry import Bucket, Result
from .service import service
from .store import sql
from .webhook import Webhooks

AT_ONCE: Final = 32
PER_ENDPOINT: Final = 8
"""Pushes in hand at the most, in all and to one endpoint: a slow receiver doesn't hold up the others."""
IDLE_S: Final = 0.25
DRAIN_S: Final = 5.0


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
        self._unsealed: dict[str, str] = {}
        self._slots: dict[uuid.UUID, dt.datetime] = {}

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
                await asyncio.sleep(self._app.kit.poll_seconds / 2)
            for task in done:
                del self._busy[task]
                if (error := task.exception()) and not self._app.is_outage(error):
                    raise error  # an outage needs nothing: the claim ends and the push is sent again

    async def close(self) -> None:
        """Finish what is in hand, but not for long; the rest is sent again when its claim ends."""
        if self._busy:
            await asyncio.wait(self._busy, timeout=DRAIN_S)
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
        going: list[Push] = []
        for push in claimed:
            in_hand = busy.count(push.endpoint_id) + sum(push.endpoint_id == other.endpoint_id for other in going)
            at = self._slot(push, now) if in_hand < PER_ENDPOINT else push.due_at
            if in_hand < PER_ENDPOINT and at <= now:
                going.append(push)
            else:
                await sql.run(self._app.pool, "give_back", push.delivery_id, at)
        return going

    def _slot(self, push: Push, now: dt.datetime) -> dt.datetime:
        """When *push* may go by the rate of its account; a moment once given is kept."""
        given = self._slots.get(push.delivery_id)
        if given is None or given <= now:
            self._slots.pop(push.delivery_id, None)
        if given is not None:
            return given
        if push.endpoint_id not in self._buckets:
            settings = self._app.settings
            rate = settings.webhook_rate if push.channel == "webhook" else settings.email_rate
            self._buckets[push.endpoint_id] = Bucket(rate, settings.burst)
        at = self._buckets[push.endpoint_id].reserve(now)
        if at > now:
            self._slots[push.delivery_id] = at
        return at

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
            opened = [await self._opened(push.endpoint_id, text) for text in sealed if text]
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

    async def _opened(self, endpoint_id: uuid.UUID, sealed: str) -> str:
        """An endpoint's address or secret; in memory while this replica sends. Raises ValueError."""
        if sealed not in self._unsealed:
            text = await self._app.vault.open(f"endpoint/{endpoint_id}", sealed)
            if text is None:
                raise ValueError(f"the key of endpoint {endpoint_id} is gone")
            self._unsealed[sealed] = text
        return self._unsealed[sealed]

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
