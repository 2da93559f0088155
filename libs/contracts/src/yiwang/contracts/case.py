"""A case (案件) from report (上报) to closing (结案), and what may befall it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from ._event import CaseEvent, Event, Flow
from ._types import Category, Clock, Code, Fen, MediaRef, Moment, Personal, Place, Point, Seconds, Value


class Person(Value, frozen=True, kw_only=True):
    """Who is asked to do a task: a pseudonym, or the duty grid whose inspectors share it."""

    person_ref: str = ""
    duty_grid_id: str = ""
    unit_id: str = ""
    """Of a grid with people of several departments (多部门入格): whose of them are asked; empty: any"""


class UnitRef(Value, frozen=True, kw_only=True):
    unit_id: str
    unit_name: str = ""


class ClaimedPlace(Value, frozen=True, kw_only=True):
    """Where the reporter says that it is; the grid service decides."""

    point: Point | None = None
    """In CGCS2000, converted at the edge"""
    original_point: Point | None = None
    address_masked: str = ""
    county: str = ""
    street9: str = ""
    community12: str = ""
    cell15: str = ""


class ImportedOutcome(Value, frozen=True, kw_only=True):
    """What another system already recorded about a case that is brought in; nobody acts on it again."""

    unit: UnitRef
    timeliness: str | None = None
    """on_time, overdue, or None where the source doesn't say"""
    closed_at: Moment | None = None
    reply: str = ""


class CaseReported(CaseEvent, frozen=True, kw_only=True, tag="case.reported.v1"):
    """A report came in and was safely received (上报)."""

    report_id: str
    nature: str
    description_masked: str = ""
    masking_version: str = ""
    media: tuple[MediaRef, ...] = ()
    reporter_kind: str
    """collector, citizen, hotline, system, leader or media"""
    part_id: str = ""
    alarm_id: str = ""
    """The alarm or episode that it came from"""
    self_disposed: bool = False
    verify_policy: str
    """skip, must or human_confirm: what the source's policy asks before filing"""
    claimed_place: ClaimedPlace = ClaimedPlace()
    claimed_category: Category | None = None
    wants_reply: bool = False
    imported: ImportedOutcome | None = None
    complained_unit: str = ""
    """The unit whose people are complained of (投诉对象单位): it never handles the case itself"""
    digest: str = ""
    """Keyed hash of what the reporter sent: one report_id with two digests is a conflict, not a repetition"""


class ReportContact(Event, frozen=True, kw_only=True, tag="report.contact.v1"):
    """How to reach the reporter and what they wrote (联系方式): stays in the tier that took the report."""

    flow: ClassVar[Flow] = "local"
    personal: ClassVar[bool] = True

    report_id: str
    case_id: str
    name: Personal[str] = ""
    phone: Personal[str] = ""
    openid: Personal[str] = ""
    text: Personal[str] = ""
    address: Personal[str] = ""
    token_hash: str = ""
    """SHA-256 of the follow-up token that only the reporter holds"""
    consent: str = ""
    digest: str = ""
    """Keyed hash of what the reporter sent: one report_id with two digests is a conflict, not a repetition"""

    @property
    def key(self) -> str:
        return self.case_id


class CaseLocated(CaseEvent, frozen=True, kw_only=True, tag="case.located.v1"):
    """The place of a report was looked up in the grid (定位). Its head repeats that of the report."""

    place: Place
    candidates: tuple[Place, ...] = ()
    outcome: str
    """located, unlocated or foreign (another jurisdiction's)"""
    reason: str = ""


class FieldChange(Value, frozen=True, kw_only=True):
    field: str
    old: str = ""
    new: str = ""


class CaseCorrected(CaseEvent, frozen=True, kw_only=True, tag="case.corrected.v1"):
    """Category or place was put right (重新分类, 重新定位)."""

    changed: tuple[FieldChange, ...]
    reason_code: str
    """reclassify or relocate"""
    opinion: str = ""
    unit_kind: str = ""
    """Of a filed case with a new class: the unit of its new limit; empty where the limit stays"""
    limit: int = 0
    """In units of `unit_kind`"""
    closing_condition_ids: tuple[str, ...] = ()
    """Of a filed case with a new class"""


class CaseVerifyRequested(CaseEvent, frozen=True, kw_only=True, tag="case.verify_requested.v1"):
    """An inspector is asked whether the problem exists, before filing (派核实)."""

    task_id: str
    assignee: Person
    clock: Clock


class CaseVerified(CaseEvent, frozen=True, kw_only=True, tag="case.verified.v1"):
    """The inspector answered a verify task (核实反馈)."""

    task_id: str
    result: str
    """exist, not_exist or unable"""
    media: tuple[MediaRef, ...] = ()
    point: Point | None = None
    opinion: str = ""


