"""A case as dispatch keeps it, and the head that its events carry."""

from __future__ import annotations

import datetime as dt

import msgspec
from yiwang.contracts import (
    Appeal,
    Assignment,
    AssignmentRef,
    CaseHead,
    CaseLink,
    CaseReported,
    CaseSummary,
    Category,
    Code,
    Custody,
    ExternalId,
    Flags,
    ImportedOutcome,
    MediaRef,
    Moment,
    OpenRequest,
    Place,
    SubTask,
    Supervision,
    UnitRef,
)

from .case_parts import CaseClock, ForceRequest, Offer, Pause, Referral, Task

__all__ = [
    "ACCEPT", "ARRIVE", "CHECK", "CO", "DISPATCH", "DISPOSAL", "STEP", "VERIFY", "Case", "CaseClock", "ForceRequest", "Offer", "Pause",
    "Referral", "Task", "from_report", "head_of", "summary_of",
]  # fmt: skip

ACCEPT, DISPATCH, DISPOSAL, VERIFY, CHECK = "accept", "dispatch", "disposal", "verify", "check"
"""The stages that have a clock of their own (stage clocks: domain notes 1.5)."""
ARRIVE, CO, STEP = "arrive", "co", "step"
"""Clocks beside the disposal clock, which stand and end with it: arrival, one for each co-unit, and a step's."""


