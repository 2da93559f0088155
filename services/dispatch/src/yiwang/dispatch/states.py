"""The life of a case as one table that can be printed: state, action, who, what follows, and why where it is odd.

Built from the state machine of the digital city-management practice (domain notes, case management, 1.4 and 1.5).
Each row is one possibility. Rows of the same (state, action, result) are told apart by `when`; the first that fits is
taken. `guards` refuse with a sentence; `opinion` means that the actor must write one.

The rows stand in `states_intake`, `states_handling`, `states_shared` and `states_after`, their words in `states_words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .states_after import AFTER
from .states_handling import HANDLING
from .states_intake import INTAKE
from .states_joining import JOINING
from .states_row import Row
from .states_shared import SHARED
from .states_words import ACTIONS, FINAL, IMPORT, RESULTS, ROLE_NAMES, STATES, SYSTEM

__all__ = [
    "ACTIONS", "BY_MOVE", "BY_PEOPLE", "FINAL", "IMPORT", "RESULTS", "ROLE_NAMES", "STATES", "SYSTEM", "TABLE", "Row", "role_names",
    "rows_for", "table_markdown",
]  # fmt: skip

TABLE: Final[tuple[Row, ...]] = (*INTAKE, *HANDLING, *SHARED, *AFTER, *JOINING)
"""In this order: of rows with the same state, action and result the first whose condition holds is taken."""

BY_PEOPLE: Final = frozenset(row.action for row in TABLE if set(row.roles) - {SYSTEM, IMPORT}) - {"report"}
"""Actions that some person may take; the others are the system's alone."""
BY_MOVE: Final[dict[tuple[str, str, str], tuple[Row, ...]]] = {}
for _row in TABLE:
    _key = (_row.state, _row.action, _row.result)
    BY_MOVE[_key] = (*BY_MOVE.get(_key, ()), _row)


def role_names(roles: Sequence[str]) -> str:
    """The roles in Chinese, people before machines."""
    return "、".join(ROLE_NAMES[role] for role in roles if role not in ("system", "import")) or "系统"


def rows_for(state: str, action: str) -> tuple[Row, ...]:
    """Every row of *action* in *state*, in the table's order."""
    return tuple(row for row in TABLE if row.state == state and row.action == action)


def table_markdown() -> str:
    """The table as the page `docs/case-states.md` shows it."""
    lines = [
        "# The states of a case",
        "",
        "Generated from `yiwang.dispatch.states`; a test compares. Each row is one possibility; of rows with the same",
        "state, action and result the first whose condition holds is taken. `*` at the opinion: it must be written.",
        "Beside the table stand two alarms, `case.deadline_warned` and `case.overdue`, that change no state.",
        "",
        "| state | action | result | condition | who | next | events | guards | opinion | why |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in TABLE:
        cells = (
            f"{row.state} {STATES[row.state]}" if row.state else "–",
            f"{row.action} {ACTIONS[row.action]}",
            f"{row.result} {RESULTS[row.result]}" if row.result else "",
            row.when,
            ", ".join(row.roles),
            f"{row.to} {STATES[row.to]}",
            ", ".join(row.emits),
            ", ".join(row.guards),
            "*" if row.opinion else "",
            row.why,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
