"""Guards of shared work and of arrival."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from yiwang.contracts import SubTask

from .acts_shared import ArriveBody
from .arrival import expected
from .draft import Draft
from .near import metres
from .practice import NEVER
from .refusals import Refused
from .resolution import mode_in_order
from .shared import BY_CO_UNIT, OPEN, missing
from .states_words import HANDLER
from .steps import step_open
from .triage import matter_known


def part_open(d: Draft) -> None:
    """The part of the actor's own unit (or the named one) that isn't in yet."""
    d.found = part = _part(d, OPEN)
    if d.act.role == HANDLER and part.handler_ref not in ("", d.act.by.person_ref):
        raise Refused("not_the_handler")


def part_handled(d: Draft) -> None:
    """A part whose result its handler has handed in."""
    d.found = _part(d, frozenset({"handled"}))


def part_in(d: Draft) -> None:
    """A part that is in, and may be given back."""
    d.found = _part(d, frozenset({"handled", "confirmed"}))


def _part(d: Draft, states: frozenset[str]) -> SubTask:
    wanted: str = getattr(d.act.body, "assignment_id", "")
    found = [p for p in d.case.subtasks if p.state in states and wanted in ("", p.assignment.assignment_id)]
    if d.act.action in BY_CO_UNIT:
        found = [p for p in found if d.act.by.unit_id in d.rules.line_of(p.assignment.unit_id)]
    if not found:
        raise Refused("part_missing")
    if len(found) > 1:
        units = "、".join(f"{p.assignment.unit_name}（{p.assignment.assignment_id}）" for p in found)
        raise Refused("part_choice", units=units)
    return found[0]


def has_parts(d: Draft) -> None:
    if not d.case.subtasks:
        raise Refused("part_missing")


def parts_are_in(d: Draft) -> None:
    """The lead confirms when every co-unit's part is in, or its absence is explained (domain notes 9; GB/T 30428)."""
    late = missing(d.case)
    if late:
        raise Refused("parts_missing", units="、".join(p.assignment.unit_name or p.assignment.unit_id for p in late))


def missing_allowed(d: Draft) -> None:
    if d.rules.practice.co_missing == NEVER:
        raise Refused("part_never_missing")


def co_unit_known(d: Draft) -> None:
    """Registered, not the lead, not at work on the case already, not the unit complained of."""
    asked = getattr(d.act.body, "unit_id", "")
    unit = d.rules.unit(asked)
    at_work = {p.assignment.unit_id for p in missing(d.case)} | {a.unit_id for a in d.case.assignments[:1]}
    if unit.unit_id in at_work:
        raise Refused("unit_at_work", unit=unit.name)
    d.rules.never_its_own(d.case, unit)
    d.found = unit


def not_arrived(d: Draft) -> None:
    if "arrived" in d.case.times:
        raise Refused("already_arrived")


def arrival_shown(d: Draft) -> None:
    """Between dispatching and now; by a position near the place where the city asks for one, else by word."""
    body = d.act.body
    if not isinstance(body, ArriveBody):
        return
    at = body.arrived_at or d.at
    if not d.case.times.get("dispatched", d.at) <= at <= d.at:
        raise Refused("arrival_time")
    rule, place = expected(d.case, d.rules), d.case.place
    if body.point is None:
        if not body.statement.strip():
            raise Refused("arrival_not_shown")
        return
    if place is None or place.point is None:
        return
    d.found = away = metres(body.point, place.point)
    if away is None:
        raise Refused("point_datum", crs=body.point.crs)
    if rule is not None and rule.within_m and away > rule.within_m:
        raise Refused("too_far", metres=int(away), within=rule.within_m)


GUARDS: Final[dict[str, Callable[[Draft], None]]] = {
    guard.__name__: guard
    for guard in (
        part_open, part_handled, part_in, has_parts, parts_are_in, missing_allowed, co_unit_known, not_arrived,
        arrival_shown, mode_in_order, matter_known, step_open,
    )
}  # fmt: skip
"""Name in the table → what refuses."""

REFUSES: Final[dict[str, tuple[str, ...]]] = {
    "part_open": ("part_missing", "part_choice", "not_the_handler"),
    "part_handled": ("part_missing", "part_choice"),
    "part_in": ("part_missing", "part_choice"),
    "has_parts": ("part_missing",),
    "parts_are_in": ("parts_missing",),
    "missing_allowed": ("part_never_missing",),
    "co_unit_known": ("unit_unknown", "unit_at_work", "unit_complained_of"),
    "not_arrived": ("already_arrived",),
    "step_open": ("no_step", "other_step"),
    "mode_in_order": ("mode_skipped", "mode_back"),
    "matter_known": ("matter_unknown", "unit_unknown", "complained_unclear"),
    "arrival_shown": ("arrival_time", "arrival_not_shown", "point_datum", "too_far"),
}
"""Guard → the refusals it may give."""

OF_THE_CASE: Final = frozenset({"has_parts", "parts_are_in", "missing_allowed", "not_arrived", "step_open"})
"""Guards that only look at the case."""
