"""``[dispatch.practice]`` of a profile: how this city does the work itself, read and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from .calendar import UNIT_SECONDS
from .practice import (
    MODES,
    NEVER,
    REASON,
    Arrival,
    Bundle,
    Complaints,
    Matter,
    Practice,
    Resolution,
    Scope,
    Triage,
    Urgent,
    WhistleKind,
    Whistles,
)
from .profile_files import Files
from .profile_ground import GroundEntry, ground_of
from .units import Units

WHERE: Final = "profile.toml [dispatch.practice]"
STAGES: Final = ("accept", "verify", "dispatch", "check")
STARTS: Final = ("filed", "sent_down")


class LimitEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit as ``{ limit = 30, unit = "urgent_minute" }``."""

    limit: int
    unit: str


class BundleEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.practice.bundle]``: the limits of upper and lower unit together (捆绑时限)."""

    start: str = "sent_down"
    stages: tuple[str, ...] = ("dispatch",)
    judged: bool = True


class ResolutionEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.practice.resolution]``: the order of service, manage, enforce (721)."""

    first: str = "enforce"
    skip: bool = True
    back: bool = True


class MatterEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[dispatch.practice.matters]]``: a kind of matter (三事)."""

    code: str
    name: str
    by_hand: bool = False


class TriageEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[dispatch.practice.triage]]``: what some reports are (三事分流、急缓分流)."""

    id: str
    channels: tuple[str, ...] = ("*",)
    categories: tuple[str, ...] = ("*",)
    areas: tuple[str, ...] = ()
    natures: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    matter: str = ""
    urgency: str = ""


class UrgentEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.practice.urgent]``: other limits for urgent cases."""

    stages: dict[str, LimitEntry] = {}
    units: dict[str, str] = {}


class ArrivalEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[dispatch.practice.arrival]]``: who must be at the place how soon."""

    channels: tuple[str, ...] = ("*",)
    categories: tuple[str, ...] = ("*",)
    areas: tuple[str, ...] = ()
    limit: int
    unit: str = "urgent_minute"
    within_m: int = 0


class ComplaintsEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.practice.complaints]``: who handles complaints about a unit's people."""

    supervisory: dict[str, str] = {}
    otherwise: str = ""


class WhistleEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[dispatch.practice.whistles]]``: a kind of whistle (吹哨) with its limits."""

    code: str
    name: str
    respond: LimitEntry = LimitEntry(limit=30, unit="urgent_minute")
    arrive: LimitEntry = LimitEntry(limit=60, unit="urgent_minute")
    resolve: LimitEntry = LimitEntry(limit=3, unit="work_day")
    within_m: int = 500


class PracticeEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.practice]``"""

    co_missing: str = REASON
    bundle: BundleEntry | None = None
    resolution: ResolutionEntry = ResolutionEntry()
    matters: tuple[MatterEntry, ...] = ()
    triage: tuple[TriageEntry, ...] = ()
    urgent: UrgentEntry = UrgentEntry()
    arrival: tuple[ArrivalEntry, ...] = ()
    complaints: ComplaintsEntry = ComplaintsEntry()
    whistles: tuple[WhistleEntry, ...] = ()
    """Empty: the three kinds of Beijing"""
    whistle_weights: tuple[int, int, int] = (40, 30, 30)
    """Coming in time, settling in time, satisfying: together 100"""
    ground: GroundEntry = GroundEntry()


def practice_of(files: Files, entry: PracticeEntry, units: Units) -> Practice:
    """The practice that *entry* says; what is wrong goes to `files.mistakes`."""
    _check(files, entry, units)
    bundle = entry.bundle
    return Practice(
        bundle=Bundle(start=bundle.start, stages=bundle.stages, judged=bundle.judged) if bundle else None,
        co_missing=entry.co_missing,
        resolution=Resolution(first=entry.resolution.first, skip=entry.resolution.skip, back=entry.resolution.back),
        matters=tuple(Matter(code=m.code, name=m.name, by_hand=m.by_hand) for m in entry.matters),
        triage=tuple(
            Triage(
                rule_id=t.id, scope=_scope(t.channels, t.categories, t.areas, t.natures), keywords=t.keywords,
                matter=t.matter, urgency=t.urgency,
            )
            for t in entry.triage
        ),
        urgent=Urgent(stages={s: (e.limit, e.unit) for s, e in entry.urgent.stages.items()}, units=entry.urgent.units),
        arrivals=tuple(
            Arrival(
                scope=_scope(a.channels, a.categories, a.areas), limit=a.limit, unit_kind=a.unit, within_m=a.within_m
            )
            for a in entry.arrival
        ),
        complaints=Complaints(supervisory=entry.complaints.supervisory, otherwise=entry.complaints.otherwise),
        whistles=_whistles(entry),
        ground=ground_of(files, entry.ground, units),
    )  # fmt: skip


