"""What comes down besides tasks and directives: returned data, requests for media and for a fresh copy of the cases."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from ._event import Event, Flow
from ._types import Moment, Value
from .task import Figure

__all__ = [
    "CONFIG_SETS", "CaseFate", "ConfigAdopted", "DataReturned", "MediaRequested", "MediaUnavailable", "Ranking",
    "RefusedRecord", "ResyncAnswered", "ResyncRequested",
]  # fmt: skip

CONFIG_SETS: Final = {
    "codes": "dispatch",
    "conditions": "dispatch",
    "matrix": "dispatch",
    "holidays": "dispatch",
    "schedules": "dispatch",
    "areas": "grid",
    "duty_grids": "grid",
    "channels": "intake",
    "natures": "intake",
}
"""Data set that may be announced to nodes below → the service that uses it."""


class CaseFate(Value, frozen=True, kw_only=True):
    """What became of one case of the addressee at an upper tier."""

    case_id: str
    case_no: str = ""
    platform: str
    """The upper platform or tier"""
    fate: str
    """delivered, refused, supervised, evaluated … (open)"""
    at: Moment
    reason: str = ""
    """Why, where it was refused"""


class RefusedRecord(Value, frozen=True, kw_only=True):
    """One exchange record that an upper platform refused."""

    record_id: str
    """`<case id>/<kind>/<case version>`"""
    platform: str
    """The platform that refused"""
    reason: str
    """In its words"""
    at: Moment


class Ranking(Value, frozen=True, kw_only=True):
    """A place among its equals."""

    indicator: str
    """Code of the indicator"""
    period: str
    """Of which day, month, quarter or year"""
    rank: int
    """1 is best"""
    of: int
    """How many were ranked"""
    value: float | None = None
    """The addressee's value"""
    best: float | None = None
    """The best value"""
    average: float | None = None
    """The average"""


class DataReturned(Event, frozen=True, kw_only=True, tag="data.returned.v1"):
    """An upper tier gives a node below its own data back (数据返还): fates, figures, rankings, refusals."""

    flow: ClassVar[Flow] = "down"

    return_id: str
    """Of the batch"""
    title: str = ""
    """What people call it"""
    cases: tuple[CaseFate, ...] = ()
    """What became of its cases"""
    figures: tuple[Figure, ...] = ()
    """Its numbers as the upper tier counts them"""
    rankings: tuple[Ranking, ...] = ()
    """Its places"""
    refusals: tuple[RefusedRecord, ...] = ()
    """Its records that were refused above"""

    @property
    def key(self) -> str:
        return f"return/{self.addressee}"


class ConfigAdopted(Event, frozen=True, kw_only=True, tag="config.adopted.v1"):
    """The node takes over an announced version (配置采纳): the service that uses the set applies or refuses it."""

    flow: ClassVar[Flow] = "local"

    set_name: str
    version: str
    valid_from: Moment
    digest: str
    content: str
    """As it was published"""
    encoding: str = ""
    """As it was published"""
    part: int = 0
    """As of `config.published`: the parts of a long set follow each other"""
    parts: int = 0
    """How many there are; 0 for a set in one piece"""
    issuer: str
    """Area code of the tier that published it"""

    @property
    def key(self) -> str:
        return f"config/{self.set_name}"


class MediaRequested(Event, frozen=True, kw_only=True, tag="media.requested.v1"):
    """A tier above asks the holder of a file to send it up (媒体调取)."""

    flow: ClassVar[Flow] = "down"

    media_id: str
    case_id: str = ""
    """The case that it belongs to"""
    reason: str = ""
    """Why it is wanted"""

    @property
    def key(self) -> str:
        return f"media/{self.media_id}"


class MediaUnavailable(Event, frozen=True, kw_only=True, tag="media.unavailable.v1"):
    """The file can't be sent (媒体无法提供), with the reason."""

    media_id: str
    reason: str
    """A sentence: erased, never held here, too large …"""

    @property
    def key(self) -> str:
        return f"media/{self.media_id}"


class ResyncRequested(Event, frozen=True, kw_only=True, tag="resync.requested.v1"):
    """A parent asks a node below to tell its cases again (补传申请), after a link was cut longer than the retention."""

    flow: ClassVar[Flow] = "down"

    resync_id: str
    """Of the request; the answer and the snapshots carry it"""
    since: Moment
    """Cases that changed since then"""
    reason: str = ""
    """gap (found by the watchdog) or operator"""
    cursor: str = ""
    """Where to go on"""

    @property
    def key(self) -> str:
        return f"resync/{self.addressee}"


class ResyncAnswered(Event, frozen=True, kw_only=True, tag="resync.answered.v1"):
    """The node below has told all its cases again (补传完成)."""

    resync_id: str
    """Of the request"""
    cases: int
    """How many were told"""
    last_sequences: dict[str, int] = msgspec.field(default_factory=dict)
    """stream → last sequence when it was done"""

    @property
    def key(self) -> str:
        return f"resync/{self.jurisdiction}"
