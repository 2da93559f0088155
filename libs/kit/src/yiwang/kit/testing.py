"""For tests: an in-memory bus with the promises of the real one, and builders of realistic events."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import uuid
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    AreaRef,
    CaseFiled,
    CaseHead,
    CaseReported,
    Category,
    Code,
    Custody,
    Event,
    Place,
    Point,
    decode,
    filters,
    tag_of,
)  # fmt: skip

from ._clock import Clock, ManualClock
from ._config import Kit, load
from ._engine import Engine, HandlerFailed, Item, item_of, refusal
from ._envelope import Ready, Stamper, ready
from ._node import Node
from ._service import Retry, Scope, Service

NOON: Final = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
"""Monday 2026-11-23, 12:00 in Shanghai."""


class MemoryApp:
    """The part of `App` that a service without a database can see."""

    def __init__(self, service: Service, node: Node, clock: Clock, settings: dict[str, str] | None = None) -> None:
        self.service, self.node, self.clock = service, node, clock
        self.settings: Any = (
            load(service.settings_type, settings or {}, service.env_prefix) if service.settings_type else None
        )
        self.stamper = Stamper(node, service.name)
        self.kit = Kit(jurisdiction=node.jurisdiction)
        self.resources: dict[type, Any] = {}

    def get(self, kind: type[Any]) -> Any:
        return self.resources[kind]


class MemoryBus:
    """Streams in memory: order per key, `Retry` holds a key, `Reject` parks, repeated ids are dropped.

    It passes the same conformance suite as NATS (libs/kit/tests/test_bus.py).
    """

    def __init__(self, jurisdiction: str = "440300", clock: Clock | None = None) -> None:
        self.node = Node(node_id=jurisdiction, tenant_id=jurisdiction, jurisdiction=jurisdiction, tier="city")
        self.clock = clock or ManualClock(NOON)
        self.log: list[Ready] = []
        self.parked: list[tuple[str, str]] = []
        """(service, reason)"""
        self._ids: set[str] = set()
        self._hosts: list[_Host] = []

    @property
    def events(self) -> list[Event]:
        """Everything published so far, in order."""
        return [r.event for r in self.log]

    async def attach(self, service: Service, settings: dict[str, str] | None = None) -> MemoryApp:
        """Let *service* hear everything from the beginning on."""
        app = MemoryApp(service, self.node, self.clock, settings)
        for starter in service.starters:
            await starter(app)  # type: ignore[arg-type]
        self._hosts.append(_Host(self, app))
        return app

    async def publish(self, *events: Event) -> None:
        """Publish *events*, filling in what a test left out of the envelope."""
        for event in events:
            self.put(ready(complete(event, self.node, self.clock.now())))

    def put(self, out: Ready) -> None:
        if out.id not in self._ids:
            self._ids.add(out.id)
            self.log.append(out)

    def put_raw(self, subject: str, data: bytes) -> None:
        """Publish bytes as they are, as a broken sender would."""
        self.log.append(Ready(str(uuid.uuid4()), subject, data, 0, Event(jurisdiction="?")))

    async def settled(self, timeout: float = 5.0) -> None:
        """Deliver until nothing moves and nothing waits."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            moved = [await host.step() for host in self._hosts]
            if not any(moved):
                if not any(host.held for host in self._hosts):
                    return
                await asyncio.sleep(0.002)
        raise TimeoutError("events still wait: " + ", ".join(k for h in self._hosts for k in h.held))


class _Host:
    def __init__(self, bus: MemoryBus, app: MemoryApp) -> None:
        self._bus, self._app, self._at = bus, app, 0
        self._engine = Engine(app)  # type: ignore[arg-type]
        self._handled: set[str] = set()
        self.held: dict[str, tuple[float, list[Item]]] = {}

    def _hears(self, item: Item) -> bool:
        own = self._bus.node.jurisdiction if item.sub.scope is Scope.OWN else ""
        patterns = filters(item.sub.event_type.flow, [item.sub.tag], jurisdiction=own)
        tokens = item.subject.split(".", 5)
        return any(all(p in ("*", s) for p, s in zip(pattern.split(".", 5), tokens, strict=True)) for pattern in patterns)

    async def step(self) -> bool:
        """Handle what is new and what is due; whether there was anything."""
        new, self._at = self._bus.log[self._at :], len(self._bus.log)
        work = []
        for n, out in enumerate(new):
            item = item_of(self._app.service, "MEMORY", self._at - len(new) + n + 1, out.subject, out.data)
            if item is None or not self._hears(item):
                continue
            if item.poison:
                self._bus.parked.append((self._app.service.name, item.poison))
            elif item.event and item.event.id not in self._handled:
                self._handled.add(item.event.id)
                work.append(item)
        for key in [k for k, (due, _) in self.held.items() if due <= time.monotonic()]:
            work = self.held.pop(key)[1] + work
        await self._handle(work)
        return bool(new or work)

    async def _handle(self, work: list[Item]) -> None:
        while work:
            if work[0].key in self.held:
                self.held[work[0].key][1].append(work.pop(0))
                continue
            run = work[: next((n for n, item in enumerate(work) if item.key in self.held), len(work))]
            try:
                left, ctx = await self._engine.run(run, None)
            except HandlerFailed as failed:
                at = next(n for n, item in enumerate(run) if item is failed.items[0])
                if at == 0 and len(failed.items) == 1:
                    self._settle(work.pop(0), failed.error)
                    continue
                size = at or len(failed.items) // 2
                part, work = work[:size], work[size:]
                await self._handle(part)
                continue
            for out in ctx.outputs:
                self._bus.put(out)
            work = work[len(run) - len(left) :]

    def _settle(self, item: Item, error: Exception) -> None:
        if reason := refusal(error):
            self._bus.parked.append((self._app.service.name, reason))
            return
        item.tries += 1
        after = error.after if isinstance(error, Retry) else 0.001
        if not isinstance(error, Retry) and item.tries > 10:
            raise error
        self.held[item.key] = (time.monotonic() + after, [item])


