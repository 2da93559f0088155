"""Facts from events: one small function per type of event. Pure; an unknown type changes the head's facts alone.

Deadlines are never computed here: timeliness and due moments are what the custodian's events say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from . import fold_shared as shared
from . import vocabulary as v
from .facts import Facts
from .heard import Head, PlaceSeen, Seen
from .snapshots import renew


def begin(seen: Seen) -> Facts:
    """The facts with which a case begins."""
    return Facts(case_id=seen.case.case_id, reported_at=seen.time, purpose=seen.purpose, taken_by=seen.jurisdiction)


def fold(facts: Facts | None, seen: Seen) -> Facts:
    """The facts after *seen*. A snapshot needs no facts before it."""
    body = seen.body or seen.snapshot
    if body is not None and (seen.type == "case.snapshot.v1" or facts is None):
        new = renew(facts, body, seen)
        _head(new, body.head)
        return new
    new = msgspec.structs.replace(facts) if facts is not None else begin(seen)
    if seen.type == "case.dispatched.v1" and seen.case.state_after == "filed":  # the head has the district's clock already
        new.city_on_time = new.dispatch_due is None or seen.time <= new.dispatch_due
    _head(new, seen.case)
    change = FOLDS.get(seen.type)
    if change is not None:
        change(new, seen)
    return new


def deepest(place: PlaceSeen) -> str:
    """The deepest code of a place."""
    at = place.area
    return place.cell15 or at.community12 or at.street9 or at.county or at.city


def _head(f: Facts, head: Head) -> None:
    f.version, f.state, f.custody = head.case_version, head.state_after, head.custody.jurisdiction
    f.case_no, f.nature, f.urgency = head.case_no or f.case_no, head.nature or f.nature, head.urgency
    f.channel, f.self_disposed = head.channel.code, head.flags.self_disposed
    f.merged, f.forced = bool(head.merged_into), head.flags.force_closed
    f.recurrence = f.recurrence or bool(head.previous_case_id)
    if head.category is not None:
        f.cls = f"{head.category.kind}/{head.category.major}/{head.category.minor}"
    if head.place is not None:
        f.place, f.duty_grid = deepest(head.place) or f.place, head.place.duty_grid_id
    due = None
    lead = head.lead_assignment.unit_id if head.lead_assignment else ""
    for clock in head.open_clocks:
        if clock.stage == "disposal":  # co-units have limits of their own, which don't judge the case
            due = clock.judged_by if due is None or clock.owner_unit == lead else due
        elif clock.stage in ("accept", "dispatch", "verify", "check", "arrive"):
            setattr(f, f"{clock.stage}_due", clock.due_at)
    if due != f.due:
        f.overdue = head.flags.overdue and due is not None
    f.due = due


def _who(f: Facts, step: str, seen: Seen) -> None:
    if seen.actor.person_ref or seen.actor.post_id:
        f.who = f.who | {step: (seen.actor.person_ref, seen.actor.post_id)}


def _reported(f: Facts, seen: Seen) -> None:
    f.reporter_kind, f.wants_reply = seen.reporter_kind, seen.wants_reply
    f.self_disposed, f.complained_unit = f.self_disposed or seen.self_disposed, seen.complained_unit
    if not f.cls and seen.claimed_category is not None:
        one = seen.claimed_category
        f.cls = f"{one.kind}/{one.major}/{one.minor}"
    if seen.reporter_kind == "collector":  # citizens are not evaluated
        _who(f, v.REPORT, seen)


def _verify_requested(f: Facts, seen: Seen) -> None:
    f.verify_sent, f.verified_at = f.verify_sent + 1, None
    f.verify_due = seen.clock.due_at if seen.clock else f.verify_due


def _verified(f: Facts, seen: Seen) -> None:
    f.verified_at = seen.time
    f.verify_on_time = f.verify_due is None or seen.time <= f.verify_due
    _who(f, v.VERIFY, seen)


def _accepted(f: Facts, seen: Seen) -> None:
    f.accepted_at, f.matter = f.accepted_at or seen.time, seen.matter or f.matter
    f.complained_unit = seen.complained_unit or f.complained_unit
    _who(f, v.ACCEPT, seen)


def _filed(f: Facts, seen: Seen) -> None:
    """A case that comes back from the dispatcher and is filed again keeps the moment of its first filing."""
    f.accepted_at = f.accepted_at or seen.time
    f.filed = True
    if f.filed_at is None:
        f.filed_at = seen.time
        f.filed_on_time = f.accept_due is None or seen.time <= f.accept_due
    _who(f, v.FILE, seen)


def _dispatched(f: Facts, seen: Seen) -> None:
    """While the case stays filed the city has only sent it to the district's command (市级派遣)."""
    if seen.case.state_after == "filed":
        f.city_dispatched = True
        return
    if not f.filed:  # a docked platform may tell fewer stages
        _filed(f, seen)
    lead = next((a.unit_id for a in seen.assignments if a.role == "lead"), "")
    f.unit = lead or (seen.assignments[0].unit_id if seen.assignments else f.unit)
    f.first_unit = f.first_unit or f.unit
    f.dispatched, f.dispatched_at = True, seen.time
    f.dispatched_on_time = f.dispatch_due is None or seen.time <= f.dispatch_due
    shared.begin(f, seen)
    _undone(f)
    _who(f, v.DISPATCH, seen)


def _undone(f: Facts) -> None:
    f.disposed_at, f.timeliness, f.closed_at = None, "", None


