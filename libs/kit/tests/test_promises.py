"""What a service with a database can rely on: timers, actions, parking, replay, rolling changes, outages."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from typing import Any

import pytest
from structlog.testing import capture_logs
from yiwang.contracts import CaseClosed, CaseFiled, NoticeRequested, SnapshotRequested
from yiwang.kit import Context, ManualClock, Reject, Retry, Service, Timer, operate
from yiwang.kit._app import App
from yiwang.kit.testing import NOON, a_case, a_head
from yiwang.stack.testing import TestNode


def notice(key: str = "b") -> NoticeRequested:
    return NoticeRequested(business_id=key, template="t", audience="unit:u")


def keeper(name: str = "keeper", **options: Any) -> Service:
    """A service that keeps what it heard in a table."""
    service = Service(name, database=True, **options)

    @service.on_start
    async def table(app: App) -> None:
        await app.pool.execute("create table if not exists heard (n bigserial, key text, v int)")

    return service


async def heard(app: Any) -> list[tuple[str, int]]:
    return [(r["key"], r["v"]) for r in await app.pool.fetch("select key, v from heard order by n")]


async def keep(event: CaseFiled, ctx: Context) -> None:
    await ctx.tx.execute("insert into heard (key, v) values ($1, $2)", event.case.case_id, event.case.case_version)


# -- timers ----------------------------------------------------------------------------------------------------------


async def test_a_timer_fires_once_at_its_moment_on_the_services_clock(node: TestNode) -> None:
    """Not before the virtual clock reaches it, once after, and its event's id derives from the timer."""
    service, clock = keeper(), ManualClock(NOON)

    @service.on(CaseFiled)
    async def ask(event: CaseFiled, ctx: Context) -> None:
        await ctx.set_timer("due", event.case.case_id, ctx.now() + dt.timedelta(hours=4), {"hours": 4})

    @service.timer("due")
    async def fire(timer: Timer, ctx: Context) -> NoticeRequested:
        return notice(f"{timer.key}/{timer.data['hours']}")

    async with node.running(service, clock=clock) as app:
        await node.publish(a_case(head=a_head(case_id="c")))
        await node.settled()
        assert await node.events(NoticeRequested) == []

        clock.advance(hours=5)
        [told] = await node.until(NoticeRequested)

        assert told.business_id == "c/4"
        assert await app.pool.fetchval("select count(*) from kit_timer") == 0


async def test_setting_a_timer_anew_replaces_it_and_cancelling_forgets_it(node: TestNode) -> None:
    """One timer per kind and key."""
    service, clock = keeper(), ManualClock(NOON)

    @service.timer("due")
    async def fire(timer: Timer, ctx: Context) -> NoticeRequested:
        return notice(timer.key)

    async with node.running(service, clock=clock) as app:
        async with app.command() as ctx:
            await ctx.set_timer("due", "a", NOON + dt.timedelta(hours=1))
            await ctx.set_timer("due", "a", NOON + dt.timedelta(hours=2))
            await ctx.set_timer("due", "b", NOON + dt.timedelta(hours=1))
            await ctx.cancel_timer("due", "b")
        assert [NOON + dt.timedelta(hours=2)] == [r["due"] for r in await app.pool.fetch("select due from kit_timer")]

        clock.advance(hours=3)

        assert [e.business_id for e in await node.until(NoticeRequested)] == ["a"]


async def test_a_timer_whose_handler_asks_for_another_try_is_no_error(node: TestNode) -> None:
    """`Retry` is the handler's wish; only what fails unforeseen is an error in the log."""
    service = keeper()
    tries: list[int] = []

    @service.on(CaseFiled)
    async def begin(event: CaseFiled, ctx: Context) -> None:
        await ctx.set_timer("later", event.case.case_id, ctx.now())

    @service.timer("later")
    async def later(timer: Timer, ctx: Context) -> None:
        tries.append(ctx.attempt)
        if ctx.attempt == 1:
            raise Retry("the case is in somebody's hands", after=0.1)

    with capture_logs() as logs:
        async with node.running(service):
            await node.publish(a_case(head=a_head(case_id="c")))
            async with asyncio.timeout(30):
                while len(tries) < 2:
                    await asyncio.sleep(0.02)
    said = [(line["event"], line["log_level"]) for line in logs if line["event"].startswith("timer")]
    assert set(said) <= {("timer_retries", "info")}, "an error for what the handler asked for"


