"""Facts from a snapshot: what a case's custodian tells of it as a whole. Pure.

A snapshot tells less than the events (who took which step, whether a task was answered in time): what was known before
stays, the rest is as good as the snapshot is.
"""

from __future__ import annotations

import msgspec

from .facts import Facts, Share
from .heard import BodySeen, ProgressSeen, Seen, UnitSeen


def renew(old: Facts | None, body: BodySeen, seen: Seen) -> Facts:
    """The facts after a snapshot, before its head is taken over."""
    told = body.progress
    begun = told.created_at if told else seen.time
    f = msgspec.structs.replace(old) if old is not None else Facts(case_id=body.head.case_id, reported_at=begun)
    f.purpose = told.purpose if told else seen.purpose
    f.taken_by = (told.taken_by if told else "") or f.taken_by or body.head.custody.jurisdiction
    f.reporter_kind = body.reporter_kind or f.reporter_kind
    if told is not None:
        _progress(f, told)
    state = body.head.state_after
    f.filed = state not in ("reported", "verifying", "accepted") and (state != "voided" or f.filed_at is not None)
    f.dispatched = state in ("dispatched", "handling", "feedback", "checking", "closing", "closed", "suspended")
    if state == "closed" and not body.head.flags.self_disposed:
        f.disposed_at = f.disposed_at or f.closed_at or seen.time
    elif state != "suspended":
        f.suspended = ""
    if state == "suspended" and not f.suspended:
        f.suspended = "hang"
    if body.summary is not None and body.summary.timeliness:
        f.timeliness = body.summary.timeliness
    return f


def _progress(f: Facts, told: ProgressSeen) -> None:
    times = told.times
    f.reported_at = told.created_at
    f.accepted_at, f.filed_at = times.get("accepted", f.accepted_at), times.get("filed", f.filed_at)
    f.dispatched_at, f.closed_at = times.get("dispatched", f.dispatched_at), times.get("closed", f.closed_at)
    f.checked_at = times.get("checked", f.checked_at)
    f.filed_on_time = f.filed_on_time or f.accept_due is None
    f.dispatched_on_time = f.dispatched_on_time or f.dispatch_due is None
    f.disposed_at = times.get("confirmed") if told.confirmed else None
    f.timeliness = (told.timeliness or "") if told.confirmed else ""
    f.rework, f.returns = max(f.rework, told.rework_count), max(f.returns, told.return_count)
    f.hung, f.mode = max(f.hung, told.hang_count), told.resolution_mode or f.mode
    f.supervised = max(f.supervised, len(told.supervisions))
    f.leader = f.leader or any(one.get("kind") == "leader" for one in told.supervisions)
    if told.verified and f.verified_at is None:
        f.verify_sent, f.verified_at = max(1, f.verify_sent), times.get("verified", f.accepted_at or told.created_at)
        f.verify_on_time = True
    if f.checked_at is not None:
        f.check_sent = max(1, f.check_sent)
    f.matter, f.complained_unit = told.matter or f.matter, told.complained_unit or f.complained_unit
    f.arrival = told.arrival_timeliness or ""
    f.shares = {
        one.assignment.assignment_id: Share(
            unit=one.assignment.unit_id, state=one.state, timeliness=one.timeliness or "", reworks=one.rework_count
        )
        for one in told.subtasks
    }
    _units(f, told.units)


def _units(f: Facts, units: tuple[UnitSeen, ...]) -> None:
    if units:
        f.first_unit, f.unit = units[0].unit_id, units[-1].unit_id
