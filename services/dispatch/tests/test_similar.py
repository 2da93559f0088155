"""疑似重复、并案、关联: neighbours are found by tiles, duplicates end in the case that goes on, relations stand on both sides."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yiwang.contracts import Actor, CaseLinked, CaseMerged, CaseVoided, Point
from yiwang.dispatch.acts import Act, MergeBody
from yiwang.dispatch.app import make_service
from yiwang.dispatch.auto import Work
from yiwang.dispatch.case import Case
from yiwang.dispatch.domain import step
from yiwang.dispatch.joining import check_main, joined, tell_other
from yiwang.dispatch.near import metres
from yiwang.dispatch.policies import Policies, Similar
from yiwang.dispatch.refusals import Refused
from yiwang.dispatch.similar import DEGREE_M, MOST, forget, look, neighbours, tiles
from yiwang.dispatch.store import add
from yiwang.dispatch.testing import BY_HAND, MONDAY, PLACE, STALLS, located, reported, some_case, some_rules

HERE = Point(lon=114.0579, lat=22.5431, crs="cgcs2000", source="device")


def lying_at(point: Point, case_id: str = "case-1", **change: Any) -> Case:
    case = some_case(case_id=case_id, **change)
    return msgspec.structs.replace(case, place=msgspec.structs.replace(PLACE, point=point))


def off(north_m: float, east_m: float, start: Point = HERE) -> Point:
    lat = start.lat + north_m / DEGREE_M
    return msgspec.structs.replace(start, lat=lat, lon=start.lon + east_m / DEGREE_M / math.cos(math.radians(start.lat)))


@settings(max_examples=300, deadline=None)
@given(
    lon=st.floats(-179.9, 179.9), lat=st.floats(-75, 75), bearing=st.floats(0, 2 * math.pi),
    away=st.floats(0, 49.9), reach=st.sampled_from([10, 50, 200]),
)  # fmt: skip
def test_whatever_is_near_lies_in_one_of_the_tiles_that_are_asked(
    lon: float, lat: float, bearing: float, away: float, reach: int
) -> None:
    """The neighbour's own tile is among those looked into: as a search through all cases would find it."""
    policy, start = Similar(metres=reach), Point(lon=lon, lat=lat, crs="cgcs2000", source="device")
    away = away * reach / 50
    there = off(away * math.cos(bearing), away * math.sin(bearing), start)
    distance = metres(start, there)
    assert distance is not None
    mine, theirs = tiles(lying_at(start), policy), tiles(lying_at(there), policy)

    assert len(mine) <= 6
    if distance <= reach:
        assert theirs[0] in mine


def test_another_class_an_area_without_a_point_and_history_have_no_neighbours() -> None:
    """Same minor class only; a place that is only an area is nowhere near anything."""
    policy = Similar()
    assert tiles(lying_at(HERE), policy)[0] != tiles(lying_at(HERE, category=STALLS), policy)[0]
    assert tiles(some_case(), policy) == ()
    assert tiles(lying_at(HERE, category=None), policy) == ()


def merged(dup: Case, main: Case) -> tuple[Work, Work]:
    """Both cases after *dup* was merged into *main* by an acceptor."""
    rules, by = some_rules(auto=BY_HAND), Actor(role="acceptor", person_ref="p")
    body = joined(MergeBody(into=main.case_id, opinion="同一堆垃圾"), dup, main)
    act = Act(action="merge", role="acceptor", at=MONDAY, body=body, by=by)
    one, other = Work(dup, rules, MONDAY), Work(main, rules, MONDAY)
    one.do(act)
    tell_other(one.case, body, "merge", act, other)
    return one, other


def test_a_duplicate_ends_in_the_main_case_which_answers_both_reporters() -> None:
    """Merged and voided in one step; the main case carries its report and will ask, although an inspector reported it."""
    main = lying_at(HERE, "case-1")
    dup = lying_at(off(30, 0), "case-2", reporter_kind="citizen")
    one, other = merged(dup, main)

    said, voided = one.events
    assert isinstance(said, CaseMerged)
    assert isinstance(voided, CaseVoided)
    assert (voided.case.merged_into, voided.reason_code, one.case.state) == ("case-1", "duplicate", "voided")
    assert said.distance_m == pytest.approx(30, abs=0.5)
    assert other.case.report_ids == ("r-case-1", "r-case-2")
    assert (other.case.wants_reply, other.case.links[0].relation) == (True, "merged")
    assert other.events[0].case.report_ids == other.case.report_ids


def test_what_cannot_carry_the_reports_is_refused() -> None:
    """A finished case, one whose reporters another platform knows, and a case that has merged others itself."""
    case = lying_at(HERE, "case-2")
    for change, why in [({"state": "closed"}, "已经办结"), ({"taken_by": "440305"}, "不同平台")]:
        with pytest.raises(Refused, match=why):
            check_main(case, msgspec.structs.replace(lying_at(HERE), **change))
    _, carrying = merged(lying_at(HERE, "case-3"), case)
    with pytest.raises(Refused, match="已有案件并入此案"):
        check_main(carrying.case, lying_at(HERE))
    with pytest.raises(Refused, match="没有案件"):
        step(case, Act(action="merge", role="acceptor", at=MONDAY, body=MergeBody(into="x", opinion="同")), some_rules())


