"""A case as a snapshot tells it, and back: everything that the next custodian or a copy must know. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from yiwang.contracts import (
    CaseProgress,
    CaseSnapshot,
    CaseSnapshotBody,
    Clock,
    ClockState,
    FlowRecord,
    OpenTask,
    Span,
)

from .case import Case, CaseClock, Pause, Referral, Task, head_of, summary_of
from .draft import Record

HEAD: Final = (
    "case_id", "case_no", "custody", "channel", "round", "report_ids", "parent_case_id", "merged_into",
    "previous_case_id", "campaign_id", "external_ids", "nature", "category", "condition_id", "urgency", "place", "flags",
    "pinned_versions",
)  # fmt: skip
"""Fields that the head of an event tells under the same name."""
PROGRESS: Final = (
    "since", "created_at", "seq", "purpose", "located", "came_from", "unit_kind", "limit", "verified", "command",
    "handler_ref", "tasks", "unable", "confirmed", "timeliness", "timeliness_source", "rework_count", "hang_count",
    "return_count", "resume_on", "units", "times", "resolution_mode", "supervisions", "subtasks", "modes",
    "matter", "complained_unit", "arrival_timeliness", "wants_reply", "requests",
    "postpone_count", "stock", "stock_on", "appeal", "links",
)  # fmt: skip
"""Fields that the progress of a snapshot tells under the same name."""
BODY: Final = ("description_masked", "reporter_kind", "verify_policy", "assignments", "media")


def snapshot_of(case: Case, flow: Sequence[Record], reader: str) -> CaseSnapshot:
    """Everything about *case* at its present version, without personal data, for *reader*."""
    body = body_of(case, flow)
    return CaseSnapshot(case=body.head, reader=reader, body=body, purpose=case.purpose)


def body_of(case: Case, flow: Sequence[Record]) -> CaseSnapshotBody:
    """*case* with its whole flow."""
    ended = case.times.get("closed")
    return CaseSnapshotBody(
        head=head_of(case, case.state),
        clocks=tuple(one.clock for one in case.clocks),
        history=tuple(flow_record(record) for record in flow),
        summary=summary_of(case, ended) if ended else None,
        progress=_progress(case),
        **{name: getattr(case, name) for name in BODY},
    )


def _progress(case: Case) -> CaseProgress:
    task, referral = case.task, case.referral
    return CaseProgress(
        taken_by=case.taken_by or case.custody.jurisdiction,
        closing_condition_ids=case.closing_conditions,
        task=OpenTask(task_id=task.task_id, kind=task.kind, assignee=task.assignee) if task else None,
        clocks=tuple(_state(one) for one in case.clocks),
        referral_id=referral.referral_id if referral else "",
        referral_agency_id=referral.agency_id if referral else "",
        referral_outcome=referral.outcome if referral else "",
        **{name: getattr(case, name) for name in PROGRESS},
    )


def _state(one: CaseClock) -> ClockState:
    return ClockState(
        clock_id=one.clock.clock_id,
        pauses=tuple(Span(start=p.start, end=p.end) for p in one.pauses),
        stopped_at=one.stopped_at,
        warned=one.warned,
        overdue=one.overdue,
    )


def case_of(body: CaseSnapshotBody) -> Case:
    """The case that *body* tells; of an old sender's snapshot without progress, what its head says."""
    head = body.head
    known = body.progress or _least(body)
    states = {one.clock_id: one for one in known.clocks}
    case = Case(
        version=head.case_version,
        state=head.state_after,
        closing_conditions=known.closing_condition_ids,
        taken_by=known.taken_by,
        task=_task(known.task),
        clocks=tuple(_clock(clock, states.get(clock.clock_id)) for clock in body.clocks),
        referral=_referral(known),
        **{name: getattr(head, name) for name in HEAD},
        **{name: getattr(known, name) for name in PROGRESS},
        **{name: getattr(body, name) for name in BODY},
    )
    if case.taken_by == case.custody.jurisdiction:
        case.taken_by = ""
    return case


def _least(body: CaseSnapshotBody) -> CaseProgress:
    begun = body.history[0].started_at if body.history else body.clocks[0].started_at if body.clocks else None
    if begun is None and body.summary is not None:
        begun = body.summary.reported_at
    if begun is None:
        raise ValueError(f"the snapshot of case {body.head.case_id} tells no moment; its sender must tell it anew")
    last = body.history[-1] if body.history else None
    return CaseProgress(created_at=begun, since=last.ended_at if last else begun, seq=last.seq if last else 1)


def _clock(clock: Clock, state: ClockState | None) -> CaseClock:
    if state is None:
        return CaseClock(clock=clock)
    return CaseClock(
        clock=clock,
        pauses=tuple(Pause(start=p.start, end=p.end) for p in state.pauses),
        stopped_at=state.stopped_at,
        warned=state.warned,
        overdue=state.overdue,
    )


def _task(told: OpenTask | None) -> Task | None:
    return None if told is None else Task(task_id=told.task_id, kind=told.kind, assignee=told.assignee)


def _referral(known: CaseProgress) -> Referral | None:
    if not known.referral_id:
        return None
    return Referral(
        referral_id=known.referral_id, agency_id=known.referral_agency_id, outcome=known.referral_outcome
    )


def flow_record(r: Record) -> FlowRecord:
    """A line of the flow as events carry it."""
    return FlowRecord(**{name: getattr(r, name) for name in FlowRecord.__struct_fields__})


def records_of(body: CaseSnapshotBody) -> list[Record]:
    """The lines of the flow as they are kept."""
    case_id = body.head.case_id
    return [
        Record(case_id=case_id, **{name: getattr(line, name) for name in FlowRecord.__struct_fields__})
        for line in body.history
    ]
