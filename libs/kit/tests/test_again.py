"""What becomes of an event that comes a second time, and of outputs that leave without an outbox or in pages."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec
import pytest
from yiwang.contracts import CaseFiled, NoticeRequested, encode, subject_of, tag_of
from yiwang.kit import Again, Context, Service
from yiwang.kit._outbox import INSERT, columns_of, pages_of
from yiwang.kit.testing import a_case, a_head, run
from yiwang.stack.testing import TestNode


def notice(key: str) -> NoticeRequested:
    return NoticeRequested(business_id=key, template="t", audience="unit:u")


def keeper(again: Again, seen: list[str]) -> Service:
    """A service that keeps what it heard and says one thing of it."""
    service = Service("keeper", database=True)

    @service.on_start
    async def table(app: Any) -> None:
        await app.pool.execute("create table if not exists heard (key text primary key)")

    @service.on(CaseFiled, again=again)
    async def keep(event: CaseFiled, ctx: Context) -> NoticeRequested | None:
        seen.append(event.case.case_id)
        key = await ctx.tx.fetchval(
            "insert into heard values ($1) on conflict do nothing returning key", event.case.case_id
        )
        return notice(event.case.case_id) if key or again is Again.SAME else None

    return service


@pytest.mark.parametrize("again", Again)
async def test_an_event_that_comes_twice_takes_effect_once(node: TestNode, again: Again) -> None:
    """The kit rolls the second time back, or the handler knows it, or it says the same again under the same id."""
    seen: list[str] = []
    async with node.running(keeper(again, seen)) as app:
        [event] = await node.publish(a_case(head=a_head(case_id="c")))
        await node.settled()
        await node.publish_raw(subject_of(event, tag_of(CaseFiled)), encode(event))
        await node.publish(a_case(head=a_head(case_id="d")))
        await node.settled()

        assert set(seen) == {"c", "d"}
        inbox = await app.pool.fetchval("select count(*) from kit_inbox")
        assert inbox == (2 if again is Again.NEVER else 0)
        assert {e.business_id for e in await node.events(NoticeRequested)} == {"c", "d"}
        assert len({e.id for e in await node.events(NoticeRequested)}) == 2
        assert [r["key"] for r in await app.pool.fetch("select key from heard order by 1")] == ["c", "d"]


async def test_a_repetition_inside_a_batch_is_found_too(node: TestNode) -> None:
    """New and repeated events in one transaction: only the new ones reach the handler's rows."""
    seen: list[str] = []
    service = keeper(Again.NEVER, seen)
    async with node.running(service):
        events = await node.publish(*(a_case(head=a_head(case_id=f"c{n}")) for n in range(5)))
        await node.settled()
    again = [(subject_of(e, tag_of(CaseFiled)), encode(e)) for e in events]
    for subject, data in again:
        await node.publish_raw(subject, data)
    await node.publish(*(a_case(head=a_head(case_id=f"d{n}")) for n in range(5)))
    async with node.running(service):
        await node.settled()

        told = [e.business_id for e in await node.events(NoticeRequested)]
        assert sorted(told) == [f"{letter}{n}" for letter in "cd" for n in range(5)]


async def test_what_leaves_without_an_outbox_leaves_before_the_position_moves(node: TestNode) -> None:
    """A commit that fails after the publishing: all is said again under the same ids, and the stream shows it once."""
    seen: list[str] = []
    async with node.running(keeper(Again.SAME, seen)) as app:
        await app.pool.execute("""
            create sequence tries;
            create function fail_first() returns trigger language plpgsql as $$
            begin
                if nextval('tries') = 1 then raise serialization_failure; end if;
                return null;
            end $$;
            create constraint trigger late after insert on heard deferrable initially deferred
                for each row execute function fail_first()""")
        await node.publish(a_case(head=a_head(case_id="c")))
        await node.until(NoticeRequested)
        await node.settled()

        assert len(seen) == 2
        assert [e.business_id for e in await node.events(NoticeRequested)] == ["c"]
        assert await app.pool.fetchval("select count(*) from kit_inbox") == 0


async def test_pages_that_wait_are_cut_anew_when_the_number_of_groups_changes(node: TestNode) -> None:
    """What was committed under one group goes out in order under eight."""
    service = Service("talker", database=True)
    async with node.running(service, groups=1) as app:
        outputs = [app.app.stamp(notice(f"b{n % 40}"), parent="x", n=n) for n in range(600)]
    db = await asyncpg.connect(node.database_url)
    await db.execute("set search_path = talker")
    await db.execute(INSERT, *columns_of(pages_of(outputs, 1)))
    assert await db.fetchval("select count(*) from kit_outbox") == 3
    await db.close()
    ids = [out.id for out in outputs]

    async with node.running(service, groups=8):
        told = [e.id for e in await node.until(NoticeRequested, 600)]

    assert sorted(told) == sorted(ids)
    order = {event_id: n for n, event_id in enumerate(ids)}
    places: dict[str, int] = {}
    for event in await node.events(NoticeRequested):
        assert order[event.id] >= places.get(event.business_id, -1)
        places[event.business_id] = order[event.id]


async def test_who_ends_gives_back_what_it_took_a_moment_before(node: TestNode) -> None:
    """A lease that was taken while the round was cancelled, and that the replica doesn't know of, holds nobody up."""
    async with node.running(Service("talker", database=True), groups=1) as app:
        await node.settled()
        app.leases.clear()
    db = await asyncpg.connect(node.database_url)
    assert await db.fetchval("select count(*) from talker.kit_lease where until > now()") == 0
    await db.close()


async def test_a_watcher_may_read_a_part_of_an_event_only() -> None:
    """Its handler gets the named fields; a shape is refused to whom the kit must tell repetitions apart."""

    class Number(msgspec.Struct):
        id: str
        jurisdiction: str
        condition_id: str
        subject: str

        @property
        def key(self) -> str:
            return self.subject

    heard: list[Any] = []
    service = Service("watcher")

    @service.on_batch(CaseFiled, again=Again.KNOWN, shape=Number)
    async def watch(events: Any, ctx: Context) -> list[None]:
        heard.extend(events)
        return [None] * len(events)

    await run(service, a_case(condition_id="e1"), a_case(condition_id="e2"))

    assert [(type(e), e.condition_id) for e in heard] == [(Number, "e1"), (Number, "e2")]
    with pytest.raises(ValueError, match=r"Again\.KNOWN"):
        Service("x").on_batch(CaseFiled, shape=Number)(watch)