@pytest.mark.parametrize("hold", [False, True])
def test_a_city_may_let_the_acceptor_look_first(hold: bool) -> None:
    """With a neighbour a clear case waits in the queue, where the profile says so."""
    case = msgspec.structs.replace(lying_at(HERE), similar_of="case-0")
    work = Work(case, some_rules(policies=Policies(similar=Similar(hold=hold))), MONDAY)
    work.run("44030020261123" + "00001")

    assert (work.case.state == "reported") == hold


async def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_neighbours_are_found_shown_merged_and_linked(node) -> None:
    """Through the database: near in space, time and class; then one duplicate is merged and one case linked."""
    spots = {
        "first": (HERE, 0, {}), "near": (off(40, 0), 1, {"reporter_kind": "citizen"}), "beside": (off(0, 45), 2, {}),
        "far": (off(60, 0), 1, {}), "late": (HERE, 25, {}), "other": (HERE, 0, {"category": STALLS}),
    }  # fmt: skip
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    async with node.running(make_service(lambda _: some_rules(auto=BY_HAND))) as app:
        for case_id, (point, hours, change) in spots.items():
            report = reported(case_id, at=now - dt.timedelta(hours=26 - hours), **change)
            await node.publish(report, located(report, place=msgspec.structs.replace(PLACE, point=point)))
        await node.settled()
        desk = app.http("acceptor", area="440300")

        shown = await ok(await desk.get("/cases/first/similar"))
        assert [(one["case_id"], one["may_merge"]) for one in shown] == [("near", True), ("beside", True)]
        assert (await ok(await desk.get("/cases/other/similar"))) == []
        assert (await app.http("acceptor", area="440305").get("/cases/first/similar")).status_code == 404

        done = await ok(await desk.post("/cases/near/merge", json={"into": "first", "opinion": "同一堆垃圾"}))
        assert done["state"] == "voided"
        await ok(await desk.post("/cases/first/link", json={"other": "beside", "relation": "similar"}))
        assert (await desk.post("/cases/beside/link", json={"other": "first"})).json()["code"] == "dispatch.already_linked"
        assert (await desk.post("/cases/first/merge", json={"into": "near", "opinion": "同"})).status_code == 409
        assert (await desk.post("/cases/first/merge", json={"into": "first", "opinion": "同"})).status_code == 422
        said = await node.until(CaseMerged, 2)
        assert {(e.case.case_id, e.relation) for e in said} == {("near", "into"), ("first", "absorbed")}
        assert {e.case.case_id for e in await node.until(CaseLinked, 2)} == {"first", "beside"}
        shown = await ok(await desk.get("/cases/first/similar"))
        assert {one["case_id"]: one["relation"] for one in shown} == {"near": "merged", "beside": "similar"}

        await ok(await desk.post("/cases/first/accept", json={}))
        await node.settled()
        await ok(await desk.post("/cases/first/file", json={}))
        for role, action, body in [
            ("dispatcher", "dispatch", {}), ("dept_operator", "assign_handler", {"handler_ref": "dev-handler"}),
        ]:  # fmt: skip
            await ok(await app.http(role, area="440300", unit_id="sanitation").post(f"/cases/first/{action}", json=body))
        assert await app.pool.fetchval("select count(*) from spots") == len(spots)


async def test_where_hundreds_report_the_same_only_the_newest_are_looked_at(node) -> None:
    """A flooded street: each further report costs what the first ones did."""
    case, policy = lying_at(HERE, "latest", at=MONDAY), Similar()
    async with node.running(make_service(lambda _: some_rules(auto=BY_HAND))) as app:
        await app.pool.execute(
            "insert into spots select $1, $2::timestamptz - n * interval '1 minute', 'case-' || n, $3, $4"
            " from generate_series(1, 500) n",
            tiles(case, policy)[0], MONDAY, HERE.lon, HERE.lat,
        )  # fmt: skip
        async with app.pool.acquire() as db:
            [found] = (await neighbours(db, [case], policy)).values()
            there, minute = off(5_000, 0), dt.timedelta(minutes=1)
            await add(db, [msgspec.structs.replace(lying_at(there, "ended", at=MONDAY), state="voided")], [], MONDAY)
            ended = await seen_after(db, lying_at(there, "ended", at=MONDAY))
            first = [lying_at(off(40, 0, there), "a", at=MONDAY), lying_at(off(20, 0, there), "b", at=MONDAY + minute)]
            together = await seen_after(db, *first, lying_at(off(500, 0, there), "alone", at=MONDAY))
            later = await seen_after(db, lying_at(there, "later", at=MONDAY + 2 * minute), case)
            await forget(db, some_rules(), MONDAY + dt.timedelta(hours=3 * policy.hours))
            left = await db.fetchval("select count(*) from spots")
    assert {one.case_id for one in found} == {f"case-{n}" for n in range(1, MOST + 1)}
    assert (ended, together) == ([""], ["", "a", ""])  # cases of one batch see each other
    assert later == ["b", f"case-{MOST}"]  # the nearest that is still open; the flooded street's newest are looked at
    assert left == 0


async def seen_after(db: Any, *cases: Case) -> list[str]:
    """The older neighbour that each of a batch's cases is given."""
    works = [Work(case, some_rules(auto=BY_HAND), MONDAY) for case in cases]
    await look(db, works, some_rules(auto=BY_HAND), MONDAY)
    return [work.case.similar_of for work in works]
