"""Rows ↔ Structs."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec
from yiwang.kit import Sql

sql: Final = Sql("yiwang.mesh")


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """What a node said last."""

    node: str
    heartbeat: str
    recorded_at: dt.datetime
    heard_at: dt.datetime
    latency_ms: float


class AlarmRow(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm of a node."""

    node: str
    alarm: str
    kind: str
    sentence: str
    since: dt.datetime


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A refused event."""

    child: str
    seq: int
    subject: str
    reason: str
    at: dt.datetime
    data: str
    seen_by: str
    seen_at: dt.datetime | None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """How many events of a child were refused, and how many of them nobody has looked at."""

    child: str
    total: int
    unseen: int


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    """Cases of a day and an area, as far as they have arrived."""

    area: str
    cases: int
    last_at: dt.datetime


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """The last probe of the node above."""

    recorded_at: dt.datetime
    latency_ms: float
    every_s: float
