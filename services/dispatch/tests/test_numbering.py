"""After a restore numbers are withheld until the parent's answer is kept, and not a moment less."""

from __future__ import annotations

import contextlib

import pytest
from yiwang.dispatch.app import make_service
from yiwang.dispatch.numbering import Numbering, may_give
from yiwang.dispatch.testing import some_rules
from yiwang.dispatch.tier_store import sql
from yiwang.stack.testing import TestNode


@pytest.mark.parametrize("kept", [False, True], ids=["rolled back", "committed"])
async def test_numbers_are_given_for_good_only_when_the_parents_answer_is_committed(node: TestNode, kept: bool) -> None:
    """The transaction that keeps the answer gives numbers at once; if it fails, they are withheld as before."""
    async with node.running(make_service(lambda _: some_rules())) as running:
        app = running.app
        await sql.run(app.pool, "ask_numbers", 2)
        app.resources[Numbering] = Numbering(withheld=True)
        assert not await may_give(app, app.pool)

        with contextlib.suppress(ZeroDivisionError):
            async with app.pool.acquire() as db, db.transaction():
                await sql.run(db, "numbers_told")
                assert await may_give(app, db)
                assert not await may_give(app, app.pool), "nobody else sees it yet"
                if not kept:
                    raise ZeroDivisionError

        assert await may_give(app, app.pool) is kept
        assert app.resources[Numbering].withheld is not kept
