"""The result that a line of a told case's flow shows, as its custodian's own line shows it. Pure."""

from __future__ import annotations

from yiwang.contracts import CaseEvent, CaseSupervised, CaseVisited

from .asking import SCORES


def result_of(event: CaseEvent) -> str:
    """The kind of a supervision, what the reporter said at the visit, else the event's own result."""
    if isinstance(event, CaseSupervised):
        return event.kind
    if isinstance(event, CaseVisited):
        return SCORES.get(event.score, str(event.score))
    return getattr(event, "result", "")
