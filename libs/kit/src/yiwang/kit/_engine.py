"""Delivering: from bytes to handlers and from their answers to stamped outputs. Knows no NATS and no PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from yiwang.contracts import Event, parse, place_of

from ._context import Context, Tx, listed
from ._problems import Problem
from ._service import Again, Reject, Service, Subscription

if TYPE_CHECKING:
    from ._app import App


class Item(msgspec.Struct, gc=False):
    """One event on its way through a service."""

    stream: str
    seq: int
    subject: str
    data: bytes
    sub: Subscription
    event: Event | None = None
    key: str = ""
    partition: int = 0
    trace: str = ""
    tries: int = 0
    held: int = 0
    """Row of kit_held that it comes from, 0 if fresh"""
    poison: str = ""
    """Why it couldn't even be decoded"""


class HandlerFailed(Exception):
    """A handler raised over `items`; the cause is `error`."""

    def __init__(self, items: Sequence[Item], error: Exception) -> None:
        super().__init__(str(error))
        self.items, self.error = items, error


def item_of(service: Service, stream: str, seq: int, subject: str, data: bytes, trace: str = "") -> Item | None:
    """The item, decoded; None for a type the service doesn't hear."""
    parts = parse(subject)
    sub = service.subscriptions.get(parts.tag)
    if sub is None:
        return None
    item = Item(stream, seq, subject, data, sub, partition=parts.partition, trace=trace)
    try:
        event: Event = sub.decode(data)
        if not event.id:
            raise msgspec.ValidationError("Object missing required field `id` - at `$`")
        if parts.flow == "up" and place_of(event.jurisdiction) != f"{parts.city}.{parts.county}":
            raise msgspec.ValidationError(f"it speaks in the name of {event.jurisdiction!r}, its subject doesn't")
    except msgspec.MsgspecError as error:
        item.poison = f"{parts.tag} on {subject}: {error}. Its sender must mend it."
        item.key = f"{stream}/{seq}"
    else:
        item.event, item.key = event, event.key
    return item


def refusal(error: Exception) -> str | None:
    """The reason to park, if *error* says that the event can never be handled."""
    if isinstance(error, Reject):
        return str(error) or type(error).__name__
    if isinstance(error, Problem):
        return str(error)
    return None


def spans_of(items: Sequence[Item], *, regroup: bool) -> list[list[Item]]:
    """*items* as the calls that handle them: one event each, or as many as a batch handler may get together.

    A batch handler that hears several types gets them together. With *regroup* events of different keys may pass each
    other, so that batches stay large where types alternate; events of one key never do.
    """
    spans: list[list[Item]] = []
    after: dict[str, int] = {}  # key → the first span that its next event may join
    last: dict[int, int] = {}  # batch handler → its last span
    for item in items:
        least = after.get(item.key, 0) if regroup else len(spans) - 1
        at = last.get(id(item.sub.handler), -1) if item.sub.batch else -1
        if at < least or at < 0:
            at = len(spans)
            spans.append([])
            if item.sub.batch:
                last[id(item.sub.handler)] = at
        spans[at].append(item)
        after[item.key] = at
    return spans


class Engine:
    """Runs the handlers of one service."""

    def __init__(self, app: App, budget_s: float = 0.05) -> None:
        self.app, self._budget = app, budget_s

    async def run(self, items: Sequence[Item], tx: Tx | None) -> tuple[list[Item], Context]:
        """Handle *items* inside *tx*; returns those left when the time budget was spent, and the outputs.

        Raises HandlerFailed with the items whose handler raised.
        """
        ctx = Context(self.app, tx)
        begin, spans = time.perf_counter(), spans_of(items, regroup=tx is not None)
        for n, span in enumerate(spans):
            if n and time.perf_counter() - begin > self._budget:
                left = {id(item) for later in spans[n:] for item in later}
                return [item for item in items if id(item) in left], ctx
            try:
                answers = await self._call(span[0].sub, span, ctx)
            except Exception as error:
                raise HandlerFailed(span, error) from error
            for item, answer in zip(span, answers, strict=True):
                if answer:
                    ctx.stamp(answer, cause=item.event, direct=tx is not None and item.sub.again is Again.SAME)
        return [], ctx

    async def _call(self, sub: Subscription, span: Sequence[Item], ctx: Context) -> list[list[Event]]:
        events: list[Any] = [item.event for item in span]
        if not sub.batch:
            ctx.event, ctx.attempt = events[0], span[0].tries + 1
            return [listed(await sub.handler(events[0], ctx))]
        ctx.event, ctx.attempt = None, max(item.tries for item in span) + 1
        answers = await sub.handler(events, ctx)
        if len(answers) != len(events):
            raise TypeError(f"{sub.handler.__name__} gave {len(answers)} outcomes for {len(events)} events: one each")
        return [listed(answer) for answer in answers]
