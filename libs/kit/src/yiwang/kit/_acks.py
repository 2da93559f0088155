"""Services without a database: a shared durable per stream, explicit acks after the outputs' acks.

Derived ids and the stream's duplicate window protect from doubling; a key that waits for a retry holds its later
events back within this replica. No order is promised across replicas.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from ._engine import Engine, HandlerFailed, Item, item_of, refusal
from ._hears import FLOWS
from ._nats import PARKED, JetStreamError, api
from ._service import Retry
from ._telemetry import span_of
from ._wire import Wire, header_of, message, status_of

if TYPE_CHECKING:
    from ._app import App

log: Final = structlog.get_logger("yiwang.acks")
WINDOW: Final = 2000
ACK_WAIT_S: Final = 30


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """A message that waits for its ack."""

    subject: str
    reply: bytes
    data: bytes
    trace: str


class Pull:
    """Continuous pull from one durable: messages are handed over as they arrive."""

    def __init__(self, app: App, stream: str, durable: str, wake: asyncio.Event) -> None:
        self._app, self.stream, self._wake = app, stream, wake
        self._wire = Wire.of(app.nc)
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self.buffer: list[Delivered] = []
        self._asked = self._requests = 0
        self._current, self._seen = "", time.monotonic()

    async def open(self) -> None:
        self._inbox = self._app.nc.new_inbox()
        self._sub = await self._wire.listen(f"{self._inbox}.*", self._on_message)

    async def close(self) -> None:
        await self._wire.leave(self._sub)

    def _on_message(self, subject: bytes, reply: bytes, headers: bytes, data: bytes) -> None:
        self._seen = time.monotonic()
        if headers and not data and (status := status_of(headers)):
            if status != "100" and subject.decode() == self._current:
                self._asked = 0
                self._wake.set()
            return
        self._asked -= 1
        trace = header_of(headers, b"traceparent") if headers else ""
        self.buffer.append(Delivered(subject.decode(), reply, data, trace))
        self._wake.set()

    async def ask(self) -> None:
        if time.monotonic() - self._seen > 8.0:  # the request is gone with a lost link
            self._asked = 0
        if self._asked < WINDOW // 2 and self._app.nc.is_connected:
            self._requests += 1
            self._current = f"{self._inbox}.{self._requests}"
            want = WINDOW - max(self._asked, 0)
            self._asked += want
            self._seen = time.monotonic()
            body = {"batch": want, "expires": 20 * 10**9, "idle_heartbeat": 3 * 10**9}
            await self._app.nc.publish(self._subject, msgspec.json.encode(body), self._current)


async def keep(app: App) -> None:
    """Handle for as long as the service runs; an outage of NATS only pauses."""
    while not app.stopping:
        try:
            await Host(app).run()
        except Exception as error:  # noqa: BLE001 - an outage is waited out
            app.waiting["events"] = f"等待消息服务器：{error!r:.200}"
            log.warning("acks_wait", service=app.service.name, error=repr(error)[:300])
            await asyncio.sleep(1)


class Host:
    """Delivers to one service without a database."""

    def __init__(self, app: App) -> None:
        self.app, self.engine = app, Engine(app)
        self.wake = asyncio.Event()
        self.held: dict[str, tuple[float, list[tuple[Item, Delivered]]]] = {}
        self.pulls: list[Pull] = []
        self._kept = time.monotonic()

    async def run(self) -> None:
        for stream in FLOWS:
            filters = self.app.hears(stream)
            if filters:
                pull = Pull(self.app, stream, await self._durable(stream, filters), self.wake)
                await pull.open()
                self.pulls.append(pull)
        self.app.waiting.pop("events", None)
        try:
            while not self.app.stopping:
                self.wake.clear()
                await self._round()
        finally:
            for pull in self.pulls:
                await pull.close()

    async def _durable(self, stream: str, filters: list[str]) -> str:
        """The durable is named after the service alone: renaming a function never replays history."""
        name = self.app.service.schema
        config = {
            "durable_name": name, "name": name, "ack_policy": "explicit", "ack_wait": ACK_WAIT_S * 10**9, "max_deliver": -1,
            "max_ack_pending": 10_000, "deliver_policy": "all", "filter_subjects": filters,
        }  # fmt: skip
        try:
            await api(
                self.app.nc, f"CONSUMER.CREATE.{stream}.{name}", {"stream_name": stream, "action": "", "config": config}
            )
        except JetStreamError as error:
            if error.code != 10148:  # exists with another filter: an old replica of a smaller set still runs
                raise
            body = {"stream_name": stream, "action": "update", "config": config}
            await api(self.app.nc, f"CONSUMER.CREATE.{stream}.{name}", body)
        return name

    async def _round(self) -> None:
        work: list[tuple[Item, Delivered]] = []
        for pull in self.pulls:
            await pull.ask()
            taken, pull.buffer = pull.buffer[: self.app.kit.batch], pull.buffer[self.app.kit.batch :]
            for msg in taken:
                await self._take(pull.stream, msg, work)
        if work:
            await self._handle(work)
        now = time.monotonic()
        for key in [k for k, (due, _) in self.held.items() if due <= now]:
            _, waiting = self.held.pop(key)
            await self._handle(waiting)
        await self._keep_held()
        if not work and not any(pull.buffer for pull in self.pulls):
            pause = min([1.0, *(max(0.005, due - time.monotonic()) for due, _ in self.held.values())])
            try:
                async with asyncio.timeout(pause):
                    await self.wake.wait()
            except TimeoutError:
                pass

    async def _take(self, stream: str, msg: Delivered, work: list[tuple[Item, Delivered]]) -> None:
        tokens = msg.reply.split(b".")
        seq = int(tokens[5 if len(tokens) == 9 else 7])
        item = item_of(self.app.service, stream, seq, msg.subject, msg.data, msg.trace)
        if item is None:
            await self._answer([msg], b"+ACK")
        elif item.poison:
            await self._park(item, msg, item.poison)
        elif item.key in self.held:
            self.held[item.key][1].append((item, msg))
        else:
            work.append((item, msg))

    async def _handle(self, work: list[tuple[Item, Delivered]]) -> None:
        """Run the handlers in order; what fails is held or parked, what follows of its key waits behind it."""
        while work:
            if work[0][0].key in self.held:
                self.held[work[0][0].key][1].append(work.pop(0))
                continue
            run = []
            for item, _msg in work:
                if item.key in self.held:
                    break
                run.append(item)
            try:
                with span_of(f"{self.app.service.name} handles", [item.trace for item in run]):
                    left, ctx = await self.engine.run(run, None)
                    if ctx.outputs:
                        await self.app.publish_ready(ctx.outputs, timeout=10)
            except HandlerFailed as failed:
                at = next(n for n, item in enumerate(run) if item is failed.items[0])
                if at == 0 and len(failed.items) == 1:
                    await self._settle(*work.pop(0), failed.error)
                    continue
                size = at or next(n for n, item in enumerate(run) if item is failed.items[len(failed.items) // 2])
                part, work = work[:size], work[size:]
                await self._handle(part)
                continue
            done = len(run) - len(left)
            await self._answer([msg for _item, msg in work[:done]])
            self.app.count(run[:done], ctx)
            work = work[done:]

    async def _settle(self, item: Item, msg: Delivered, error: Exception) -> None:
        if reason := refusal(error):
            await self._park(item, msg, reason)
            return
        item.tries += 1
        after = error.after if isinstance(error, Retry) else min(2.0**item.tries * 0.25, 60.0)
        if not isinstance(error, Retry):
            log.error(
                "handler_failed",
                service=self.app.service.name,
                type=item.sub.tag,
                key=item.key,
                error=repr(error)[:500],
            )
        if after * item.tries > self.app.kit.patience_hours * 3600:
            await self._park(item, msg, f"still failing after {item.tries} tries: {error!r}")
            return
        _, behind = self.held.get(item.key, (0.0, []))
        self.held[item.key] = (time.monotonic() + after, [(item, msg), *behind])

    async def _park(self, item: Item, msg: Delivered, reason: str) -> None:
        log.warning("parked", service=self.app.service.name, type=item.sub.tag, key=item.key, reason=reason[:500])
        headers = {
            "Nats-Msg-Id": f"{self.app.service.schema}/{item.stream}/{item.seq}", "Yiwang-Reason": reason[:900].replace("\n", " "),
            "Yiwang-Subject": item.subject, "Yiwang-Stream": item.stream, "Yiwang-Seq": str(item.seq), "Yiwang-Key": item.key,
        }  # fmt: skip
        js = self.app.nc.jetstream()
        await js.publish(f"yw-parked.{self.app.service.schema}", item.data, headers=headers, stream=PARKED)
        await self._answer([msg], b"+TERM")
        self.app.count_parked(item)

    async def _answer(self, messages: list[Delivered], word: bytes = b"") -> None:
        await Wire.of(self.app.nc).send(message(msg.reply, word) for msg in messages)

    async def _keep_held(self) -> None:
        """Tell the server that held messages are still being worked on."""
        if self.held and time.monotonic() - self._kept > ACK_WAIT_S / 3:
            self._kept = time.monotonic()
            for _, waiting in self.held.values():
                await self._answer([msg for _item, msg in waiting], b"+WPI")
