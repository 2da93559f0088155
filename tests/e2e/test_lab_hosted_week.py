"""A hosted city works for a week on the province's servers, sees only its own, and moves out: the long form, `make lab`.

The short form is test_tenant_moves.py. All services run; the week has a weekend and a holiday on a virtual clock.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import pytest
from yiwang.contracts import CaseOverdue, decode
from yiwang.dispatch.case import Case
from yiwang.dispatch.pressing import Due, dues
from yiwang.dispatch.profile import load_profile
from yiwang.kit.link import api
from yiwang.stack.books import read_stream
from yiwang.stack.books_tiers import NodeBooks, balance_all
from yiwang.stack.topology import read

from .city import PROFILES
from .mesh import until
from .moving import PROVINCE, balanced, linked, numbers, rows, yiwang
from .week import AFTER, CITY, OTHER, REST, Listener, Tenants, Town, at_work, day_of, tenants, unfinished
from .week import until_nothing_is_left as finish

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]
LATE_S: Final = 30.0
"""Real seconds within which a timer must have fired on two busy cores"""
OWN_STREAMS: Final = {"UP", "DOWN", "LOCAL", "PARKED", "OBJ_MEDIA", "KV_VAULT"}
RATE: Final = 2.0
"""Reports a second while the city moves"""


async def cases_of(net: Tenants, code: str) -> dict[str, Case]:
    """case → the case, as dispatch keeps it."""
    found = await rows(net, code, "select doc from dispatch.cases")
    return {case.case_id: case for case in (msgspec.json.decode(row["doc"], type=Case) for row in found)}


async def overdue_of(net: Tenants, code: str) -> list[CaseOverdue]:
    """Every event of the node's own that tells of a limit that passed."""
    async with linked(net, code) as link:
        subject = f"yw.up.*.{code}.*.case.overdue.v1"
        counted = await api(link.nc, "STREAM.INFO.UP", {"subjects_filter": subject})
        left = sum((counted["state"].get("subjects") or {}).values())
        heard = await link.nc.jetstream().subscribe(subject, stream="UP", ordered_consumer=True)
        found = [decode((await heard.next_msg(timeout=30)).data) for _ in range(left)]
        return [event for event in found if isinstance(event, CaseOverdue)]


# -- it sees only its own ------------------------------------------------------------------------------------------


async def sees_only_its_own(net: Tenants, towns: dict[str, Town], listener: Listener) -> None:
    """Not on its pages, not in its account, not in the database server: tried with real ids, subjects and its login."""
    own = {str(row["case_id"]) for row in await rows(net, CITY, "select case_id from dispatch.cases")}
    theirs = [str(row["case_id"]) for row in await rows(net, OTHER, "select case_id from dispatch.cases limit 20")]
    assert len(theirs) == 20
    assert own.isdisjoint(theirs)
    await _on_its_pages(towns, own, theirs)
    assert listener.heard[CITY] > len(own)
    assert set(listener.heard) <= {CITY, "down", "local"}
    async with linked(net, CITY) as link:
        assert set((await api(link.nc, "STREAM.NAMES"))["streams"]) == OWN_STREAMS
    assert set((await read_stream(net.kit(CITY))).ids) == {CITY}
    await _in_the_database(net)


async def _on_its_pages(towns: dict[str, Town], own: set[str], theirs: list[str]) -> None:
    here, there = towns[CITY].office, towns[OTHER].office
    as_leader = {"Authorization": f"Bearer {here.token('shift_leader')}"}
    for case in theirs:
        assert (await here.http.get(f"/cases/{case}", headers=as_leader)).status_code == 404
        done = await here.http.post(f"/cases/{case}/accept", json={"version": 2}, headers=as_leader)
        assert done.status_code in (403, 404), done.text
        assert (await there.http.get(f"/cases/{case}", headers=as_leader)).status_code in (403, 404)
    as_acceptor = {"Authorization": f"Bearer {here.token('acceptor')}"}
    for report in sorted(there.accepted)[:20]:
        for path in (f"/reports/{report}", f"/reports/{report}/contact"):
            assert (await here.http.get(path, headers=as_acceptor)).status_code == 404
    seen: set[str] = set()
    page: dict[str, Any] = {"cursor": ""}
    while not seen or page["cursor"]:
        answer = await here.http.get("/cases", params={"limit": 100, "cursor": page["cursor"]}, headers=as_leader)
        page = answer.raise_for_status().json()
        seen |= {case["case_id"] for case in page["cases"]}
    assert seen <= own
    assert len(seen) > len(own) // 2