class CaseAccepted(CaseEvent, frozen=True, kw_only=True, tag="case.accepted.v1"):
    """The acceptor took the report on (受理)."""

    category: Category
    urgency: str = "normal"
    matter: str = ""
    """Kind of matter (三事分流): government, community, private or a word of the city's own; empty: not told apart"""
    triage_rule: str = ""
    """The rule that proposed kind and urgency"""
    triage_corrected: bool = False
    """Whether the acceptor decided otherwise"""
    complained_unit: str = ""
    """The unit whose people are complained of"""


class CaseFiled(CaseEvent, frozen=True, kw_only=True, tag="case.filed.v1"):
    """The case was opened under a filing condition (立案)."""

    category: Category
    urgency: str = "normal"
    condition_id: str
    condition_version: str
    filing_basis: str = ""
    unit_kind: str
    limit: int
    """The disposal limit of the condition, in units of `unit_kind`"""
    closing_condition_ids: tuple[str, ...] = ()
    pinned_versions: dict[str, str] = msgspec.field(default_factory=dict)


class Assignment(Value, frozen=True, kw_only=True):
    assignment_id: str
    unit_id: str
    unit_name: str = ""
    unit_level: int = 1
    role: str = "lead"
    """lead (主办) or co (协办)"""
    clock: Clock


class UnitSuggestion(Value, frozen=True, kw_only=True):
    unit_id: str
    unit_name: str = ""
    confidence: float
    reason: str = ""


class CaseDispatched(CaseEvent, frozen=True, kw_only=True, tag="case.dispatched.v1"):
    """The case was sent to the unit that must handle it (派遣)."""

    assignments: tuple[Assignment, ...]
    dispatch_level: str
    """city or district"""
    rule_id: str = ""
    matrix_version: str = ""
    suggested: tuple[UnitSuggestion, ...] = ()
    overridden_reason: str = ""


class CaseReturned(CaseEvent, frozen=True, kw_only=True, tag="case.returned.v1"):
    """Sent back a step (回退)."""

    from_unit: str = ""
    to_role: str
    reason_code: str
    opinion: str
    assignment_id: str = ""
    kind: str
    """dept, handler or to_acceptor"""


class CaseHandlingStarted(CaseEvent, frozen=True, kw_only=True, tag="case.handling_started.v1"):
    """The unit named who handles it (处置开始)."""

    assignment_id: str
    handler_ref: str = ""


class CaseArrived(CaseEvent, frozen=True, kw_only=True, tag="case.arrived.v1"):
    """Somebody reached the place (到场)."""

    task_id: str
    """The assignment, or the task, for which somebody came"""
    point: Point | None = None
    arrived_at: Moment
    unit_id: str = ""
    timeliness: str | None = None
    """on_time or overdue; None where no arrival was due"""
    distance_m: float | None = None
    """From the place of the case"""
    statement: str = ""
    """What was said where no position proves it"""


class CaseStepDone(CaseEvent, frozen=True, kw_only=True, tag="case.step_done.v1"):
    """One step of a limit in several steps is done (分步办结), e.g. building was stopped; the next one's time runs from now on."""

    step: str
    """In the words of the filing condition: 停工, 处罚, 拆除"""
    unit_id: str = ""
    timeliness: str
    """on_time or overdue, by the step's own limit; the case is judged by its disposal limit as always"""
    next_step: str = ""
    """Whose time has begun; empty after the last one"""
    opinion: str = ""
    media: tuple[MediaRef, ...] = ()


class CaseHandled(CaseEvent, frozen=True, kw_only=True, tag="case.handled.v1"):
    """The handler reported the work done (处置反馈). The clock still runs: see `CaseHandlingConfirmed`."""

    assignment_id: str
    result_code: str
    resolution_mode: str
    """service, manage or enforce (721工作法)"""
    media: tuple[MediaRef, ...] = ()
    cost: Fen | None = None
    opinion: str = ""
    mode_before: str = ""
    """How it was tried before, in this case"""
    mode_reason: str = ""
    """Why a step of service, manage, enforce was skipped or gone back"""


class CaseHandlingConfirmed(CaseEvent, frozen=True, kw_only=True, tag="case.handling_confirmed.v1"):
    """The unit confirmed the result (部门确认): **this** stops the disposal clock. End ≤ due is on time."""

    assignment_id: str
    used_s: Seconds
    limit_s: Seconds
    timeliness: str | None
    """on_time or overdue; None where an imported record doesn't say"""
    judged_against: str = "own"
    """own or bundle (捆绑时限)"""
    timeliness_source: str = "measured"
    """measured or imported"""


