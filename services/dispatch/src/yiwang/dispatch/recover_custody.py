"""After a backup was restored: which cases had been let go since, and which had come from other nodes.

A release that was said stays said: the receiver has the case, whatever the backup shows. A case that was taken over
since the backup is made again from the offer or the release by which it came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec
from yiwang.contracts import (
    CaseEvent,
    CaseHandoverAccepted,
    CaseHandoverOffered,
    CaseSnapshotBody,
    CustodyReleased,
    Event,
    tag_of,
)
from yiwang.kit import App, Tx

from . import store, tier_store
from .case import Case
from .draft import Record
from .snapshot import case_of, records_of
from .tiers import Tiers

Reader = Callable[[App, str, str], AsyncIterator[Event]]
"""Reads the events of a stream by a subject."""
HEARD: Final = (CustodyReleased, CaseHandoverOffered)


class Handovers(msgspec.Struct):
    """What the streams tell of hand-overs."""

    let_go: list[CustodyReleased] = msgspec.field(default_factory=list)
    """Releases that this node said"""
    bases: dict[str, CaseSnapshotBody] = msgspec.field(default_factory=dict)
    """Offer → the case as another node handed it to this one"""


async def handovers(app: App, read: Reader) -> Handovers:
    """Everything that the streams hold about hand-overs to and from this node."""
    found = Handovers()
    if app.mesh is None:
        return found
    mine = app.acts_for
    for stream, flow in (("UP", "up"), *((("DOWN", "down"),) if app.mesh.parent else ())):
        for kind in HEARD:
            async for event in read(app, stream, f"yw.{flow}.*.*.*.{tag_of(kind)}"):
                if isinstance(event, CustodyReleased) and event.from_jurisdiction in mine:
                    found.let_go.append(event)
                elif isinstance(event, HEARD) and event.to_jurisdiction in mine and event.snapshot is not None:
                    found.bases[event.offer_id] = event.snapshot
    return found


def rebase(
    case: Case | None, events: Sequence[CaseEvent], bases: dict[str, CaseSnapshotBody], tiers: Tiers | None
) -> tuple[Case, list[Record]] | None:
    """The case just before it was last taken over, where the backup doesn't know of that; None where it does."""
    for event in reversed(events):
        if not isinstance(event, CaseHandoverAccepted) or event.offer_id not in bases:
            continue
        if case is not None and case.custody.epoch >= event.epoch:
            return None
        body = bases[event.offer_id]
        taken = case_of(body)
        taken.version = event.case.case_version - 1
        hears = tiers is not None and tiers.above(event.from_jurisdiction, event.to_jurisdiction)
        taken.watcher = "" if hears else event.from_jurisdiction
        known = case.seq if case is not None else 0
        return taken, [line for line in records_of(body) if line.seq > known]
    return None


async def stay_away(db: Tx, cases: dict[str, Case], let_go: Sequence[CustodyReleased], app: App) -> None:
    """Cases that were let go are another node's; what happens to them is copied from now on."""
    now, gone = app.clock.now(), []
    for release in let_go:
        case = cases.get(release.case_id)
        if case is not None and not case.away and case.custody.epoch == release.epoch - 1:
            case.away = release.to_jurisdiction
            gone.append(case)
    if not gone:
        return
    await store.save(db, gone, [], now)
    await tier_store.set_away(db, gone)
    flows = await store.histories(db, [case.case_id for case in gone])
    for case in gone:
        copy = msgspec.structs.replace(case, away="", kept="", watcher="")
        if case.case_id not in await tier_store.lock_copies(db, [case.case_id]):
            await tier_store.start_copy(db, copy, flows[case.case_id], now)