async def test_a_failing_timer_is_tried_again_and_says_why(node: TestNode) -> None:
    """Its row stays with the reason until it goes well."""
    service, clock, tries = keeper(), ManualClock(NOON), []

    @service.timer("due")
    async def fire(timer: Timer, ctx: Context) -> NoticeRequested:
        tries.append(ctx.attempt)
        if len(tries) == 1:
            raise Retry("the printer is out of paper", after=60)
        return notice()

    async with node.running(service, clock=clock) as app:
        async with app.command() as ctx:
            await ctx.set_timer("due", "a", NOON)
        async with asyncio.timeout(45):
            while not (reason := await app.pool.fetchval("select reason from kit_timer")):
                await asyncio.sleep(0.01)
        assert reason == "the printer is out of paper"

        clock.advance(seconds=61)
        await node.until(NoticeRequested)

        assert tries == [1, 2]


# -- actions ---------------------------------------------------------------------------------------------------------


async def test_an_actions_events_go_out_after_its_commit_and_not_at_all_after_a_failure(node: TestNode) -> None:
    """State and events of an action commit together."""
    service = keeper()
    async with node.running(service) as app:
        async with app.command() as ctx:
            await ctx.tx.execute("insert into heard values (1, 'kept', 1)")
            ctx.emit(notice("kept"))
        with pytest.raises(RuntimeError, match="half way"):
            async with app.command() as ctx:
                await ctx.tx.execute("insert into heard values (2, 'undone', 1)")
                ctx.emit(notice("undone"))
                raise RuntimeError("half way")
        await node.settled()

        assert await heard(app) == [("kept", 1)]
        assert [e.business_id for e in await node.events(NoticeRequested)] == ["kept"]


async def test_actions_on_one_case_are_published_in_the_order_of_their_commits(node: TestNode) -> None:
    """Many at once, one key: the stream shows them in the order in which the row lock was taken."""
    service = keeper()
    async with node.running(service, groups=4) as app:
        await app.pool.execute("insert into heard values (1, 'case', 0)")

        async def step(ctx: Context) -> None:
            version = await ctx.tx.fetchval("update heard set v = v + 1 where key = 'case' returning v")
            ctx.emit(NoticeRequested(business_id="case", version=version, template="t", audience="unit:u"))

        await asyncio.gather(*(app.act(None, step) for _ in range(60)))
        told = await node.until(NoticeRequested, 60)

        assert list(range(1, 61)) == [e.version for e in told]


# -- parking ---------------------------------------------------------------------------------------------------------


async def test_a_person_can_list_retry_and_drop_what_was_parked(node: TestNode) -> None:
    """Retrying runs the event again; dropping keeps it with who decided and why."""
    service, broken = keeper(), {"yes": True}

    @service.on(CaseFiled)
    async def handle(event: CaseFiled, ctx: Context) -> None:
        if broken["yes"]:
            raise Reject("the matrix has no rule for this; the administrator must add one")
        await keep(event, ctx)

    async with node.running(service) as app:
        await node.publish(a_case(head=a_head(case_id="a")), a_case(head=a_head(case_id="b")))
        await node.settled(parked=2)
        async with app.pool.acquire() as db:
            first, second = await operate.parked(db, "keeper")
            assert "the administrator must add one" in first.reason

            broken["yes"] = False
            await operate.retry(db, "keeper", first.id, by="admin")
            await operate.drop(db, "keeper", second.id, by="admin", why="a test")
            with pytest.raises(LookupError, match="yiwang parked list"):
                await operate.retry(db, "keeper", first.id, by="admin")
        await node.settled()

        assert await heard(app) == [("a", 1)]


async def test_a_key_that_waits_is_not_overtaken_while_somebody_changes_what_waits(node: TestNode) -> None:
    """Whoever retries a parked event, or comes back to a line that was cut, lets all keys be looked at again: also those
    that begin to wait in this very moment."""
    service, failed = keeper(), set[str]()

    @service.on(CaseFiled)
    async def once_more(event: CaseFiled, ctx: Context) -> None:
        if event.case.case_version == 1 and event.case.case_id not in failed:
            failed.add(event.case.case_id)
            raise Retry("not yet", after=0.01)
        await keep(event, ctx)

    async def tell(app: App) -> None:
        while True:
            await app.pool.execute("select pg_notify('kit_keeper', 'held')")

    async with node.running(service) as app:
        telling = asyncio.create_task(tell(app))
        try:
            keys = [f"c{n}" for n in range(40)]
            await node.publish(*[a_case(head=a_head(case_id=key, case_version=v)) for key in keys for v in (1, 2, 3)])
            await node.settled()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        for key in keys:
            assert [v for k, v in await heard(app) if k == key] == [1, 2, 3]