class CaseReworked(CaseEvent, frozen=True, kw_only=True, tag="case.reworked.v1"):
    """The work wasn't good enough and goes back (返工)."""

    by: str
    """dispatcher, check or visit"""
    assignment_id: str
    same_unit: bool = True
    rework_no: int
    reason: str
    clock_policy: str
    """restart, resume or new_limit"""


class CaseCheckRequested(CaseEvent, frozen=True, kw_only=True, tag="case.check_requested.v1"):
    """An inspector is asked whether the problem is solved, after handling (派核查)."""

    task_id: str
    assignee: Person
    clock: Clock


class CaseChecked(CaseEvent, frozen=True, kw_only=True, tag="case.checked.v1"):
    """The inspector answered a check task (核查反馈)."""

    task_id: str
    result: str
    """pass, not_pass or unable"""
    media: tuple[MediaRef, ...] = ()
    point: Point | None = None
    opinion: str = ""


class CaseDeadlineWarned(CaseEvent, frozen=True, kw_only=True, tag="case.deadline_warned.v1"):
    """A limit will soon pass (临期)."""

    clock_id: str
    stage: str
    due_at: Moment
    unit_id: str = ""


class CaseOverdue(CaseEvent, frozen=True, kw_only=True, tag="case.overdue.v1"):
    """A limit has passed (超期)."""

    clock_id: str
    stage: str
    due_at: Moment
    unit_id: str = ""
    overdue_multiple: float = 0.0
    """(used − limit) / limit"""


class Approval(Value, frozen=True, kw_only=True):
    level: int
    role: str
    person_ref: str
    decision: str
    opinion: str = ""
    at: Moment


class CaseSuspended(CaseEvent, frozen=True, kw_only=True, tag="case.suspended.v1"):
    """Put aside for a time (挂账, 缓办)."""

    kind: str
    """hang, or stock (积存): hung for so long after the commander's consent"""
    request_id: str
    approvals: tuple[Approval, ...] = ()
    resume_on: Moment
    stock_on: Moment | None = None
    """When it becomes stock; none where it doesn't"""
    stopped_clocks: tuple[str, ...] = ()
    opinion: str = ""


class CaseResumed(CaseEvent, frozen=True, kw_only=True, tag="case.resumed.v1"):
    """Taken up again (恢复)."""

    cause: str
    """timer or manual"""
    new_due_at: Moment | None = None


class CaseExtensionRequested(CaseEvent, frozen=True, kw_only=True, tag="case.extension_requested.v1"):
    """A unit asks for more time (延期申请)."""

    request_id: str
    level: int
    """How many decide"""
    n: int
    old_due_at: Moment
    new_due_at: Moment
    opinion: str = ""
    unit_id: str = ""
    engineering: bool = False
    """Work that needs building (工程类)"""
    path: tuple[str, ...] = ()
    """The roles that decide, one after the other"""
    waits_for: str = ""
    """Role that decides next"""


class CaseExtensionDecided(CaseEvent, frozen=True, kw_only=True, tag="case.extension_decided.v1"):
    """More time was granted or refused (延期审批)."""

    request_id: str
    level: int
    n: int
    decision: str
    """approved, rejected, or withdrawn by who asked"""
    old_due_at: Moment
    new_due_at: Moment | None = None
    """None unless the last level has granted it"""
    opinion: str = ""
    final: bool = True
    """False: this level agreed, the next one decides"""
    waits_for: str = ""
    """Role that decides next"""


class CaseSummary(Value, frozen=True, kw_only=True):
    """The course of a case in one record, so that readers need not replay it."""

    reported_at: Moment
    located_at: Moment | None = None
    verified_at: Moment | None = None
    accepted_at: Moment | None = None
    filed_at: Moment | None = None
    dispatched_at: Moment | None = None
    handling_started_at: Moment | None = None
    handled_at: Moment | None = None
    confirmed_at: Moment | None = None
    checked_at: Moment | None = None
    closed_at: Moment
    units: tuple[UnitRef, ...] = ()
    rework_count: int = 0
    postpone_count: int = 0
    hang_count: int = 0
    return_count: int = 0
    timeliness: str | None = None
    timeliness_source: str = "measured"
    self_disposed: bool = False
    stock: bool = False
    """It was in stock (积存)"""
    resolution_mode: str = ""
    """How it was solved in the end: service, manage or enforce (721工作法)"""
    modes: tuple[str, ...] = ()
    """Every way that was tried, in order"""
    matter: str = ""
    """Kind of matter (三事分流)"""
    arrived_at: Moment | None = None
    """When somebody first was at the place"""
    arrival_timeliness: str | None = None
    """on_time or overdue; None where no arrival was due"""
    co_units: tuple[UnitRef, ...] = ()
    """Units that helped (协办)"""


