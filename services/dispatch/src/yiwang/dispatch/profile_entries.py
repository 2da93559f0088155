"""What stands in a profile's `profile.toml`, section by section."""

from __future__ import annotations

import datetime as dt

import msgspec

from .codes import CodeSet
from .policies import Policies
from .profile_custody import CustodyEntry
from .profile_practice import PracticeEntry


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """``[profile]``"""

    name: str
    title: str
    version: str
    jurisdiction: str
    governance: str


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time limit as ``{ limit = 15, unit = "urgent_minute" }``."""

    limit: int
    unit: str


class ScheduleEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[dispatch.schedules]]``: hours as ``08:00-12:00``, a season as ``06-01..09-30``."""

    id: str
    slots: tuple[str, ...]
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    season: str = ""


class AutoEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[dispatch.auto]]``: steps that need no person, by channel and class (``event/04/*``); first match wins."""

    channels: tuple[str, ...] = ("*",)
    categories: tuple[str, ...] = ("*",)
    verify: bool = False
    accept: bool = False
    file: bool = False
    dispatch: bool = False


class Paths(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[dispatch.files]``: where the tables lie, from the profile's directory."""

    categories: str = "dispatch/categories.csv"
    conditions: str = "dispatch/conditions.csv"
    crosswalk: str = ""
    holidays: str = ""
    """Empty: the State Council's notices as they ship with this service"""
    units: str = "dispatch/units.csv"
    matrix: str = "dispatch/matrix.csv"
    self_disposal: str = ""
    """Empty: nothing may be mended on the spot and closed without a case (自处置)"""


class Dispatch(msgspec.Struct, frozen=True, kw_only=True):
    """``[dispatch]``"""

    code_set: str
    code_sets: tuple[CodeSet, ...]
    versions: dict[str, str]
    stages: dict[str, Limit]
    schedules: tuple[ScheduleEntry, ...]
    published_years: tuple[int, ...] = ()
    """Years whose holiday table is complete; empty: all that the table has a day of"""
    fixed_holidays: tuple[str, ...] = ("01-01", "05-01", "05-02", "10-01", "10-02", "10-03")
    files: Paths = Paths()
    auto: tuple[AutoEntry, ...] = ()
    warn_fraction: float = 0.75
    """Share of a limit after which its unit is warned"""
    check_unable_limit: int = 2
    """After so many checks without a result the shift leader decides"""
    suspend_days: int = 365
    """The longest hang (挂账)"""
    rework_clock: str = "restart"
    void_not_exist: bool = False
    """Whether a report that doesn't exist is refused without a person"""
    history_limit: Limit = Limit(limit=5, unit="work_day")
    """The limit of imported cases whose class has no condition"""
    custody: CustodyEntry = CustodyEntry()
    practice: PracticeEntry = PracticeEntry()
    """How the work itself is done here"""
    policies: Policies = Policies()
