"""The verbs of `testing.Life`: each says the events of one step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from yiwang import contracts as c
from yiwang.contracts import Assignment, CaseSummary, FieldChange, Person, UnitRef

from .testing_shared import SHARED

if TYPE_CHECKING:
    from .testing import Life

INSPECTOR: Final = Person(person_ref="p-inspector")


def _category(life: Life) -> c.Category:
    category = life.head("").category
    assert category is not None
    return category


def report(life: Life, channel: str = "1", *words: str) -> None:
    """``report CHANNEL [reply] [self] [hotline|leader]``"""
    life.channel = channel
    life.flag(self_disposed="self" in words)
    kind = "collector" if channel in {str(n) for n in range(1, 11)} else "hotline"
    life.clock("accept", 15)
    life.say(
        c.CaseReported, "reported", "collector", report_id=f"r-{life.case_id}", nature="complaint",
        reporter_kind="leader" if "leader" in words else kind, self_disposed="self" in words,
        verify_policy="skip" if kind == "collector" else "must", wants_reply="reply" in words,
        claimed_category=_category(life),
    )  # fmt: skip


def send_verify(life: Life, minutes: str = "30") -> None:
    life.say(
        c.CaseVerifyRequested, "verifying", "acceptor", task_id="t", assignee=INSPECTOR,
        clock=life.clock("verify", float(minutes)),
    )  # fmt: skip


def verify(life: Life, result: str = "exist") -> None:
    life.clocks.pop("verify", None)
    life.say(c.CaseVerified, "reported", "verifier", task_id="t", result=result)


def accept(life: Life, matter: str = "") -> None:
    """``accept [government|community|private]``"""
    life.clocks.pop("accept", None)
    life.say(c.CaseAccepted, "accepted", "acceptor", category=_category(life), matter=matter)


def file(life: Life) -> None:
    life.clock("dispatch", 15)
    life.say(
        c.CaseFiled, "filed", "acceptor", category=_category(life), condition_id="e1", condition_version="1",
        unit_kind="work_hour", limit=4,
    )  # fmt: skip


def city(life: Life) -> None:
    """The city's command sends it to the district's."""
    clock = life.clock("dispatch", 15)
    one = Assignment(assignment_id="a", unit_id="440310-command", clock=clock)
    life.say(c.CaseDispatched, "filed", "dispatcher", assignments=(one,), dispatch_level="city")


def dispatch(life: Life, unit: str = "u1", minutes: str = "240") -> None:
    life.clocks.pop("dispatch", None)
    life.unit = unit
    one = Assignment(assignment_id="a", unit_id=unit, clock=life.clock("disposal", float(minutes), unit))
    life.flag(overdue=False)
    life.say(c.CaseDispatched, "dispatched", "dispatcher", assignments=(one,), dispatch_level="district")


def start(life: Life, handler: str = "h1") -> None:
    life.say(c.CaseHandlingStarted, "handling", "dept", assignment_id="a", handler_ref=handler)


def handle(life: Life, mode: str = "service") -> None:
    life.say(c.CaseHandled, "feedback", "handler", assignment_id="a", result_code="done", resolution_mode=mode)


def confirm(life: Life, told: str = "") -> None:
    """``confirm [unknown]``: on time if not later than the limit; unknown as an imported record may be."""
    clock = life.clocks.pop("disposal")
    on_time = "on_time" if life.at <= clock.due_at else "overdue"
    timeliness = None if told == "unknown" else on_time
    life.flag(overdue=timeliness == "overdue")
    life.say(
        c.CaseHandlingConfirmed, "feedback", "dept", assignment_id="a", timeliness=timeliness,
        used_s=int((life.at - clock.started_at).total_seconds()), limit_s=clock.limit * 60,
    )  # fmt: skip


def _rework(life: Life, by: str, minutes: float) -> None:
    life.clock("disposal", minutes, life.unit)
    life.flag(overdue=False)
    life.say(
        c.CaseReworked, "dispatched", "dispatcher", by=by, assignment_id="a", rework_no=1, reason="未达标",
        clock_policy="restart",
    )  # fmt: skip


def rework(life: Life, minutes: str = "240") -> None:
    """The dispatcher doesn't take the result."""
    _rework(life, "dispatcher", float(minutes))


def send_check(life: Life, minutes: str = "30") -> None:
    clock = life.clock("check", float(minutes))
    life.say(c.CaseCheckRequested, "checking", "dispatcher", task_id="t", assignee=INSPECTOR, clock=clock)


def check(life: Life, result: str = "pass", minutes: str = "240") -> None:
    """``check pass|not_pass|unable``: what doesn't pass goes back to the same unit."""
    life.clocks.pop("check", None)
    life.say(c.CaseChecked, "closing" if result == "pass" else "checking", "checker", task_id="t", result=result)
    if result == "not_pass":
        _rework(life, "check", float(minutes))


def close(life: Life, how: str = "") -> None:
    """``close [force]``"""
    life.flag(force_closed=how == "force")
    summary = CaseSummary(reported_at=life.at, closed_at=life.at, units=(UnitRef(unit_id=life.unit or "u1"),))
    life.clocks.clear()
    life.say(c.CaseClosed, "closed", "closer", archive_type=4 if how == "force" else 1, summary=summary)


