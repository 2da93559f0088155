"""What dispatch does with events, set-based where every case comes through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from yiwang.contracts import (
    CaseLocated,
    CaseReported,
    SnapshotRequested,
)
from yiwang.kit import Context, Event, Retry, Timer

from . import alarms, clocks, experience_store, following, numbering, passing, shared_store, similar, store
from .acts import Act, LocatedBody
from .auto import Work
from .case import ACCEPT, Case, from_report
from .domain import Record
from .rules import Rules
from .snapshot import snapshot_of
from .states import FINAL, SYSTEM

ALARM: Final = "alarm"
"""The one timer of a case: the next moment at which something must be said or done."""


async def arrive(events: Sequence[CaseReported | CaseLocated], ctx: Context) -> list[list[Event]]:
    """Keep new cases, apply places, and take every step that the profile leaves to rules; the hot path of a city.

    Hears both types, so that a case whose report and place come in one batch is written once.
    """
    rules, now = ctx.app.get(Rules), ctx.now()
    known = await store.lock_all(ctx.tx, {event.case.case_id for event in events})
    works = {case_id: Work(case, rules, now) for case_id, case in known.items()}
    answers: list[list[Event]] = []
    filing: list[Work] = []
    placed: dict[str, Work] = {}
    told: set[str] = set()
    for event in events:
        case_id = event.case.case_id
        if isinstance(event, CaseReported):
            if case_id not in works:  # else it was learnt from the stream after a restore
                works[case_id] = _open(event, rules, now)
            answers.append([])
            continue
        work = works.get(case_id)
        if work is None:
            raise Retry(f"case {case_id} is located but its report hasn't come", after=2)
        answers.append([])
        if _place(work, event):
            if case_id not in told:  # what follows from a second place in the batch is said with the first
                answers[-1] = work.events
                told.add(case_id)
            placed[case_id] = work
    await similar.look(ctx.tx, list(placed.values()), rules, now)
    for work in placed.values():
        if work.run():
            filing.append(work)
        elif work.case.state == "reported" and work.case.clock(ACCEPT) is None:
            rules.start_stage(work.case, ACCEPT, work.case.created_at)
    await number_and_go_on(ctx, filing)
    await keep(ctx, list(works.values()))
    return answers


def _open(event: CaseReported, rules: Rules, now: dt.datetime) -> Work:
    case = from_report(event)
    case.category = rules.named(case.category)
    work = Work(case, rules, now)
    work.fresh = work.touched = True
    work.records.append(first_record(case, event))
    return work


def first_record(case: Case, event: CaseReported) -> Record:
    """The line with which the flow of a reported case begins."""
    return Record(
        case_id=case.case_id,
        seq=1,
        version=case.version,
        action="report",
        state_before="",
        state_after="reported",
        role=event.actor.role,
        unit_id=event.actor.unit_id,
        person_ref=event.actor.person_ref,
        started_at=event.occurred_at,
        ended_at=event.occurred_at,
        media=event.media,
    )


def _place(work: Work, event: CaseLocated) -> bool:
    """Put the place on the case; False when the event says nothing new."""
    case, found = work.case, event.outcome == "located"
    if case.away:
        return False
    if case.version == 1:
        case.version, case.place, case.located = 2, event.place, found
        case.times = {"located": event.occurred_at} if found else {}
        if case.imported is None and not (found and case.verify_policy == "skip" and work.rules.auto_of(case).accept):
            work.rules.start_stage(case, ACCEPT, case.created_at)
        work.touched = True
        return True
    if found and not case.located and case.state == "reported":
        body = LocatedBody(place=event.place)
        work.do(Act(action="correct", role=SYSTEM, at=work.now, body=body))
        return True
    return False


async def number_and_go_on(ctx: Context, filing: Sequence[Work]) -> None:
    """Numbers for all cases that are ready to be filed, then the rest of their way. The last locks of the batch."""
    if not filing or not await numbering.may_give(ctx.app, ctx.tx):
        return
    wanted = [(w.case.custody.jurisdiction, w.case.created_at if w.case.imported else w.now) for w in filing]
    for work, number in zip(filing, await store.take_numbers(ctx.tx, wanted), strict=True):
        if number:  # else the day's numbers are used up: the case waits, and the person who files is told
            work.run(number)


async def keep(ctx: Context, works: Sequence[Work]) -> None:
    """Write cases, records and timers: one statement each."""
    changed = [work for work in works if work.touched]
    if not changed:
        return
    await passing.pass_on(ctx, changed)
    for write, some in (
        (store.add, [w for w in changed if w.fresh]),
        (store.save, [w for w in changed if not w.fresh]),
    ):
        if some:
            await write(ctx.tx, [w.case for w in some], [r for w in some for r in w.records], ctx.now())
    await shared_store.keep(ctx.tx, changed)
    due: list[tuple[str, dt.datetime, dict[str, object]]] = []
    silent: list[str] = []
    for work in changed:
        alarm = clocks.next_alarm(work.case, work.rules)
        if alarm is not None:
            due.append((work.case.case_id, alarm, {}))
        elif work.alarmed:
            silent.append(work.case.case_id)
    await ctx.set_timers(ALARM, due)
    if silent:
        await ctx.cancel_timer(ALARM, *silent)
    await following.follow(ctx, changed)
    await experience_store.learn(ctx.tx, changed, ctx.now())


async def alarm(timer: Timer, ctx: Context) -> Sequence[Event]:
    """A moment has come: look at the case under its lock, say what is due, and set the next moment.

    The timer's row is locked already; whoever has the case in hand will want that row too, so we don't wait for them.
    """
    case = await store.lock_idle(ctx.tx, timer.key)
    if case is None and await store.find(ctx.tx, timer.key) is not None:
        raise Retry("the case is in somebody's hands", after=1)
    if case is None or case.state in FINAL or case.away:
        return ()
    rules = ctx.app.get(Rules).of(case)
    work = Work(case, rules, ctx.now())
    rung = alarms.ring(case, rules, ctx.now())
    work.case, work.records, work.touched = rung.case, list(rung.records), bool(rung.events)
    work.events = list(rung.events)
    await keep(ctx, [work])
    again = clocks.next_alarm(work.case, rules)
    if not rung.events and again is not None:
        await ctx.set_timer(ALARM, timer.key, again)
    return work.events


async def snapshots(event: SnapshotRequested, ctx: Context) -> list[Event]:
    """Say everything about a page of cases again for one reader, and ask for the next page."""
    size = ctx.settings.snapshot_page
    cases = await store.changed_since(ctx.tx, event.since, event.cursor, size)
    flows = await store.histories(ctx.tx, [case.case_id for case in cases])
    said: list[Event] = [snapshot_of(case, flows[case.case_id], event.reader) for case in cases]
    if len(cases) == size:
        said.append(SnapshotRequested(reader=event.reader, since=event.since, cursor=cases[-1].case_id))
    return said
