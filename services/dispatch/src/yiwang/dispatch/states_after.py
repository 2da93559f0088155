"""The table of what follows the work (核查, 结案) and of the suspension (挂账)."""

from __future__ import annotations

from typing import Final

from .states_row import Row, correct, not_pass, withdraw
from .states_words import ACCEPTOR, COLLECTOR, DEPT, DISPATCHER, LEADER, SHIFT_LEADER, SYSTEM

_CHECK: Final = ("task_open", "checker_not_handler")

_APPEALED: Final = ("appeal_open", "your_turn", "approver_not_asker")
_REVIEW: Final = (DISPATCHER, ACCEPTOR, SHIFT_LEADER, LEADER)

AFTER: Final[tuple[Row, ...]] = (
    # 核查
    correct("checking", (ACCEPTOR, SHIFT_LEADER), "what was judged stays judged"),
    Row(
        "checking", "send_check", (ACCEPTOR, SHIFT_LEADER), "checking", ("case.check_requested",),
        why="another inspector; the earlier task ends",
    ),
    Row(
        "checking", "check_result", (COLLECTOR,), "closing", ("case.checked",), result="pass",
        guards=(*_CHECK, "photo"),
    ),
    not_pass("check_result", COLLECTOR, _CHECK),
    Row(
        "checking", "check_result", (COLLECTOR,), "checking", ("case.checked", "case.check_requested"), result="unable",
        when="may_check_again", guards=_CHECK, opinion=True, why="a new task for another look",
    ),
    Row(
        "checking", "check_result", (COLLECTOR,), "checking", ("case.checked",), result="unable", guards=_CHECK,
        opinion=True, why="looked often enough: the shift leader decides",
    ),
    Row(
        "checking", "decide_check", (SHIFT_LEADER,), "closing", ("case.checked",), result="pass",
        guards=("no_task_left",), opinion=True, why="the inspectors couldn't tell",
    ),
    not_pass("decide_check", SHIFT_LEADER, ("no_task_left",)),
    # 结案
    correct("closing", (ACCEPTOR, SHIFT_LEADER), "what was judged stays judged"),
    Row("closing", "close", (ACCEPTOR, SHIFT_LEADER), "closed", ("case.closed",), guards=("closing_condition_met",)),
    Row(
        "closing", "request_force_close", (ACCEPTOR, DISPATCHER), "closing", (), opinion=True,
        why="a request changes nothing by itself, so it is no event; it stands in the history",
    ),
    Row(
        "closing", "force_close", (SHIFT_LEADER, LEADER), "closed", ("case.closed",), opinion=True,
        guards=("force_requested", "approver_not_requester"), why="archived as special (archive type 4)",
    ),
    withdraw("closing", "force_withdraw", (ACCEPTOR, DISPATCHER)),
    # 挂账
    correct("suspended", (DISPATCHER, SHIFT_LEADER), "the clock stands on, under the new limit"),
    Row(
        "suspended", "to_stock", (SYSTEM,), "suspended", ("case.suspended",), guards=("stock_due",),
        why="so many days after the commander's consent it is stock (积存); its date stays",
    ),
    Row(
        "suspended", "resume", (DISPATCHER, LEADER, SYSTEM), "dispatched", ("case.resumed",),
        when="came_from_dispatched",
        why="the system: the date has come",
    ),
    Row(
        "suspended", "resume", (DISPATCHER, LEADER, SYSTEM), "handling", ("case.resumed",),
        why="the system: the date has come",
    ),
    # 结案以后
    Row(
        "closed", "appeal", (DEPT,), "closed", ("case.appealed",), opinion=True,
        guards=("was_overdue", "never_appealed", "appeal_in_time"), why="once per case, only against an overdue mark",
    ),
    Row(
        "closed", "decide_appeal", _REVIEW, "closed", ("case.appeal_decided",), result="approved", guards=_APPEALED,
        why="the last review's agreement exempts it from statistics; facts stay",
    ),
    Row(
        "closed", "decide_appeal", _REVIEW, "closed", ("case.appeal_decided",), result="rejected", opinion=True,
        guards=_APPEALED,
    ),
    withdraw("closed", "appeal_withdraw", (DEPT,), "case.appeal_decided"),
    Row(
        "closed", "reopen", (ACCEPTOR, SHIFT_LEADER, SYSTEM), "dispatched", ("case.reopened",), opinion=True,
        guards=("was_handled",), why="a new round by the same unit; the system: its reporter isn't satisfied",
    ),
)  # fmt: skip
