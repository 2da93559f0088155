"""The table of the work itself (处置, 反馈)."""

from __future__ import annotations

from typing import Final

from .states_row import Row, correct, correct_at_work, requests, suspend
from .states_words import DEPT, DISPATCHER, HANDLER, IMPORT, SHIFT_LEADER

HANDLING: Final[tuple[Row, ...]] = (
    # 处置
    Row(
        "dispatched", "dept_return", (DEPT,), "filed", ("case.returned",), opinion=True,
        why="wrong unit: the dispatcher may dispatch again or return to the acceptor, not push on to closing",
    ),
    Row("dispatched", "assign_handler", (DEPT,), "handling", ("case.handling_started",), guards=("handler_named",)),
    suspend("dispatched"),
    *correct_at_work("dispatched"),
    *requests("dispatched"),
    Row(
        "dispatched", "dept_confirm", (IMPORT,), "feedback", ("case.handling_confirmed",),
        why="history doesn't name the handler; nobody is invented",
    ),
    Row(
        "handling", "assign_handler", (DEPT,), "handling", ("case.handling_started",), guards=("handler_named",),
        why="another handler takes over",
    ),
    Row(
        "handling", "handler_return", (HANDLER,), "dispatched", ("case.returned",), opinion=True,
        why="before the result only",
    ),
    Row(
        "handling", "submit_result", (HANDLER, DEPT), "feedback", ("case.handled",), guards=("photo", "mode_given", "mode_in_order"),
        why="the clock still runs",
    ),
    Row(
        "handling", "refer", (DEPT, DISPATCHER), "handling", ("case.referred_to_enforcement",), opinion=True,
        guards=("not_referred", "agency_named"), why="a clue for enforcement; the case stays, its clock runs",
    ),
    suspend("handling"),
    *correct_at_work("handling"),
    *requests("handling"),
    # 反馈
    correct("feedback", (DISPATCHER, SHIFT_LEADER), "what was judged stays judged"),
    Row("feedback", "dept_send_back", (DEPT,), "handling", ("case.returned",), opinion=True, guards=("not_confirmed",)),
    Row(
        "feedback", "dept_confirm", (DEPT,), "feedback", ("case.handling_confirmed",), guards=("not_confirmed", "parts_are_in"),
        why="this instant ends the disposal clock; an end at the very deadline is on time",
    ),
    Row(
        "feedback", "dispatcher_reject", (DISPATCHER,), "dispatched", ("case.reworked",), opinion=True,
        guards=("confirmed",), why="rework by the same unit, all material kept",
    ),
    Row("feedback", "pass", (DISPATCHER,), "checking", ("case.check_requested",), guards=("confirmed",)),
    Row(
        "feedback", "close", (IMPORT,), "closed", ("case.closed",),
        why="history doesn't tell the check; nobody is invented",
    ),
)  # fmt: skip
