"""What the exchange shows and is asked over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec

from .store import Overview


class PlatformView(msgspec.Struct, frozen=True, kw_only=True):
    """A platform and its books; `lag_seconds` is the age of the oldest record that waits."""

    name: str
    title: str
    version: str
    verified: bool
    note: str
    direction: str
    transport: str
    missing: str
    lag_seconds: float
    books: Overview | None
    sequences: dict[str, int]


class PlatformsView(msgspec.Struct, frozen=True, kw_only=True):
    """All platforms. For each that wants flow records: flow_records = delivered + refused + pending (+ its own)."""

    flow_records: int
    platforms: list[PlatformView]


class RefusedView(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    platform: str
    record_id: str
    kind: str
    case_id: str
    district: str
    seq: int
    reason: str
    attempts: int
    decided_at: dt.datetime | None
    payload: Any


class DayToCompare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    day: dt.date


class Resent(msgspec.Struct, frozen=True):
    platforms: list[str]
    say: str = "已重新排队，将以新的序号发送"


class Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$")] = ""
    """Only what was refused for exactly this reason; everything if empty"""


class ResentMany(msgspec.Struct, frozen=True):
    count: int
