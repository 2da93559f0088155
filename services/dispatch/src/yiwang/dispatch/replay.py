"""A case told again by its events: for a copy that lags behind what was said. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    CaseAccepted,
    CaseChecked,
    CaseCheckRequested,
    CaseClosed,
    CaseCorrected,
    CaseDeadlineWarned,
    CaseDispatched,
    CaseEvent,
    CaseFiled,
    CaseHandled,
    CaseHandlingConfirmed,
    CaseHandlingStarted,
    CaseLocated,
    CaseOverdue,
    CaseReferredToEnforcement,
    CaseReturned,
    CaseReworked,
    CaseVerified,
    CaseVerifyRequested,
    CaseVisited,
    CaseVoided,
    Clock,
    SubTask,
    UnitRef,
    tag_of,
)

from .case import ACCEPT, ARRIVE, CHECK, CO, DISPOSAL, STEP, VERIFY, Case, CaseClock, Pause, Referral, Task
from .draft import Record
from .replay_branches import BRANCH_ACTIONS, BRANCHES, corrected_by, given_anew
from .replay_tiers import TIER_ACTIONS, TIERS
from .replay_words import result_of, taken_back
from .replay_work import WORK, WORK_ACTIONS
from .requests import lapse
from .resolution import tried


def follow(case: Case, event: CaseEvent, two_commands: bool) -> Case:
    """*case* after *event*; unchanged when it isn't the next version. *two_commands*: the city dispatches first."""
    head = event.case
    if head.case_version != case.version + 1:
        return case
    after = msgspec.structs.replace(
        case,
        version=head.case_version,
        state=head.state_after or case.state,
        since=event.occurred_at,
        case_no=head.case_no,
        category=head.category,
        condition_id=head.condition_id,
        urgency=head.urgency,
        place=head.place or case.place,
        flags=head.flags,
        pinned_versions=head.pinned_versions,
        custody=head.custody,
        clocks=_clocks(case, head.open_clocks, event),
    )
    for kind, change in CHANGES.items():
        if isinstance(event, kind):
            for name, value in change(case, event).items():
                setattr(after, name, value)
    lapse(after)
    if isinstance(event, CaseFiled):
        after.command = "city" if two_commands else "district"
    return after


STANDS_IN: Final = {DISPOSAL: "suspended", CO: "suspended", ARRIVE: "suspended", STEP: "suspended", ACCEPT: "verifying"}
"""Stage → the state in which its clock stands still."""


def _clocks(case: Case, still_open: tuple[Clock, ...], event: CaseEvent) -> tuple[CaseClock, ...]:
    """The clocks that the head shows as open, with what was known of them; finished disposal clocks stay."""
    known = {one.clock.clock_id: one for one in case.clocks}
    shown = {clock.clock_id for clock in still_open}
    kept = [
        one if one.stopped_at else msgspec.structs.replace(one, stopped_at=event.occurred_at)
        for one in case.clocks
        if one.clock.clock_id not in shown and one.clock.stage == DISPOSAL
    ]
    for clock in still_open:
        old = known.get(clock.clock_id)
        one = CaseClock(clock=clock) if old is None else msgspec.structs.replace(old, clock=clock, stopped_at=None)
        if old is not None and given_anew(old.clock, clock):
            one = msgspec.structs.replace(one, warned=False, overdue=False)
        stands = STANDS_IN.get(clock.stage) == event.case.state_after
        if stands and one.running:
            one = msgspec.structs.replace(one, pauses=(*one.pauses, Pause(start=event.occurred_at)))
        elif not stands and one.pauses and one.pauses[-1].end is None:
            ended = Pause(start=one.pauses[-1].start, end=event.occurred_at)
            one = msgspec.structs.replace(one, pauses=(*one.pauses[:-1], ended))
        kept.append(one)
    return tuple(kept)


def told(before: Case, after: Case, event: CaseEvent) -> Record:
    """The line of the flow for a step that is known by its event only."""
    after.seq = before.seq + 1
    return Record(
        case_id=after.case_id,
        seq=after.seq,
        version=after.version,
        action=taken_back(event) or ACTION_OF.get(type(event), tag_of(type(event))),
        result=result_of(event),
        state_before=before.state,
        state_after=after.state,
        role=event.actor.role,
        unit_id=event.actor.unit_id,
        person_ref=event.actor.person_ref,
        opinion=getattr(event, "opinion", ""),
        started_at=before.since,
        ended_at=event.occurred_at,
        media=getattr(event, "media", ()),
        note="recovered",
    )


def _marked(case: Case, event: CaseDeadlineWarned | CaseOverdue) -> dict[str, Any]:
    late = isinstance(event, CaseOverdue)
    if case.offer is not None and case.offer.offer_id == event.clock_id:
        return {"since": case.since, "offer": msgspec.structs.replace(case.offer, alarmed=True)}
    return {
        "since": case.since,
        "supervisions": tuple(
            msgspec.structs.replace(one, overdue=True) if one.directive_id == event.clock_id else one
            for one in case.supervisions
        ),
        "clocks": tuple(
            msgspec.structs.replace(one, warned=True, overdue=one.overdue or late)
            if one.clock.clock_id == event.clock_id
            else one
            for one in case.clocks
        ),
    }


