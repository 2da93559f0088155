"""What recomputed limits, shared work and arrivals change on a case told by its events. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseDeadlineRecomputed, CaseEvent

from .case import Case
from .recompute import ACTION, settle

Changes = dict[str, Any]


def _recomputed(case: Case, e: CaseDeadlineRecomputed) -> Changes:
    after = msgspec.structs.replace(case)
    settle(after, e.changes, {clock.clock_id: clock for clock in e.case.open_clocks}, e.occurred_at)
    return {"since": case.since, "clocks": after.clocks}


WORK: Final[dict[type[CaseEvent], Callable[[Case, Any], Changes]]] = {
    CaseDeadlineRecomputed: _recomputed,
}
"""Event → what it changes beyond what its head says."""

WORK_ACTIONS: Final[dict[type[CaseEvent], str]] = {
    CaseDeadlineRecomputed: ACTION,
}
"""The action that an event most likely came from."""
