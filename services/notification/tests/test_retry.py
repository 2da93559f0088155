"""When to try again, when to be quiet, how fast to go."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yiwang.notification.retry import CHINA, SCHEDULE, Bucket, Quiet, Result, next_attempt

NOW = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
NIGHT = Quiet(start=dt.time(22), end=dt.time(7))


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    """Ten attempts over 75 h 35 min 5 s."""
    assert len(SCHEDULE) == 10
    assert sum(SCHEDULE, dt.timedelta()) == dt.timedelta(hours=75, minutes=35, seconds=5)


@given(attempts=st.integers(1, 9), seed=st.text(max_size=20))
def test_a_wait_is_up_to_a_tenth_longer_and_decided_once(attempts: int, seed: str) -> None:
    """The jitter comes from the push, so that a repetition after a crash decides the same."""
    at = next_attempt(Result(klass="transient"), attempts, NOW, seed)

    assert at is not None
    assert NOW + SCHEDULE[attempts] <= at <= NOW + SCHEDULE[attempts] * 1.1
    assert at == next_attempt(Result(klass="transient"), attempts, NOW, seed)


@pytest.mark.parametrize("klass", ["permanent_recipient", "permanent_template"])
def test_what_fails_for_good_is_not_tried_again(klass: str) -> None:
    assert next_attempt(Result(klass=klass), 1, NOW, "s") is None  # type: ignore[arg-type]


def test_after_ten_attempts_it_is_over() -> None:
    assert next_attempt(Result(klass="transient"), 9, NOW, "s") is not None
    assert next_attempt(Result(klass="transient"), 10, NOW, "s") is None


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_ever() -> None:
    """Retry-After counts up to a day, and never shortens the schedule."""
    long = next_attempt(Result(klass="rate_limited", retry_after_s=3600), 1, NOW, "s")
    absurd = next_attempt(Result(klass="retry_after", retry_after_s=1e9), 1, NOW, "s")
    short = next_attempt(Result(klass="retry_after", retry_after_s=1), 2, NOW, "s")

    assert long == NOW + dt.timedelta(hours=1)
    assert absurd == NOW + dt.timedelta(days=1)
    assert short is not None
    assert short >= NOW + dt.timedelta(minutes=5)


@pytest.mark.parametrize(
    ("at", "until"),
    [("21:59", "21:59"), ("22:00", "07:00+1"), ("23:30", "07:00+1"), ("03:00", "07:00"), ("07:00", "07:00")],
)
def test_at_night_only_urgent_notices_are_pushed(at: str, until: str) -> None:
    """The others wait for the morning; the in-app inbox is never held back."""
    now = dt.datetime.combine(dt.date(2026, 11, 23), dt.time.fromisoformat(at), CHINA)
    clock, _, later = until.partition("+")
    expected = dt.datetime.combine(dt.date(2026, 11, 23 + int(later or 0)), dt.time.fromisoformat(clock), CHINA)

    assert NIGHT.earliest(now, urgent=False) == expected
    assert NIGHT.earliest(now, urgent=True) == now


def test_without_quiet_hours_everything_goes_at_once() -> None:
    assert Quiet().earliest(NOW, urgent=False) == NOW


def test_an_account_sends_a_burst_and_then_at_its_rate() -> None:
    """Two at once, then one each half second; later ones get later moments, none is lost."""
    bucket = Bucket(rate=2.0, burst=2)

    moments = [(bucket.reserve(NOW) - NOW).total_seconds() for _ in range(5)]

    assert moments == [0.0, 0.0, 0.5, 1.0, 1.5]
    assert bucket.reserve(NOW + dt.timedelta(seconds=60)) == NOW + dt.timedelta(seconds=60)


def test_rate_zero_is_without_limit() -> None:
    bucket = Bucket(rate=0, burst=1)

    assert {bucket.reserve(NOW) for _ in range(100)} == {NOW}
