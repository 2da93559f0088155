"""Exchange with upper platforms and the movement of data sets and areas."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from ._event import Event, Flow
from ._types import Moment, Value


class SyncEvent(Event, frozen=True, kw_only=True):
    """The fate of exchange records; (upper platform, district) is the order key."""

    upper_platform: str
    profile: str
    profile_version: str
    district: str
    seq_from: int
    seq_to: int
    digest: str = ""

    @property
    def key(self) -> str:
        return f"{self.upper_platform}/{self.district}"


class SyncDelivered(SyncEvent, frozen=True, kw_only=True, tag="sync.delivered.v1"):
    """The upper platform took a range of records (上报国家成功)."""


class SyncRefused(SyncEvent, frozen=True, kw_only=True, tag="sync.refused.v1"):
    """The upper platform refused records (上报被退); a person must mend and resend them."""

    reason: str
    record_ids: tuple[str, ...]


class ConfigPublished(Event, frozen=True, kw_only=True, tag="config.published.v1"):
    """A code set, calendar, matrix or grid of a version is to be used from a moment on (配置发布)."""

    flow: ClassVar[Flow] = "down"

    set_name: str
    version: str
    valid_from: Moment
    digest: str
    """SHA-256 of the content, decoded, in hex"""
    scope: str
    """Area code below which it is meant"""
    title: str = ""
    """What people call it"""
    content: str = ""
    """The whole set as text, e.g. a CSV file"""
    encoding: str = ""
    """Empty: the text itself; ``zlib+base64``: compressed"""
    part: int = 0
    """Of a set that is too long for one message: which part, from 1; `content` is that part of the encoded text"""
    parts: int = 0
    """How many there are; 0 for a set in one piece"""
    repeated: bool = False
    """Told again to the addressee alone, which seems not to have it"""

    @property
    def key(self) -> str:
        return f"config/{self.set_name}"


class HeldSet(Value, frozen=True, kw_only=True):
    """A version of a set that a node was told of, whatever it decided."""

    set_name: str
    version: str
    digest: str


class ConfigHeld(Event, frozen=True, kw_only=True, tag="config.held.v1"):
    """What a node was told of announced sets (已收配置): the tiers above repeat what it lacks."""

    sets: tuple[HeldSet, ...] = ()
    """The newest first, at most 500"""

    @property
    def key(self) -> str:
        return f"config/{self.jurisdiction}"


class ConfigApplied(Event, frozen=True, kw_only=True, tag="config.applied.v1"):
    """A node uses the version (配置生效)."""

    set_name: str
    version: str
    digest: str

    @property
    def key(self) -> str:
        return f"config/{self.set_name}"


class ConfigRefused(Event, frozen=True, kw_only=True, tag="config.refused.v1"):
    """A node can't use the version, with the reason (配置拒绝)."""

    set_name: str
    version: str
    reason: str

    @property
    def key(self) -> str:
        return f"config/{self.set_name}"


class AreaSealed(Event, frozen=True, kw_only=True, tag="area.sealed.v1"):
    """The fence of a move (区域封存): after it, the old host writes nothing more for the area."""

    area: str
    last_versions: dict[str, int] = msgspec.field(default_factory=dict)
    """stream → last sequence"""

    @property
    def key(self) -> str:
        return f"area/{self.area}"
