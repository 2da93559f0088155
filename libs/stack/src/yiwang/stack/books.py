"""The books of a node: what was promised, counted from the stores and the streams, never from a caller's counters.

The equations are those of the design's section 8: nothing that got a 202 is lost, nothing happens twice, versions run
1..n, the sum of the states is the number of cases, and what is owed to people and to upper platforms is accounted for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import asyncpg
import msgspec
from yiwang.contracts import CaseEvent, Event, ReportAnswered, decode
from yiwang.contracts.case import CaseReported
from yiwang.kit import Kit
from yiwang.kit.link import Link, api

_STATES: Final = """
select case when away is null then state else 'handed_over' end as state, count(*) n from dispatch.cases group by 1
"""
SERVICES: Final = ("intake", "grid", "dispatch", "enforcement", "national_sync", "notification")

NOT_COUNTED: Final = ("mesh.", "media.part.")
"""What the mesh says of itself, and photos on their way up: they have a short life in the stream."""

UNNUMBERED: Final = ("case.snapshot.v1",)
"""Case events that are no step of the case"""


class Stream(msgspec.Struct):
    """What the UP stream says: the node's own matters, and in `ids` and `order` also what came from below."""

    reported: set[str] = msgspec.field(default_factory=set)
    """report ids"""
    answered: set[str] = msgspec.field(default_factory=set)
    versions: dict[str, dict[int, set[str]]] = msgspec.field(default_factory=dict)
    """case → version → event ids"""
    tags: Counter[str] = msgspec.field(default_factory=Counter)
    out_of_order: int = 0
    ids: dict[str, Counter[str]] = msgspec.field(default_factory=dict)
    """jurisdiction → event ids and how often each stands there"""
    order: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """case → event ids in the stream's order"""
    course: dict[str, dict[int, set[str]]] = msgspec.field(default_factory=dict)
    """case → version → event ids, whoever said them: a case that is handed over goes on in another node's name"""


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """The balance at one moment."""

    reports: int
    cases: int
    answered: int
    states: dict[str, int]
    events: dict[str, int]
    on_time: int
    overdue: int
    notices: dict[str, int]
    sync: dict[str, int]
    parked: int
    waiting: int
    """held events and unpublished outputs"""
    lost: int
    doubled: int
    mistakes: list[str]
    """What doesn't balance, each as a sentence; empty when all does"""


async def read_stream(kit: Kit) -> Stream:
    """Read the whole UP stream, in order."""
    link = await Link.open(kit, "books")
    try:
        found = Stream()
        last_of: dict[str, int] = defaultdict(int)
        state = (await api(link.nc, "STREAM.INFO.UP"))["state"]
        if not state["messages"]:
            return found
        sub = await link.nc.jetstream().subscribe("yw.up.>", stream="UP", ordered_consumer=True)
        seen: set[str] = set()
        seq = 0
        while seq < state["last_seq"]:
            msg = await sub.next_msg(timeout=10)
            seq = msg.metadata.sequence.stream
            tag = msg.subject.split(".", 5)[5]
            if tag.startswith(NOT_COUNTED):
                continue
            event = decode(msg.data)
            _note_all(found, event, tag)
            if event.id not in seen and event.jurisdiction == kit.jurisdiction:
                _note(found, event, tag, last_of)
            seen.add(event.id)
        await sub.unsubscribe()
        return found
    finally:
        await link.nc.close()


def _note_all(found: Stream, event: Event, tag: str) -> None:
    found.ids.setdefault(event.jurisdiction, Counter())[event.id] += 1
    if isinstance(event, CaseEvent):
        case = event.case.case_id
        found.order.setdefault(case, []).append(event.id)
        if tag not in UNNUMBERED:
            found.course.setdefault(case, {}).setdefault(event.case.case_version, set()).add(event.id)


def _note(found: Stream, event: Event, tag: str, last_of: dict[str, int]) -> None:
    found.tags[tag] += 1
    if isinstance(event, CaseReported):
        found.reported.add(event.report_id)
    if isinstance(event, ReportAnswered):
        found.answered.add(event.report_id)
    if isinstance(event, CaseEvent) and tag not in UNNUMBERED:
        case, version = event.case.case_id, event.case.case_version
        found.versions.setdefault(case, {}).setdefault(version, set()).add(tag)
        if tag != "case.located.v1" and version < last_of[case]:
            found.out_of_order += 1
        last_of[case] = max(last_of[case], version)


