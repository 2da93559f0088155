"""Campaigns, ledgers and stations after yesterday's backup was restored; and what is told again from what, pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from yiwang.contracts import (
    CampaignAmended,
    CampaignAnnounced,
    CampaignCaseJoined,
    CampaignCaseLeft,
    CampaignEnded,
    CampaignOpened,
    CampaignProgress,
    CaseClosed,
    CaseFiled,
    Event,
    LedgerEntered,
    LedgerLinked,
)
from yiwang.dispatch import campaign_store, taking_in
from yiwang.dispatch.app import make_service
from yiwang.dispatch.campaign import HAND, LEDGER, REMOVED, REPORT, RULE, Campaign
from yiwang.dispatch.campaign_replay import nothing, plan, standing
from yiwang.dispatch.ground import Ground, Station
from yiwang.dispatch.practice import Practice
from yiwang.dispatch.testing import MONDAY, located, reported, some_rules
from yiwang.kit import ManualClock

DAY = dt.timedelta(days=1)
PHOTO = {"media_id": "m", "sha256": "a" * 64, "size": 9, "mime": "image/jpeg", "stage": "after", "home_node": "440300"}
WAY: tuple[tuple[dict[str, str], str, dict[str, Any]], ...] = (
    ({"role": "dept_operator", "unit_id": "sanitation"}, "assign_handler", {"handler_ref": "h"}),
    ({"role": "dept_operator", "unit_id": "sanitation"}, "submit_result", {"resolution_mode": "manage", "media": [PHOTO]}),
    ({"role": "dept_operator", "unit_id": "sanitation"}, "dept_confirm", {}),
    ({"role": "dispatcher"}, "pass", {}),
    ({"role": "collector", "area": "440303"}, "check_result", {"result": "pass", "media": [PHOTO]}),
    ({"role": "shift_leader"}, "close", {"closing_condition_ids": ["c1-done"]}),
)
PLAN: dict[str, Any] = {
    "title": "专项", "begins_on": "2026-11-01", "ends_on": "2026-12-31", "scope": {"categories": ["event/01/*"]},
}  # fmt: skip
FACTS: dict[str, Any] = {"campaign_id": "k", "issuer": "440300"}
OPENED = CampaignOpened(
    **FACTS, title="专项", begins_on=MONDAY.date(), ends_on=MONDAY.date(), occurred_at=MONDAY, spread=True
)


def after(*events: Any, old: Campaign | None = None) -> Campaign | None:
    for event in events:
        old = plan(old, event, "440300")
    return old


def test_a_plan_is_told_again_by_its_events_and_what_is_known_changes_nothing() -> None:
    """Opened, amended, ended; from every point of the way on the same plan."""
    amended = CampaignAmended(
        **FACTS, title="改", begins_on=MONDAY.date(), ends_on=MONDAY.date() + DAY, revision=2, occurred_at=MONDAY + DAY
    )
    events = [OPENED, amended, CampaignEnded(**FACTS)]
    shapes = [after(*events[:n]) for n in range(4)]
    final = shapes[-1]
    assert final is not None
    assert (final.title, final.state, final.revision, final.opened_at, final.spread) == ("改", "ended", 3, MONDAY, True)
    assert all(after(*events, old=old) == final for old in shapes)
    assert after(amended) is None, "without its beginning it isn't told"


def test_another_tiers_plan_is_known_by_its_announcement_and_ours_says_that_it_was_spread() -> None:
    """An announcement of our own plan is no plan of another node."""
    plain = {"title": "市专项", "begins_on": MONDAY.date(), "ends_on": MONDAY.date(), "occurred_at": MONDAY}
    upper = CampaignAnnounced(campaign_id="u", issuer="440000", **plain)
    known = after(upper, upper)
    assert known is not None
    assert (known.issuer, known.state, known.spread) == ("440000", "open", False)
    over = after(replace(upper, state="ended", revision=2), old=known)
    assert over is not None
    assert over.state == "ended"
    ours = CampaignAnnounced(**FACTS, **plain)
    assert after(ours) is None
    spread = after(replace(OPENED, spread=False), ours)
    assert spread is not None
    assert spread.spread
    assert after(CampaignProgress(**FACTS, revision=1, as_of=MONDAY), old=spread) == spread


@pytest.mark.parametrize(
    ("told", "how"),
    [
        ([("rule", "")], RULE),
        ([("report", "")], REPORT),
        ([("rule", ""), ("", "hand")], REMOVED),
        ([("", "hand"), ("hand", "")], HAND),
        ([("hand", ""), ("", "voided")], HAND),
        ([("", "rule")], RULE),
        ([("rule", ""), ("", "ledger")], LEDGER),
    ],
)
def test_how_a_case_stands_in_a_campaign_is_what_was_said_last(told: list[tuple[str, str]], how: str) -> None:
    """By rule, by report, by hand, taken out by hand, counted by its entry; leaving for another reason changes nothing."""
    events: list[Event] = [
        CampaignCaseJoined(**FACTS, case_id="c", how=joined) if joined else CampaignCaseLeft(**FACTS, case_id="c", why=why)
        for joined, why in told
    ]
    assert standing({}, events)["k", "c"].how == how
    assert standing({("k", "c"): nothing("k", "c", how=RULE)}, events)["k", "c"].how == how


def test_a_link_stands_for_its_case_though_nothing_was_said_of_the_campaign() -> None:
    """A case that never counted and is linked to an entry counts as the entry; without a campaign it is nothing to it."""
    entry: dict[str, Any] = {"entry_id": "e", "kind": "hazard", "area": "440303"}
    assert standing({}, [LedgerLinked(**entry, campaign_id="k", case_id="c")])["k", "c"].how == LEDGER
    assert standing({}, [LedgerLinked(**entry, case_id="c"), OPENED]) == {}
    assert LedgerEntered(**entry, grade="general", summary_masked="x", found_at=MONDAY).version == 0


async def ask(client: Any, path: str, expect: int = 200, **body: Any) -> Any:
    answer = await client.post(path, json=body)
    assert answer.status_code == expect, (path, answer.status_code, answer.text)
    return answer.json()


async def move(app: Any, case_id: str, steps: int) -> None:
    """The first steps of a case's way from dispatched to closed that it hasn't done."""
    done = await app.pool.fetchval("select count(*) from flow_lines where case_id = $1 and seq > 4", case_id)
    for who, action, body in WAY[done : done + steps]:
        await ask(app.http(**({"area": "440300"} | who)), f"/cases/{case_id}/{action}", **body)


async def filed(node: Any, *case_ids: str, n: int) -> None:
    for case_id in case_ids:
        first = reported(case_id)
        await node.publish(first, located(first))
    await node.until(CaseFiled, n)


async def looked_through(app: Any, key: str) -> None:
    while True:
        shown = await taking_in.shown(app.pool, key)
        assert shown is not None
        if shown.done_at is not None:
            return


async def tables(pool: Any) -> dict[str, str]:
    """Everything that a backup holds, but who works at the moment."""
    names = await pool.fetch(
        "select table_name from information_schema.tables where table_schema = 'dispatch' and table_type = 'BASE TABLE'"
        " and table_name not in ('kit_lease', 'kit_loop', 'kit_state')"
    )
    return {n[0]: await pool.fetchval(f"select coalesce(json_agg(t), '[]') from {n[0]} t") for n in names}


async def restored(url: str, backup: dict[str, str]) -> None:
    """The tables as they were, and the node's incarnation raised."""
    db = await asyncpg.connect(url)
    await db.execute("set search_path = dispatch; set session_replication_role = replica")
    for table, rows in backup.items():
        await db.execute(f"delete from {table}")
        await db.execute(
            f"insert into {table} overriding system value select * from json_populate_recordset(null::{table}, $1::json)",
            rows,
        )
    await db.execute("update yw.node set incarnation = incarnation + 1")
    await db.close()


