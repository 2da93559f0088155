"""One row of the table of states, and the rows that several states share."""

from __future__ import annotations

from typing import NamedTuple

from .states_words import ACCEPTOR, DEPT, DISPATCHER, HANDLER, LEADER, SHIFT_LEADER


class Row(NamedTuple):
    """One possibility in the life of a case."""

    state: str
    action: str
    roles: tuple[str, ...]
    to: str
    emits: tuple[str, ...]
    """Wire names without the version, in order; each is one version of the case"""
    result: str = ""
    when: str = ""
    guards: tuple[str, ...] = ()
    opinion: bool = False
    why: str = ""


def suspend(state: str) -> Row:
    return Row(
        state, "suspend", (DISPATCHER, LEADER), "suspended", ("case.suspended",), opinion=True,
        guards=("may_hang_directly", "resume_within_limit", "first_suspension"),
        why="engineering or season: granted once, to a date",
    )  # fmt: skip


def requests(state: str) -> tuple[Row, ...]:
    """More time (延期) and a rest (挂账), asked for by the unit that has the case and decided level by level."""
    decide, turn = (DEPT, DISPATCHER, SHIFT_LEADER, LEADER, ACCEPTOR), ("request_open", "your_turn", "approver_not_asker")
    extension, hang = "case.extension_decided", "case.suspension_decided"
    return (
        Row(
            state, "postpone_apply", (HANDLER, DEPT), state, ("case.extension_requested",), opinion=True,
            guards=("nothing_asked", "extensions_left", "extension_in_time"),
            why="a handler's goes to the department first, the department's own skips that step",
        ),
        Row(
            state, "postpone_approve", decide, state, (extension,), result="approved",
            guards=(*turn, "extension_in_time"), why="the last level's agreement adds the original limit",
        ),
        Row(state, "postpone_approve", decide, state, (extension,), result="rejected", opinion=True, guards=turn),
        Row(
            state, "hang_apply", (HANDLER, DEPT), state, ("case.suspension_requested",), opinion=True,
            guards=("nothing_asked", "first_suspension", "resume_within_limit"), why="the clock runs on until it is granted",
        ),
        Row(
            state, "hang_approve", decide, state, (hang,), result="approved", when="more_levels", guards=turn,
            why="the next level decides",
        ),
        Row(
            state, "hang_approve", decide, "suspended", ("case.suspended",), result="approved",
            guards=(*turn, "date_still_ahead", "first_suspension"), why="the last level's agreement hangs it, the clock stands",
        ),
        Row(state, "hang_approve", decide, state, (hang,), result="rejected", opinion=True, guards=turn),
        withdraw(state, "postpone_withdraw", (HANDLER, DEPT), extension),
        withdraw(state, "hang_withdraw", (HANDLER, DEPT), hang),
    )  # fmt: skip


def withdraw(state: str, action: str, who: tuple[str, ...], event: str = "") -> Row:
    return Row(
        state, action, who, state, (event,) if event else (), guards=("withdrawable", "asked_by_you"),
        why="who asked thinks better of it before the last word",
    )  # fmt: skip


def void(state: str, who: tuple[str, ...], why: str = "") -> Row:
    return Row(state, "void", who, "voided", ("case.voided",), opinion=True, guards=("reason_given",), why=why)


def correct(state: str, who: tuple[str, ...], why: str = "") -> Row:
    return Row(state, "correct", who, state, ("case.corrected",), guards=("something_changed", "refiled_if_filed"), why=why)


def correct_at_work(state: str) -> tuple[Row, Row]:
    """After the dispatch: limit, clock and unit follow as the city's policy says."""
    who = (DISPATCHER, SHIFT_LEADER)
    back = Row(
        state, "correct", who, "filed", ("case.corrected",), when="for_another_unit",
        guards=("something_changed", "refiled_if_filed"), why="another unit's matter: the dispatcher sends it anew",
    )  # fmt: skip
    return back, correct(state, who, "the limit follows the new class where the city says so")


def not_pass(action: str, role: str, guards: tuple[str, ...]) -> Row:
    return Row(
        "checking", action, (role,), "dispatched", ("case.checked", "case.reworked"), result="not_pass", opinion=True,
        guards=guards, why="rework by the same unit, all material kept",
    )  # fmt: skip
