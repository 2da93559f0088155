"""Reports written without a line and sent later: the device's time stays, nothing is doubled."""

from __future__ import annotations

import asyncio
import datetime as dt

from yiwang.contracts import CaseReported
from yiwang.intake.app import service
from yiwang.intake.testing import a_body
from yiwang.kit import ManualClock
from yiwang.kit.testing import NOON
from yiwang.stack.testing import TestNode

SEEN = "2026-11-22T23:10:00+08:00"
DEVICE = "2026-11-22T23:17:30+08:00"


async def test_an_offline_report_keeps_its_times_and_is_one_report_however_often_it_is_sent(node: TestNode) -> None:
    """The inspector's device sends twelve hours later, twice at once and once more after it was started anew.

    The device's own number of the report makes it one; another text under the same number is refused, not swallowed.
    """
    body = a_body(source={"system": "pda-07", "record_id": "L-20261122-0007"}, occurred_at=SEEN, device_at=DEVICE)
    async with node.running(service, clock=ManualClock(NOON)) as app:
        device, restarted = app.http("collector"), app.http("collector")
        answers = list(await asyncio.gather(*(device.post("/reports", json=body) for _ in range(2))))
        answers.append(await restarted.post("/reports", json=body))
        changed = await restarted.post("/reports", json=body | {"description": "另一件事，不该混为一件"})
        await node.settled()
        [event] = await node.events(CaseReported)

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["case_id"] for answer in answers}) == 1
    assert changed.status_code == 409
    assert event.occurred_at == dt.datetime.fromisoformat(SEEN)
    assert event.device_at == dt.datetime.fromisoformat(DEVICE)
    assert event.recorded_at > event.device_at