async def test_an_unknown_error_is_tried_patiently_and_parked_at_last(node: TestNode) -> None:
    """With no patience left it is parked with the error, and the case goes on."""
    service = keeper()

    @service.on(CaseFiled)
    async def handle(event: CaseFiled, ctx: Context) -> None:
        if event.case.case_version == 1:
            raise KeyError("a bug")
        await keep(event, ctx)

    async with node.running(service, patience_hours=0.00005) as app:
        await node.publish(*[a_case(head=a_head(case_id="c", case_version=v)) for v in (1, 2)])
        await node.settled(parked=1)

        assert await heard(app) == [("c", 2)]
        assert "KeyError" in (await node.parked())[0][1]


# -- outages ---------------------------------------------------------------------------------------------------------


async def test_an_outage_of_the_database_parks_nothing_and_shows_in_readyz(node: TestNode) -> None:
    """Connections are cut under the service: it waits, says so, and goes on."""
    service = keeper()
    service.on(CaseFiled)(keep)
    async with node.running(service) as app:
        name = node.database_url.rpartition("/")[2]
        import asyncpg

        admin = await asyncpg.connect(node.database_url.rpartition("/")[0] + "/postgres")
        await admin.execute(f"alter database {name} with allow_connections false")
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
        await node.publish(*[a_case(head=a_head(case_id="c", case_version=v)) for v in range(1, 20)])
        async with asyncio.timeout(45):
            while "database" not in (health := await app.health()):
                await asyncio.sleep(0.05)
        assert "恢复后自动继续" in health["database"]

        await admin.execute(f"alter database {name} with allow_connections true")
        await admin.close()
        await node.settled()

        assert [("c", v) for v in range(1, 20)] == await heard(app)
        async with asyncio.timeout(30):  # the lease keeper looks again within its round
            while await app.health():
                await asyncio.sleep(0.05)


# -- replicas and rolling changes ------------------------------------------------------------------------------------


async def test_replicas_share_the_groups_and_take_over_what_one_leaves(node: TestNode) -> None:
    """Two replicas hold half each; when one drains, the other has all."""
    first, second = keeper(), keeper()
    for one in (first, second):
        one.on(CaseFiled)(keep)
    async with node.running(first, groups=4) as a:
        async with node.running(second, groups=4) as b, asyncio.timeout(45):
            while not (len(a.leases) == len(b.leases) == 2):
                await asyncio.sleep(0.02)
        async with asyncio.timeout(45):
            while len(a.leases) < 4:
                await asyncio.sleep(0.02)
        node.apps = [a.app]
        await node.publish(*[a_case() for _ in range(40)])
        await node.settled()

        assert len(await heard(a)) == 40


async def test_a_group_that_is_handed_over_no_longer_says_that_it_waits(node: TestNode) -> None:
    """What one replica waited for isn't its matter any more: /readyz must not stay red for ever."""
    service = keeper()
    service.on(CaseFiled)(keep)
    async with node.running(service) as app:
        await node.settled()
        app.waiting["group 0"] = "an outage"

        await app.work.release(0)

        assert "group 0" not in app.waiting


async def test_a_newer_set_of_events_takes_over_and_hears_an_added_type_from_its_beginning(node: TestNode) -> None:
    """Older replicas drain; the new type is caught up from the first event, nothing else is heard twice."""
    old = keeper()
    old.on(CaseFiled)(keep)
    async with node.running(old) as a:
        await node.publish(*[a_case(head=a_head(case_id="c", case_version=v)) for v in (1, 2)])
        await node.publish(a_closed("c", 3), a_case(head=a_head(case_id="c", case_version=4)))
        await node.settled()
        assert await heard(a) == [("c", 1), ("c", 2), ("c", 4)]

        new = keeper(handler_set=2)
        new.on(CaseFiled)(keep)
        new.on(CaseClosed)(keep)  # type: ignore[arg-type]
        async with node.running(new) as b:
            async with asyncio.timeout(45):
                while not b.leases:
                    await asyncio.sleep(0.02)
            assert a.leases == {}
            node.apps = [b.app]
            await node.settled()

            assert await heard(b) == [("c", 1), ("c", 2), ("c", 4), ("c", 3)]


