"""How a city does the work itself, as data: what no standard fixes and every city decides for its own.

Bundled limits (捆绑时限), co-units (协办), order of service, manage, enforce (721), kinds of matters (三事分流), urgency
(急缓分流), arrival (到场), complaints about officers. Sources: domain notes, case management, 1.5, 2.1 and 9.
"""

from __future__ import annotations

from typing import Final

import msgspec

from .ground import Ground

MODES: Final = ("service", "manage", "enforce")
"""721工作法: 70 % by service, 20 % by management, 10 % by enforcement; the order in which they are tried"""
MODE_NAMES: Final = {"service": "服务", "manage": "管理", "enforce": "执法"}
REASON, NEVER = "reason", "never"


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The limit that upper and lower unit have together (捆绑时限, Ningbo: domain notes 2.1)."""

    start: str = "sent_down"
    """From when it counts: filed, or sent_down (the city sent it to the district)"""
    stages: tuple[str, ...] = ("dispatch",)
    """Stages of the upper unit whose limits come before the disposal limit"""
    judged: bool = True
    """Whether on-time is judged against it; else it is only shown"""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Some cases: ``*`` is any, ``event/04/*`` a major; an empty area or nature is any."""

    channels: frozenset[str] = frozenset("*")
    categories: tuple[str, ...] = ("*",)
    areas: tuple[str, ...] = ()
    natures: frozenset[str] = frozenset()

    def covers(self, channel: str, category: str, area: str = "", nature: str = "") -> bool:
        if not ("*" in self.channels or channel in self.channels):
            return False
        if self.natures and nature not in self.natures:
            return False
        if self.areas and not any(area.startswith(one) for one in self.areas):
            return False
        return any(one == category or (one.endswith("*") and category.startswith(one[:-1])) for one in self.categories)


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody must be at the place so soon after dispatching (视频发现 30 分钟到场: domain notes 2.3)."""

    scope: Scope
    limit: int
    unit_kind: str
    within_m: int = 0
    """How near a position must be; 0: none is asked for"""


class Triage(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of 三事分流 and 急缓分流: what a case is, before the acceptor decides."""

    rule_id: str
    scope: Scope
    keywords: tuple[str, ...] = ()
    """One of them stands in the masked text; empty: any text"""
    matter: str = ""
    urgency: str = ""


class Urgent(msgspec.Struct, frozen=True, kw_only=True):
    """What an urgent case is given instead (紧急: domain notes, trap 5)."""

    stages: dict[str, tuple[int, str]] = {}
    """Stage → its limit"""
    units: dict[str, str] = {}
    """Kind of unit of the disposal limit → the kind that counts instead, e.g. work_hour → urgent_hour"""


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """The order of service, manage, enforce (721工作法: domain notes 9)."""

    first: str = "enforce"
    """What may be tried first without a reason"""
    skip: bool = True
    """Whether a step may be left out without a reason"""
    back: bool = True
    """Whether one may go back without a reason"""


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of matter (三事)."""

    code: str
    name: str
    by_hand: bool = False
    """Whether a person accepts and files it, whatever the automatic steps say"""


class Complaints(msgspec.Struct, frozen=True, kw_only=True):
    """Who handles complaints about officers: never the unit complained of, nor one below it."""

    supervisory: dict[str, str] = {}
    """Unit complained of → the unit that handles it; else the unit above it, else `otherwise`"""
    otherwise: str = ""


class WhistleKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of whistle with its limits (limit, unit) and how near a unit's position must be."""

    code: str
    name: str
    respond: tuple[int, str] = (30, "urgent_minute")
    arrive: tuple[int, str] = (60, "urgent_minute")
    resolve: tuple[int, str] = (3, "work_day")
    within_m: int = 500


class Whistles(msgspec.Struct, frozen=True, kw_only=True):
    """吹哨报到: kinds as in Beijing; what each of coming in time, settling and satisfying weighs in the score."""

    kinds: tuple[WhistleKind, ...] = (
        WhistleKind(code="enforcement", name="综合执法哨"),
        WhistleKind(code="key_work", name="重点工作哨", arrive=(4, "work_hour"), resolve=(5, "work_day")),
        WhistleKind(
            code="emergency", name="应急处置哨", respond=(10, "urgent_minute"), arrive=(30, "urgent_minute"),
            resolve=(1, "natural_day"),
        ),
    )  # fmt: skip
    weights: tuple[int, int, int] = (40, 30, 30)


class Practice(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    bundle: Bundle | None = None
    co_missing: str = REASON
    """reason: the lead may go on without a co-unit and says why; never: it must wait"""
    resolution: Resolution = Resolution()
    matters: tuple[Matter, ...] = ()
    triage: tuple[Triage, ...] = ()
    """The first that fits gives the kind, the first that fits gives the urgency"""
    urgent: Urgent = Urgent()
    arrivals: tuple[Arrival, ...] = ()
    complaints: Complaints = Complaints()
    whistles: Whistles = Whistles()
    ground: Ground = Ground()
    """Grades of hazards, residents' word, service stations, several departments in one grid"""

    def matter(self, code: str) -> Matter | None:
        return next((one for one in self.matters if one.code == code), None)
