"""New reports cost no query; known ones are found beyond the stream's window, also those that another replica wrote."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yiwang.contracts import CaseReported
from yiwang.intake.app import service
from yiwang.intake.receive import Desk
from yiwang.intake.seen import Filter
from yiwang.intake.testing import a_body
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON
from yiwang.stack.testing import TestNode


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock(NOON)


@given(st.lists(st.uuids(), max_size=200))
def test_what_was_added_is_always_found(added: list[uuid.UUID]) -> None:
    """It may say yes too often, never no to what it holds."""
    seen = Filter()
    for one in added:
        seen.add(str(one))
    assert all(str(one) in seen for one in added)


def test_a_full_filter_is_wrong_about_few_new_numbers() -> None:
    """At most one new number in a hundred is looked up in vain when as many are in as fit."""
    seen = Filter()
    for n in range(seen.room):
        seen.add(str(uuid.uuid5(uuid.NAMESPACE_OID, f"old {n}")))
    wrong = sum(str(uuid.uuid5(uuid.NAMESPACE_OID, f"new {n}")) in seen for n in range(10_000))
    assert wrong < 100


async def _post(http: Any, number: str) -> Any:
    return await http.post("/reports", json=a_body(source={"system": "s", "record_id": number}))


async def test_new_reports_ask_the_database_nothing(node: TestNode, clock: ManualClock) -> None:
    """Only what may be a repetition is looked up."""
    async with node.running(service, clock=clock) as app:
        lookup = app.app.get(Desk).lookup
        await lookup.refresh()
        for n in range(20):
            assert (await _post(app.http("collector"), f"n{n}")).status_code == 202
        assert lookup.asked == 0

        await node.settled()
        again = await _post(app.http("collector"), "n3")
        assert (again.status_code, again.json()["duplicate"], lookup.asked) == (202, True, 1)


async def test_a_report_of_another_replica_is_known_after_the_next_reading(node: TestNode, clock: ManualClock) -> None:
    """A replica that heard nothing itself reads the rows."""
    async with node.running(service, clock=clock) as first:
        await _post(first.http("collector"), "n1")
        await node.until(CaseReported)
        await node.settled()
    async with node.running(service, clock=clock) as second:
        lookup = second.app.get(Desk).lookup
        await lookup.refresh()
        again = await _post(second.http("collector"), "n1")
        assert (again.json()["duplicate"], lookup.asked) == (True, 1)
