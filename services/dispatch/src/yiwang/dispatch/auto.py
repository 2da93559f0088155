"""What happens without a person: the steps that the profile leaves to rules, and history that is only told.

Rules take a step only where nothing is left to choose. History (imported cases) walks the same table at moments
derived from what its source tells; what it doesn't tell isn't invented.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from msgspec.structs import replace
from yiwang.contracts import Actor, Event, UnitRef

from .acts import Act, Body, DispatchBody, FileBody, TaskBody, ToldBody
from .calendar import deadline
from .case import Case
from .domain import Draft, Record, Step, check, finish, step
from .refusals import Refused
from .rules import Auto, Rules
from .states import FINAL, IMPORT, SYSTEM
from .triage import by_hand

IMPORTER: Final = Actor(role=IMPORT, kind="import")
UNKNOWN_UNIT: Final = UnitRef(unit_id="unknown", unit_name="原系统未记载")
_EMPTY: Final = Body()
_FILE: Final = FileBody()
_DISPATCH: Final = DispatchBody()
_TASK: Final = TaskBody()


class Work:
    """A case while steps are taken on it: its present shape, the events and the records so far."""

    __slots__ = ("alarmed", "case", "events", "filing", "fresh", "had_parts", "now", "records", "rules", "touched")

    def __init__(self, case: Case, rules: Rules, now: dt.datetime) -> None:
        self.case, self.rules, self.now = case, rules.of(case), now
        self.events: list[Event] = []
        self.records: list[Record] = []
        self.touched = self.fresh = False
        """Whether it must be written, and whether for the first time"""
        self.had_parts = bool(case.subtasks)
        self.alarmed = case.version > 1
        """Whether a timer may be set for it"""
        self.filing: Draft | None = None
        """A filing that waits for nothing but its number"""

    def do(self, act: Act) -> None:
        """Take one step. Raises Refused."""
        self._done(step(self.case, act, self.rules))

    def _done(self, done: Step) -> None:
        self.case = done.case
        self.events += done.events
        self.records.append(done.record)
        self.touched = True

    def run(self, number: str = "") -> bool:
        """Take every step that needs no person; True when the next one is a filing that needs a *number* first."""
        if number and self.filing is not None and self.filing.before is self.case:
            self.filing.act = replace(self.filing.act, number=number)
            self._done(finish(self.filing))
        auto = self.rules.auto_of(self.case)
        while (act := next_step(self.case, self.rules, auto, self.now, number)) is not None:
            try:
                if act.action == "file" and not (self.case.case_no or number):
                    self.filing = check(self.case, act, self.rules)
                    return True
                self.do(act)
            except Refused:
                break  # something is left to choose: the case waits in a person's queue
        return False


def waits_for_acceptor(case: Case, rules: Rules) -> bool:
    """Whether a person is to look first, because a case of the same class lies nearby."""
    return bool(case.similar_of) and case.state == "reported" and rules.policies.similar.hold


def next_step(case: Case, rules: Rules, auto: Auto, now: dt.datetime, number: str = "") -> Act | None:
    """The step that would be taken on *case* without a person, or None; it may still be refused."""
    if case.state in FINAL or rules.elsewhere(case) is not None or waits_for_acceptor(case, rules):
        return None
    return _told(case, rules, number) if case.imported is not None else _by_rule(case, rules, auto, now, number)


def _by_rule(case: Case, rules: Rules, auto: Auto, now: dt.datetime, number: str) -> Act | None:
    if case.state in ("reported", "accepted") and by_hand(case, rules):
        return None
    match case.state:
        case "reported" if case.verify_policy == "skip" and auto.accept:
            return Act(action="accept", role=SYSTEM, at=now, body=_EMPTY)
        case "reported" if case.verify_policy == "must" and auto.verify and not case.verified and case.tasks == 0:
            return Act(action="send_verify", role=SYSTEM, at=now, body=_TASK)
        case "accepted" if auto.file and not case.return_count:
            return Act(action="file", role=SYSTEM, at=now, body=_FILE, number=number)
        case "filed" if auto.dispatch and not case.return_count:
            if case.command == "city" and rules.two_commands:
                return Act(action="dispatch_down", role=SYSTEM, at=now, body=_EMPTY)
            return Act(action="dispatch", role=SYSTEM, at=now, body=_DISPATCH)
    return None


def _told(case: Case, rules: Rules, number: str) -> Act | None:
    told = case.imported
    assert told is not None
    begun = case.created_at
    match case.state:
        case "reported":
            return Act(action="accept", role=IMPORT, at=begun, body=_EMPTY, by=IMPORTER)
        case "accepted":
            return Act(action="file", role=IMPORT, at=begun, body=_FILE, by=IMPORTER, number=number)
        case "filed":
            unit = told.unit if told.unit.unit_id else UNKNOWN_UNIT
            return Act(action="dispatch", role=IMPORT, at=begun, body=ToldBody(told=unit), by=IMPORTER)
        case "dispatched":
            return Act(action="dept_confirm", role=IMPORT, at=told_end(case, rules), body=_EMPTY, by=IMPORTER)
        case "feedback":
            ended = case.times.get("confirmed", begun)
            at = max(ended, told.closed_at) if told.closed_at else ended
            return Act(action="close", role=IMPORT, at=at, body=_EMPTY, by=IMPORTER)
    return None


def told_end(case: Case, rules: Rules) -> dt.datetime:
    """When an imported case's disposal ended: as told where that fits the told timeliness, else on its right side.

    On time and unknown: at four fifths of the limit; overdue: a quarter beyond it.
    """
    told, begun = case.imported, case.times["dispatched"]
    assert told is not None
    due = deadline(begun, case.limit, case.unit_kind, rules.calendar).due_at
    span = max(due - begun, dt.timedelta(minutes=4))
    if told.closed_at is not None and told.closed_at >= begun:
        fits = told.timeliness is None or (told.closed_at > due) == (told.timeliness == "overdue")
        if fits:
            return told.closed_at
    return due + span / 4 if told.timeliness == "overdue" else begun + span * 4 / 5
