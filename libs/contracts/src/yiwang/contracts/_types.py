"""The words that events are made of: moments, people, places, clocks, media."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, TypeVar

import msgspec

T = TypeVar("T")

Moment = Annotated[dt.datetime, msgspec.Meta(tz=True, description="An instant with its time zone (RFC 3339).")]
Fen = Annotated[int, msgspec.Meta(description="Money in integer fen (分), never a float.")]
Seconds = Annotated[int, msgspec.Meta(description="A duration in whole seconds.")]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 as 64 lower-case hex digits.")]

UNSTAMPED: Final = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
"""The time of an event that the kit hasn't stamped yet; never on the wire."""


Personal = Annotated[T, msgspec.Meta(extra_json_schema={"x-personal": True}, extra={"personal": True})]
"""`Personal[str]` marks a field as personal data: `check_privacy` forbids it in `up` and `down` events.

The mark is a JSON-schema extra (``x-personal``), so that readers in any language see it too.
"""


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of everything that an event contains. Trees without cycles: the collector need not look at them."""


class Code(Value, frozen=True, kw_only=True):
    """A word of an open, versioned code set; unknown codes pass through (never an enum)."""

    code_set: str
    version: str
    code: str
    name: str = ""


class Actor(Value, frozen=True, kw_only=True):
    """Who did it: a pseudonym and a post, never a name."""

    person_ref: str = ""
    post_id: str = ""
    unit_id: str = ""
    role: str = "system"
    kind: str = "system"
    """human, system, device, import or docked"""
    on_behalf_of: str = ""
    via: str = ""
    """The client or channel through which the actor acted."""


class Origin(Value, frozen=True, kw_only=True):
    """Where a fact was first written down, if not here."""

    system_id: str
    record_id: str
    seq: int = 0
    mode: str = "native"
    """native, imported or docked"""


class Category(Value, frozen=True, kw_only=True):
    """A class of problem; without `kind`, 0102 is both a sewer cover and an unlicensed shop-front."""

    code_set: str
    version: str
    kind: str
    """part (部件) or event (事件)"""
    major: str
    minor: str
    major_name: str = ""
    minor_name: str = ""

    @property
    def key(self) -> str:
        """``event/04/10``: compares within one code set only."""
        return f"{self.kind}/{self.major}/{self.minor}"


class Point(Value, frozen=True, kw_only=True):
    """A position in degrees, in the datum that `crs` names (cgcs2000, wgs84, gcj02, bd09)."""

    lon: float
    lat: float
    crs: str
    accuracy_m: float | None = None
    source: str = ""


class AreaRef(Value, frozen=True, kw_only=True):
    """The administrative path of a place; levels that a city doesn't have are empty."""

    province: str = ""
    city: str = ""
    county: str = ""
    street9: str = ""
    community12: str = ""
    names: dict[str, str] = {}
    """code → name for the levels above"""
    area_version: str = ""

    def __hash__(self) -> int:
        """By the codes: frozen, but the names are a dict."""
        return hash((self.province, self.city, self.county, self.street9, self.community12, self.area_version))


class PartRef(Value, frozen=True, kw_only=True):
    """The part (部件) of the registry that a report names or most likely means, with its three units."""

    part_id16: str
    """16 digits: county, major, minor, sequence"""
    name: str = ""
    """What the registry calls it"""
    state: str = ""
    """intact, damaged, lost, removed or abandoned"""
    owner_unit: str = ""
    """Who owns it (权属单位); empty: nobody is known (无主)"""
    maintenance_unit: str = ""
    """Who maintains it (养护单位)"""
    supervising_unit: str = ""
    """Who supervises it (主管单位)"""
    source: str = "named"
    """named by the reporter, or nearest of the reported class"""
    distance_m: float | None = None
    """Of the nearest: how far from the reported point"""


