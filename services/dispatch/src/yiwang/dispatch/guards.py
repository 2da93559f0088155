"""The guards and conditions that the table names, from every module that has some.

A guard refuses with a sentence what must not be done; a condition says which of several rows applies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from yiwang.contracts import Actor

from . import guards_case, guards_requests, guards_shared, withdrawing
from .acts import Act
from .case import Case
from .draft import Draft
from .refusals import Refused
from .rules import Rules
from .states import Row

Guard = Callable[[Draft], None]

GUARDS: Final[dict[str, Guard]] = {
    **guards_case.GUARDS,
    **guards_requests.GUARDS,
    **guards_shared.GUARDS,
    **withdrawing.GUARDS,
}
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
    **withdrawing.REFUSES,
}
"""Guard → the refusals it may give, for the API's documentation."""

OF_THE_CASE: Final[frozenset[str]] = (
    guards_case.OF_THE_CASE | guards_requests.OF_THE_CASE | guards_shared.OF_THE_CASE | withdrawing.OF_THE_CASE
)
"""Guards that only look at the case: where one says no, nothing that a person writes helps."""


OF_THE_PERSON: Final = withdrawing.OF_THE_PERSON | {"approver_not_asker"}
"""Guards that look at who acts, too."""


def open_now(row: Row, role: str, case: Case, rules: Rules, by: Actor | None = None) -> bool:
    """Whether *row* may be offered (to *by*, where given): every guard that looks at nothing else agrees."""
    draft = Draft(case, Act(action=row.action, role=role, at=case.created_at, by=by or Actor()), rules, row)
    asked = OF_THE_CASE if by is None else OF_THE_CASE | OF_THE_PERSON
    try:
        for name in asked.intersection(row.guards):
            GUARDS[name](draft)
    except Refused:
        return False
    return True
