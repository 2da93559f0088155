"""After a backup was restored: learn from the streams what had been said since, before anything new is said.

The node's incarnation grew. What this service had published after the backup still stands in the UP stream (or, where
the streams were restored too, at the parent): no case number may be given again, and no version of a case said twice.
The service doesn't start to work until it has compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseEvent, CaseReported, CaseSnapshot, Event, UnknownEvent, decode, filters
from yiwang.kit import App, Context, Tx

from . import clocks, numbering, recover_ground, store, tier_store
from .case import Case, from_report
from .draft import Record
from .handlers import ALARM, first_record
from .recover_custody import Handovers, handovers, rebase, stay_away
from .replay import follow, told
from .rules import Rules

MARGIN: Final = dt.timedelta(hours=1)
"""How much earlier than the last change in the backup the comparison begins."""
BEGINNING: Final = dt.datetime.min.replace(tzinfo=dt.UTC)
"""Of what was so in the backup"""
Shapes = list[tuple[dt.datetime, Case]]
"""What a case was from each moment on"""
PATIENCE_S: Final = 30.0
"""How long the stream may take for its next event"""


async def reconcile(app: App) -> None:
    """Compare numbers and cases with the stream, if this incarnation hasn't yet."""
    known = await store.sql.value(app.pool, "reconciled_for")
    if known is None and app.node.incarnation == 1:
        await store.sql.run(app.pool, "reconciled", 1)
        return
    if known == app.node.incarnation:
        await numbering.resume_asking(app)
        return
    since = await store.sql.value(app.pool, "last_change")
    since = since - MARGIN if since else None
    numbers, cases = await _said(app, since)
    found = await handovers(app, _read)
    ground = await recover_ground.said(app, since, _read)
    numbers |= {no.strip() for no in app.settings.numbers_at_parent.split(",") if no.strip()}
    async with app.pool.acquire() as db, db.transaction():
        await store.raise_numbers(db, numbers)
        shapes = await _catch_up(app, db, cases, found)
        await recover_ground.restore(app, db, ground, shapes)
        await store.sql.run(db, "reconciled", app.node.incarnation)
    if not app.settings.numbers_at_parent:
        await numbering.ask_parent(app)
    app.log.info("reconciled", incarnation=app.node.incarnation, numbers=len(numbers), cases=len(cases))


async def _said(app: App, since: dt.datetime | None) -> tuple[set[str], dict[str, list[CaseEvent]]]:
    """The numbers, and the events of each case in order, that the stream holds since a moment.

    Cases of which this service has said nothing yet (1 and 2 are the report's and the place's versions) come to it by its
    position, as if there had been no restore.
    """
    numbers: set[str] = set()
    cases: dict[str, list[CaseEvent]] = {}
    async for event in _events(app, since):
        if not isinstance(event, CaseEvent) or isinstance(event, CaseSnapshot):
            continue
        if event.case.case_no:
            numbers.add(event.case.case_no)
        cases.setdefault(event.case.case_id, []).append(event)
    return numbers, {case_id: events for case_id, events in cases.items() if any(e.case.case_version > 2 for e in events)}


async def _events(app: App, since: dt.datetime | None) -> AsyncIterator[Event]:
    [subject] = filters("up", ["case.>"], jurisdiction=app.node.jurisdiction)
    async for event in _read(app, "UP", subject, since):
        yield event


async def _read(app: App, stream: str, subject: str, since: dt.datetime | None = None) -> AsyncIterator[Event]:
    """The events of *stream* that fit *subject*, since a moment or all."""
    from nats.js.api import ConsumerConfig, DeliverPolicy

    policy = DeliverPolicy.ALL if since is None else DeliverPolicy.BY_START_TIME
    config = ConsumerConfig(deliver_policy=policy, opt_start_time=since.astimezone(dt.UTC) if since else None)
    reader = await app.nc.jetstream().subscribe(subject, stream=stream, ordered_consumer=True, config=config)
    try:
        info = await reader.consumer_info()
        left = (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)
        while left:
            message = await reader.next_msg(timeout=PATIENCE_S)
            left = message.metadata.num_pending
            try:
                yield decode(message.data)
            except UnknownEvent:
                continue
    finally:
        await reader.unsubscribe()


async def _catch_up(app: App, db: Tx, said: dict[str, list[CaseEvent]], found: Handovers) -> dict[str, Shapes]:
    """Bring the cases of the backup to the version that had been said, and to the node that has them; what they were when."""
    cases = await store.lock_all(db, {*said, *(release.case_id for release in found.let_go)})
    now, rules = app.clock.now(), app.get(Rules)
    changed: list[Case] = []
    records: list[Record] = []
    shapes: dict[str, Shapes] = {}
    for case_id, events in said.items():
        case = cases.get(case_id)
        if case is None and isinstance(events[0], CaseReported):
            case = from_report(events[0])
            await store.add(db, [case], [first_record(case, events[0])], now)
        begun = case.version if case is not None else 0
        if taken := rebase(case, events, found.bases, rules.tiers):
            if case is None:
                await store.add(db, [taken[0]], [], now)
            case, lines = taken
            records += lines
            await tier_store.set_home(db, case_id)
        if case is None:
            continue
        shapes[case_id] = [(BEGINNING, msgspec.structs.replace(case))]
        for event in events:
            before, case = case, follow(case, event, rules.two_commands)
            if case is not before:
                shapes[case_id].append((event.occurred_at, msgspec.structs.replace(case)))
            if case is not before and case.version > 2:
                records.append(told(before, case, event))
        cases[case_id] = case
        if case.version > begun:
            changed.append(case)
    if changed:
        await store.save(db, changed, records, now)
        due: list[tuple[str, dt.datetime, dict[str, Any]]] = [
            (case.case_id, at, {}) for case in changed if (at := clocks.next_alarm(case, rules)) is not None
        ]
        await Context(app, db).set_timers(ALARM, due)
    await stay_away(db, cases, found.let_go, app)
    return shapes