class Place(Value, frozen=True, kw_only=True):
    """Where the problem lies, as far as the grid service found it."""

    area: AreaRef = AreaRef()
    cell15: str = ""
    duty_grid_id: str = ""
    grid_version: str = ""
    part_id16: str = ""
    point: Point | None = None
    """In CGCS2000, converted once at the edge."""
    original_point: Point | None = None
    address_masked: str = ""
    method: str = ""
    """point, nearest, code, manual or address"""
    distance_m: float | None = None
    part: PartRef | None = None
    """What the registry of parts (部件普查) says of `part_id16`, or the part that is meant"""


class Clock(Value, frozen=True, kw_only=True):
    """One running or stopped time limit; the deadline is computed by its owner only."""

    clock_id: str
    stage: str
    owner_unit: str = ""
    unit_kind: str
    """urgent_minute, urgent_hour, urgent_day, natural_day, work_hour or work_day"""
    limit: int
    """In units of `unit_kind`"""
    started_at: Moment
    due_at: Moment
    bundle_due_at: Moment | None = None
    """The end of the limit that upper and lower unit have together (捆绑时限)"""
    bundle_started_at: Moment | None = None
    """When this unit's limit begins within the bundle: after the limits of the units above it"""
    used_s: Seconds = 0
    paused_s: Seconds = 0
    extended_s: Seconds = 0
    schedule_id: str = ""
    calendar_version: str = ""
    provisional: bool = False
    """True while the deadline crosses a year without a published holiday table."""
    policy: str = ""
    """bundle where it is judged against the bundled deadline; empty: against its own"""
    step: str = ""
    """Of a limit in several steps (分步时限): which one, in the condition's words, e.g. 停工"""


class MediaRef(Value, frozen=True, kw_only=True):
    """A file by its hash; the bytes stay at the home node."""

    media_id: str
    sha256: Sha256
    sm3: str = ""
    size: int
    mime: str
    stage: str
    """report, verify, before, after, check or evidence"""
    photo_type: str = ""
    shot_at: Moment | None = None
    point: Point | None = None
    home_node: str
    device_id: str = ""
    pd_class: str = "personal"
    evidence_status: str = "none"
    """none, candidate or admitted"""


class Custody(Value, frozen=True, kw_only=True):
    """Who may write the case: exactly one jurisdiction at a time; `epoch` grows with each hand-over."""

    jurisdiction: str
    epoch: int = 1


class ExternalId(Value, frozen=True, kw_only=True):
    system: str
    id: str


class AssignmentRef(Value, frozen=True, kw_only=True):
    assignment_id: str
    unit_id: str
    name: str = ""


class Flags(Value, frozen=True, kw_only=True):
    self_disposed: bool = False
    supervised: bool = False
    returned: bool = False
    overdue: bool = False
    force_closed: bool = False
    appeal: bool = False


class CaseHead(Value, frozen=True, kw_only=True):
    """What every case event says about its case, after the event.

    `case_version` runs 1, 2, 3 … without a gap and is set by the custodian alone;
    read models apply by it and hold what arrives early.
    """

    case_id: str
    case_no: str = ""
    case_version: int
    state_before: str = ""
    state_after: str
    custody: Custody
    round: int = 1
    """1 + how often the case was reopened"""
    report_ids: tuple[str, ...] = ()
    parent_case_id: str = ""
    merged_into: str = ""
    previous_case_id: str = ""
    """The closed case of which this one is the recurrence (反弹)."""
    campaign_id: str = ""
    external_ids: tuple[ExternalId, ...] = ()
    nature: str = ""
    channel: Code
    category: Category | None = None
    condition_id: str = ""
    urgency: str = "normal"
    """normal or urgent"""
    place: Place | None = None
    lead_assignment: AssignmentRef | None = None
    open_clocks: tuple[Clock, ...] = ()
    flags: Flags = Flags()
    pinned_versions: dict[str, str] = {}
    """codes, conditions, matrix, calendar, grid → version; fixed at filing"""
