"""A service is a name and a set of functions from events to events."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec
from yiwang.contracts import Event, decoder_of, tag_of

if TYPE_CHECKING:
    from ._app import App
    from ._context import Context

E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Callable[..., Any])
Outcome = Event | Iterable[Event] | None
One = Callable[[E, "Context"], Awaitable[Outcome]]
S = TypeVar("S")
Many = Callable[[Sequence[S], "Context"], Awaitable[Sequence[Outcome]]]


class Retry(Exception):
    """Not now: deliver the event again after *after* seconds; later events of its key wait behind it."""

    def __init__(self, reason: str, *, after: float = 5.0) -> None:
        super().__init__(reason)
        self.after = after


class Reject(Exception):
    """Never: the event can't be handled; it is parked with this reason for a person to look at."""


class Scope(enum.Enum):
    """Whose events a handler hears."""

    OWN = "own"
    """Those of this node's jurisdiction: the handler acts."""
    SUBTREE = "subtree"
    """Those of the whole subtree below this node: the handler watches."""
    BELOW = "below"
    """What others said: the nodes below, and what came down to this one. For copies; costs nothing without children."""


class Again(enum.Enum):
    """What a handler makes of an event that comes a second time (after a crash, or from a sender that wasn't sure)."""

    NEVER = "never"
    """The kit keeps the id of every event that was handled, and rolls back what a second time would do."""
    KNOWN = "known"
    """It knows it by its own rows, changes nothing and says nothing; the kit keeps no ids."""
    SAME = "same"
    """It does and says the same again, which then changes nothing; what it says needs no outbox."""


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """A moment that a service asked for. One per (kind, key); survives every crash."""

    id: str
    kind: str
    key: str
    due: Any
    data: dict[str, Any]


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One event type of one service."""

    event_type: type[Event]
    handler: Callable[..., Awaitable[Any]]
    batch: bool
    scope: Scope
    start: str
    again: Again
    company_s: float
    tag: str
    decode: Callable[[bytes], Any]
    """From the wire to what the handler gets"""


class Service:
    """A named set of handlers, at most one per event type.

    *package* is where `queries.sql` and `migrations/` lie; with *database* the service has a schema of its own name,
    leased partitions and exactly-once effects. *handler_set* is raised when the set of events changes: replicas with a
    lower number hand their partitions over. A service that only *watches* may follow a fraction of a second behind; one
    that sums up may take several *batches* (of YIWANG_BATCH events) in one transaction.
    """

    def __init__(
        self,
        name: str,
        *,
        package: str = "",
        settings: type[msgspec.Struct] | None = None,
        database: bool = False,
        handler_set: int = 1,
        watches: bool = False,
        batches: int = 1,
    ) -> None:
        self.name, self.package, self.database = name, package, database
        self.watches, self.batches = watches, batches
        self.settings_type, self.handler_set = settings, handler_set
        self.subscriptions: dict[str, Subscription] = {}
        self.timers: dict[str, Callable[[Timer, Context], Awaitable[Outcome]]] = {}
        self.starters: list[Callable[[App], Awaitable[None]]] = []
        self.backgrounds: list[tuple[Callable[[App], Awaitable[None]], bool]] = []
        self.routes: list[Any] = []
        self.fast_routes: dict[tuple[str, str], tuple[Callable[..., Awaitable[Any]], int]] = {}

    @property
    def schema(self) -> str:
        """Name of the database schema and of the service in subjects, ids and metrics."""
        return self.name.replace("-", "_")

    @property
    def env_prefix(self) -> str:
        return f"YIWANG_{self.schema.upper()}"

    def on(
        self, event_type: type[E], *, scope: Scope = Scope.OWN, start: str = "first", again: Again = Again.NEVER
    ) -> Callable[[One[E]], One[E]]:
        """Hear *event_type*, one at a time. *start*: `first` (all that the stream holds) or `now`."""

        def register(handler: One[E]) -> One[E]:
            self._subscribe(event_type, handler, batch=False, scope=scope, start=start, again=again)
            return handler

        return register

    @overload
    def on_batch(
        self, event_type: type[E], *, scope: Scope = ..., start: str = ..., again: Again = ..., company_s: float = ...
    ) -> Callable[[Many[E]], Many[E]]: ...
    @overload
    def on_batch(
        self, event_type: type[Event], *, scope: Scope = ..., start: str = ..., again: Again = ..., shape: type[S]
    ) -> Callable[[Many[S]], Many[S]]: ...
    def on_batch(
        self,
        event_type: type[Any],
        *,
        scope: Scope = Scope.OWN,
        start: str = "first",
        again: Again = Again.NEVER,
        company_s: float = 0.0,
        shape: type[Any] | None = None,
    ) -> Callable[[Any], Any]:
        """Hear *event_type* set-based: a sequence in order, one outcome for each; may hold several events of a key.

        Such an event may wait up to *company_s* seconds for the next one of its key: for what says nothing by itself
        and is cheaper to handle together with what follows.
        With *shape* the handler gets only what that Struct names of the wire (at least `id`, `jurisdiction` and a `key`): for who
        watches much and says nothing.
        """

        def register(handler: Many[Any]) -> Many[Any]:
            self._subscribe(
                event_type, handler, batch=True, scope=scope, start=start, again=again, company_s=company_s, shape=shape
            )
            return handler

        return register

    def _subscribe(
        self,
        event_type: type[Event],
        handler: Any,
        *,
        batch: bool,
        scope: Scope,
        start: str,
        again: Again,
        company_s: float = 0.0,
        shape: type[Any] | None = None,
    ) -> None:
        tag = tag_of(event_type)
        if tag in self.subscriptions:
            raise ValueError(f"{self.name} already handles {tag}")
        if start not in ("first", "now"):
            raise ValueError(f"{self.name}, {tag}: start is 'first' or 'now', not {start!r}")
        if shape is not None and again is not Again.KNOWN:
            raise ValueError(f"{self.name}, {tag}: only a handler that knows what it heard (Again.KNOWN) may have a shape")
        decode = msgspec.json.Decoder(shape).decode if shape else decoder_of(event_type).decode
        self.subscriptions[tag] = Subscription(
            event_type=event_type, handler=handler, batch=batch, scope=scope, start=start, again=again,
            company_s=company_s, tag=tag, decode=decode,
        )  # fmt: skip

    def timer(self, kind: str) -> Callable[[F], F]:
        """Handle timers of *kind* that `Context.set_timer` asked for."""

        def register(handler: F) -> F:
            if kind in self.timers:
                raise ValueError(f"{self.name} already handles the timer {kind}")
            self.timers[kind] = handler
            return handler

        return register

    def on_start(self, starter: F) -> F:
        """Run *starter* with the `App` before the first event; raise to refuse the start."""
        self.starters.append(starter)
        return starter

    def background(self, *, leased: bool = False) -> Callable[[F], F]:
        """Keep a loop running beside the handlers; with *leased* in one replica at a time."""

        def register(loop: F) -> F:
            self.backgrounds.append((loop, leased))
            return loop

        return register

    def api(self, *handlers: Any) -> None:
        """Serve Litestar route handlers or controllers."""
        self.routes.extend(handlers)

    def fast_route(self, method: str, path: str, *, most: int = 128 * 1024) -> Callable[[F], F]:
        """Plain JSON requests of at most *most* bytes, several at once, before the documented route of that path.

        ``async def f(app, asked: Sequence[Asked]) -> list``: for each request the value of the answer's body, or the
        Problem that refuses it. Other shapes go to the documented route. Only where a benchmark asks for it.
        """

        def register(handler: F) -> F:
            self.fast_routes[(method, path)] = (handler, most)
            return handler

        return register