class CaseClosed(CaseEvent, frozen=True, kw_only=True, tag="case.closed.v1"):
    """Finished and archived (结案)."""

    archive_type: int
    """1 normal (正常), 2 overdue (超时), 3 error (差错), 4 special (特殊)"""
    closing_condition_id: str = ""
    summary: CaseSummary
    opinion: str = ""


class CaseVoided(CaseEvent, frozen=True, kw_only=True, tag="case.voided.v1"):
    """Ended without handling (作废)."""

    void_kind: str
    """not_accepted (不予受理), not_filed (不予立案) or void (作废)"""
    reason_code: str
    opinion: str
    summary: CaseSummary | None = None


class CaseReopened(CaseEvent, frozen=True, kw_only=True, tag="case.reopened.v1"):
    """A closed case goes back into the flow (重新办理)."""

    cause: str
    """visit (the reporter isn't satisfied) or a person's reason"""
    opinion: str = ""
    assignment_id: str = ""
    """The unit that handles it again"""
    clock_policy: str = ""
    """restart or resume of its limit"""


class CaseVisited(CaseEvent, frozen=True, kw_only=True, tag="case.visited.v1"):
    """The reporter was asked whether they are satisfied (回访)."""

    score: int
    """Code of the satisfaction table (data)"""
    points: int = 0
    """What that is worth in the city's table"""
    satisfied: bool
    opinion: str = ""


class CaseAppealed(CaseEvent, frozen=True, kw_only=True, tag="case.appealed.v1"):
    """A unit appeals against an overdue mark (申诉)."""

    cause: str
    unit_id: str = ""
    opinion: str = ""
    path: tuple[str, ...] = ()
    """The roles that review it, one after the other"""
    waits_for: str = ""
    """Role that reviews it next"""


class CaseAppealDecided(CaseEvent, frozen=True, kw_only=True, tag="case.appeal_decided.v1"):
    """The appeal was decided (申诉审批); facts stay, statistics may be exempt."""

    cause: str
    decision: str
    """approved, rejected, or withdrawn by who appealed"""
    exempt: bool
    opinion: str = ""
    level: int = 0
    """1 is the first review"""
    final: bool = True
    """False: this level agreed, the next one decides"""
    waits_for: str = ""
    """Role that reviews it next"""


class CaseSupervised(CaseEvent, frozen=True, kw_only=True, tag="case.supervised.v1"):
    """Somebody above presses the case (督办)."""

    directive_id: str
    kind: str
    """timeout, leader or important"""
    level: str
    reply_due: Moment | None = None
    opinion: str = ""
    issuer: str = ""
    """Area code of the jurisdiction that supervises"""
    reply_required: bool = False
    """Whether an answer in words is asked for"""


class CaseSupervisionReplied(CaseEvent, frozen=True, kw_only=True, tag="case.supervision_replied.v1"):
    """The answer to a supervision (督办回复)."""

    directive_id: str
    opinion: str


class CaseMerged(CaseEvent, frozen=True, kw_only=True, tag="case.merged.v1"):
    """Joined into another case (并案)."""

    other_case_ids: tuple[str, ...]
    relation: str
    """into (this one ends in the other) or absorbed (this one carries the other's reports)"""
    distance_m: float | None = None
    opinion: str = ""
    wants_reply: bool = False
    """Of an absorbing case: whether one of its reporters is to be asked when it ends"""


class CaseLinked(CaseEvent, frozen=True, kw_only=True, tag="case.linked.v1"):
    """Related to other cases (关联)."""

    other_case_ids: tuple[str, ...]
    relation: str
    """similar, recurrence or campaign"""
    distance_m: float | None = None
    opinion: str = ""


class CaseReferredToEnforcement(CaseEvent, frozen=True, kw_only=True, tag="case.referred_to_enforcement.v1"):
    """Sent to an enforcement agency as a clue (转执法). The case stays in handling with its clock running."""

    referral_id: str
    agency_id: str
    item_code: str
    material: tuple[MediaRef, ...] = ()
    opinion: str = ""


class ReportAnswered(Event, frozen=True, kw_only=True, tag="report.answered.v1"):
    """A report that isn't a case (consultation, thanks …) was registered and answered (咨询答复)."""

    report_id: str
    nature: str
    channel: Code
    answer_code: str = ""
    digest: str = ""
    """Keyed hash of what the reporter sent: one report_id with two digests is a conflict, not a repetition"""

    @property
    def key(self) -> str:
        return self.report_id
