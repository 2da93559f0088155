"""A sealed node: what was begun is finished, nothing new is done, and it goes on where it was when the seal is taken off."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from yiwang.contracts import CaseFiled, NoticeRequested
from yiwang.kit import App, ConfigError, Context, Problem, Service, Timer
from yiwang.kit.testing import a_case, a_head
from yiwang.stack.testing import TestNode


def moving() -> Service:
    """A service that answers each filed case, by a timer in the past too."""
    service = Service("moving", database=True)

    @service.on(CaseFiled)
    async def answer(event: CaseFiled, ctx: Context) -> NoticeRequested:
        await ctx.set_timer("again", event.case.case_id, ctx.now() - dt.timedelta(seconds=1))
        return NoticeRequested(business_id=event.case.case_id, template="t", audience="unit:u")

    @service.timer("again")
    async def again(timer: Timer, ctx: Context) -> NoticeRequested:
        return NoticeRequested(business_id=f"{timer.key}/again", template="t", audience="unit:u")

    @service.background(leased=True)
    async def loop(app: App) -> None:
        await asyncio.Event().wait()

    return service


async def seal(node: TestNode, sealed: bool) -> None:
    """What `yiwang tenant seal` and `unseal` write."""
    db = await asyncpg.connect(node.database_url)
    await db.execute(f"update yw.node set sealed_at = {'now()' if sealed else 'null'}")
    await db.close()


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(60):
        while not await happened():
            await asyncio.sleep(0.02)


async def test_a_sealed_service_rests_and_says_so_until_the_seal_is_taken_off(node: TestNode) -> None:
    """It gives its groups and loops back, fires no timer, handles no event and refuses commands; then all of it follows."""
    async with node.running(moving()) as app:
        await node.publish(a_case(head=a_head(case_id="before")))
        await node.until(NoticeRequested, 2)

        async def at_rest() -> bool:
            busy = "select count(*) from {} where until > now()"
            return not [t for t in ("kit_lease", "kit_loop") if await app.pool.fetchval(busy.format(t))]

        await seal(node, sealed=True)
        await until(at_rest)
        assert await app.pool.fetchval("select count(*) from kit_outbox") == 0
        await app.pool.execute("update kit_timer set due = now() - interval '1 day'")
        await node.publish(a_case(head=a_head(case_id="after")))
        with pytest.raises(Problem, match="正在迁往新的服务器") as refused:
            async with app.command():
                pytest.fail("a sealed node acts")
        assert (refused.value.status, refused.value.retry_after) == (503, 60)
        answer = await app.http("acceptor").post("/anything", json={})
        assert (answer.status_code, answer.json()["code"]) == (503, "kit.sealed")
        assert (await app.http("acceptor").get("/readyz")).status_code == 200
        assert len(await node.events(NoticeRequested)) == 2

        await seal(node, sealed=False)
        told = await node.until(NoticeRequested, 4)
        assert {notice.business_id for notice in told} == {"before", "before/again", "after", "after/again"}


async def test_nothing_starts_on_a_sealed_node(node: TestNode) -> None:
    """Whoever starts a service there reads which two commands lead on."""
    async with node.running(moving()):
        pass
    await seal(node, sealed=True)
    with pytest.raises(ConfigError, match=r"tenant open.*tenant unseal"):
        async with node.running(moving()):
            pytest.fail("a sealed node starts")
