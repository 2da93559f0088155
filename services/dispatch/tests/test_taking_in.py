"""Cases filed before their campaign are taken in beside the requests, and the sums are a recount's at every moment."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from msgspec.structs import replace
from yiwang.contracts import CampaignCaseJoined, CampaignCaseLeft, CampaignScope, CaseClosed, CaseFiled
from yiwang.dispatch import campaign_store, taking_in
from yiwang.dispatch.app import make_service
from yiwang.dispatch.campaign import Campaign
from yiwang.dispatch.codes import CategoryRow, Codes, CodeSet
from yiwang.dispatch.taking_in import DONE, JOINING, LEAVING, Walk, classes, differs, percent
from yiwang.dispatch.testing import MONDAY, STALLS, located, reported, some_rules
from yiwang.kit import ManualClock

DAY = dt.timedelta(days=1)
PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}
CLOSING: tuple[tuple[dict[str, str], str, dict[str, Any]], ...] = (
    ({"role": "dept_operator", "unit_id": "sanitation"}, "assign_handler", {"handler_ref": "h"}),
    ({"role": "dept_operator", "unit_id": "sanitation"}, "submit_result", {"resolution_mode": "manage", "media": [PHOTO]}),
    ({"role": "dept_operator", "unit_id": "sanitation"}, "dept_confirm", {}),
    ({"role": "dispatcher"}, "pass", {}),
    ({"role": "collector"}, "check_result", {"result": "pass", "media": [PHOTO]}),
    ({"role": "shift_leader"}, "close", {"closing_condition_ids": ["c1-done"]}),
)
PLAN: dict[str, Any] = {
    "title": "城市清洁专项", "begins_on": "2026-11-01", "ends_on": "2026-12-31",
    "scope": {"categories": ["event/01/*"], "areas": ["440303"]},
}  # fmt: skip


def two_sets() -> Codes:
    """The same two classes in two code sets; 04 and 05 change places."""
    sets = [CodeSet(code_set=name, version="1") for name in ("new", "old")]
    rows = [
        CategoryRow(code_set=name, kind="event", major=major, minor="10", major_name=major, minor_name="x")
        for name in ("new", "old") for major in ("04", "05")
    ]  # fmt: skip
    walk = {(("old", "event", a, "10"), "new"): ("new", "event", b, "10") for a, b in (("04", "05"), ("05", "04"))}
    return Codes(sets, rows, [], walk)


@pytest.mark.parametrize(
    ("scope", "patterns"),
    [
        (("*",), ["%", "event/04/10", "event/05/10"]),
        (("event/04/*",), ["event/04/%", "event/05/10"]),
        (("event/05/10",), ["event/05/10", "event/04/10"]),
        (("part/*",), ["part/%"]),
        ((), []),
    ],
)
def test_a_class_is_looked_for_as_every_code_set_writes_it(scope: tuple[str, ...], patterns: list[str]) -> None:
    """04 of the one set is 05 of the other: the pages must hold both, the rule decides."""
    assert classes(CampaignScope(code_set="new", categories=scope), [two_sets()]) == patterns


def test_how_far_it_is_is_told_in_time_looked_through() -> None:
    """From the newest case to the oldest; all is said only when all is done."""
    walk = Walk(
        phase=JOINING, newest=MONDAY, at=MONDAY - DAY, looked=5, joined=1, gone=0, began_at=MONDAY, done_at=None,
        oldest=MONDAY - 4 * DAY,
    )  # fmt: skip
    assert percent(walk) == 25
    assert percent(replace(walk, at=MONDAY - 4 * DAY)) == 99
    assert (percent(replace(walk, phase=LEAVING)), percent(replace(walk, phase=DONE)), percent(replace(walk, oldest=None))) == (
        0, 100, 0,
    )  # fmt: skip


def test_only_another_span_or_scope_is_looked_through_anew() -> None:
    """Targets and titles don't move a case."""
    one = Campaign(
        campaign_id="k", issuer="440300", title="一", begins_on=MONDAY.date(), ends_on=MONDAY.date(), opened_at=MONDAY
    )
    assert not differs(one, replace(one, title="二", revision=2))
    assert differs(one, replace(one, ends_on=one.ends_on + DAY))
    assert differs(one, replace(one, scope=CampaignScope(categories=("*",))))


