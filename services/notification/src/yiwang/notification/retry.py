"""When to try again: the classes of failure, the schedule, quiet hours and the rate of an account."""

from __future__ import annotations

import datetime as dt
import random
from typing import Final, Literal

import msgspec

Class = Literal[
    "ok",
    "retry_after",
    "transient",
    "rate_limited",
    "auth",
    "permanent_recipient",
    "permanent_template",
]

CHINA: Final = dt.timezone(dt.timedelta(hours=8))
"""All of China keeps one time, UTC+8, without summer time."""

SCHEDULE: Final = tuple(dt.timedelta(seconds=s) for s in (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""Waits before attempts 1, 2, 3 … (Standard Webhooks 1.0.0: 0, 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h)."""

FOR_GOOD: Final = frozenset({"permanent_recipient", "permanent_template"})
JITTER: Final = 0.1
"""Each wait is up to a tenth longer, so that a recovered receiver isn't hit by all at once."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt."""

    klass: Class
    reason: str = ""
    retry_after_s: float | None = None
    provider_id: str = ""
    receipt: bytes = b""
    gone: bool = False
    """The receiver says that it is gone for ever (410): disable the endpoint"""


def next_attempt(result: Result, attempts: int, now: dt.datetime, seed: str) -> dt.datetime | None:
    """When to try again after *attempts* attempts, or None when it is over.

    The jitter comes from *seed* and the number of the attempt, so that a repetition decides the same.
    """
    if result.klass in FOR_GOOD or attempts >= len(SCHEDULE):
        return None
    wait = SCHEDULE[attempts] * (1 + JITTER * random.Random(f"{seed}/{attempts}").random())
    if result.retry_after_s is not None:
        wait = max(wait, dt.timedelta(seconds=min(result.retry_after_s, 86400)))
    return now + wait


def classify_http(status: int, retry_after_s: float | None = None) -> Class:
    """The class of an HTTP answer.

    >>> [classify_http(s) for s in (204, 302, 401, 429, 502)]
    ['ok', 'transient', 'auth', 'rate_limited', 'transient']
    >>> [classify_http(s) for s in (410, 413, 422)]
    ['permanent_recipient', 'permanent_template', 'permanent_template']
    """
    if 200 <= status < 300:
        return "ok"
    if status == 410:
        return "permanent_recipient"
    if status in (401, 403, 407):
        return "auth"
    if status in (400, 413, 415, 422):
        return "permanent_template"
    if status == 429:
        return "rate_limited"
    return "retry_after" if retry_after_s is not None else "transient"


def classify_smtp(code: int, enhanced: str = "") -> Class:
    """The class of an SMTP reply: 4xx again later, 5xx for good; RFC 3463 tells recipient from content.

    >>> classify_smtp(250), classify_smtp(451), classify_smtp(535)
    ('ok', 'transient', 'auth')
    >>> classify_smtp(550, "5.1.1"), classify_smtp(554, "5.6.0")
    ('permanent_recipient', 'permanent_template')
    """
    if 200 <= code < 300:
        return "ok"
    if code in (454, 530, 534, 535):
        return "auth"
    if code in (421, 450, 451, 452) or 400 <= code < 500:
        return "transient"
    return "permanent_template" if enhanced.startswith(("5.3", "5.5", "5.6", "5.7")) else "permanent_recipient"


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """The hours of the night in which only urgent notices are pushed; empty when `start` equals `end`."""

    start: dt.time = dt.time(0)
    end: dt.time = dt.time(0)

    def earliest(self, now: dt.datetime, *, urgent: bool) -> dt.datetime:
        """*now*, or the end of the quiet hours if it lies in them and the notice can wait."""
        local = now.astimezone(CHINA)
        at = local.time()
        crosses = self.start > self.end
        inside = (at >= self.start or at < self.end) if crosses else self.start <= at < self.end
        if urgent or not inside:
            return now
        day = local.date() + dt.timedelta(days=1 if crosses and at >= self.start else 0)
        return dt.datetime.combine(day, self.end, CHINA).astimezone(now.tzinfo)


class Bucket:
    """A token bucket of one channel account: *rate* a second, *burst* at once. Reserving never fails, it says when."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._at = float(burst), None if rate <= 0 else dt.datetime.min.replace(tzinfo=dt.UTC)

    def reserve(self, now: dt.datetime) -> dt.datetime:
        """The moment at which the next message may go; the token is taken. Rate 0 is without limit."""
        if self._at is None:
            return now
        self._tokens = min(float(self.burst), self._tokens + max(0.0, (now - self._at).total_seconds()) * self.rate)
        self._at = max(now, self._at)
        self._tokens -= 1
        return now if self._tokens >= 0 else now + dt.timedelta(seconds=-self._tokens / self.rate)
