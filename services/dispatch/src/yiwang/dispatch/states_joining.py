"""The table of merging and relating: two cases, two rows."""

from __future__ import annotations

from typing import Final

from .states_row import Row
from .states_words import ACCEPTOR, DISPATCHER, SHIFT_LEADER, STATES, SYSTEM

_WHO: Final = {
    "reported": (ACCEPTOR, SHIFT_LEADER), "accepted": (ACCEPTOR, SHIFT_LEADER), "filed": (DISPATCHER, SHIFT_LEADER),
    "dispatched": (DISPATCHER, SHIFT_LEADER),
}  # fmt: skip

JOINING: Final[tuple[Row, ...]] = (
    *(
        Row(
            state, "merge", who, "voided", ("case.merged", "case.voided"), opinion=True, guards=("other_known",),
            why="one problem, two reports: the main case carries both",
        )
        for state, who in _WHO.items()
    ),
    *(
        Row(state, "absorb", (SYSTEM,), state, ("case.merged",), guards=("other_known",), why="a duplicate was merged into it")
        for state in STATES
        if state not in ("closed", "voided")
    ),
    *(
        Row(
            state, "link", (ACCEPTOR, SHIFT_LEADER, DISPATCHER, SYSTEM), state, ("case.linked",),
            guards=("other_known", "not_linked"), why="the system: the other side of a relation",
        )
        for state in STATES
        if state != "voided"
    ),
)  # fmt: skip