async def ask(client: Any, path: str, expect: int = 200, **body: Any) -> Any:
    answer = await client.post(path, json=body)
    assert answer.status_code == expect, (path, answer.status_code, answer.text)
    return answer.json()


async def through(app: Any, key: str) -> dict[str, Any]:
    """The campaign when all earlier cases are looked through; its sums were a recount's whenever one looked."""
    leader = app.http("leader", area="440300")
    while True:
        async with app.pool.acquire() as db, db.transaction(isolation="repeatable_read"):
            assert await campaign_store.sums(db, key) == await campaign_store.recount(db, key)
            shown = await taking_in.shown(db, key)
        assert shown is not None
        if shown.done_at is not None:
            view: dict[str, Any] = (await leader.get(f"/campaigns/{key}")).json()
            return view


async def test_cases_filed_before_the_campaign_join_by_rule_and_those_taken_out_stay_out(node) -> None:
    """Open and closed ones, page by page; another scope takes in and lets go; cases filed meanwhile count once."""
    clock = ManualClock(MONDAY)
    service = make_service(lambda _: some_rules())
    async with node.running(service, clock=clock, settings={"campaign_page": 2}) as app:
        first = [reported(f"litter-{n}", at=MONDAY - n * DAY) for n in range(5)]
        first += [reported(f"stall-{n}", at=MONDAY - n * DAY, category=STALLS) for n in range(2)]
        await node.publish(*(event for one in first for event in (one, located(one))))
        await node.settled()
        for n in range(2):
            await ask(app.http("shift_leader", area="440300"), f"/cases/stall-{n}/file", condition_id="c2")
        await node.until(CaseFiled, 7)
        for who, action, body in CLOSING:
            place = {"area": "440303" if who["role"] == "collector" else "440300"}
            await ask(app.http(**(place | who)), f"/cases/litter-3/{action}", **body)
        await node.until(CaseClosed)

        leader, dispatcher = app.http("leader", area="440300"), app.http("dispatcher", area="440300")
        opened = await ask(leader, "/campaigns", 201, **PLAN)
        key = opened["campaign"]["campaign_id"]
        assert (opened["total"]["found"], opened["taking_in"]["phase"], opened["taking_in"]["percent"]) == (0, JOINING, 0)
        view = await through(app, key)
        assert (view["total"]["found"], view["total"]["rectified"]) == (5, 1)
        assert {name: view["taking_in"][name] for name in ("joined", "gone", "percent", "looked")} == {
            "joined": 5, "gone": 0, "percent": 100, "looked": 7,
        }  # fmt: skip
        joined = await node.until(CampaignCaseJoined, 5)
        assert {(e.case_id, e.how) for e in joined} == {(f"litter-{n}", "rule") for n in range(5)}

        assert await ask(dispatcher, f"/campaigns/{key}/leave", nos=["litter-1"], opinion="无关") == {"changed": 1}
        await ask(leader, f"/campaigns/{key}/amend", **(PLAN | {"title": "改名"}))
        more = [reported(f"more-{n}", at=MONDAY - n * DAY) for n in range(6)]
        await node.publish(*(event for one in more for event in (one, located(one))))
        await ask(leader, f"/campaigns/{key}/amend", **(PLAN | {"scope": {"categories": ["*"]}}))
        await node.until(CampaignCaseJoined, 5 + 6 + 2)
        view = await through(app, key)
        assert view["total"]["found"] == 4 + 6 + 2
        assert "litter-1" not in {c["case_id"] for c in (await leader.get(f"/campaigns/{key}/cases")).json()["cases"]}

        none = PLAN | {"scope": {"categories": ["event/02/*"]}}
        await ask(leader, f"/campaigns/{key}/amend", **none)
        view = await through(app, key)
        assert (view["total"]["found"], view["taking_in"]["gone"], view["taking_in"]["joined"]) == (2, 10, 0)
        left = await node.until(CampaignCaseLeft, 11)
        assert sorted({e.why for e in left}) == ["hand", "rule"]
        assert await ask(dispatcher, f"/campaigns/{key}/join", nos=["litter-1"]) == {"changed": 1}
        await ask(leader, f"/campaigns/{key}/end", opinion="完成")
        assert (await through(app, key))["total"]["found"] == 2 + 1
        await node.settled()
