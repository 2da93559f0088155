"""Work that several units share (主办、协办): the parts of the co-units, who acts for them, how they change. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from yiwang.contracts import Assignment, SubTask

from .case import Case, CaseClock

OPEN: Final = frozenset({"waiting", "handling", "handled"})
"""A part in these states isn't in yet"""
ANEW: Final[dict[str, Any]] = {"state": "waiting", "handler_ref": "", "timeliness": None, "reason": ""}
"""What a new round of the case forgets of a part: who handled it and how it was judged; its reworks stay counted"""
BY_CO_UNIT: Final = frozenset({"assign_co_handler", "submit_co_result", "confirm_co", "return_co"})
"""Actions that a co-unit takes on its own part; all others on a case at work are the lead unit's"""


def assignments_for(case: Case, action: str) -> tuple[Assignment, ...]:
    """Those for whose units somebody of a unit may take *action*: the lead's, or the open parts'."""
    if action in BY_CO_UNIT:
        return tuple(part.assignment for part in case.subtasks if part.state in OPEN)
    return case.assignments[:1]


def part_by_id(case: Case, assignment_id: str) -> SubTask | None:
    return next((part for part in case.subtasks if part.assignment.assignment_id == assignment_id), None)


def with_part(case: Case, assignment_id: str, **changes: Any) -> tuple[SubTask, ...]:
    """The parts of *case*, one of them changed."""
    return tuple(
        msgspec.structs.replace(part, **changes) if part.assignment.assignment_id == assignment_id else part
        for part in case.subtasks
    )


def clock_of(case: Case, part: SubTask) -> CaseClock | None:
    """The part's own clock, while it is open."""
    wanted = part.assignment.clock.clock_id
    return next((one for one in case.clocks if one.clock.clock_id == wanted and one.stopped_at is None), None)


def missing(case: Case) -> tuple[SubTask, ...]:
    """The parts that aren't in yet."""
    return tuple(part for part in case.subtasks if part.state in OPEN)
