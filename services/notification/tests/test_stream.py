"""Listeners of the stream."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid

import pytest
from yiwang.notification.stream import ROOM, Ears, Position, Row, Tail


def a_row(seq: int = 1, audience: str = "unit:8508", role: str = "", area: str = "") -> Row:
    return Row(
        xid="7", seq=seq, notice_id=uuid.uuid4(), audience=audience, role=role, area=area, title="x", body="",
        urgency="normal", template="t", case_id="", case_no="", created_at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
    )  # fmt: skip


def test_a_listener_hears_what_is_theirs() -> None:
    """Their unit, and their role over the areas below theirs."""
    ears = Ears(frozenset({"unit:8508"}), (("supervisor", "4403"),))

    assert ears.hear(a_row())
    assert not ears.hear(a_row(audience="unit:8484"))
    assert ears.hear(a_row(audience="supervisor@440310", role="supervisor", area="440310"))
    assert not ears.hear(a_row(audience="supervisor@440106", role="supervisor", area="440106"))
    assert not ears.hear(a_row(audience="admin@440310", role="admin", area="440310"))


def test_a_listener_that_is_too_slow_is_cut_off_to_come_back() -> None:
    """Memory is bounded; the last id that it saw brings the rest."""
    tail, queue = Tail(), asyncio.Queue[Row | None]()
    tail.listeners[queue] = Ears(frozenset({"unit:8508"}), ())
    tail.spread([a_row(n) for n in range(ROOM + 5)])

    assert queue.qsize() == ROOM + 1
    assert tail.listeners == {}


def test_a_position_is_the_event_s_id_and_back() -> None:
    assert Position.parse(str(Position("812", 94))) == Position("812", 94)


@pytest.mark.parametrize("text", ["812", "a.1", "1.", ".1", "1.2.3", "-1.2", "9" * 40 + ".1"])
def test_a_position_from_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Position.parse(text)