def a_closed(case_id: str, version: int) -> CaseClosed:
    from yiwang.contracts import CaseSummary

    summary = CaseSummary(reported_at=NOON, closed_at=NOON)
    return CaseClosed(
        case=a_head(case_id=case_id, case_version=version, state_after="closed"), archive_type=1, summary=summary
    )


async def test_a_type_heard_from_now_on_skips_what_the_stream_already_held(node: TestNode) -> None:
    """start="now": history is not replayed."""
    await node.publish(*[a_case(head=a_head(case_id="c", case_version=v)) for v in (1, 2)])
    service = keeper()
    service.on(CaseFiled, start="now")(keep)
    async with node.running(service) as app:
        await node.publish(a_case(head=a_head(case_id="c", case_version=3)))
        await node.settled()

        assert await heard(app) == [("c", 3)]


async def test_the_number_of_groups_can_change_between_runs(node: TestNode) -> None:
    """From one group to eight: nothing is heard twice or missed."""
    first = keeper()
    first.on(CaseFiled)(keep)
    async with node.running(first, groups=1):
        await node.publish(*[a_case(head=a_head(case_id=f"c{n}")) for n in range(20)])
        await node.settled()
    second = keeper()
    second.on(CaseFiled)(keep)
    async with node.running(second, groups=8) as app:
        await node.publish(*[a_case(head=a_head(case_id=f"d{n}")) for n in range(20)])
        await node.settled()

        assert 40 == len(set(await heard(app))) == len(await heard(app))


async def test_a_stream_that_was_created_anew_stops_the_service_with_a_sentence(node: TestNode) -> None:
    """Positions of another stream mean nothing: the service says what to restore instead of guessing."""
    from yiwang.kit._nats import api
    from yiwang.kit._streams import ensure_streams

    service = keeper()
    service.on(CaseFiled)(keep)
    async with node.running(service):
        await node.publish(a_case())
        await node.settled()
    link = await node.link()
    await api(link.nc, "STREAM.DELETE.UP")
    await ensure_streams(link.nc, node.kit())
    link.streams.clear()

    again = keeper()
    again.on(CaseFiled)(keep)
    async with node.running(again) as app, asyncio.timeout(45):
        while not (waiting := [why for name, why in app.waiting.items() if name.startswith("group")]):
            await asyncio.sleep(0.02)

    assert "restore the matching NATS backup" in waiting[0]


# -- replay ----------------------------------------------------------------------------------------------------------


async def test_a_reader_can_ask_the_owners_for_snapshots(node: TestNode) -> None:
    """`yiwang replay` publishes one local request that the owner of cases answers."""
    await operate.request_snapshots(node.kit(), "evaluation", NOON)

    [request] = await node.events(SnapshotRequested)

    assert (request.reader, request.since) == ("evaluation", NOON)


async def test_positions_can_be_set_back_while_the_service_is_stopped(node: TestNode) -> None:
    """A read model that can apply events again hears them again from the date on; a running one refuses."""
    service = keeper()
    service.on(CaseFiled)(keep)
    async with node.running(service) as app:
        await node.publish(*[a_case(head=a_head(case_id="c", case_version=v)) for v in (1, 2)])
        await node.settled()
        async with app.pool.acquire() as db:
            with pytest.raises(RuntimeError, match="stop it before"):
                await operate.rewind(db, node.kit(), "keeper", NOON)
    import asyncpg

    db = await asyncpg.connect(node.database_url)
    moved = await operate.rewind(db, node.kit(), "keeper", dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
    await db.close()
    again = keeper()
    again.on(CaseFiled)(keep)
    async with node.running(again) as app:
        await node.settled()

        assert moved == {"UP": 0}
        assert await heard(app) == [("c", 1), ("c", 2), ("c", 1), ("c", 2)]


async def test_ids_of_an_action_can_be_repeated_by_its_command_id(node: TestNode) -> None:
    """The same command again yields the same event ids, so the stream keeps one."""
    async with node.running(keeper()) as app:
        command = str(uuid.uuid4())
        for _ in range(2):
            async with app.command(command_id=command) as ctx:
                ctx.emit(notice())
        await node.settled()

        assert len(await node.events(NoticeRequested)) == 1
