"""Lives of cases in words, as the events that a custodian would say: for tests, golden tables and benchmarks.

    Life("c1").lead("report 1", "+5 accept", "+5 file", "+5 dispatch u1 240", "+60 confirm", "+1 close").events

Each step is ``+minutes verb arguments``; minutes are since the step before. The verbs are the methods of `Steps`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    Actor,
    AreaRef,
    AssignmentRef,
    CaseEvent,
    CaseHead,
    Category,
    Clock,
    Code,
    Custody,
    Event,
    Flags,
    Place,
    decode,
    encode,
)  # fmt: skip
from yiwang.contracts.areas import city_of, county_of, province_of
from yiwang.kit.testing import NOON

from .heard import Seen, decoder
from .testing_steps import STEPS

MORNING: Final = NOON - dt.timedelta(hours=3)
"""Monday 2026-11-23, 9:00 in Shanghai"""


def place_of(code: str, duty_grid: str = "") -> Place:
    """A place known down to *code*."""
    area = AreaRef(
        province=province_of(code), city=city_of(code), county=county_of(code),
        street9=code[:9] if len(code) >= 9 else "", community12=code[:12] if len(code) >= 12 else "",
    )  # fmt: skip
    return Place(area=area, cell15=code if len(code) == 15 else "", duty_grid_id=duty_grid, method="code")


def category_of(key: str) -> Category:
    """``event/01/10`` → the category."""
    kind, major, minor = key.split("/")
    return Category(code_set="gbt30428.2-2013", version="1", kind=kind, major=major, minor=minor)


class Life:
    """One case as it goes on: its state, clocks and the events said so far."""

    def __init__(
        self, case_id: str, *, at: dt.datetime = MORNING, place: str = "440310001003", custody: str = "440310",
        cls: str = "event/01/10", purpose: str = "live", duty_grid: str = "440310-G01", urgency: str = "normal",
    ) -> None:  # fmt: skip
        self.case_id, self.at, self.custody, self.purpose, self.urgency = case_id, at, custody, purpose, urgency
        self.place, self.duty_grid, self.cls = place, duty_grid, cls
        self.version, self.state = 0, ""
        self.channel = "1"
        self.clocks: dict[str, Clock] = {}
        self.unit, self.flags = "", Flags()
        self.merged_into = self.previous = ""
        self.tasks = self.postponed = 0
        self.events: list[CaseEvent] = []
        self.who: dict[str, Actor] = {}

    def lead(self, *steps: str) -> Life:
        """Take *steps* one after the other; returns itself."""
        for step in steps:
            words = step.split()
            if words[0].startswith("+"):
                self.at += dt.timedelta(minutes=float(words.pop(0)[1:]))
            STEPS[words[0]](self, *words[1:])
        return self

    def clock(self, stage: str, minutes: float, owner: str = "") -> Clock:
        """Start a clock of *stage*."""
        made = Clock(
            clock_id=f"{self.case_id}/{stage}{self.version}", stage=stage, owner_unit=owner, unit_kind="urgent_minute",
            limit=int(minutes), started_at=self.at, due_at=self.at + dt.timedelta(minutes=minutes),
        )  # fmt: skip
        self.clocks[stage] = made
        return made

    def head(self, before: str) -> CaseHead:
        """The head of the next event."""
        return CaseHead(
            case_id=self.case_id, case_no=f"N{self.case_id}" if self.version > 2 else "", case_version=self.version,
            state_before=before, state_after=self.state, custody=Custody(jurisdiction=self.custody),
            channel=Code(code_set="channel", version="1", code=self.channel), category=category_of(self.cls),
            place=place_of(self.place, self.duty_grid), flags=self.flags, merged_into=self.merged_into,
            previous_case_id=self.previous, urgency=self.urgency, open_clocks=tuple(self.clocks.values()),
            lead_assignment=AssignmentRef(assignment_id="a", unit_id=self.unit) if self.unit else None,
        )  # fmt: skip

    def say(self, make: type[CaseEvent], state: str = "", post: str = "system", /, **fields: Any) -> None:
        """Say *make*: the case's next version."""
        before, self.state = self.state, state or self.state
        self.version += 1
        actor = Actor(person_ref=f"p-{post}", post_id=f"post-{post}", role="human", kind="human")
        self.events.append(
            make(
                case=self.head(before), occurred_at=self.at, recorded_at=self.at, jurisdiction=self.custody, actor=actor,
                id=f"{self.case_id}-{self.version}", source=f"{self.custody}/dispatch", purpose=self.purpose,
                subject=self.case_id, tenant_id=self.custody, correlation_id=self.case_id, **fields,
            )
        )  # fmt: skip

    def flag(self, **values: bool) -> None:
        """Set flags of the head."""
        self.flags = msgspec.structs.replace(self.flags, **values)

    @property
    def seen(self) -> list[Seen]:
        """The events as this service reads them off the wire."""
        return [as_seen(event) for event in self.events]


def as_seen(event: Event) -> Seen:
    """*event* as this service reads it off the wire; it must be a whole event of the contracts."""
    data = encode(event)
    decode(data)
    return decoder.decode(data)
