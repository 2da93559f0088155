"""After a restore: no number is given until the parent has told the highest ones that it saw.

What this node had said after its backup may stand in no stream of its own any more; the parent's copies know it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from yiwang.contracts import NumbersAsked
from yiwang.kit import App

from .tier_store import sql


class Numbering(msgspec.Struct):
    """Whether numbers are withheld until the parent has answered."""

    withheld: bool = False


async def may_give(app: App, db: Any) -> bool:
    """Whether numbers may be given in the transaction of *db*; looks again only while they are withheld."""
    state = app.resources.get(Numbering)
    if state is None or not state.withheld:
        return True
    if await sql.value(db, "asked_for") is not None:
        return False
    # This transaction may be the one that keeps the answer, and may fail: only what is committed is remembered.
    state.withheld = await sql.value(app.pool, "asked_for") is not None
    return True


async def ask_parent(app: App) -> None:
    """Ask the node above for the highest numbers of this one, and give none until it has answered."""
    parent = app.mesh.parent if app.mesh else None
    if parent is None or parent.docked:
        return
    await sql.run(app.pool, "ask_numbers", app.node.incarnation)
    await resume_asking(app)


async def resume_asking(app: App) -> None:
    """At every start while the answer is open: ask (again), and withhold numbers."""
    asked = await sql.value(app.pool, "asked_for")
    if asked is None or app.mesh is None or app.mesh.parent is None:
        return
    app.resources[Numbering] = Numbering(withheld=True)
    await app.publish(NumbersAsked(addressee=app.mesh.parent.code))
    app.log.warning("numbers_withheld", waits_for=app.mesh.parent.code)