async def _in_the_database(net: Tenants) -> None:
    for code in (OTHER, PROVINCE):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(net.login(CITY, net.topology.node(code).database))
    assert {row[0] for row in await rows(net, CITY, "select distinct jurisdiction from intake.reports")} == {CITY}
    peeped = f"""select query from pg_stat_activity where datname = '{net.topology.node(OTHER).database}'
        and query <> '<insufficient privilege>'"""
    assert await rows(net, CITY, peeped) == []


# -- its limits ----------------------------------------------------------------------------------------------------


async def limits_hold(net: Tenants, town: Town) -> str:
    """No limit in working time ends on a day of rest, every limit that passed was told once and not early; in one line."""
    cases, told = await cases_of(net, town.code), await overdue_of(net, town.code)
    now, grace = town.clock.now(), dt.timedelta(seconds=LATE_S * town.clock.speed)
    clocks = [one for case in cases.values() for one in case.clocks]
    working = [one.clock for one in clocks if one.clock.unit_kind.startswith("work_")]
    assert [clock for clock in working if day_of(clock.due_at) in REST] == []
    across = [c for c in working if day_of(c.started_at) <= min(REST) and day_of(c.due_at) > max(REST)]
    assert across
    assert [event for event in told if event.occurred_at < event.due_at] == []
    times = Counter((event.case.case_id, event.clock_id, event.due_at) for event in told)
    assert [limit for limit, often in times.items() if often > 1] == []
    passed = {
        (case.case_id, one.clock.clock_id) for case in cases.values() for one in case.clocks
        if not one.pauses and (one.stopped_at or now) > one.judged_by + grace and not town.moved_at(one.judged_by)
    }  # fmt: skip
    assert passed <= {(case, clock) for case, clock, _ in times}
    slowest = max((e.occurred_at - e.due_at).total_seconds() for e in told) / town.clock.speed
    return (f"{len(clocks)} limits, {len(across)} of them in working time across the days of rest, {len(told)} passed and were "
            f"told once, the last one {slowest:.1f} s late")  # fmt: skip


async def pressed_by_rule(net: Tenants, town: Town) -> Counter[str]:
    """Whoever's moment came while a case was overdue pressed it, once; level → how often."""
    rules = load_profile(PROFILES / "shenzhen").rules
    cases, now = await cases_of(net, town.code), town.clock.now()
    grace = dt.timedelta(seconds=LATE_S * town.clock.speed)
    said = Counter(one.directive_id.rpartition("@")[0] for case in cases.values() for one in case.supervisions)
    assert [key for key, often in said.items() if often > 1] == []
    wanted: dict[str, Due] = {}
    for event in await overdue_of(net, town.code):
        case = cases[event.case.case_id]
        clock = next((one for one in case.clocks if one.clock.clock_id == event.clock_id), None)
        if clock is None:
            continue  # of a stage that is over: no rule is about those
        for due in {due.key: due for me in (CITY, PROVINCE) for due in dues(event, rules, me)}.values():
            if (clock.stopped_at or now) > due.at + grace and not town.moved_at(due.at):
                wanted[due.key] = due
    assert wanted
    assert set(wanted) <= set(said), (set(wanted) - set(said), said)
    return Counter(one.level for case in cases.values() for one in case.supervisions)


