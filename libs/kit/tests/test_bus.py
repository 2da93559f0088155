"""What a bus promises: one suite over the memory bus, NATS without a database, and NATS with leased partitions."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from yiwang.contracts import CaseFiled, CaseVisited, Event, NoticeRequested, encode, partition_of
from yiwang.kit import Context, Reject, Retry, Scope, Service
from yiwang.kit.testing import MemoryBus, a_case, a_head
from yiwang.stack.testing import TestNode

Handler = Callable[[Any, Context], Any]


class Memory:
    """The memory bus behind the suite's words."""

    def __init__(self) -> None:
        self._bus = MemoryBus()

    async def start(self, *services: Service) -> None:
        for service in services:
            await self._bus.attach(service)

    async def publish(self, *events: Event) -> list[Event]:
        before = len(self._bus.log)
        await self._bus.publish(*events)
        return [r.event for r in self._bus.log[before:]]

    async def publish_raw(self, subject: str, data: bytes) -> None:
        self._bus.put_raw(subject, data)

    async def settled(self) -> None:
        await self._bus.settled()

    async def parked(self) -> list[str]:
        return [reason for _, reason in self._bus.parked]

    async def published(self, event_type: type[Event]) -> list[Event]:
        return [e for e in self._bus.events if type(e) is event_type]


class Real:
    """NATS (and PostgreSQL when the services have a database) behind the suite's words."""

    def __init__(self, node: TestNode, database: bool) -> None:
        self._node, self._database = node, database
        self._stack: Any = None

    async def start(self, *services: Service) -> None:
        import contextlib

        self._stack = contextlib.AsyncExitStack()
        for service in services:
            service.database = self._database
        await self._stack.enter_async_context(self._node.running(*services))

    async def stop(self) -> None:
        if self._stack is not None:
            await self._stack.aclose()

    async def publish(self, *events: Event) -> list[Event]:
        return await self._node.publish(*events)

    async def publish_raw(self, subject: str, data: bytes) -> None:
        await self._node.publish_raw(subject, data)

    async def settled(self) -> None:
        if self._database:
            await self._node.settled(parked=None)
        else:
            await self._node.drained()

    async def parked(self) -> list[str]:
        return [reason for _, reason in await self._node.parked()]

    async def published(self, event_type: type[Event]) -> list[Event]:
        return list(await self._node.events(event_type))


@pytest_asyncio.fixture(params=["memory", "nats", "nats+postgres"])
async def bus(request: pytest.FixtureRequest, node: TestNode) -> AsyncIterator[Any]:
    if request.param == "memory":
        yield Memory()
        return
    real = Real(node, database=request.param == "nats+postgres")
    yield real
    await real.stop()


def notice(**change: Any) -> NoticeRequested:
    return NoticeRequested(**({"business_id": "b", "template": "t", "audience": "unit:u"} | change))


def probe(*outcomes: Any, calls: list[int] | None = None) -> Service:
    """A service whose handler answers with *outcomes* one after the other; exceptions are raised."""
    service, count = Service("probe"), iter(range(10**6))

    @service.on(CaseFiled)
    async def handle(event: CaseFiled, ctx: Context) -> Any:
        if calls is not None:
            calls.append(ctx.attempt)
        outcome = outcomes[min(next(count), len(outcomes) - 1)]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return service


@pytest.mark.parametrize(
    ("outcomes", "attempts", "notices", "parked"),
    [
        ([notice()], [1], 1, 0),
        ([None], [1], 0, 0),
        ([Retry("busy", after=0.02), notice()], [1, 2], 1, 0),
        ([Reject("no")], [1], 0, 1),
        ([KeyError("a bug"), notice()], [1, 2], 1, 0),
    ],
    ids=["returns", "returns nothing", "asks for a retry", "rejects", "fails once"],
)
async def test_an_event_ends_in_one_of_three_ways(
    bus: Any, outcomes: list[Any], attempts: list[int], notices: int, parked: int
) -> None:
    """Return is done; Retry or an unknown error is tried again; Reject is parked. Nothing is dropped."""
    calls: list[int] = []
    await bus.start(probe(*outcomes, calls=calls))

    await bus.publish(a_case())
    await bus.settled()

    assert attempts == sorted(set(calls))
    assert notices == len(await bus.published(NoticeRequested))
    assert parked == len(await bus.parked())


