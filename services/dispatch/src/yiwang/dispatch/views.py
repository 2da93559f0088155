"""Cases as people see them: lists with a countdown, one case with its whole history, what one may do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec
from yiwang.contracts import Appeal, Assignment, CaseLink, Category, MediaRef, OpenRequest, Place, SubTask

from . import steps
from .case import Case, Referral, Task
from .domain import Record
from .explain import UNITS, ClockView, clock_view
from .queues import QUEUES, queue_of
from .rules import Rules
from .states import ACTIONS, STATES, Row
from .steps import StepView
from .store import Listed
from .turns import turns_of
from .views_lines import LineView, line

BRANCHES: Final = (
    "hang_count", "postpone_count", "round", "stock", "requests", "appeal", "links", "merged_into", "similar_of",
    "complained_unit",
)  # fmt: skip
"""Fields of a case that its page shows as they are."""


class CaseItem(msgspec.Struct, frozen=True, kw_only=True):
    """A case in a list. `remaining_s` counts down to the nearest deadline; below zero it is late."""

    case_id: str
    case_no: str
    version: int
    state: str
    state_name: str
    queue: str
    queue_name: str
    created_at: dt.datetime
    category: Category | None
    area: str
    area_name: str
    address: str
    description: str
    channel: str
    urgency: str
    unit_id: str
    unit_name: str
    due_at: dt.datetime | None
    remaining_s: int | None
    overdue: bool
    purpose: str
    custodian: str = ""
    """The node that has the case, where it isn't this one"""
    custodian_name: str = ""
    asks: tuple[str, ...] = ()
    """What is asked for and not decided: extension, hang, appeal"""
    claimed_by: str = ""
    """Who has it in hand (认领); empty: nobody"""
    claimed_until: dt.datetime | None = None
    as_of: dt.datetime | None = None
    """Of a copy: when its custodian recorded the last event that is known here"""


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `cursor` gives the next page, empty at the end."""

    cases: tuple[CaseItem, ...]
    cursor: str


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """A queue that the caller works off: how many wait, how many of them are late."""

    queue: str
    name: str
    role: str
    role_name: str
    waiting: int
    late: int
    mine: int = 0
    """How many of them the caller has in hand"""


class CaseDetail(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one case."""

    case: CaseItem
    place: Place | None
    condition_id: str
    condition: str
    filing_conditions: dict[str, str]
    """id → text and limit, of those under which it may be filed now; empty once it is filed"""
    closing_conditions: dict[str, str]
    """id → text, of the filing condition chosen"""
    verify_policy: str
    verified: str
    assignments: tuple[Assignment, ...]
    subtasks: tuple[SubTask, ...]
    """The parts of co-units, each with its state and result"""
    matter: str
    modes: tuple[str, ...]
    """Every way that was tried: service, manage, enforce"""
    arrived_at: dt.datetime | None
    arrival_timeliness: str | None
    handler_ref: str
    confirmed: bool
    timeliness: str | None
    timeliness_source: str
    rework_count: int
    return_count: int
    hang_count: int
    postpone_count: int
    round: int
    """1 + how often it was reopened"""
    stock: bool
    """It is or was in stock (积存)"""
    requests: tuple[OpenRequest, ...]
    """For more time or a rest, not decided yet"""
    appeal: Appeal | None
    links: tuple[CaseLink, ...]
    """Related cases, and those merged into this one"""
    complained_unit: str
    """投诉对象单位, as it was named; it never handles the case"""
    merged_into: str
    similar_of: str
    """An older open case of the same class nearby, as this one got its place"""
    resume_on: dt.datetime | None
    task: Task | None
    referral: Referral | None
    media: tuple[MediaRef, ...]
    clocks: tuple[ClockView, ...]
    steps: tuple[StepView, ...]
    """Of a limit in several steps (分步时限): each in turn; empty as a rule"""
    history: tuple[LineView, ...]
    pinned_versions: dict[str, str]