def _returned(f: Facts, seen: Seen) -> None:
    f.returns += 1
    if seen.case.state_after in ("filed", "accepted", "reported"):
        f.dispatched, f.shares = False, {}
        _undone(f)
    if seen.case.state_after in ("accepted", "reported"):
        f.filed = False


def _handling_started(f: Facts, seen: Seen) -> None:
    if seen.handler_ref:
        f.who = f.who | {v.DISPOSE: (seen.handler_ref, "")}


def _handled(f: Facts, seen: Seen) -> None:
    f.mode = seen.resolution_mode
    if v.DISPOSE not in f.who:
        _who(f, v.DISPOSE, seen)


def _confirmed(f: Facts, seen: Seen) -> None:
    f.disposed_at, f.timeliness, f.used_s = seen.time, seen.timeliness or "", seen.used_s
    f.due, f.overdue = None, False


def _reworked(f: Facts, seen: Seen) -> None:
    f.rework += seen.same_unit
    _undone(f)


def _check_requested(f: Facts, seen: Seen) -> None:
    f.check_sent, f.checked_at = f.check_sent + 1, None
    f.check_due = seen.clock.due_at if seen.clock else f.check_due


def _checked(f: Facts, seen: Seen) -> None:
    f.check_unable += seen.result == "unable"
    f.check_failed += seen.result == "not_pass"
    if seen.result != "unable":
        f.checked_at = seen.time
        f.check_on_time = f.check_due is None or seen.time <= f.check_due
    _who(f, v.CHECK, seen)


def _suspended(f: Facts, seen: Seen) -> None:
    f.suspended = seen.kind or "hang"
    f.hung += f.suspended == "hang"
    f.stocked += f.suspended == "stock"


def _resumed(f: Facts, seen: Seen) -> None:
    f.suspended = ""


def _extended(f: Facts, seen: Seen) -> None:
    """Only the approval that moves the deadline counts; rejected requests don't (domain notes, 1.5)."""
    if seen.decision == "approved" and seen.new_due_at is not None:
        f.postponed += 1
        f.overdue = False
        if seen.old_due_at is not None:
            f.postponed_s += max(0, int((seen.new_due_at - seen.old_due_at).total_seconds()))


def _overdue(f: Facts, seen: Seen) -> None:
    if seen.stage == "disposal" and f.to_dispose:
        f.overdue, f.late_at = True, seen.due_at or seen.time
    else:
        shared.passed(f, seen)


def _supervised(f: Facts, seen: Seen) -> None:
    f.supervised += 1
    f.leader = f.leader or seen.kind == "leader"


def _closed(f: Facts, seen: Seen) -> None:
    f.closed_at = f.ended_at = seen.time
    f.visited, f.suspended = False, ""
    if not f.self_disposed and f.disposed_at is None:  # a docked platform may tell fewer stages
        _told_by_summary(f, seen)
    _who(f, v.CLOSE, seen)


def _told_by_summary(f: Facts, seen: Seen) -> None:
    units = seen.summary.units if seen.summary else ()
    if units and not f.unit:
        f.first_unit, f.unit = units[0].unit_id, units[-1].unit_id
    if not f.filed:
        _filed(f, seen)
    f.dispatched, f.dispatched_at = True, f.dispatched_at or seen.time
    f.disposed_at, f.timeliness = seen.time, (seen.summary.timeliness if seen.summary else "") or ""


def _voided(f: Facts, seen: Seen) -> None:
    f.void_kind, f.ended_at, f.suspended = seen.void_kind, seen.time, ""


def _reopened(f: Facts, seen: Seen) -> None:
    f.reopened, f.visit_reopened = f.reopened + 1, f.visit_reopened + (seen.cause == "visit")
    f.exempt, f.visited, f.ended_at = False, False, None
    shared.again(f)
    _undone(f)


def _visited(f: Facts, seen: Seen) -> None:
    f.visits += 1
    f.visited, f.visited_at, f.score, f.satisfied = True, seen.time, seen.score, seen.satisfied
    f.points = seen.points
    _who(f, v.VISIT, seen)


def _appeal_decided(f: Facts, seen: Seen) -> None:
    if seen.final:
        f.exempt = seen.exempt


def _linked(f: Facts, seen: Seen) -> None:
    f.recurrence = f.recurrence or seen.relation == "recurrence"


FOLDS: Final[dict[str, Callable[[Facts, Seen], None]]] = {
    "case.reported.v1": _reported,
    "case.verify_requested.v1": _verify_requested,
    "case.verified.v1": _verified,
    "case.accepted.v1": _accepted,
    "case.filed.v1": _filed,
    "case.dispatched.v1": _dispatched,
    "case.returned.v1": _returned,
    "case.handling_started.v1": _handling_started,
    "case.handled.v1": _handled,
    "case.handling_confirmed.v1": _confirmed,
    "case.reworked.v1": _reworked,
    "case.check_requested.v1": _check_requested,
    "case.checked.v1": _checked,
    "case.suspended.v1": _suspended,
    "case.resumed.v1": _resumed,
    "case.extension_decided.v1": _extended,
    "case.overdue.v1": _overdue,
    "case.supervised.v1": _supervised,
    "case.closed.v1": _closed,
    "case.voided.v1": _voided,
    "case.reopened.v1": _reopened,
    "case.visited.v1": _visited,
    "case.appeal_decided.v1": _appeal_decided,
    "case.linked.v1": _linked,
    **shared.FOLDS,
}
"""Type → what it changes beside the head's facts."""
