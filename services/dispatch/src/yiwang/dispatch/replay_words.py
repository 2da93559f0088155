"""The result that a line of a told case's flow shows, as its custodian's own line shows it. Pure."""

from __future__ import annotations

from typing import Final

from yiwang.contracts import (
    CaseAppealDecided,
    CaseEvent,
    CaseExtensionDecided,
    CaseSupervised,
    CaseSuspensionDecided,
    CaseVisited,
)

from .asking import SCORES
from .withdrawing import WITHDRAWN

TAKEN_BACK: Final[dict[type[CaseEvent], str]] = {
    CaseExtensionDecided: "postpone_withdraw",
    CaseSuspensionDecided: "hang_withdraw",
    CaseAppealDecided: "appeal_withdraw",
}


def taken_back(event: CaseEvent) -> str:
    """The action by which who asked took it back; empty for every other event."""
    return TAKEN_BACK.get(type(event), "") if getattr(event, "decision", "") == WITHDRAWN else ""


def result_of(event: CaseEvent) -> str:
    """The kind of a supervision, what the reporter said at the visit, else the event's own result."""
    if isinstance(event, CaseSupervised):
        return event.kind
    if isinstance(event, CaseVisited):
        return SCORES.get(event.score, str(event.score))
    return getattr(event, "result", "")