async def test_outputs_of_several_kinds_and_numbers_carry_distinct_derived_ids(bus: Any) -> None:
    """Three outputs of one input get three ids, all derived from the input's, and name it as their cause."""
    await bus.start(probe([notice(business_id="1"), notice(business_id="2"), notice(business_id="3")]))

    [given] = await bus.publish(a_case())
    await bus.settled()
    told = await bus.published(NoticeRequested)

    assert len({e.id for e in told}) == 3
    assert {given.id} == {e.causation_id for e in told}
    assert {given.correlation_id} == {e.correlation_id for e in told}


async def test_a_repeated_event_has_its_effect_once(bus: Any) -> None:
    """The same id twice is one event."""
    calls: list[int] = []
    await bus.start(probe(notice(), calls=calls))

    [given] = await bus.publish(a_case())
    await bus.publish(given)
    await bus.settled()

    assert calls == [1]
    assert len(await bus.published(NoticeRequested)) == 1


async def test_events_of_a_case_keep_their_order_while_one_of_them_waits(bus: Any) -> None:
    """A retry holds its own case back and nobody else's."""
    seen: list[tuple[str, int]] = []
    failures = {"slow": 3}
    service = Service("probe")

    @service.on(CaseFiled)
    async def handle(event: CaseFiled, ctx: Context) -> None:
        case_id, version = event.case.case_id, event.case.case_version
        if case_id == "slow" and version == 1 and failures["slow"]:
            failures["slow"] -= 1
            raise Retry("not yet", after=0.01)
        seen.append((case_id, version))

    await bus.start(service)
    await bus.publish(*[a_case(head=a_head(case_id=c, case_version=v)) for v in range(1, 6) for c in ("slow", "fast")])
    await bus.settled()

    assert [v for c, v in dict.fromkeys(seen) if c == "slow"] == [1, 2, 3, 4, 5]
    assert [v for c, v in dict.fromkeys(seen) if c == "fast"] == [1, 2, 3, 4, 5]


async def test_a_rejected_event_does_not_stop_the_later_ones_of_its_case(bus: Any) -> None:
    """Parking is for a person; the case goes on."""
    service = Service("probe")

    @service.on(CaseFiled)
    async def handle(event: CaseFiled, ctx: Context) -> NoticeRequested:
        if event.case.case_version == 2:
            raise Reject("version 2 is impossible; its sender must mend it")
        return notice(business_id=f"v{event.case.case_version}")

    await bus.start(service)
    await bus.publish(*[a_case(head=a_head(case_id="c", case_version=v)) for v in (1, 2, 3)])
    await bus.settled()

    assert [e.key for e in await bus.published(NoticeRequested)] == ["v1", "v3"]
    assert await bus.parked() == ["version 2 is impossible; its sender must mend it"]


async def test_what_cannot_be_decoded_is_parked_with_the_field_that_is_wrong(bus: Any) -> None:
    """A broken body names the path of the mistake."""
    await bus.start(probe(notice()))

    pp = partition_of("x")
    await bus.publish_raw(f"yw.up.440300.440300.{pp:02d}.case.filed.v1", b'{"type":"case.filed.v1","case":7}')
    await bus.settled()

    [reason] = await bus.parked()
    assert "$.case" in reason


async def test_an_event_of_an_unknown_type_is_skipped(bus: Any) -> None:
    """A newer neighbour may say things that we don't know yet."""
    await bus.start(probe(notice()))

    await bus.publish_raw("yw.up.440300.440300.00.case.teleported.v9", b'{"type":"case.teleported.v9"}')
    await bus.publish(a_case())
    await bus.settled()

    assert await bus.parked() == []
    assert len(await bus.published(NoticeRequested)) == 1


