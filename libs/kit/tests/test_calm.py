"""A service to which nothing happens takes next to nothing: no connection is held, none is asked in vain."""

from __future__ import annotations

import asyncio
import contextlib
import re
from functools import partial
from pathlib import Path

import asyncpg
import yiwang.kit
from yiwang.contracts import CaseFiled, NoticeRequested
from yiwang.kit import Context, Service, listening
from yiwang.kit.testing import a_case
from yiwang.stack.testing import TestNode

EARS = "select array_agg(pid) from pg_stat_activity where application_name = 'yiwang-ears' and datname = current_database()"
SESSION = re.compile(
    r"""["']set (?!local|constraints)[a-z_]+ (=|to) |set_config\([^)]*, false\)|pg_try_advisory_lock\("""
)


def tell(told: asyncio.Event, _said: str) -> None:
    told.set()


def answering() -> Service:
    """A service that says one thing for each filed case."""
    service = Service("answering", database=True)

    @service.on(CaseFiled)
    async def answer(event: CaseFiled, ctx: Context) -> NoticeRequested:
        return NoticeRequested(business_id=event.case.case_id, template="t", audience="unit:u")

    return service


async def test_an_idle_service_holds_no_connection_and_hears_all_its_channels_over_one(node: TestNode) -> None:
    """Every connection goes back when the work is done. What was said while nobody could hear is made up for."""
    async with node.running(answering()) as app:
        await node.publish(a_case())
        await node.until(NoticeRequested, 1)
        async with asyncio.timeout(60):
            while app.pool.get_idle_size() < app.pool.get_size():
                await asyncio.sleep(0.02)

        said: asyncio.Queue[str] = asyncio.Queue()
        async with listening(app, "news", said.put_nowait), asyncio.timeout(60):
            assert await said.get() == "", "from now on it hears; what was said before it must look up"
            await app.pool.execute("select pg_notify('news', 'one')")
            assert await said.get() == "one"
            admin = await asyncpg.connect(node.database_url)
            [pid] = await admin.fetchval(EARS)
            await admin.execute("select pg_terminate_backend($1::int)", pid)
            assert await said.get() == "", "the line was lost and stands again"
            await admin.execute("select pg_notify('news', 'two')")
            assert await said.get() == "two"
            await admin.close()

            more = [asyncio.Event() for _ in range(50)]
            async with contextlib.AsyncExitStack() as stack:
                for n, told in enumerate(more):  # some come while it is just listening to others
                    await stack.enter_async_context(listening(app, f"more_{n}", partial(tell, told)))
                    await asyncio.sleep(0)
                await asyncio.gather(*(told.wait() for told in more))


def test_no_session_is_left_changed() -> None:
    """Connections go back to their pools as they are, so nothing may set a session's state for longer than a transaction."""
    roots = [Path(next(iter(yiwang.kit.__path__))), *Path("services").glob("*/src")]
    files = [file for root in roots for kind in ("*.py", "*.sql") for file in root.rglob(kind)]
    changed = [(str(file), found[0]) for file in files if (found := SESSION.search(file.read_text("utf-8")))]
    assert len(files) > 100
    assert not changed
