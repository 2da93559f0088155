"""Every event by its wire name, decoding and encoding."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from . import (
    branch,
    campaign,
    case,
    contact,
    custody,
    directive,
    downward,
    enforcement,
    evaluation,
    ledger,
    mesh,
    notice,
    station,
    sync,
    task,
    whistle,
    work,
)  # fmt: skip
from ._event import Event
from ._types import UNSTAMPED

__all__ = ["STAMPED", "UnknownEvent", "decode", "decoder_of", "encode", "registry", "tag_of"]

STAMPED: Final = {
    "id": "id",
    "source": "source",
    "occurred_at": "time",
    "recorded_at": "recorded_at",
    "subject": "subject",
    "tenant_id": "tenant_id",
    "jurisdiction": "jurisdiction",
}
"""Field → wire name of what the kit stamps: a handler leaves it out, on the wire it is required."""

_encoder: Final = msgspec.json.Encoder()


class UnknownEvent(LookupError):
    """This version of the contracts doesn't know the event type; a reader skips it."""


def tag_of(event_type: type[Event]) -> str:
    """The event's name on the wire, e.g. ``case.filed.v1``."""
    tag = event_type.__struct_config__.tag
    if not isinstance(tag, str) or not tag:
        raise TypeError(f"{event_type.__name__} declares no tag; give it one like tag='thing.happened.v1'")
    return tag


def _walk(base: type[Event]) -> list[type[Event]]:
    found = []
    for cls in base.__subclasses__():
        found += _walk(cls)
        if isinstance(cls.__struct_config__.tag, str) and cls.__struct_config__.tag:
            found.append(cls)
    return found


@cache
def registry() -> dict[str, type[Event]]:
    """wire name → event type, for all events of the contracts."""
    families = (
        branch, campaign, case, contact, custody, directive, downward, enforcement, evaluation, ledger, mesh, notice, station,
        sync, task, whistle, work,
    )  # fmt: skip
    modules = {m.__name__ for m in families}
    return dict(sorted((tag_of(cls), cls) for cls in _walk(Event) if cls.__module__ in modules))


@cache
def decoder_of(event_type: type[Event]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(event_type)


class _Tagged(msgspec.Struct):
    type: str


_peek: Final = msgspec.json.Decoder(_Tagged)


def decode(data: bytes, tag: str | None = None) -> Event:
    """The event in *data*.

    Raises UnknownEvent for a type that isn't registered and msgspec.ValidationError, with the field's path,
    for a body that doesn't fit its type.
    """
    name = tag or _peek.decode(data).type
    event_type = registry().get(name)
    if event_type is None:
        raise UnknownEvent(name)
    event: Event = decoder_of(event_type).decode(data)
    if not (event.id and event.source and event.subject and event.tenant_id and event.jurisdiction):
        raise _unstamped(event)
    if event.occurred_at is UNSTAMPED or event.recorded_at is UNSTAMPED:
        raise _unstamped(event)
    return event


def _unstamped(event: Event) -> msgspec.ValidationError:
    missing = [wire for field, wire in STAMPED.items() if getattr(event, field) in ("", UNSTAMPED)]
    return msgspec.ValidationError(f"Object missing required field `{missing[0]}` - at `$`")


def encode(event: Event) -> bytes:
    """*event* as the JSON that travels. Raises ValueError for a time without its zone in the envelope."""
    if event.occurred_at.tzinfo is None or event.recorded_at.tzinfo is None:
        raise ValueError(f"{tag_of(type(event))} has a time without a time zone; give an aware datetime")
    return _encoder.encode(event)