async def days_of(net: Tenants, towns: dict[str, Town], code: str) -> None:
    """One line for each day."""
    query = """select (d.at at time zone 'Asia/Shanghai')::date as day, kind, count(*) as n from (
        select created_at as at, 'reported' as kind from dispatch.cases
        union all select updated_at, state from dispatch.cases where state in ('closed', 'voided')) d
        group by 1, 2 order by 1"""
    days: dict[Any, dict[str, int]] = {}
    for row in await rows(net, code, query):
        days.setdefault(row["day"], {})[row["kind"]] = row["n"]
    for day, kinds in days.items():
        rest = ", a day of rest" if day in REST else ""
        print(f"  {code} {day}{rest}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
    print(f"  {code} steps taken: {towns[code].crew.acts}, too late: {dict(towns[code].crew.too_late)}")
    states = await rows(net, code, "select state, count(*) as n from dispatch.cases group by 1 order by 2 desc")
    print(f"  {code} at the end of the week: " + ", ".join(f"{row['n']} {row['state']}" for row in states))


# -- it moves ------------------------------------------------------------------------------------------------------


async def move(net: Tenants, directory: Path) -> None:
    """Steps 2 to 6 of docs/operate.md, "Move a tenant", while people report and work."""
    await yiwang(net, "tenant", "seal", CITY)
    await yiwang(net, "tenant", "export", CITY, str(directory / "carried"))
    await asyncio.to_thread(net.hosts.stop, CITY)
    await asyncio.to_thread(net.change, read(AFTER), services=False)
    await yiwang(net, "tenant", "import", CITY, str(directory / "carried"))
    await yiwang(net, "tenant", "open", CITY)
    await asyncio.to_thread(net.start_services, [CITY])


async def moved_under_load(net: Tenants, directory: Path, town: Town) -> tuple[int, float]:
    """Reports go on coming from before the seal until after the new place is open: how many, and the seconds it took."""
    sent, since = 0, town.clock.now()
    town.moving = True
    async with asyncio.TaskGroup() as all_of_it:
        begun = time.monotonic()
        moving = all_of_it.create_task(move(net, directory))
        while not moving.done():
            all_of_it.create_task(town.report())
            sent += 1
            await asyncio.sleep(1 / RATE)
        took = time.monotonic() - begun
    town.moving, town.away = False, (since, town.clock.now())
    return sent, took


async def balanced_everywhere(net: Tenants, towns: dict[str, Town]) -> list[NodeBooks]:
    """The books of all three nodes, once nothing is on its way."""
    kits = {code: net.kit(code) for code in (PROVINCE, CITY, OTHER)}
    accepted = {code: town.office.accepted for code, town in towns.items()}
    found: list[NodeBooks] = []

    async def well() -> bool:
        found[:] = await balance_all(net.topology, kits, accepted)
        return all(one.balanced and not one.own.notices.get("pending") for one in found)

    await until(well, lambda: f"not balanced: {found}", 300)
    return found


async def test_a_hosted_city_works_for_a_week_sees_only_its_own_and_moves_out() -> None:
    """A week with a weekend and a holiday beside a hosted neighbour; then the move under load; the books balance everywhere."""
    listener = Listener()
    with tenants() as (net, directory):
        async with at_work(net) as towns:
            city = towns[CITY]
            async with listener.of(net, CITY), asyncio.TaskGroup() as both:
                weeks = [both.create_task(town.report_for_a_week()) for town in towns.values()]
            print(f"\n{[week.result() for week in weeks]} reports in a week of the two cities")
            for code in towns:
                await days_of(net, towns, code)
            refused = {code: town.office.complaints for code, town in towns.items()}
            assert refused == {CITY: [], OTHER: []}
            await sees_only_its_own(net, towns, listener)
            print(f"heard in the city's account: {dict(listener.heard)}, nothing of {OTHER}")
            given, left = await numbers(net, CITY), len(await unfinished(net, CITY))
            with net.own_database():
                sent, took = await moved_under_load(net, directory, city)
                print(f"moved in {took:.1f} s with {left} cases unfinished, {sent} reports meanwhile, turned away and sent "
                      f"again: {dict(city.turned_away)}; people interrupted: {dict(city.interrupted)}")  # fmt: skip
                await finish(net, towns)
                for code, town in towns.items():
                    print(f"{code}: {await limits_hold(net, town)}")
                print(f"pressed by rule: {dict(await pressed_by_rule(net, city))}")
                link = await balanced(net)
                assert set(given) < set(await numbers(net, CITY))
                for one in await balanced_everywhere(net, towns):
                    print(f"{one.node.code}: {one.own.reports} reports, {one.own.cases} cases, {one.copies} copies, "
                          f"{one.own.on_time} in time, {one.own.overdue} late, {one.lost} lost, {one.doubled} doubled")  # fmt: skip
                print(f"{link.sent} events of the city at the province: {link.missing} missing, {link.doubled} doubled, "
                      f"{link.disordered} cases out of order")  # fmt: skip
