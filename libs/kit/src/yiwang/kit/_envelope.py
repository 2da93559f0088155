"""Stamping: what every event carries besides the facts of its type."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from functools import lru_cache
from typing import Any, Final

import msgspec
from yiwang.contracts import UNSTAMPED, Actor, Event, encode, subject_of, tag_of

from ._node import Node

NAMESPACE: Final = uuid.UUID("6f1d1c5e-3b0a-5d5e-9a3b-7f1f5e8f2a10")
"""The namespace of ids that derive from something else than an event id."""
_NOBODY: Final = Actor()


def derived_id(parent: str, name: str) -> str:
    """uuid5(*parent*, *name*) as text; a parent that is no UUID is first mapped into `NAMESPACE`.

    >>> derived_id("6f1d1c5e-3b0a-5d5e-9a3b-7f1f5e8f2a10", "a") == str(uuid.uuid5(NAMESPACE, "a"))
    True
    """
    made = _rooted(parent).copy()
    made.update(name.encode())
    return _as_uuid(made.hexdigest(), "5")


@lru_cache(maxsize=4096)
def _rooted(parent: str) -> Any:
    """The hash after the bytes of *parent*: several ids derive from one event."""
    try:
        root = bytes.fromhex(parent.replace("-", ""))
    except ValueError:
        root = b""
    if len(root) != 16:
        root = uuid.uuid5(NAMESPACE, parent).bytes
    return hashlib.sha1(root, usedforsecurity=False)


def _as_uuid(h: str, version: str) -> str:
    """The first 32 hexadecimal digits *h* as a UUID of *version* (RFC 9562).

    >>> _as_uuid("0123456789abcdef" * 2, "5")
    '01234567-89ab-5def-8123-456789abcdef'
    """
    return f"{h[:8]}-{h[8:12]}-{version}{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:32]}"


class Ready(msgspec.Struct, frozen=True):
    """An event on its way: stamped, encoded, with its subject."""

    id: str
    subject: str
    data: bytes
    partition: int
    event: Event


class Stamper:
    """Stamps the events of one service at one node."""

    def __init__(self, node: Node, service: str, hosted: frozenset[str] = frozenset()) -> None:
        self.node, self.service, self._hosted = node, service, hosted
        self.source = f"{node.node_id}/{service}"
        self._system = Actor(role="system", kind="system", via=service)

    def stamp(
        self,
        event: Event,
        now: dt.datetime,
        *,
        parent: str,
        n: int,
        cause: Event | None = None,
        actor: Actor | None = None,
        purpose: str = "",
        occurred_at: dt.datetime | None = None,
        device_at: dt.datetime | None = None,
    ) -> Ready:
        """*event* with its envelope. Its id derives from *parent* (the input's or the command's id) and *n*."""
        tag, node = tag_of(type(event)), self.node
        jurisdiction = event.jurisdiction or (
            cause.jurisdiction if cause is not None and cause.jurisdiction in self._hosted else node.jurisdiction
        )
        stamped = msgspec.structs.replace(
            event,
            id=event.id or derived_id(parent, f"{self.source}/{tag}/{n}"),
            source=self.source,
            occurred_at=(occurred_at or now) if event.occurred_at is UNSTAMPED else event.occurred_at,
            recorded_at=now,
            device_at=event.device_at or device_at,
            subject=event.key,
            tenant_id=event.tenant_id or node.tenant_id,
            jurisdiction=jurisdiction,
            incarnation=node.incarnation,
            actor=(actor or self._system) if event.actor == _NOBODY else event.actor,
            causation_id=event.causation_id or (cause.id if cause else ""),
            correlation_id=event.correlation_id or (cause.correlation_id or cause.id if cause else parent),
            purpose=purpose or (cause.purpose if cause and event.purpose == "live" else event.purpose),
        )
        return ready(stamped, tag)


def ready(stamped: Event, tag: str | None = None) -> Ready:
    """A stamped event as it will be published."""
    subject = subject_of(stamped, tag or tag_of(type(stamped)))
    return Ready(stamped.id, subject, encode(stamped), int(subject.split(".", 5)[4]), stamped)