async def balance(kit: Kit, accepted: set[str] | None = None, stream: Stream | None = None) -> Books:
    """The books of the node's own cases; *accepted*: report ids that got a 202, if the caller knows them.

    *stream*: what `read_stream` gave, if it was read already.
    """
    stream = stream or await read_stream(kit)
    db = await asyncpg.connect(kit.database_url)
    try:
        present = {r["nspname"] for r in await db.fetch("select nspname from pg_namespace")} & set(SERVICES)
        states = {r["state"]: r["n"] for r in await db.fetch(_STATES)}
        stored = {r["case_id"]: r["version"] for r in await db.fetch("select case_id, version from dispatch.cases")}
        kept = {r["report_id"] for r in await db.fetch("select report_id from intake.reports")}
        notices = await _counts(
            db, present, "notification", "select state, count(*) n from notification.notice group by state"
        )
        sync = await _counts(
            db, present, "national_sync", "select state, count(*) n from national_sync.deliveries group by state"
        )
        parked = waiting = 0
        for schema in present:
            parked += await db.fetchval(f"select count(*) from {schema}.kit_parked where state = 'parked'")
            waiting += await db.fetchval(
                f"select (select count(*) from {schema}.kit_held) + (select count(*) from {schema}.kit_outbox)"
            )
        times = await db.fetchrow("select count(*) filter (where not overdue) a, count(*) filter (where overdue) b"
                                  " from dispatch.cases where state = 'closed' and away is null")  # fmt: skip
        assert times is not None
    finally:
        await db.close()
    mistakes = _mistakes(stream, stored, kept, accepted, states, shared=bool(kit.mesh))
    gone = len((accepted or kept) - stream.reported - stream.answered)
    doubled = sum(len(ids) - 1 for versions in stream.versions.values() for v, ids in versions.items() if v > 2)
    return Books(
        reports=len(kept), cases=len(stored), answered=len(stream.answered), states=states, events=dict(sorted(stream.tags.items())),
        on_time=times["a"], overdue=times["b"], notices=notices, sync=sync, parked=parked, waiting=waiting,
        lost=gone + len({c for c in stream.versions if c not in stored}), doubled=doubled, mistakes=mistakes,
    )  # fmt: skip


async def _counts(db: Any, present: set[str], schema: str, query: str) -> dict[str, int]:
    if schema not in present:
        return {}
    return {r["state"]: r["n"] for r in await db.fetch(query)}


def _mistakes(
    stream: Stream, stored: dict[str, int], kept: set[str], accepted: set[str] | None, states: dict[str, int], *,
    shared: bool,
) -> list[str]:  # fmt: skip
    """*shared*: the node is one of several; what of a case it said itself may then begin late and have gaps."""
    found = []
    if accepted is not None and (gone := accepted - stream.reported - stream.answered):
        found.append(f"{len(gone)} 条已答复 202 的报告不在事件流里，例如 {min(gone)}")
    if extra := (stream.reported | stream.answered) - kept:
        found.append(f"接入库缺 {len(extra)} 条事件流里的报告，例如 {min(extra)}")
    if missing := set(stream.versions) - set(stored):
        found.append(f"协同库缺 {len(missing)} 个案件，例如 {min(missing)}")
    for case, versions in stream.versions.items():
        if not shared and sorted(versions) != list(range(1, max(versions) + 1)):
            found.append(f"案件 {case} 的版本有缺口：{sorted(versions)}")
        elif case in stored and stored[case] != max(versions):
            found.append(f"案件 {case} 库中版本 {stored[case]}，事件流中 {max(versions)}")
    if sum(states.values()) != len(stored):
        found.append(f"各状态之和 {sum(states.values())} 不等于案件数 {len(stored)}")
    if stream.out_of_order:
        found.append(f"事件流里有 {stream.out_of_order} 处同一案件的次序颠倒")
    return found