def void(life: Life, kind: str = "not_accepted") -> None:
    life.clocks.clear()
    life.say(c.CaseVoided, "voided", "acceptor", void_kind=kind, reason_code="r", opinion="不属于城市管理范围")


def give_back(life: Life, kind: str = "dept") -> None:
    """``return dept|to_acceptor|handler``"""
    state = {"dept": "filed", "to_acceptor": "accepted", "handler": "dispatched"}[kind]
    life.clocks.pop("disposal" if kind == "dept" else "-", None)
    if kind == "dept":
        life.unit = ""
        life.clock("dispatch", 15)
    life.say(c.CaseReturned, state, "dept", to_role="dispatcher", reason_code="wrong", opinion="非本单位职责", kind=kind)


def extend(life: Life, minutes: str = "240", decision: str = "approved") -> None:
    """``extend MINUTES [rejected]``"""
    old = life.clocks["disposal"]
    new = old.due_at + dt.timedelta(minutes=float(minutes))
    life.postponed += 1
    if decision == "approved":
        life.clock("disposal", (new - life.at).total_seconds() / 60, life.unit)
    life.say(
        c.CaseExtensionDecided, "", "shift", request_id=f"x{life.postponed}", level=1, n=life.postponed, decision=decision,
        old_due_at=old.due_at, new_due_at=new if decision == "approved" else None,
    )  # fmt: skip


def hang(life: Life, kind: str = "hang") -> None:
    """``hang [stock]``"""
    life.say(c.CaseSuspended, "suspended", "leader", kind=kind, request_id="h", resume_on=life.at + dt.timedelta(days=30))


def resume(life: Life, minutes: str = "240") -> None:
    due = life.clock("disposal", float(minutes), life.unit).due_at
    life.say(c.CaseResumed, "dispatched", "leader", cause="manual", new_due_at=due)


def overdue(life: Life) -> None:
    life.flag(overdue=True)
    clock = life.clocks["disposal"]
    life.say(c.CaseOverdue, "", "system", clock_id=clock.clock_id, stage="disposal", due_at=clock.due_at, unit_id=life.unit)


def supervise(life: Life, kind: str = "timeout") -> None:
    life.say(c.CaseSupervised, "", "leader", directive_id="d", kind=kind, level="1")


def reopen(life: Life, minutes: str = "240") -> None:
    life.clock("disposal", float(minutes), life.unit)
    life.flag(force_closed=False, overdue=False)
    life.say(c.CaseReopened, "dispatched", "acceptor", cause="visit")


def visit(life: Life, score: str = "1", satisfied: str = "") -> None:
    """``visit SCORE [satisfied]``"""
    life.say(c.CaseVisited, "", "visitor", score=int(score), satisfied=bool(satisfied))


def appeal(life: Life, decision: str = "upheld") -> None:
    """``appeal upheld|refused``"""
    life.say(c.CaseAppealed, "", "dept", cause="weather", unit_id=life.unit)
    life.say(
        c.CaseAppealDecided, "", "leader", cause="weather", decision="approved" if decision == "upheld" else "rejected",
        exempt=decision == "upheld",
    )  # fmt: skip


def merge(life: Life) -> None:
    life.merged_into = "another"
    life.clocks.clear()
    life.say(c.CaseMerged, "voided", "acceptor", other_case_ids=("another",), relation="into")


def recur(life: Life, previous: str = "old") -> None:
    life.previous = previous
    life.say(c.CaseLinked, "", "acceptor", other_case_ids=(previous,), relation="recurrence")


def correct(life: Life, field: str, value: str) -> None:
    """``correct cls|place|self VALUE``"""
    if field == "self":
        life.flag(self_disposed=False)
    elif field in ("cls", "place"):
        setattr(life, field, value)
    change = (FieldChange(field=field, new=value),)
    life.say(c.CaseCorrected, "", "acceptor", changed=change, reason_code="relocate" if field == "place" else "reclassify")


def hand_over(life: Life, to: str) -> None:
    """Custody passes to the jurisdiction *to*."""
    before, life.custody = life.custody, to
    life.say(
        c.CaseHandoverAccepted, "", "dispatcher", offer_id="o", from_jurisdiction=before, to_jurisdiction=to, epoch=2
    )


STEPS: Final[dict[str, Callable[..., Any]]] = {
    "report": report, "send_verify": send_verify, "verify": verify, "accept": accept, "file": file, "city": city,
    "dispatch": dispatch, "start": start, "handle": handle, "confirm": confirm, "rework": rework, "send_check": send_check,
    "check": check, "close": close, "void": void, "return": give_back, "extend": extend, "hang": hang, "resume": resume,
    "overdue": overdue, "supervise": supervise, "reopen": reopen, "visit": visit, "appeal": appeal, "merge": merge,
    "recur": recur, "correct": correct, "handover": hand_over, **SHARED,
}  # fmt: skip
"""Verb → step."""