class Case(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """Everything that decides what may happen next. Changed only by the transition function, on its own copy."""

    case_id: str
    version: int
    state: str
    since: Moment
    """When the present node of the flow was entered"""
    created_at: Moment
    custody: Custody
    channel: Code
    case_no: str = ""
    seq: int = 1
    """Number of the last flow record"""
    came_from: str = ""
    """The state before the suspension"""
    round: int = 1
    report_ids: tuple[str, ...] = ()
    parent_case_id: str = ""
    merged_into: str = ""
    previous_case_id: str = ""
    campaign_id: str = ""
    external_ids: tuple[ExternalId, ...] = ()
    nature: str = ""
    category: Category | None = None
    condition_id: str = ""
    unit_kind: str = ""
    limit: int = 0
    """The disposal limit fixed at filing, in units of `unit_kind`"""
    closing_conditions: tuple[str, ...] = ()
    urgency: str = "normal"
    place: Place | None = None
    located: bool = False
    purpose: str = "live"
    description_masked: str = ""
    reporter_kind: str = ""
    verify_policy: str = "skip"
    verified: str = ""
    """The last verify result"""
    media: tuple[MediaRef, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    command: str = ""
    """Who must dispatch while filed: city or district"""
    handler_ref: str = ""
    task: Task | None = None
    tasks: int = 0
    """Tasks given so far"""
    unable: int = 0
    """Checks in a row that could not tell"""
    confirmed: bool = False
    timeliness: str | None = None
    timeliness_source: str = "measured"
    clocks: tuple[CaseClock, ...] = ()
    flags: Flags = Flags()
    pinned_versions: dict[str, str] = {}
    rework_count: int = 0
    hang_count: int = 0
    return_count: int = 0
    postpone_count: int = 0
    """Extensions granted"""
    resume_on: Moment | None = None
    stock_on: Moment | None = None
    """When the hung case becomes stock (积存)"""
    stock: bool = False
    """It is stock, or was"""
    requests: tuple[OpenRequest, ...] = ()
    """For more time or a rest, not decided yet: one of each kind at the most"""
    appeal: Appeal | None = None
    links: tuple[CaseLink, ...] = ()
    """Related cases, and those that were merged into this one"""
    wants_reply: bool = False
    """Whether a reporter is to be asked when it ends"""
    similar_of: str = ""
    """An older case of the same class nearby, found when this one got its place"""
    units: tuple[UnitRef, ...] = ()
    times: dict[str, Moment] = {}
    """Moments for the summary: located, accepted, filed, dispatched, handling_started, handled, confirmed …"""
    force: ForceRequest | None = None
    referral: Referral | None = None
    resolution_mode: str = ""
    modes: tuple[str, ...] = ()
    """Every way that was tried (721工作法)"""
    subtasks: tuple[SubTask, ...] = ()
    """The parts of co-units (协办)"""
    matter: str = ""
    """Kind of matter (三事分流)"""
    complained_unit: str = ""
    """The unit whose people are complained of: it never handles the case"""
    arrival_timeliness: str | None = None
    imported: ImportedOutcome | None = None
    taken_by: str = ""
    """The jurisdiction that took the report, where another one than the custodian did"""
    supervisions: tuple[Supervision, ...] = ()
    offer: Offer | None = None
    away: str = ""
    """The node that has the case since it was handed over; empty while it is here"""
    kept: str = ""
    """``<node>/<cause>`` of the hand-over that was refused or taken back: by rule that node is offered nothing more"""
    watcher: str = ""
    """The last custodian, where it doesn't hear of the case by itself: what happens is told to it"""

    @property
    def county(self) -> str:
        return self.place.area.county if self.place else ""

    @property
    def area(self) -> str:
        """The deepest area code known: of the place, else of the custodian."""
        if self.place is None:
            return self.custody.jurisdiction
        at = self.place.area
        return at.community12 or at.street9 or at.county or at.city or self.custody.jurisdiction

    @property
    def lead(self) -> Assignment | None:
        return self.assignments[0] if self.assignments else None

    def clock(self, stage: str) -> CaseClock | None:
        """The latest clock of *stage* that hasn't stopped."""
        for one in reversed(self.clocks):
            if one.stopped_at is None and one.clock.stage == stage:
                return one
        return None


def head_of(case: Case, before: str) -> CaseHead:
    """What an event says about *case*, which was in state *before*."""
    lead = case.assignments[0] if case.assignments else None
    return CaseHead(
        case_id=case.case_id,
        case_no=case.case_no,
        case_version=case.version,
        state_before=before,
        state_after=case.state,
        custody=case.custody,
        round=case.round,
        report_ids=case.report_ids,
        parent_case_id=case.parent_case_id,
        merged_into=case.merged_into,
        previous_case_id=case.previous_case_id,
        campaign_id=case.campaign_id,
        external_ids=case.external_ids,
        nature=case.nature,
        channel=case.channel,
        category=case.category,
        condition_id=case.condition_id,
        urgency=case.urgency,
        place=case.place,
        lead_assignment=None
        if lead is None
        else AssignmentRef(assignment_id=lead.assignment_id, unit_id=lead.unit_id, name=lead.unit_name),
        open_clocks=tuple([c.clock for c in case.clocks if c.stopped_at is None]),
        flags=case.flags,
        pinned_versions=case.pinned_versions,
    )


def from_report(event: CaseReported) -> Case:
    """The case that a report opens, at version 1."""
    head = event.case
    return Case(
        case_id=head.case_id,
        version=head.case_version,
        state="reported",
        since=event.occurred_at,
        created_at=event.occurred_at,
        custody=head.custody,
        channel=head.channel,
        round=head.round,
        report_ids=head.report_ids or (event.report_id,),
        parent_case_id=head.parent_case_id,
        previous_case_id=head.previous_case_id,
        campaign_id=head.campaign_id,
        external_ids=head.external_ids,
        nature=event.nature or head.nature,
        category=head.category or event.claimed_category,
        urgency=head.urgency,
        place=head.place,
        purpose=event.purpose,
        description_masked=event.description_masked,
        reporter_kind=event.reporter_kind,
        verify_policy=event.verify_policy,
        wants_reply=event.wants_reply,
        media=event.media,
        flags=Flags(self_disposed=True) if event.self_disposed else head.flags,
        imported=event.imported,
        complained_unit=event.complained_unit,
    )


def summary_of(case: Case, at: dt.datetime) -> CaseSummary:
    """The course of *case*, which ends at *at*."""
    t = case.times
    return CaseSummary(
        reported_at=case.created_at,
        located_at=t.get("located"),
        accepted_at=t.get("accepted"),
        filed_at=t.get("filed"),
        dispatched_at=t.get("dispatched"),
        handling_started_at=t.get("handling_started"),
        handled_at=t.get("handled"),
        confirmed_at=t.get("confirmed"),
        checked_at=t.get("checked"),
        closed_at=at,
        units=case.units,
        rework_count=case.rework_count,
        postpone_count=case.postpone_count,
        hang_count=case.hang_count,
        return_count=case.return_count,
        timeliness=case.timeliness,
        timeliness_source=case.timeliness_source,
        self_disposed=case.flags.self_disposed,
        stock=case.stock,
        resolution_mode=case.resolution_mode,
        modes=case.modes,
        matter=case.matter,
        arrived_at=t.get("arrived"),
        arrival_timeliness=case.arrival_timeliness,
        co_units=tuple(
            UnitRef(unit_id=s.assignment.unit_id, unit_name=s.assignment.unit_name) for s in case.subtasks
        ),
    )