async def run(
    service: Service, *events: Event, jurisdiction: str = "440300", settings: dict[str, str] | None = None
) -> list[Event]:
    """What *service* alone publishes in answer to *events*. No server, no mock."""
    bus = MemoryBus(jurisdiction)
    await bus.attach(service, settings)
    await bus.publish(*events)
    given = len(bus.log)
    await bus.settled()
    return [decode(out.data) for out in bus.log[given:]]


def complete(event: Event, node: Node, now: dt.datetime) -> Event:
    """*event* with an envelope where a test left it out (its own values stay)."""
    stamped = Stamper(node, "test").stamp(event, now, parent=str(uuid.uuid4()), n=0, purpose=event.purpose).event
    keep: dict[str, Any] = {
        f: v
        for f in ("recorded_at", "source")
        if (v := getattr(event, f)) and v != dt.datetime.min.replace(tzinfo=dt.UTC)
    }
    return msgspec.structs.replace(stamped, **keep) if keep else stamped


def a_head(**change: Any) -> CaseHead:
    """A case head in Pingshan, Shenzhen, as of its report."""
    case_id = change.pop("case_id", None) or str(uuid.uuid4())
    fields: dict[str, Any] = {
        "case_id": case_id,
        "case_version": 1,
        "state_after": "reported",
        "custody": Custody(jurisdiction="440300"),
        "report_ids": (f"report-of-{case_id}",),
        "nature": "complaint",
        "channel": Code(code_set="channel", version="1", code="1", name="信息采集"),
    }
    return CaseHead(**(fields | change))


def a_place(**change: Any) -> Place:
    """A place in Pingshan street."""
    fields: dict[str, Any] = {
        "area": AreaRef(
            province="440000", city="440300", county="440310", street9="440310001", community12="440310001003"
        ),
        "cell15": "440310001003001",
        "duty_grid_id": "440310-G01",
        "grid_version": "1",
        "point": Point(lon=114.3462, lat=22.6908, crs="cgcs2000"),
        "method": "point",
    }
    return Place(**(fields | change))


def a_category(major: str = "01", minor: str = "10", kind: str = "event", **change: Any) -> Category:
    """暴露垃圾 unless told otherwise."""
    fields: dict[str, Any] = {
        "code_set": "gbt30428.2-2013",
        "version": "1",
        "kind": kind,
        "major": major,
        "minor": minor,
    }
    return Category(**(fields | change))


def a_report(**change: Any) -> CaseReported:
    """An inspector's report of exposed litter; *change* goes to the event, `head=` replaces the head."""
    head = change.pop("head", None) or a_head(**change.pop("head_change", {}))
    fields: dict[str, Any] = {
        "case": head, "report_id": head.report_ids[0] if head.report_ids else "report", "nature": head.nature,
        "description_masked": "路边暴露垃圾", "reporter_kind": "collector", "verify_policy": "skip",
        "claimed_category": a_category(),
    }  # fmt: skip
    return CaseReported(**(fields | change))


def a_case(**change: Any) -> CaseFiled:
    """A filed case; `category=`, `place=` and head fields may be changed by `head_change=`."""
    category = change.pop("category", None) or a_category()
    place = change.pop("place", None) or a_place()
    head = change.pop("head", None) or a_head(
        **({"case_version": 4, "state_before": "accepted", "state_after": "filed", "category": category, "place": place,
            "case_no": "4403102026112300001", "condition_id": "e0110-1"} | change.pop("head_change", {}))
    )  # fmt: skip
    fields: dict[str, Any] = {
        "case": head, "category": category, "condition_id": "e0110-1", "condition_version": "1", "unit_kind": "work_hour", "limit": 4,
    }  # fmt: skip
    return CaseFiled(**(fields | change))


__all__ = [
    "NOON",
    "ManualClock",
    "MemoryBus",
    "a_case",
    "a_category",
    "a_head",
    "a_place",
    "a_report",
    "complete",
    "run",
    "tag_of",
]
