"""What differs from place to place: channels, natures, control areas, the words for citizens. All of it is data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from yiwang.contracts import Category, Code

from .lending import LendingRule

LOCAL: Final = ZoneInfo("Asia/Shanghai")
VERIFY_POLICIES: Final = ("skip", "must", "human_confirm")
Ring = tuple[tuple[float, float], ...]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One source of reports (case management, 1.3) and what it implies."""

    code: str
    name: str
    reporter_kind: str
    verify_policy: str
    """skip, must or human_confirm: what has to happen before filing"""
    roles: tuple[str, ...] = ()
    """Who may use it; empty: anybody who is logged in"""
    anonymous: bool = False
    systems: tuple[str, ...] = ()
    """Systems whose record numbers it takes; empty: any"""
    summary_limit: int = 0
    """Characters of the masked text that go upward; 0: all of it"""
    follow_up: bool = False
    """Whether the reporter gets a token to ask how it goes"""

    @property
    def own_words(self) -> bool:
        """Whether the text is a citizen's: personal even when nothing in it was masked."""
        return self.follow_up


class Nature(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants: some natures are cases, others are registered and answered."""

    code: str
    name: str
    is_case: bool
    answer_code: str = ""
    aliases: tuple[str, ...] = ()


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A state of a case in a citizen's words."""

    state: str
    word: str
    sentence: str


class ControlArea(msgspec.Struct, frozen=True, kw_only=True):
    """A polygon in which, for a time, some problems aren't reported (case management, 4: control areas)."""

    area_id: str
    message: str
    rings: tuple[Ring, ...]
    """Outer rings in CGCS2000 degrees"""
    valid_from: dt.datetime
    valid_to: dt.datetime
    daily_from: dt.time = dt.time(0, 0)
    """Local time of day; the end is exclusive, and 00:00 to 00:00 is the whole day"""
    daily_to: dt.time = dt.time(0, 0)
    minors: frozenset[str] = frozenset()
    """Keys like ``event/04/06``; empty: every problem"""
    reporter_kinds: frozenset[str] = frozenset({"collector"})

    def blocks(self, kind: str, category: Category | None, lon: float, lat: float, at: dt.datetime) -> bool:
        """Whether the rule refuses this report."""
        if kind not in self.reporter_kinds or not self.valid_from <= at < self.valid_to:
            return False
        if self.minors and (category is None or category.key not in self.minors):
            return False
        return self._open_at(at.astimezone(LOCAL).time()) and any(inside(ring, lon, lat) for ring in self.rings)

    def _open_at(self, time: dt.time) -> bool:
        if self.daily_from == self.daily_to:
            return True
        if self.daily_from < self.daily_to:
            return self.daily_from <= time < self.daily_to
        return time >= self.daily_from or time < self.daily_to  # over midnight


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """All of one place's rules."""

    code_set: str
    version: str
    channels: dict[str, Channel]
    natures: dict[str, Nature]
    """By code and by alias"""
    stages: dict[str, Stage]
    control_areas: tuple[ControlArea, ...] = ()
    lending: LendingRule = LendingRule()
    """How contacts are handed over to other tiers"""
    self_disposal: dict[tuple[str, str, str, str], str] = {}
    """(code set, kind, major, minor) → name of the trivial matters that an inspector may mend on the spot
    (自处置: "trivial list only", case management 1.4); empty: none"""

    def code_of(self, channel: Channel) -> Code:
        return Code(code_set=self.code_set, version=self.version, code=channel.code, name=channel.name)

    def nature(self, word: str, reporter_kind: str) -> Nature:
        """The nature of that code or alias; if none is given, what such a reporter usually sends.

        An unknown one is a case: somebody has to look at it.
        """
        word = word or ("patrol" if reporter_kind == "collector" else "投诉")
        return self.natures.get(word) or Nature(code=word, name=word, is_case=True)

    def stage(self, state: str) -> Stage:
        """The words for *state*; a state that a newer dispatch invented is said to be in progress."""
        return self.stages.get(state) or Stage(state=state, word="办理中", sentence="您反映的问题正在办理。")


IMPORTED: Final = Channel(code="", name="", reporter_kind="system", verify_policy="skip")
"""The policy of another code set's channel: its record was judged elsewhere already."""


def inside(ring: Ring, lon: float, lat: float) -> bool:
    """Even-odd rule.

    >>> square = ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0))
    >>> inside(square, 1.0, 1.0), inside(square, 3.0, 1.0)
    (True, False)
    """
    found, (x1, y1) = False, ring[-1]
    for x2, y2 in ring:
        if (y1 > lat) != (y2 > lat) and lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1:
            found = not found
        x1, y1 = x2, y2
    return found


def by_word(natures: Iterable[Nature]) -> dict[str, Nature]:
    """code and aliases → nature. Raises ValueError when a word stands for two."""
    found: dict[str, Nature] = {}
    for nature in natures:
        for word in (nature.code, *nature.aliases):
            if found.setdefault(word, nature) is not nature:
                raise ValueError(f"natures.csv: “{word}”同时属于 {found[word].code} 和 {nature.code}，请管理员只留一个")
    return found
