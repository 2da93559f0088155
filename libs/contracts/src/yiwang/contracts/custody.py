"""The passing of custody (移交), and everything about a case at one version, which it takes to go on with it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from ._event import CaseEvent, Event, Flow
from ._types import CaseHead, Clock, MediaRef, Moment, Seconds, Value
from .branch import Appeal, CaseLink, OpenRequest
from .case import Assignment, CaseSummary, Person, UnitRef
from .work import SubTask

__all__ = [
    "CaseHandoverAccepted", "CaseHandoverOffered", "CaseHandoverRefused", "CaseHandoverWithdrawn", "CaseProgress",
    "CaseSnapshot", "CaseSnapshotBody", "ClockState", "FlowRecord", "OpenTask", "SnapshotRequested", "Span", "Supervision",
]  # fmt: skip


class FlowRecord(Value, frozen=True, kw_only=True):
    """One step of a case as it is kept for ever (流转记录)."""

    seq: int
    action: str
    state_before: str
    state_after: str
    role: str
    unit_id: str = ""
    person_ref: str = ""
    opinion: str = ""
    receiver: str = ""
    started_at: Moment
    ended_at: Moment
    due_at: Moment | None = None
    used_s: Seconds = 0
    overdue: bool = False
    media: tuple[MediaRef, ...] = ()
    version: int = 0
    """The case's version after the step; 0 where it isn't known"""
    result: str = ""
    """exist, pass … as in the table of states"""
    note: str = ""
    """What no other field says"""


class Span(Value, frozen=True, kw_only=True):
    """A stretch of time; without an end it still lasts."""

    start: Moment
    """When it begins"""
    end: Moment | None = None
    """None while it lasts"""


class ClockState(Value, frozen=True, kw_only=True):
    """What else the custodian knows of a clock: its pauses, its end, and what was said about it."""

    clock_id: str
    pauses: tuple[Span, ...] = ()
    """Stretches in which it stood still"""
    stopped_at: Moment | None = None
    """When it ended; none while it runs"""
    warned: bool = False
    """Whether somebody was warned"""
    overdue: bool = False


class OpenTask(Value, frozen=True, kw_only=True):
    """A verify or check task that an inspector hasn't answered yet."""

    task_id: str
    kind: str
    """verify or check"""
    assignee: Person


class Supervision(Value, frozen=True, kw_only=True):
    """One supervision (督办) of a case, and whether it was answered."""

    directive_id: str
    issuer: str
    """Area code of the jurisdiction that supervises"""
    kind: str
    """timeout, leader or important"""
    level: str
    opinion: str = ""
    reply_required: bool = False
    """Whether an answer is asked for"""
    reply_due: Moment | None = None
    supervised_at: Moment
    """When it was laid on the case"""
    replied_at: Moment | None = None
    """When it was answered"""
    overdue: bool = False


