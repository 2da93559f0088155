"""From a case to the law and back: dispatch refers, enforcement opens a clue, its outcome stands in the case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from yiwang.contracts import CaseDispatched, Category, ClueOpened, EnforcementClosed
from yiwang.dispatch.testing import located, reported
from yiwang.kit import VirtualClock
from yiwang.kit.dev import dev_token
from yiwang.kit.http import http_server
from yiwang.kit.testing import NOON
from yiwang.kit.testing_http import without_lifespan
from yiwang.stack.testing import TestNode

from .city import PROFILES, service

CITY, UNIT, AGENCY = "440300", "440303001-law", "440303-law"
OCCUPIED = Category(code_set="gbt30428.2-2013", version="2013", kind="event", major="04", minor="06")
OFFICERS = [{"ref": f"p{n}", "cert_ref": f"粤S{n:06d}"} for n in range(2)]
PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": CITY}


class Offices:
    """The people of both services, each with a connection to the node's address."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, role: str, method: str, path: str, *, unit: str = "", expect: int = 200, **body: Any) -> Any:
        """The body of the answer, which must have the status *expect*."""
        token = dev_token(role, area=CITY, unit_id=unit)
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self._http.request(method, path, headers=headers, json=body if method == "POST" else None)
        assert answer.status_code == expect, (path, answer.status_code, answer.text)
        return answer.json()

    async def refer(self, expect: int = 200) -> Any:
        wish = {"agency_id": AGENCY, "item_code": "0510", "opinion": "屡劝不改，移送执法"}
        return await self.ask("dispatcher", "POST", "/cases/case-1/refer", expect=expect, **wish)

    async def clue(self, case_no: str) -> Any:
        page = await self.ask("enforcement_officer", "GET", "/enforcement/files?state=open", unit=AGENCY)
        [found] = [file for file in page["items"] if file["case_no"] == case_no]
        return found

    async def close(self, file_id: str, outcome: str) -> None:
        body = {"outcome": outcome, "text": "当事人已自行撤离并清扫", "officers": OFFICERS}
        path = f"/enforcement/files/{file_id}/close"
        await self.ask("enforcement_officer", "POST", path, unit=AGENCY, expect=201, **body)


@pytest_asyncio.fixture(loop_scope="session")
async def offices(node: TestNode) -> AsyncIterator[Offices]:
    """Dispatch and enforcement under Shenzhen's profile, on real servers, behind one HTTP address."""
    both = (service("dispatch"), service("enforcement"))
    async with (
        node.running(*both, jurisdiction=CITY, profile=PROFILES / "shenzhen", clock=VirtualClock(NOON, 1)) as apps,
        http_server(without_lifespan(apps[0]._asgi), "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http,
    ):
        yield Offices(http)


async def handled(node: TestNode, offices: Offices) -> str:
    """A stall on the pavement, dispatched to the street's team, its handler named; the case's number."""
    first = reported("case-1", at=NOON, category=OCCUPIED)
    await node.publish(first, located(first))
    [dispatched] = await node.until(CaseDispatched, where=lambda e: e.assignments[0].unit_id == UNIT)
    no = dispatched.case.case_no
    await offices.ask("dept_operator", "POST", f"/cases/{no}/assign_handler", unit=UNIT, handler_ref="h-1")
    return no


async def test_the_outcome_of_a_referral_stands_in_the_case_and_the_case_goes_on(
    node: TestNode, offices: Offices
) -> None:
    """One clue for one referral, with the case's number; no second one while it is open; the case ends by its own."""
    no = await handled(node, offices)
    await offices.refer()
    [opened] = await node.until(ClueOpened)
    refused = await offices.refer(expect=409)
    assert refused["code"] == "dispatch.already_referred"

    clue = await offices.clue(no)
    assert (clue["file_id"], clue["agency_id"]) == (opened.file_id, AGENCY)
    await offices.close(clue["file_id"], "corrected")
    [closed] = await node.until(EnforcementClosed)
    await node.settled()

    shown = await offices.ask("dispatcher", "GET", f"/cases/{no}")
    assert shown["referral"]["outcome"] == "corrected"
    assert shown["referral"]["file_id"] == closed.file_id
    last = shown["history"][-1]
    assert (last["action_name"], last["result"], last["unit_id"]) == ("执法结果", "corrected", AGENCY)
    assert shown["case"]["state"] == "handling"

    done = {"resolution_mode": "enforce", "media": [PHOTO]}
    await offices.ask("dept_operator", "POST", f"/cases/{no}/submit_result", unit=UNIT, **done)
    await offices.ask("dept_operator", "POST", f"/cases/{no}/dept_confirm", unit=UNIT)
    assert (await offices.ask("dispatcher", "GET", f"/cases/{no}"))["case"]["state"] == "feedback"


async def test_after_an_outcome_the_same_case_may_be_referred_again_and_both_are_told_apart(
    node: TestNode, offices: Offices
) -> None:
    """A new referral is a new clue; the outcome of the second replaces the first, both stand in the history."""
    no = await handled(node, offices)
    for count, outcome in ((1, "persuaded"), (2, "filed")):
        await offices.refer()
        await node.until(ClueOpened, count)
        await offices.close((await offices.clue(no))["file_id"], outcome)
        await node.until(EnforcementClosed, count)
        await node.settled()

    shown = await offices.ask("dispatcher", "GET", f"/cases/{no}")
    told = [line["result"] for line in shown["history"] if line["action"] == "enforcement_closed"]
    assert told == ["persuaded", "filed"]
    assert shown["referral"]["outcome"] == "filed"
    assert len({clue.file_id for clue in await node.events(ClueOpened)}) == 2
