"""The guards and conditions that the table names, from every module that has some.

A guard refuses with a sentence what must not be done; a condition says which of several rows applies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import guards_case, guards_requests, guards_shared
from .acts import Act
from .case import Case
from .draft import Draft
from .refusals import Refused
from .rules import Rules
from .states import Row

Guard = Callable[[Draft], None]

GUARDS: Final[dict[str, Guard]] = {**guards_case.GUARDS, **guards_requests.GUARDS, **guards_shared.GUARDS}
"""Name in the table → what refuses."""

CONDITIONS: Final[dict[str, Callable[[Case, Act, Rules], bool]]] = {
    **guards_case.CONDITIONS,
    **guards_requests.CONDITIONS,
}
"""Name in the table → which row of several applies."""

REFUSES: Final[dict[str, tuple[str, ...]]] = {
    **guards_case.REFUSES,
    **guards_requests.REFUSES,
    **guards_shared.REFUSES,
}
"""Guard → the refusals it may give, for the API's documentation."""

OF_THE_CASE: Final[frozenset[str]] = (
    guards_case.OF_THE_CASE | guards_requests.OF_THE_CASE | guards_shared.OF_THE_CASE
)
"""Guards that only look at the case: where one says no, nothing that a person writes helps."""


def open_now(row: Row, role: str, case: Case, rules: Rules) -> bool:
    """Whether *row* may be offered: every guard that only looks at the case agrees."""
    draft = Draft(case, Act(action=row.action, role=role, at=case.created_at), rules, row)
    try:
        for name in OF_THE_CASE.intersection(row.guards):
            GUARDS[name](draft)
    except Refused:
        return False
    return True