def _whistles(entry: PracticeEntry) -> Whistles:
    if not entry.whistles:
        return Whistles(weights=entry.whistle_weights)
    kinds = tuple(
        WhistleKind(
            code=w.code, name=w.name, respond=(w.respond.limit, w.respond.unit), arrive=(w.arrive.limit, w.arrive.unit),
            resolve=(w.resolve.limit, w.resolve.unit), within_m=w.within_m,
        )
        for w in entry.whistles
    )  # fmt: skip
    return Whistles(kinds=kinds, weights=entry.whistle_weights)


def _scope(
    channels: tuple[str, ...], categories: tuple[str, ...], areas: tuple[str, ...], natures: tuple[str, ...] = ()
) -> Scope:
    return Scope(channels=frozenset(channels), categories=categories, areas=areas, natures=frozenset(natures))


def _check(files: Files, entry: PracticeEntry, units: Units) -> None:
    def wrong(sentence: str) -> None:
        files.mistakes.append(f"{WHERE} {sentence}")

    if entry.co_missing not in (REASON, NEVER):
        wrong(f"co_missing: {entry.co_missing!r} isn't known; write {REASON} or {NEVER}")
    if entry.bundle and (entry.bundle.start not in STARTS or set(entry.bundle.stages) - set(STAGES)):
        wrong(f"bundle: start is one of {', '.join(STARTS)}, stages are among {', '.join(STAGES)}")
    if entry.resolution.first not in MODES:
        wrong(f"resolution first: {entry.resolution.first!r} isn't known; write one of {', '.join(MODES)}")
    codes = {matter.code for matter in entry.matters}
    for rule in entry.triage:
        if rule.matter and rule.matter not in codes:
            wrong(f"triage {rule.id}: the matter {rule.matter!r} isn't among matters; add it there")
        if rule.urgency not in ("", "normal", "urgent") or not (rule.matter or rule.urgency):
            wrong(f"triage {rule.id}: says neither a matter nor an urgency (normal or urgent); add one")
    _check_limits(wrong, entry)
    named = (*entry.complaints.supervisory.items(), ("otherwise", entry.complaints.otherwise))
    for of, unit in named:
        if unit and units.get(unit) is None:
            wrong(f"complaints {of}: there is no unit {unit!r}; add it to the units or correct it here")


def _check_limits(wrong: Callable[[str], None], entry: PracticeEntry) -> None:
    known = ", ".join(UNIT_SECONDS)
    for stage, limit in entry.urgent.stages.items():
        if stage not in STAGES or limit.limit < 1 or limit.unit not in UNIT_SECONDS:
            wrong(f"urgent stages: {stage} = {limit.limit} {limit.unit!r} is no limit; give 1 or more of {known}")
    for old, new in entry.urgent.units.items():
        if old not in UNIT_SECONDS or new not in UNIT_SECONDS:
            wrong(f"urgent units: {old!r} = {new!r} isn't known; use two of {known}")
    for kind in entry.whistles:
        for limit in (kind.respond, kind.arrive, kind.resolve):
            if limit.limit < 1 or limit.unit not in UNIT_SECONDS:
                wrong(f"whistles {kind.code}: {limit.limit} {limit.unit!r} is no limit; give 1 or more of {known}")
    if sum(entry.whistle_weights) != 100 or min(entry.whistle_weights) < 0:
        wrong(f"whistle_weights: {entry.whistle_weights} don't add up to 100; put them right")
    for one in entry.arrival:
        if one.limit < 1 or one.unit not in UNIT_SECONDS or one.within_m < 0:
            wrong(f"arrival: {one.limit} {one.unit!r} within {one.within_m} m is no limit; give 1 or more of {known}")
