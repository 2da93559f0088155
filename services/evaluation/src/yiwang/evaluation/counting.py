"""The counters of one case: a pure function of its facts. Each line is one row of the domain notes, 5.1."""

from __future__ import annotations

from .facts import Facts
from .rules import Rules
from .sharing import totals, whistle

Counters = dict[str, int]
"""Counter → value; what isn't there is 0"""


def counters(f: Facts, rules: Rules) -> Counters:
    """Every counter of the case that isn't 0. A self-disposed matter enters no counter but its own."""
    found: Counters
    if f.whistle:
        found = whistle(f)
    elif f.self_disposed:
        found = {
            "patrol_deal_report": 1,
            "patrol_deal_archive": int(f.closed),
            "patrol_deal_cancel": int(f.voided),
        }
    else:
        found = _reported(f, rules) | _disposal(f, rules) | _aside(f) | _closing(f, rules) | totals(f)
    return {name: int(value) for name, value in found.items() if value}


def on_time(f: Facts, rules: Rules) -> bool:
    """Disposed in time, or exempt after an appeal: the facts stay, the statistics look away (domain notes, 1.5)."""
    return f.disposed_at is not None and (f.timeliness == "on_time" or (f.exempt and rules.exempt_on_time))


def _reported(f: Facts, rules: Rules) -> Counters:
    patrol = rules.is_patrol(f.channel)
    sent, verified = f.verify_sent > 0, f.verified_at is not None
    return {
        "report_num": 1,
        "patrol_report": patrol,
        "public_report": not patrol,
        "duplicate_num": f.merged,
        "recurrence_num": f.recurrence,
        "need_send_verify": not patrol or sent,
        "send_verify": sent,
        "need_verify": sent,
        "verify_num": sent and verified,
        "intime_verify": sent and verified and f.verify_on_time,
        "operate_num": f.accepted_at is not None,
        "not_operate": f.voided and f.void_kind == "not_accepted",
        "to_operate": f.accepted_at is None and not f.voided and not f.merged,
        "valid_report_num": f.filed and not f.voided,
        "inst_num": f.filed,
        "intime_inst": f.filed and f.filed_on_time,
        "not_inst": f.voided and f.void_kind == "not_filed",
        "active_inst": f.filed and (patrol or rules.is_video(f.channel)),
        "need_dispatch": f.filed,
        "city_dispatch_num": f.filed and f.city_dispatched,
        "dispatch_num": f.dispatched,
        "intime_dispatch": f.dispatched and f.dispatched_on_time,
        "accur_dispatch": f.dispatched and f.first_unit == f.unit,
        "wrong_dispatch": f.dispatched and f.first_unit != f.unit,
        "matter_government": f.matter == "government",
        "matter_community": f.matter == "community",
        "matter_private": f.matter == "private",
        "intime_city_dispatch": f.filed and f.city_dispatched and f.city_on_time,
        "second_dispatch_num": f.city_dispatched and f.dispatched,
        "intime_second_dispatch": f.city_dispatched and f.dispatched and f.dispatched_on_time,
    }


def _disposal(f: Facts, rules: Rules) -> Counters:
    disposed = f.disposed_at is not None
    late = disposed and f.timeliness == "overdue" and not f.exempt
    return {
        "need_dispose": f.dispatched,
        "dispose_num": disposed,
        "intime_dispose": on_time(f, rules),
        "overtime_dispose": late,
        "to_dispose": f.to_dispose,
        "intime_to_dispose": f.to_dispose and not f.overdue,
        "overtime_to_dispose": f.to_dispose and f.overdue,
        "rework_num": f.rework > 0,
        "multi_rework_num": f.rework > 1,
        "rework_times": f.rework,
        "return_num": f.returns > 0,
        "postpone_num": f.postponed > 0,
        "multi_postpone_num": f.postponed > 1,
        "postpone_hours": round(f.postponed_s / 3600),
        "dispose_seconds": f.used_s if disposed else 0,
        "need_arrive": f.dispatched and (f.arrive_due is not None or f.arrival != ""),
        "intime_arrive": f.dispatched and f.arrival == "on_time",
        "overtime_arrive": f.dispatched and f.arrival == "overdue",
    }


def _aside(f: Facts) -> Counters:
    disposed = f.disposed_at is not None
    return {
        "hang_num": f.suspended == "hang",
        "his_hang_num": f.hung > 0,
        "hang_need_archive": f.suspended == "hang" and f.to_dispose and f.overdue,
        "stock_num": f.suspended == "stock",
        "escape_stock": f.stocked > 0 and f.suspended != "stock",
        "supervise_num": f.supervised > 0,
        "exempt_num": f.exempt,
        "mode_service": disposed and f.mode == "service",
        "mode_manage": disposed and f.mode == "manage",
        "mode_enforce": disposed and f.mode == "enforce",
    }


def _closing(f: Facts, rules: Rules) -> Counters:
    asked, checked = f.check_sent > 0, f.checked_at is not None
    ended = f.closed or f.voided
    return {
        "need_check": asked,
        "check_num": asked and checked,
        "intime_check": asked and checked and f.check_on_time,
        "invalid_check": f.check_unable > 0,
        "fail_check": f.check_failed > 0,
        "multi_fail_check": f.check_failed > 2,
        "need_archive": (f.disposed_at is not None and not f.voided and not f.merged) or (f.to_dispose and f.overdue),
        "archive_num": f.closed and not f.merged,
        "intime_archive": f.closed and not f.merged and on_time(f, rules),
        "force_archive": f.closed and f.forced,
        "reopen_num": f.reopened > 0,
        "visit_reopen_num": f.visit_reopened > 0,
        "need_reply": f.wants_reply,
        "reply_num": f.wants_reply and f.visits > 0,
        "omit_reply": f.wants_reply and f.visits == 0 and ended,
        "to_visit": f.wants_reply and f.closed and not f.visited,
        "visit_num": f.visits > 0,
        "satisfied_num": f.visits > 0 and f.satisfied,
        "satisfaction": (f.points or rules.scores.get(f.score, 0)) if f.visits else 0,
    }
