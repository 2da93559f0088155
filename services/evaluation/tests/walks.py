"""Random lives of cases: steps that fit the state, drawn one after the other."""

from __future__ import annotations

from collections.abc import Callable

from yiwang.evaluation.testing import Life

MOVES: dict[str, list[str]] = {
    "reported": ["send_verify 30", "accept", "accept", "void not_accepted", "correct cls event/04/01", "merge"],
    "verifying": ["verify exist", "verify not_exist"],
    "accepted": ["file", "file", "file", "void not_filed", "correct place 440310002001"],
    "filed": ["dispatch u1 240", "dispatch u2 60", "city", "return to_acceptor", "void void", "handover 440303"],
    "dispatched": [
        "start h1", "confirm", "confirm unknown", "return dept", "extend 240", "extend 60 rejected", "hang", "overdue",
        "supervise leader", "correct cls part/01/02", "help a2 u2 60", "part a2 u2 confirmed", "part a2 u2 late",
        "part a2 u2 rework", "part a2 u2 refused", "must_arrive 30", "arrive on_time",
    ],
    "handling": ["handle service", "return handler", "hang"],
    "feedback": ["confirm", "send_check 30", "close", "rework 120"],
    "checking": ["check pass", "check not_pass 240", "check unable"],
    "closing": ["close", "close force"],
    "closed": ["visit 2 satisfied", "visit 5", "appeal upheld", "appeal refused", "reopen 240", "recur x"],
    "suspended": ["hang stock", "resume 240"],
    "voided": [],
}  # fmt: skip
STARTS = ["report 1", "report 1", "report 11 reply", "report 34", "report 1 leader", "report 1 self"]


def walk(case_id: str, draw: Callable[[int], int], steps: int) -> Life:
    """A life of at most *steps* steps; *draw(n)* gives a number below n."""
    life = Life(case_id, place=("440310001003", "440310002001001", "440303001")[draw(3)]).lead(STARTS[draw(len(STARTS))])
    if life.flags.self_disposed:
        return life.lead(("+5 close", "+5 void void", "+5 correct self no")[draw(3)])
    for _ in range(steps):
        moves = [m for m in MOVES[life.state] if _fits(life, m)]
        if not moves:
            break
        life.lead(f"+{(1, 10, 100, 400)[draw(4)]} {moves[draw(len(moves))]}")
    return life


def _fits(life: Life, move: str) -> bool:
    verb = move.split()[0]
    if verb in ("confirm", "extend", "overdue"):
        return "disposal" in life.clocks
    if verb == "part":
        return "co" in life.clocks
    if verb in ("send_check", "close", "rework") and life.state == "feedback":
        return "disposal" not in life.clocks
    return True
