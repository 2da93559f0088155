"""The base of all events."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from ._types import UNSTAMPED, Actor, CaseHead, Moment, Origin

__all__ = ["CaseEvent", "Event", "Flow"]

Flow = Literal["up", "down", "local"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type", tag=""):
    """Something that happened, once, and will not change.

    A service returns events with the fields of their own; the kit stamps the rest (the *envelope*) from the
    input and the node. Names follow CloudEvents where it has a name for the thing: ``id``, ``source``, ``type``,
    ``time`` (= `occurred_at`) and ``subject`` (= `key`).
    """

    flow: ClassVar[Flow] = "up"
    personal: ClassVar[bool] = False
    """The type's personal-data class (`pd_class`): True types exist in the `local` flow only."""

    id: str = ""
    source: str = ""
    """``<node>/<service>``"""
    occurred_at: Moment = msgspec.field(default=UNSTAMPED, name="time")
    recorded_at: Moment = UNSTAMPED
    device_at: Moment | None = None
    subject: str = ""
    """The order key: events of one key keep their order."""
    tenant_id: str = ""
    jurisdiction: str = ""
    """In whose name the act is done; where the problem lies is `place.area`."""
    incarnation: int = 1
    """Grows when the node is restored from a backup."""
    actor: Actor = Actor()
    causation_id: str = ""
    correlation_id: str = ""
    origin: Origin | None = None
    purpose: str = "live"
    """live, demo, test, drill or historical; only live reaches sync and the official evaluation."""
    addressee: str = ""
    """Area code of the one node that it is meant for; a `down` event without it is for everybody below its issuer."""

    @property
    def key(self) -> str:
        """The order key: `subject` once stamped; each family says what it is before that."""
        return self.subject or self.id

    @property
    def node_id(self) -> str:
        return self.source.partition("/")[0]


class CaseEvent(Event, frozen=True, kw_only=True):
    """Something that happened to a case."""

    case: CaseHead

    @property
    def key(self) -> str:
        return self.case.case_id