class Possible(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the caller may do now: its results, and whether an opinion and photos are wanted."""

    action: str
    name: str
    role: str
    results: tuple[str, ...]
    opinion: bool
    photo: bool
    guards: tuple[str, ...]


class Actions(msgspec.Struct, frozen=True, kw_only=True):
    case_id: str
    version: int
    actions: tuple[Possible, ...]


def item(listed: Listed, now: dt.datetime) -> CaseItem:
    case, due = listed.case, listed.due_at
    lead = case.lead
    names = case.place.area.names if case.place else {}
    return CaseItem(
        case_id=case.case_id,
        case_no=case.case_no,
        version=case.version,
        state=case.state,
        state_name=STATES[case.state],
        queue=listed.queue,
        queue_name=QUEUES[listed.queue][0] if listed.queue else "",
        created_at=case.created_at,
        category=case.category,
        area=case.area,
        area_name=names.get(case.area, ""),
        address=case.place.address_masked if case.place else "",
        description=case.description_masked,
        channel=case.channel.name or case.channel.code,
        urgency=case.urgency,
        unit_id=lead.unit_id if lead else "",
        unit_name=lead.unit_name if lead else "",
        due_at=due,
        remaining_s=int((due - now).total_seconds()) if due else None,
        overdue=case.flags.overdue or (due is not None and due < now),
        purpose=case.purpose,
        asks=tuple(turn.kind for turn in turns_of(case)),
    )


def listed(case: Case) -> Listed:
    """A single case as a list would show it."""
    dues = [c.judged_by for c in case.clocks if c.running]
    return Listed(case, queue_of(case), min(dues) if dues else None)


def detail(case: Case, flow: Sequence[Record], rules: Rules, now: dt.datetime) -> CaseDetail:
    condition = rules.codes.condition(case.condition_id) if case.condition_id else None
    texts = {c.closing_id: c.text for c in condition.closings} if condition else {}
    return CaseDetail(
        case=item(listed(case), now),
        place=case.place,
        condition_id=case.condition_id,
        condition=condition.text if condition else "",
        filing_conditions=_filing(case, rules, now),
        closing_conditions={key: texts.get(key, key) for key in case.closing_conditions},
        verify_policy=case.verify_policy,
        verified=case.verified,
        assignments=case.assignments,
        subtasks=case.subtasks,
        matter=case.matter,
        modes=case.modes,
        arrived_at=case.times.get("arrived"),
        arrival_timeliness=case.arrival_timeliness,
        handler_ref=case.handler_ref,
        confirmed=case.confirmed,
        timeliness=case.timeliness,
        timeliness_source=case.timeliness_source,
        rework_count=case.rework_count,
        return_count=case.return_count,
        resume_on=case.resume_on,
        **{name: getattr(case, name) for name in BRANCHES},
        task=case.task,
        referral=case.referral,
        media=case.media,
        clocks=tuple(clock_view(one, rules, now) for one in case.clocks),
        steps=steps.shown(case, flow, rules),
        history=tuple(line(record, rules) for record in flow),
        pinned_versions=case.pinned_versions,
    )


def _filing(case: Case, rules: Rules, now: dt.datetime) -> dict[str, str]:
    if case.state not in ("reported", "verifying", "accepted") or case.category is None:
        return {}
    return {
        c.condition_id: f"{c.text}（{c.limit} {UNITS.get(c.unit_kind, c.unit_kind)}{steps.said(c.steps)}）"
        for c in rules.conditions(case, now)
    }


def possible(found: Sequence[tuple[Row, str]]) -> tuple[Possible, ...]:
    """The rows that a person may follow, one entry for each action with its results."""
    merged: dict[str, Possible] = {}
    for row, role in found:
        old = merged.get(row.action)
        results = (*(old.results if old else ()), *((row.result,) if row.result else ()))
        merged[row.action] = Possible(
            action=row.action,
            name=ACTIONS[row.action],
            role=old.role if old else role,
            results=tuple(dict.fromkeys(results)),
            opinion=row.opinion if not row.result else False,
            photo="photo" in row.guards or bool(old and old.photo),
            guards=tuple(dict.fromkeys((*(old.guards if old else ()), *row.guards))),
        )
    return tuple(merged.values())