class CaseProgress(Value, frozen=True, kw_only=True):
    """What the next custodian must know to go on exactly where the last one stood."""

    created_at: Moment
    """When it was reported"""
    since: Moment
    """When the present node of the flow was entered"""
    seq: int
    """Number of the last flow record"""
    taken_by: str = ""
    """The jurisdiction that took the report and holds the reporter's contact"""
    purpose: str = "live"
    """As of the events"""
    located: bool = False
    """Whether its place is known"""
    came_from: str = ""
    """The state before the suspension"""
    unit_kind: str = ""
    limit: int = 0
    """The disposal limit fixed at filing, in units of `unit_kind`"""
    closing_condition_ids: tuple[str, ...] = ()
    verified: str = ""
    """The last verify result"""
    command: str = ""
    """Who must dispatch while filed: city or district"""
    handler_ref: str = ""
    task: OpenTask | None = None
    """The task that an inspector has not answered"""
    tasks: int = 0
    """Tasks given so far"""
    unable: int = 0
    """Checks in a row that could not tell"""
    confirmed: bool = False
    """Whether the unit confirmed the result"""
    timeliness: str | None = None
    timeliness_source: str = "measured"
    clocks: tuple[ClockState, ...] = ()
    rework_count: int = 0
    hang_count: int = 0
    return_count: int = 0
    resume_on: Moment | None = None
    units: tuple[UnitRef, ...] = ()
    times: dict[str, Moment] = msgspec.field(default_factory=dict)
    """Moments of the stages: located, accepted, filed, dispatched, handled, confirmed, checked …"""
    resolution_mode: str = ""
    """service, manage or enforce; empty before handling"""
    referral_id: str = ""
    """Of a referral to enforcement"""
    referral_agency_id: str = ""
    """The agency of the referral"""
    referral_outcome: str = ""
    """What came of the referral; empty while open"""
    supervisions: tuple[Supervision, ...] = ()
    """Who pressed the case, and the answers"""
    wants_reply: bool = False
    """Whether a reporter is to be asked when it ends"""
    requests: tuple[OpenRequest, ...] = ()
    """For more time or a rest, not decided yet"""
    postpone_count: int = 0
    stock: bool = False
    """It was in stock (积存)"""
    stock_on: Moment | None = None
    """When it becomes stock"""
    appeal: Appeal | None = None
    links: tuple[CaseLink, ...] = ()
    subtasks: tuple[SubTask, ...] = ()
    """The parts of co-units"""
    modes: tuple[str, ...] = ()
    """Every way that was tried: service, manage, enforce"""
    matter: str = ""
    """Kind of matter (三事分流)"""
    complained_unit: str = ""
    """The unit whose people are complained of"""
    arrival_timeliness: str | None = None
    """on_time or overdue; None where nobody came yet or no arrival was due"""


class CaseSnapshotBody(Value, frozen=True, kw_only=True):
    """All that the custodian knows of a case, without personal data."""

    head: CaseHead
    description_masked: str = ""
    reporter_kind: str = ""
    verify_policy: str = ""
    assignments: tuple[Assignment, ...] = ()
    clocks: tuple[Clock, ...] = ()
    history: tuple[FlowRecord, ...] = ()
    media: tuple[MediaRef, ...] = ()
    summary: CaseSummary | None = None
    progress: CaseProgress | None = None
    """What else the next custodian must know"""


class CaseSnapshot(CaseEvent, frozen=True, kw_only=True, tag="case.snapshot.v1"):
    """Everything about a case at one version (快照), for one named reader that fills or mends its copy."""

    reader: str
    body: CaseSnapshotBody


class SnapshotRequested(Event, frozen=True, kw_only=True, tag="snapshot.requested.v1"):
    """A reader asks the owners of cases to re-emit them (快照申请), see `yiwang replay`."""

    flow: ClassVar[Flow] = "local"

    reader: str
    since: Moment
    cursor: str = ""

    @property
    def key(self) -> str:
        return f"snapshot/{self.reader}"


class CaseHandoverOffered(CaseEvent, frozen=True, kw_only=True, tag="case.handover_offered.v1"):
    """The custodian offers the case to another jurisdiction (移交); until accepted it stays the sender's."""

    offer_id: str
    from_jurisdiction: str
    to_jurisdiction: str
    epoch: int
    """The sender's; acceptance makes it one more"""
    reason: str
    """accept, dispatch, handle, check (how the city governs), return, assignment, recall or a person's"""
    snapshot: CaseSnapshotBody
    clock_start_rule: str = "accept"
    """When the receiving stage's clock starts: accept, offer, or continue (it runs on)"""
    opinion: str = ""


class CaseHandoverAccepted(CaseEvent, frozen=True, kw_only=True, tag="case.handover_accepted.v1"):
    """The receiver took custody (接收); the epoch grows by one."""

    offer_id: str
    from_jurisdiction: str
    to_jurisdiction: str
    epoch: int


class CaseHandoverRefused(CaseEvent, frozen=True, kw_only=True, tag="case.handover_refused.v1"):
    """The receiver refused (拒收); the case stays with the sender."""

    offer_id: str
    from_jurisdiction: str
    to_jurisdiction: str
    epoch: int
    reason: str


class CaseHandoverWithdrawn(CaseEvent, frozen=True, kw_only=True, tag="case.handover_withdrawn.v1"):
    """The sender takes its offer back (撤回移交), by itself or because it went on with the case."""

    offer_id: str
    from_jurisdiction: str
    to_jurisdiction: str
    epoch: int
    reason: str
    """withdrawn (by a person) or went_on"""
    opinion: str = ""
