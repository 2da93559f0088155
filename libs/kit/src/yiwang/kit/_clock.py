"""Time by argument: the real clock, or a virtual one that runs faster for demos and tests."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Final, Protocol

_SPEC: Final = re.compile(r"^(?P<start>[^@]+)@x(?P<speed>\d+(?:\.\d+)?)$")


class Clock(Protocol):
    """Where a service gets the time from."""

    speed: float

    def now(self) -> dt.datetime:
        """The moment, with its zone (UTC)."""


class SystemClock:
    """The machine's time."""

    speed = 1.0

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


class VirtualClock:
    """Starts at *start* and runs *speed* times as fast, the same in every process that gets the same *epoch*.

    *epoch* is the real Unix time (seconds) at which the virtual time is *start*.
    """

    def __init__(self, start: dt.datetime, speed: float, epoch: float | None = None) -> None:
        self.start, self.speed = start, speed
        self._epoch = time.time() if epoch is None else epoch

    def now(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=(time.time() - self._epoch) * self.speed)


class ManualClock:
    """Stands still until a test moves it."""

    speed = 1.0

    def __init__(self, at: dt.datetime) -> None:
        self.at = at

    def now(self) -> dt.datetime:
        return self.at

    def advance(self, **delta: float) -> None:
        """`advance(hours=2)` moves the clock on."""
        self.at += dt.timedelta(**delta)


def clock_from(spec: str, epoch: float | None = None) -> Clock:
    """The clock that YIWANG_CLOCK describes: empty for real time, or ``2026-11-23T08:00:00+08:00@x144``.

    Raises ValueError with a sentence for anything else.
    """
    if not spec:
        return SystemClock()
    match = _SPEC.match(spec)
    if not match:
        raise ValueError(f"YIWANG_CLOCK={spec!r}: write it as 2026-11-23T08:00:00+08:00@x144, or leave it empty")
    start = dt.datetime.fromisoformat(match["start"])
    if start.tzinfo is None:
        raise ValueError(f"YIWANG_CLOCK={spec!r}: give the start a time zone, e.g. +08:00")
    return VirtualClock(start, float(match["speed"]), epoch)
