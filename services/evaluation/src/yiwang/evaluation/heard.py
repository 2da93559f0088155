"""What the evaluation reads of the events of a case. Everything else on the wire is skipped, which makes it fast.

The names are those of `yiwang.contracts`; `tests/test_heard.py` holds every one of them against the contracts.
"""

from __future__ import annotations

import msgspec
from yiwang.contracts import CaseEvent, Moment, registry


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of what is read; unknown fields pass."""


class ActorSeen(Wire, frozen=True, kw_only=True):
    person_ref: str = ""
    post_id: str = ""
    unit_id: str = ""
    role: str = ""


class CodeSeen(Wire, frozen=True, kw_only=True):
    code_set: str = ""
    code: str = ""


class CategorySeen(Wire, frozen=True, kw_only=True):
    code_set: str = ""
    kind: str
    major: str
    minor: str
    major_name: str = ""
    minor_name: str = ""


class AreaSeen(Wire, frozen=True, kw_only=True):
    city: str = ""
    county: str = ""
    street9: str = ""
    community12: str = ""
    names: dict[str, str] = {}


class PlaceSeen(Wire, frozen=True, kw_only=True):
    area: AreaSeen = AreaSeen()
    cell15: str = ""
    duty_grid_id: str = ""


class UnitSeen(Wire, frozen=True, kw_only=True):
    unit_id: str = ""
    unit_name: str = ""
    name: str = ""


class ClockSeen(Wire, frozen=True, kw_only=True):
    stage: str
    owner_unit: str = ""
    due_at: Moment
    bundle_due_at: Moment | None = None
    policy: str = ""

    @property
    def judged_by(self) -> Moment:
        """The bundled deadline (捆绑时限) where the custodian says that it counts."""
        return (self.bundle_due_at if self.policy == "bundle" else None) or self.due_at


class AssignmentSeen(Wire, frozen=True, kw_only=True):
    assignment_id: str = ""
    unit_id: str
    unit_name: str = ""
    role: str = "lead"


class CustodySeen(Wire, frozen=True, kw_only=True):
    jurisdiction: str


class FlagsSeen(Wire, frozen=True, kw_only=True):
    self_disposed: bool = False
    overdue: bool = False
    force_closed: bool = False


class Head(Wire, frozen=True, kw_only=True):
    """Of the head of a case event."""

    case_id: str
    case_no: str = ""
    case_version: int
    state_after: str
    custody: CustodySeen
    merged_into: str = ""
    previous_case_id: str = ""
    nature: str = ""
    channel: CodeSeen
    category: CategorySeen | None = None
    urgency: str = "normal"
    place: PlaceSeen | None = None
    lead_assignment: UnitSeen | None = None
    open_clocks: tuple[ClockSeen, ...] = ()
    flags: FlagsSeen = FlagsSeen()


class SummarySeen(Wire, frozen=True, kw_only=True):
    units: tuple[UnitSeen, ...] = ()
    timeliness: str | None = None


class SubTaskSeen(Wire, frozen=True, kw_only=True):
    assignment: AssignmentSeen
    state: str = "waiting"
    timeliness: str | None = None
    rework_count: int = 0


class ProgressSeen(Wire, frozen=True, kw_only=True):
    created_at: Moment
    purpose: str = "live"
    taken_by: str = ""
    verified: str = ""
    unable: int = 0
    tasks: int = 0
    confirmed: bool = False
    timeliness: str | None = None
    rework_count: int = 0
    hang_count: int = 0
    return_count: int = 0
    units: tuple[UnitSeen, ...] = ()
    times: dict[str, Moment] = {}
    resolution_mode: str = ""
    supervisions: tuple[dict[str, object], ...] = ()
    subtasks: tuple[SubTaskSeen, ...] = ()
    matter: str = ""
    complained_unit: str = ""
    arrival_timeliness: str | None = None


class BodySeen(Wire, frozen=True, kw_only=True):
    """Of a snapshot."""

    head: Head
    reporter_kind: str = ""
    verify_policy: str = ""
    progress: ProgressSeen | None = None
    summary: SummarySeen | None = None


class EventSeen(Wire, frozen=True, kw_only=True):
    """Of the envelope of any event."""

    id: str
    type: str
    time: Moment
    recorded_at: Moment
    jurisdiction: str
    source: str = ""
    purpose: str = "live"


class Seen(EventSeen, frozen=True, kw_only=True):
    """Any event of a case."""

    actor: ActorSeen = ActorSeen()
    case: Head
    reporter_kind: str = ""
    verify_policy: str = ""
    self_disposed: bool = False
    wants_reply: bool = False
    claimed_category: CategorySeen | None = None
    clock: ClockSeen | None = None
    assignments: tuple[AssignmentSeen, ...] = ()
    assignment: AssignmentSeen | None = None
    assignment_id: str = ""
    unit_id: str = ""
    rework_no: int = 0
    cause: str = ""
    matter: str = ""
    complained_unit: str = ""
    kind: str = ""
    result: str = ""
    stage: str = ""
    due_at: Moment | None = None
    relation: str = ""
    decision: str = ""
    final: bool = True
    handler_ref: str = ""
    resolution_mode: str = ""
    timeliness: str | None = None
    used_s: int = 0
    same_unit: bool = True
    old_due_at: Moment | None = None
    new_due_at: Moment | None = None
    void_kind: str = ""
    summary: SummarySeen | None = None
    score: int = 0
    points: int = 0
    satisfied: bool = False
    exempt: bool = False
    reader: str = ""
    body: BodySeen | None = None
    snapshot: BodySeen | None = None

    @property
    def key(self) -> str:
        """The order key: the case."""
        return self.case.case_id


def heard() -> list[type[CaseEvent]]:
    """Every kind of event that can befall a case and may be seen above."""
    return [kind for kind in registry().values() if issubclass(kind, CaseEvent) and kind.flow == "up"]


decoder = msgspec.json.Decoder(Seen)