def _time(case: Case, event: CaseEvent, name: str) -> dict[str, Any]:
    return {"times": case.times | {name: event.occurred_at}}


def _task(kind: str) -> Callable[[Case, Any], dict[str, Any]]:
    def change(case: Case, event: Any) -> dict[str, Any]:
        return {"task": Task(task_id=event.task_id, kind=kind, assignee=event.assignee), "tasks": case.tasks + 1}

    return change


def _located(case: Case, e: CaseLocated) -> dict[str, Any]:
    return _time(case, e, "located") | {"place": e.place, "located": e.outcome == "located"}


def _filed(case: Case, e: CaseFiled) -> dict[str, Any]:
    fixed = {"unit_kind": e.unit_kind, "limit": e.limit, "closing_conditions": e.closing_condition_ids}
    return _time(case, e, "filed") | fixed | {"assignments": ()}


def _dispatched(case: Case, e: CaseDispatched) -> dict[str, Any]:
    if e.case.state_after == "filed":
        return _time(case, e, "sent_down") | {"command": "district"}
    unit = UnitRef(unit_id=e.assignments[0].unit_id, unit_name=e.assignments[0].unit_name)
    begun = {"handler_ref": "", "confirmed": False, "timeliness": None, "unable": 0}
    begun |= {"subtasks": tuple(SubTask(assignment=one) for one in e.assignments[1:]), "arrival_timeliness": None}
    times = {name: at for name, at in case.times.items() if name != "arrived"} | {"dispatched": e.occurred_at}
    return begun | {"times": times, "assignments": e.assignments, "units": (*case.units, unit)}


def _accepted(case: Case, e: CaseAccepted) -> dict[str, Any]:
    return _time(case, e, "accepted") | {"matter": e.matter, "complained_unit": e.complained_unit}


def _handled(case: Case, e: CaseHandled) -> dict[str, Any]:
    modes = tried(case.modes, e.resolution_mode)
    return _time(case, e, "handled") | {"resolution_mode": e.resolution_mode, "modes": modes}


def _returned(case: Case, e: CaseReturned) -> dict[str, Any]:
    change: dict[str, Any] = {"return_count": case.return_count + 1}
    if e.kind == "dept":
        change["assignments"] = change["subtasks"] = ()
    elif e.kind == "to_city":
        change["command"] = "city"
    elif e.kind == "handler":
        change["handler_ref"] = ""
    return change


def _confirmed(case: Case, e: CaseHandlingConfirmed) -> dict[str, Any]:
    judged = {"timeliness": e.timeliness, "timeliness_source": e.timeliness_source}
    return _time(case, e, "confirmed") | judged | {"confirmed": True}


def _checked(case: Case, e: CaseChecked) -> dict[str, Any]:
    return _time(case, e, "checked") | {"task": None, "unable": case.unable + 1 if e.result == "unable" else 0}


def _reworked(_: Case, e: CaseReworked) -> dict[str, Any]:
    return {"confirmed": False, "timeliness": None, "handler_ref": "", "rework_count": e.rework_no}


CHANGES: Final[dict[type[CaseEvent], Callable[[Case, Any], dict[str, Any]]]] = {
    CaseLocated: _located,
    CaseCorrected: corrected_by,
    CaseDeadlineWarned: _marked,
    CaseOverdue: _marked,
    CaseVerifyRequested: _task(VERIFY),
    CaseVerified: lambda _, e: {"task": None, "verified": e.result},
    CaseAccepted: _accepted,
    CaseFiled: _filed,
    CaseDispatched: _dispatched,
    CaseReturned: _returned,
    CaseHandlingStarted: lambda case, e: _time(case, e, "handling_started") | {"handler_ref": e.handler_ref},
    CaseHandled: _handled,
    CaseHandlingConfirmed: _confirmed,
    CaseReworked: _reworked,
    CaseCheckRequested: _task(CHECK),
    CaseChecked: _checked,
    **BRANCHES,
    **WORK,
    CaseReferredToEnforcement: lambda _, e: {"referral": Referral(referral_id=e.referral_id, agency_id=e.agency_id)},
    **TIERS,
    CaseClosed: lambda case, e: _time(case, e, "closed"),
    CaseVoided: lambda case, e: _time(case, e, "closed"),
}
"""Event → what it changes beyond what its head says."""

ACTION_OF: Final[dict[type[CaseEvent], str]] = {
    CaseCorrected: "correct",
    CaseVerifyRequested: "send_verify",
    CaseVerified: "verify_result",
    CaseAccepted: "accept",
    CaseFiled: "file",
    CaseDispatched: "dispatch",
    CaseReturned: "dept_return",
    CaseHandlingStarted: "assign_handler",
    CaseHandled: "submit_result",
    CaseHandlingConfirmed: "dept_confirm",
    CaseReworked: "dispatcher_reject",
    CaseCheckRequested: "send_check",
    CaseChecked: "check_result",
    **BRANCH_ACTIONS,
    **TIER_ACTIONS,
    **WORK_ACTIONS,
    CaseReferredToEnforcement: "refer",
    CaseVisited: "visit",
    CaseClosed: "close",
    CaseVoided: "void",
}
"""The action that an event most likely came from; the exact one is lost with the record."""
