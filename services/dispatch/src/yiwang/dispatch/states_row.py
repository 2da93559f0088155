"""One row of the table of states, and the rows that several states share."""

from __future__ import annotations

from typing import NamedTuple

from .states_words import DISPATCHER, LEADER


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
        guards=("resume_within_limit", "first_suspension"), why="engineering or season: granted once, to a date",
    )  # fmt: skip


def void(state: str, who: tuple[str, ...], why: str = "") -> Row:
    return Row(state, "void", who, "voided", ("case.voided",), opinion=True, guards=("reason_given",), why=why)


def correct(state: str, who: tuple[str, ...], why: str = "") -> Row:
    return Row(state, "correct", who, state, ("case.corrected",), guards=("something_changed",), why=why)


def not_pass(action: str, role: str, guards: tuple[str, ...]) -> Row:
    return Row(
        "checking", action, (role,), "dispatched", ("case.checked", "case.reworked"), result="not_pass", opinion=True,
        guards=guards, why="rework by the same unit, all material kept",
    )  # fmt: skip
