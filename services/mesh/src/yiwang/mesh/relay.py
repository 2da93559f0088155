"""The relay: copies of facts go down to whom they concern, unchanged, in order, once in effect."""

from __future__ import annotations

import asyncio

from yiwang.contracts import copy_down
from yiwang.kit import App, names
from yiwang.kit.link import Raw
from yiwang.kit.mesh import Mesh

from .domain import sight, told_below
from .service import Page, service
from .tail import Tail


def copies(mesh: Mesh, batch: list[Raw]) -> list[tuple[str, bytes, str, str]]:
    """(subject, data, id, trace) of the copies of *batch*; the id of a copy derives from the event's."""
    found = []
    for raw in batch:
        seen = sight(raw.data)
        for code in told_below(mesh, seen) if seen and seen.id else ():
            found.append((copy_down(raw.subject, code), raw.data, f"{seen.id}/down/{code}", raw.trace))  # type: ignore[union-attr]
    return found


@service.background(leased=True)
async def relay(app: App) -> None:
    """Read UP from the mark on; publish what must go down; go on when JetStream has it."""
    page = app.get(Page)
    while True:
        mesh = page.refresh()
        if mesh is None or not mesh.children:
            await asyncio.sleep(app.settings.watch_seconds)
            continue
        try:
            await _read(app, page)
        except Exception as error:  # noqa: BLE001 - an outage is waited out; the mark says where to go on
            app.log.warning("relay_waits", error=repr(error)[:200])
            await asyncio.sleep(1)


async def _read(app: App, page: Page) -> None:
    up = Tail(app, "relay", "UP")
    async with up.batches() as batches:
        async for batch in batches:
            mesh = page.refresh()
            found = copies(mesh, batch) if mesh else []
            if found:
                await app.publisher.publish(found, timeout=10)
                names.MESH_RELAYED.labels(app.node.node_id).inc(len(found))
            await up.reached(batch[-1].seq)
