"""Counting what went over the links: events of known ids are sent through every trouble, and found again at each tier."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import APIError, NoStreamResponseError
from yiwang.kit.link import api

PAGE = 1000
TROUBLES = (OSError, TimeoutError, nats.errors.Error, APIError, NoStreamResponseError)


class Result(msgspec.Struct, frozen=True):
    """What was found of what was sent.

    Attributes:
        wanted: how many ids should be there
        missing, doubled: ids that are not there, or more than once
        foreign: ids of the same senders that nobody sent
        disordered: keys whose events stand in another order than they were sent
    """

    wanted: int
    missing: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    disordered: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Nothing missing, nothing doubled, every key in order."""
        return not (self.missing or self.doubled or self.foreign or self.disordered)


async def ids(nc: Client, stream: str, filter_subject: str = ">", first: int = 1) -> list[str]:
    """The Nats-Msg-Ids of a stream from a sequence on, in the stream's order; only headers are read."""
    return (await read(nc, stream, filter_subject, first))[0]


async def read(nc: Client, stream: str, filter_subject: str = ">", first: int = 1) -> tuple[list[str], int]:
    """As `ids`, and the sequence from which the next reading goes on."""
    js = nc.jetstream()
    info = await api(nc, f"STREAM.INFO.{stream}")
    found: list[str] = []
    if int(info["state"]["last_seq"]) < first:
        return found, first
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE, headers_only=True, inactive_threshold=30, opt_start_seq=first, mem_storage=True,
        deliver_policy="by_start_sequence", filter_subject=filter_subject,  # type: ignore[arg-type]
    )  # fmt: skip
    sub = await js.pull_subscribe(filter_subject, stream=stream, config=config)
    try:
        left = (await sub.consumer_info()).num_pending or 0  # what comes later is for the next reading: nobody waits for it
        while left > 0:
            page = await sub.fetch(min(PAGE, left), timeout=2)
            found += [(m.headers or {}).get("Nats-Msg-Id", "") for m in page]
            first, left = page[-1].metadata.sequence.stream + 1, left - len(page)
    except nats.errors.TimeoutError:
        return found, first  # the rest next time
    finally:
        with contextlib.suppress(*TROUBLES):
            await sub.unsubscribe()
    return found, first


class Reader:
    """What has arrived in a stream so far; each look reads only what is new, so that looking takes little of the machine."""

    def __init__(self, nc: Client, stream: str, filter_subject: str = ">") -> None:
        self._nc, self._stream, self._filter = nc, stream, filter_subject
        self._next = 1
        self._turn = asyncio.Lock()
        self.seen: set[str] = set()

    async def look(self) -> None:
        """Read what came since the last look; a server that is just coming back shows nothing new yet."""
        async with self._turn:
            with contextlib.suppress(*TROUBLES):
                found, self._next = await read(self._nc, self._stream, self._filter, self._next)
                self.seen.update(found)


def compare(sent: Mapping[str, Iterable[str]], found: Iterable[str], *, prefix: str = "") -> Result:
    """*sent*: key → ids in order. Of *found* only ids with *prefix* count."""
    order: dict[str, tuple[str, int]] = {}
    for key, keyed in sent.items():
        order |= {one: (key, n) for n, one in enumerate(keyed)}
    there = [one for one in found if one.startswith(prefix)]
    counts = Counter(there)
    seen: dict[str, list[int]] = defaultdict(list)
    for one in there:
        if one in order:
            key, n = order[one]
            seen[key].append(n)
    return Result(
        wanted=len(order),
        missing=tuple(sorted(order.keys() - counts.keys())),
        doubled=tuple(sorted(one for one, n in counts.items() if n > 1)),
        foreign=tuple(sorted(counts.keys() - order.keys())),
        disordered=tuple(sorted(key for key, places in seen.items() if places != sorted(places))),
    )


class Sender:
    """Sends events of its own at a rate, each again and again with the same id until it is acked.

    `sent` is key → ids in order. Keys take turns, so that each has many events.
    """

    def __init__(self, nc: Client, name: str, make: Any, keys: int = 20) -> None:
        """*make(key, id)* gives (subject, data) of an event."""
        self._nc, self.name, self._make = nc, name, make
        self._keys = [f"{name}-{n}" for n in range(keys)]
        self.sent: dict[str, list[str]] = {key: [] for key in self._keys}
        self.tries = 0
        self.count = 0
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, rate: float) -> None:
        """Begin; *rate* a second."""
        self._over.clear()
        self._task = asyncio.create_task(self._run(rate))

    async def stop(self) -> None:
        """End when what is on its way is acked. Raises what went wrong for good."""
        self._over.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def _run(self, rate: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._over.is_set():
            await self.one()
            due = max(due + 1 / rate, loop.time() - 1)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def one(self) -> str:
        """Send one event and return its id when it is acked."""
        key = self._keys[self.count % len(self._keys)]
        event_id = f"{self.name}-{self.count:07d}"
        self.count += 1
        subject, data = self._make(key, event_id)
        while True:
            self.tries += 1
            try:
                await self._nc.jetstream().publish(subject, data, headers={"Nats-Msg-Id": event_id}, timeout=2)
            except TROUBLES:
                await asyncio.sleep(0.1)
            else:
                self.sent[key].append(event_id)
                return event_id

    async def burst(self, size: int) -> None:
        """Send so many at once; the order holds, because a stream takes them in the order in which they come."""
        futures = []
        for _ in range(size):
            key = self._keys[self.count % len(self._keys)]
            event_id = f"{self.name}-{self.count:07d}"
            self.count += 1
            subject, data = self._make(key, event_id)
            headers = {"Nats-Msg-Id": event_id}
            futures.append(await self._nc.jetstream().publish_async(subject, data, headers=headers))
            self.sent[key].append(event_id)
        await asyncio.gather(*futures)