async def test_acting_hears_its_own_jurisdiction_and_watching_the_whole_subtree(bus: Any) -> None:
    """A city's handlers act on the city's cases only; its read models watch those of the counties too."""
    acted, watched = [], []
    actor, watcher = Service("actor"), Service("watcher")

    @actor.on(CaseFiled)
    async def act(event: CaseFiled, ctx: Context) -> None:
        acted.append(event.jurisdiction)

    @watcher.on(CaseFiled, scope=Scope.SUBTREE)
    async def watch(event: CaseFiled, ctx: Context) -> None:
        watched.append(event.jurisdiction)

    await bus.start(actor, watcher)
    await bus.publish(a_case(), a_case(jurisdiction="440310"))
    await bus.settled()

    assert acted == ["440300"]
    assert sorted(watched) == ["440300", "440310"]


async def test_a_batch_handler_gets_events_in_order_and_answers_each(bus: Any) -> None:
    """One outcome per input, aligned; a failing member of a batch fails alone."""
    service, seen = Service("probe"), []

    @service.on_batch(CaseFiled)
    async def handle(events: Any, ctx: Context) -> Any:
        if any(e.case.case_id == "bad" for e in events):
            if len(events) == 1:
                raise Reject("bad")
            raise ValueError("somewhere in the batch")
        seen.extend(e.case.case_version for e in events)
        return [notice(business_id=e.case.case_id) if e.case.case_version % 2 else None for e in events]

    await bus.start(service)
    heads = [a_head(case_id=f"c{v}", case_version=v) for v in range(1, 8)]
    await bus.publish(
        *[a_case(head=h) for h in heads[:3]], a_case(head=a_head(case_id="bad")), *[a_case(head=h) for h in heads[3:]]
    )
    await bus.settled()

    assert sorted(set(seen)) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(e.key for e in await bus.published(NoticeRequested)) == ["c1", "c3", "c5", "c7"]
    assert await bus.parked() == ["bad"]


async def test_purpose_passes_on_to_what_follows(bus: Any) -> None:
    """A drill stays a drill."""
    await bus.start(probe(notice()))

    await bus.publish(a_case(purpose="drill"))
    await bus.settled()

    assert [e.purpose for e in await bus.published(NoticeRequested)] == ["drill"]


def test_a_second_handler_for_a_type_is_refused() -> None:
    """One handler per type and service; two would hide each other."""
    service = probe(None)
    with pytest.raises(ValueError, match=r"already handles case\.filed\.v1"):
        service.on(CaseFiled)(lambda e, c: None)  # type: ignore[arg-type,return-value]


def test_encoding_is_stable() -> None:
    """What is stamped once is the same bytes for ever."""
    event = a_case(id=str(uuid.UUID(int=1)))
    assert encode(event) == encode(event)


async def test_a_batch_handler_of_several_types_gets_them_together_in_the_order_of_each_case(bus: Any) -> None:
    """Types that alternate don't make small batches, and no case is taken out of order."""
    service, calls = Service("probe"), []

    async def handle(events: Any, ctx: Context) -> Any:
        calls.append([(e.case.case_id, e.case.case_version) for e in events])
        return [None] * len(events)

    service.on_batch(CaseFiled)(handle)
    service.on_batch(CaseVisited)(handle)
    await bus.start(service)
    heads = [a_head(case_id=f"c{n}", case_version=v) for v in (1, 2) for n in range(5)]
    await bus.publish(
        *[a_case(head=h) if h.case_version == 1 else CaseVisited(case=h, score=1, satisfied=True) for h in heads]
    )
    await bus.settled()

    seen = [one for call in calls for one in call]
    assert [(f"c{n}", v) for n in range(5) for v in (1, 2)] == sorted(set(seen))
    assert all(seen.index((f"c{n}", 1)) < seen.index((f"c{n}", 2)) for n in range(5))
