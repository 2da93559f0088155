"""The OpenAPI page of dispatch tells the truth: no 500, no undocumented answer, whatever is sent."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import pytest
from yiwang.dispatch.app import make_service
from yiwang.dispatch.campaign_wiring import GROUND_ROUTES
from yiwang.dispatch.ground import Ground, Station
from yiwang.dispatch.practice import Practice
from yiwang.dispatch.states import BY_PEOPLE, TABLE
from yiwang.dispatch.testing import BY_HAND, located, reported, some_rules
from yiwang.kit.testing_http import assert_api_holds, token_of_everybody
from yiwang.stack.testing import TestNode

UNIT: Final = "sanitation"
PHOTO: Final = {
    "media_id": "m",
    "sha256": "a" * 64,
    "size": 9,
    "mime": "image/jpeg",
    "stage": "after",
    "home_node": "440300",
}
Step = tuple[str, dict[str, Any]]
RESUME: Final = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).isoformat()

_DISPATCHED: Final[tuple[Step, ...]] = (("accept", {}), ("file", {}), ("dispatch_down", {}), ("dispatch", {}))
_HANDLING: Final[tuple[Step, ...]] = (*_DISPATCHED, ("assign_handler", {"handler_ref": "dev-everybody"}))
_FEEDBACK: Final[tuple[Step, ...]] = (
    *_HANDLING, ("submit_result", {"resolution_mode": "manage", "media": [PHOTO]}),
)  # fmt: skip
_CHECKING: Final[tuple[Step, ...]] = (*_FEEDBACK, ("dept_confirm", {}), ("pass", {}))
WAY: Final[dict[str, tuple[Step, ...]]] = {
    "reported": (),
    "verifying": (("send_verify", {}),),
    "accepted": _DISPATCHED[:1],
    "filed": _DISPATCHED[:2],
    "filed in the district": _DISPATCHED[:3],
    "dispatched": _DISPATCHED,
    "handling": _HANDLING,
    "feedback": _FEEDBACK,
    "feedback confirmed": _CHECKING[:-1],
    "checking": _CHECKING,
    "closing": (*_CHECKING, ("check_result", {"result": "pass", "media": [PHOTO]})),
    "closed": (
        *_CHECKING, ("check_result", {"result": "pass", "media": [PHOTO]}), ("close", {"closing_condition_ids": ["c1-done"]}),
    ),
    "asked for more time": (*_DISPATCHED, ("postpone_apply", {"opinion": "需要开挖路面"})),
    "asked for a rest": (*_DISPATCHED, ("hang_apply", {"resume_on": RESUME, "opinion": "等待汛期结束"})),
    "suspended": (*_DISPATCHED, ("suspend", {"resume_on": RESUME, "opinion": "等待汛期结束"})),
}
"""Where a case stands, and the steps that bring it there."""
LEDGER_WAY: Final[tuple[Step, ...]] = (
    ("assign", {"unit_id": UNIT, "measure_masked": "疏通"}), ("rectify", {"result_masked": "已疏通", "media": [PHOTO]}),
    ("accept", {}),
)  # fmt: skip
LEDGER_WAY_OF: Final = {"rectify": 1, "accept": 2, "confirm": 3}
"""How far an entry must have come for an action"""
WHERE: Final = {row.action: row.state for row in reversed(TABLE)} | {
    "dispatch": "filed in the district", "return_to_city": "filed in the district",
    "dispatcher_reject": "feedback confirmed", "pass": "feedback confirmed",
    "postpone_approve": "asked for more time", "reopen": "closed", "appeal": "closed",
    "decide_appeal": "closed", "hang_approve": "asked for a rest",
    "postpone_withdraw": "asked for more time", "hang_withdraw": "asked for a rest",
}  # fmt: skip
"""Where a case must stand for an action to be possible."""


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("phases", "examples"),
    [
        ("examples,fuzzing", 3),
        pytest.param("examples,coverage,fuzzing", 2, marks=pytest.mark.lab, id="every boundary of every body"),
    ],
)
async def test_the_api_of_campaigns_ledgers_and_stations_holds_what_its_page_promises(
    node: TestNode, phases: str, examples: int
) -> None:
    """Each kind of body once, on a campaign and on entries that stand where the action is possible."""
    ground = Ground(stations=(Station(station_id="Z1", name="驿站", area="440303001001"),))
    async with node.running(make_service(lambda _: some_rules(practice=Practice(ground=ground)))) as app:
        http = app.http(headers={"Authorization": f"Bearer {token_of_everybody('440300', UNIT)}"})
        judge = app.http("supervisor", area="440300")
        today = str(dt.datetime.now(dt.UTC).date())
        plan = {"title": "专项", "begins_on": today, "ends_on": today, "scope": {"categories": ["*"]}}
        opened = await http.post("/campaigns", json=plan)
        assert opened.status_code == 201, opened.text
        campaign = opened.json()["campaign"]["campaign_id"]
        known = {f"/campaigns/{{campaign_id}}{end}": {"campaign_id": campaign} for end in ("", "/join", "/cases")}
        for action in ("assign", "rectify", "accept", "confirm", "link"):
            found = {"area": "440303", "summary_masked": "积水", "kind": "problem", "campaign_id": campaign}
            entry = (await http.post("/ledgers", json=found)).json()["entry"]["entry_id"]
            known[f"/ledgers/{{entry_id}}/{action}"] = {"entry_id": entry}
            for step, body in LEDGER_WAY[: LEDGER_WAY_OF.get(action, 0)]:
                client = judge if step == "accept" else http
                answer = await client.post(f"/ledgers/{entry}/{step}", json=body)
                assert answer.status_code == 200, (action, step, answer.text)
        known["/stations/{station_id}/records"] = {"station_id": "Z1"}
        ours = {path.replace(":str", "") for route in GROUND_ROUTES for path in route.paths}
        alike = {f"/ledgers/{{entry_id}}/{name}" for name in ("refuse", "recur", "withdraw")}
        alike |= {"/campaigns/{campaign_id}/amend", "/campaigns/{campaign_id}/leave"}
        others = [path for path in app._asgi.openapi_schema.to_schema()["paths"] if path not in ours]
        short = (await http.post("/campaigns", json=plan | {"scope": {}})).json()["campaign"]["campaign_id"]
        known["/campaigns/{campaign_id}/end"] = {"campaign_id": short}

        await assert_api_holds(
            app, unit_id=UNIT, examples=examples, known=known, exclude_paths=[*others, *sorted(alike)], timeout_s=220,
            phases=phases,
        )  # fmt: skip

        ended = await app.pool.fetchval("select state from campaigns where campaign_id = $1", short)
        assert ended == "ended", "what was tried got through, too"


@pytest.mark.timeout(240)
async def test_the_api_holds_what_its_page_promises(node: TestNode) -> None:
    """Every action is tried on a case that stands where the action is possible, and on cases that don't exist."""
    async with node.running(make_service(lambda _: some_rules(auto=BY_HAND, two_commands=True))) as app:
        for action in sorted(BY_PEOPLE):
            first = reported(action, at=dt.datetime.now(dt.UTC))
            await node.publish(first, located(first))
        await node.settled()
        all_posts = app.http(headers={"Authorization": f"Bearer {token_of_everybody('440300', UNIT)}"})
        checker = app.http("collector", unit_id="inspectors")
        for action in sorted(BY_PEOPLE):
            for step, body in WAY[WHERE[action]]:
                http = checker if step == "check_result" else all_posts
                answer = await http.post(f"/cases/{action}/{step}", json=body)
                assert answer.status_code == 200, (action, step, answer.text)
        steps = await app.pool.fetchval("select count(*) from flow_lines")
        known = {f"/cases/{{no}}/{action}": {"no": action} for action in sorted(BY_PEOPLE)}
        # The routes of batches are made by one function: one of them speaks for all.
        alike = [f"/cases/batch/{action}" for action in sorted(BY_PEOPLE) if action != "accept"]
        ground = sorted({path.replace(":str", "") for route in GROUND_ROUTES for path in route.paths})
        await assert_api_holds(app, unit_id=UNIT, examples=3, known=known, exclude_paths=[*alike, *ground], timeout_s=220)

        assert await app.pool.fetchval("select count(*) from flow_lines") > steps + 4, "what was tried got through, too"