async def known(app: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What campaigns, ledgers and stations amount to."""
    asked = {
        "plans": "select campaign_id, state, mine, begins_on, doc from campaigns order by 1",
        "items": "select * from campaign_items order by campaign_id, item_id",
        "entries": "select * from ledger_entries order by entry_id",
        "records": "select * from station_records order by record_id",
        "days": "select key, due from kit_timer where kind = 'ledger' order by key",
    }
    found = {name: [tuple(row) for row in await app.pool.fetch(query)] for name, query in asked.items()}
    for key in [row[0] for row in found["plans"]]:
        sums = await campaign_store.sums(app.pool, key)
        assert sums == await campaign_store.recount(app.pool, key)
        found[f"sums of {key}"] = [(c.area, c.unit_id, c.found, c.rectified, c.accepted, c.overdue) for c in sums]
    return found


async def test_after_a_restored_backup_campaigns_ledgers_and_stations_are_what_had_been_said(node) -> None:
    """Plans, cases in and out, an ended campaign's last count, entries, sums and records; nothing is said twice."""
    ground = Ground(stations=(Station(station_id="Z1", name="驿站", area="440303001001"),))
    service = make_service(lambda _: some_rules(practice=Practice(ground=ground)))
    clock = ManualClock(MONDAY)
    async with node.running(service, clock=clock) as app:
        leader, dispatcher = app.http("leader", area="440300"), app.http("dispatcher", area="440300", person_ref="p-d")
        old = (await ask(leader, "/campaigns", 201, **PLAN))["campaign"]["campaign_id"]
        await filed(node, "stays", "ends", "worked", n=3)
        finder = app.http("community_worker", area="440303001001", person_ref="p-c")
        hazard = {"area": "440303001001", "summary_masked": "边坡开裂", "campaign_id": old}
        first = (await ask(finder, "/ledgers", 201, **hazard))["entry"]["entry_id"]
        await looked_through(app, old)
        await node.settled()
        backup = await tables(app.pool)

        clock.advance(minutes=1)
        await ask(dispatcher, f"/ledgers/{first}/assign", unit_id="patrol", measure_masked="加固")
        second = (await ask(finder, "/ledgers", 201, **hazard, kind="problem", station_id="Z1"))["entry"]["entry_id"]
        await ask(finder, "/stations/Z1/records", 201, mechanism="visit", residents=3, entry_ids=[second])
        await ask(dispatcher, f"/ledgers/{second}/link", case_no="worked")
        await ask(dispatcher, f"/campaigns/{old}/leave", nos=["stays"], opinion="无关")
        await filed(node, "new", n=4)
        await move(app, "ends", 6)
        await move(app, "new", 3)
        new = (await ask(leader, "/campaigns", 201, **PLAN, spread=True))["campaign"]["campaign_id"]
        await looked_through(app, new)
        clock.advance(minutes=1)
        amended = PLAN | {"title": "专项（调整）", "targets": [{"found": 9}]}
        await ask(leader, f"/campaigns/{old}/amend", **amended, opinion="加码")
        await ask(leader, f"/campaigns/{old}/end", opinion="完成")
        clock.advance(minutes=1)
        await move(app, "new", 3)
        await move(app, "worked", 6)
        await node.until(CaseClosed, 3)
        clock.advance(minutes=11)
        told = await node.until(CampaignProgress, 1, where=lambda e: e.campaign_id == new)
        await node.settled()
        before = await known(app)
        joined = len(await node.events(CampaignCaseJoined))
    await restored(node.database_url, backup)

    async with node.running(service, clock=(clock := ManualClock(clock.now()))) as app:
        await node.settled()
        assert await known(app) == before
        assert {row[1]: row[3] for row in before["items"] if row[0] == old} == {
            "stays": REMOVED, "ends": RULE, "worked": LEDGER, "new": RULE, first: HAND, second: HAND,
        }  # fmt: skip
        await looked_through(app, new)
        await ask(app.http("community_worker", area="440303001001"), "/ledgers", 201, **(hazard | {"campaign_id": new}))
        clock.advance(minutes=11)
        newer = await node.until(CampaignProgress, 1, where=lambda e: e.campaign_id == new and e.incarnation == 2)
        assert newer[0].revision > max(event.revision for event in told)
        await node.settled()
        assert len(await node.events(CampaignCaseJoined)) == joined
