"""Verbs of `testing.Life` about what several units share, and about who must be at the place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from yiwang import contracts as c
from yiwang.contracts import Assignment

if TYPE_CHECKING:
    from .testing import Life


def ask_help(life: Life, assignment: str, unit: str, minutes: str = "60") -> None:
    """``help ASSIGNMENT UNIT MINUTES``: one more unit is asked."""
    clock = life.clock("co", float(minutes), unit)
    one = Assignment(assignment_id=assignment, unit_id=unit, role="co", clock=clock)
    life.say(c.CaseSubtaskAssigned, "", "dispatcher", assignment_id=assignment, unit_id=unit, assignment=one)


def part(life: Life, assignment: str, unit: str, what: str) -> None:
    """``part ASSIGNMENT UNIT started|handled|confirmed|late|refused|rework|excused``"""
    own: dict[str, Any] = {"assignment_id": assignment, "unit_id": unit}
    clock = life.clocks["co"]
    if what == "started":
        life.say(c.CaseSubtaskStarted, "", "dept", handler_ref="h8", **own)
    elif what == "handled":
        life.say(c.CaseSubtaskHandled, "", "handler", result_code="done", **own)
    elif what == "confirmed":
        used = int((life.at - clock.started_at).total_seconds())
        told = "on_time" if life.at <= clock.due_at else "overdue"
        life.say(c.CaseSubtaskConfirmed, "", "dept", used_s=used, limit_s=clock.limit * 60, timeliness=told, **own)
    elif what == "late":
        life.say(c.CaseOverdue, "", "system", clock_id=clock.clock_id, stage="co", due_at=clock.due_at, unit_id=unit)
    elif what == "excused":
        life.say(c.CaseSubtaskExcused, "", "dispatcher", opinion="主办单位先行", **own)
    else:
        kind = {"refused": "unit", "rework": "rework"}[what]
        life.say(c.CaseSubtaskReturned, "", "dept", kind=kind, rework_no=int(kind == "rework"), opinion="退回", **own)


def must_arrive(life: Life, minutes: str = "30") -> None:
    """``must_arrive MINUTES``: from here on somebody must be at the place."""
    life.clock("arrive", float(minutes), life.unit)
    life.say(c.CaseSupervised, "", "leader", directive_id="d", kind="important", level="1")


def arrive(life: Life, timeliness: str) -> None:
    """``arrive on_time|overdue``"""
    life.clocks.pop("arrive", None)
    life.say(c.CaseArrived, "", "dept", task_id="a", arrived_at=life.at, unit_id=life.unit, timeliness=timeliness)


def missed(life: Life) -> None:
    """Nobody was there in time."""
    clock = life.clocks["arrive"]
    life.say(c.CaseOverdue, "", "system", clock_id=clock.clock_id, stage="arrive", due_at=clock.due_at, unit_id=life.unit)


SHARED: Final[dict[str, Callable[..., Any]]] = {
    "help": ask_help, "part": part, "must_arrive": must_arrive, "arrive": arrive, "missed": missed,
}  # fmt: skip
"""Verb → step."""
