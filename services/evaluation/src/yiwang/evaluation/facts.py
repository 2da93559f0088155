"""What is known of one case: folded from its events, enough to say every counter. Pure."""

from __future__ import annotations

import datetime as dt

import msgspec
from yiwang.contracts import Moment


class Share(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The part of one co-unit (协办)."""

    unit: str
    state: str = "waiting"
    """waiting, handling, handled, confirmed, excused or returned"""
    timeliness: str = ""
    reworks: int = 0
    overdue: bool = False
    """Its own limit has passed"""


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One unit that a whistle called: in time, late or not at all."""

    lead: bool = False
    responded: str = ""
    arrived: str = ""
    late: bool = False


class Facts(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One case. Changed only by `fold`, on its own copy."""

    case_id: str
    case_no: str = ""
    version: int = 0
    purpose: str = "live"
    nature: str = ""
    state: str = "reported"
    custody: str = ""
    """Jurisdiction of the custodian"""
    taken_by: str = ""
    """Jurisdiction that took the report"""
    place: str = ""
    """Deepest area code of the place"""
    duty_grid: str = ""
    channel: str = ""
    reporter_kind: str = ""
    cls: str = ""
    """``event/01/10``"""
    urgency: str = "normal"
    reported_at: Moment
    self_disposed: bool = False
    wants_reply: bool = False
    complained_unit: str = ""
    """The unit whose people are complained of"""
    matter: str = ""
    """Kind of matter (三事分流)"""
    # 核实
    verify_sent: int = 0
    verified_at: Moment | None = None
    verify_due: Moment | None = None
    verify_on_time: bool = False
    # 受理立案
    accept_due: Moment | None = None
    accepted_at: Moment | None = None
    filed: bool = False
    """Whether it stands filed: a case that goes back to the acceptor doesn't"""
    filed_at: Moment | None = None
    filed_on_time: bool = False
    void_kind: str = ""
    ended_at: Moment | None = None
    # 派遣
    dispatch_due: Moment | None = None
    city_dispatched: bool = False
    city_on_time: bool = False
    dispatched: bool = False
    """Whether a unit has it, or had it when it ended"""
    dispatched_at: Moment | None = None
    dispatched_on_time: bool = False
    first_unit: str = ""
    unit: str = ""
    returns: int = 0
    arrive_due: Moment | None = None
    """Until when somebody must be at the place (到场)"""
    arrival: str = ""
    """on_time or overdue"""
    # 处置
    due: Moment | None = None
    """Against which the running disposal is judged; none while nothing runs"""
    overdue: bool = False
    """The running disposal is late"""
    late_at: Moment | None = None
    """When a disposal of this case last passed its limit"""
    disposed_at: Moment | None = None
    """Confirmed, and not to be done again"""
    timeliness: str = ""
    used_s: int = 0
    mode: str = ""
    rework: int = 0
    postponed: int = 0
    postponed_s: int = 0
    suspended: str = ""
    """hang or stock while it is"""
    hung: int = 0
    stocked: int = 0
    supervised: int = 0
    leader: bool = False
    exempt: bool = False
    shares: dict[str, Share] = {}
    """Assignment → the part of a co-unit"""
    # 核查
    check_sent: int = 0
    check_due: Moment | None = None
    checked_at: Moment | None = None
    """Of the latest task; none while it is open"""
    check_on_time: bool = False
    check_unable: int = 0
    check_failed: int = 0
    # 结案
    closed_at: Moment | None = None
    forced: bool = False
    reopened: int = 0
    visit_reopened: int = 0
    """Because the reporter wasn't satisfied"""
    visits: int = 0
    visited: bool = False
    """Since it was last closed"""
    visited_at: Moment | None = None
    score: int = 0
    points: int = 0
    """What the answer is worth, where the event says so"""
    satisfied: bool = False
    merged: bool = False
    recurrence: bool = False
    who: dict[str, tuple[str, str]] = {}
    """Step → (person, post)"""
    # 吹哨
    whistle: bool = False
    """It is a whistle, no case: `whistles`"""
    calls: dict[str, Call] = {}
    """Unit → how it came"""
    blamed: tuple[str, ...] = ()
    """Units with which the community wasn't satisfied"""
    withdrawn: bool = False

    @property
    def closed(self) -> bool:
        return self.state == "closed"

    @property
    def voided(self) -> bool:
        return self.state == "voided"

    @property
    def to_dispose(self) -> bool:
        """With a unit, not confirmed, not ended."""
        return self.dispatched and self.disposed_at is None and not (self.closed or self.voided or self.merged)

    def waits_until(self) -> dt.datetime | None:
        """When it becomes overdue by itself, if nothing is heard before."""
        if self.due is None or self.overdue or self.suspended or not self.to_dispose:
            return None
        return self.due


def elapse(facts: Facts, now: dt.datetime) -> Facts:
    """*facts* as of *now*: a disposal whose limit has passed is overdue, whether or not its custodian has said so yet."""
    due = facts.waits_until()
    if due is None or now <= due:
        return facts
    return msgspec.structs.replace(facts, overdue=True, late_at=due)


def encode(facts: Facts) -> bytes:
    """As it is stored."""
    return msgspec.json.encode(facts)


_decoder = msgspec.json.Decoder(Facts)


def decode(data: bytes) -> Facts:
    """As it was stored."""
    return _decoder.decode(data)
