"""What an event tells, as the words that templates, conditions and audiences use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseDispatched, CaseEvent, Event

from .retry import CHINA

Getter = Callable[[Any, Any], str]
"""(event, assignment or None) → the fact as text"""

YES_NO: Final = ("no", "yes")


class Facts(dict[str, str]):
    """The facts of one event; each is worked out when it is first asked for."""

    __slots__ = ("_event", "_getters", "_one")

    def __init__(self, event: Any, one: Any = None) -> None:
        event_type: Any = type(event)
        self._event, self._one, self._getters = event, one, getters_of(event_type)

    def __missing__(self, name: str) -> str:
        value = self[name] = self._getters[name](self._event, self._one)
        return value


def names_of(event_type: type[Event]) -> frozenset[str]:
    """Every fact that events of *event_type* have; a template may use no other."""
    return frozenset(getters_of(event_type))


def facts_of(event: CaseEvent) -> list[Facts]:
    """The facts of *event*; ``case.dispatched`` gives one set for each assignment, every other event one."""
    if isinstance(event, CaseDispatched):
        return [Facts(event, one) for one in event.assignments]
    return [Facts(event)]


def local(moment: dt.datetime) -> str:
    """As people read it, in Chinese time.

    >>> local(dt.datetime(2026, 11, 23, 4, 5, tzinfo=dt.UTC))
    '11月23日 12:05'
    """
    at = moment.astimezone(CHINA)
    return f"{at.month}月{at.day}日 {at.hour:02d}:{at.minute:02d}"


def _category(event: CaseEvent) -> str:
    category = event.case.category
    if category is None:
        return ""
    return category.minor_name or category.major_name or f"{category.major}{category.minor}"


def _address(event: CaseEvent) -> str:
    place = event.case.place
    if place is None:
        return "(位置未定)"
    area = place.area
    if place.address_masked:
        return place.address_masked
    named = "".join(area.names.get(code, "") for code in (area.county, area.street9, area.community12))
    return named or area.community12 or area.street9 or area.county or area.city


def _area(event: CaseEvent) -> str:
    """The finest area that is known, for ``role@{area}``."""
    if event.case.place is None:
        return event.jurisdiction
    area = event.case.place.area
    return area.community12 or area.street9 or area.county or event.jurisdiction


def _of_category(name: str) -> Getter:
    return lambda e, _: getattr(e.case.category, name) if e.case.category else ""


def _of_area(name: str) -> Getter:
    return lambda e, _: getattr(e.case.place.area, name) if e.case.place else ""


HEAD: Final[dict[str, Getter]] = {
    "case_id": lambda e, _: e.case.case_id,
    "case_no": lambda e, _: e.case.case_no or "(未编号)",
    "nature": lambda e, _: e.case.nature,
    "channel": lambda e, _: e.case.channel.name or e.case.channel.code,
    "category": lambda e, _: _category(e),
    "major": _of_category("major"),
    "minor": _of_category("minor"),
    "category_kind": _of_category("kind"),
    "urgency": lambda e, _: e.case.urgency,
    "address": lambda e, _: _address(e),
    "county": _of_area("county"),
    "street9": _of_area("street9"),
    "community12": _of_area("community12"),
    "area": lambda e, _: _area(e),
    "state": lambda e, _: e.case.state_after,
    "state_before": lambda e, _: e.case.state_before,
    "lead_unit": lambda e, _: e.case.lead_assignment.unit_id if e.case.lead_assignment else "",
    "lead_unit_name": lambda e, _: (
        (e.case.lead_assignment.name or e.case.lead_assignment.unit_id) if e.case.lead_assignment else ""
    ),
    "jurisdiction": lambda e, _: e.jurisdiction,
    "actor_role": lambda e, _: e.actor.role,
    "actor_unit": lambda e, _: e.actor.unit_id,
    "supervised": lambda e, _: YES_NO[e.case.flags.supervised],
    "overdue": lambda e, _: YES_NO[e.case.flags.overdue],
}
"""Facts of every event of a case."""

ASSIGNMENT: Final[dict[str, Getter]] = {
    "assignment_id": lambda _, one: one.assignment_id,
    "unit_id": lambda _, one: one.unit_id,
    "unit_name": lambda _, one: one.unit_name or one.unit_id,
    "unit_level": lambda _, one: str(one.unit_level),
    "unit_role": lambda _, one: one.role,
    "due_at": lambda _, one: local(one.clock.due_at),
    "limit": lambda _, one: str(one.clock.limit),
    "provisional": lambda _, one: YES_NO[one.clock.provisional],
}
"""Facts of each assignment of ``case.dispatched``: one notice per assignment."""

TASK: Final[dict[str, Getter]] = {
    "person_ref": lambda e, _: e.assignee.person_ref,
    "duty_grid_id": lambda e, _: e.assignee.duty_grid_id,
    "due_at": lambda e, _: local(e.clock.due_at),
}
"""Facts of a verify or check task."""


@cache
def getters_of(event_type: type[Event]) -> dict[str, Getter]:
    """Name → getter of every fact of *event_type*: its own texts, numbers, marks and moments, and those above."""
    getters: dict[str, Getter] = dict(HEAD)
    envelope = set(CaseEvent.__struct_fields__)
    for field in msgspec.inspect.type_info(event_type).fields:  # type: ignore[attr-defined]
        text = _as_text(field.type)
        if text and field.name not in envelope:
            getters[field.name] = _own(field.name, text)
    if issubclass(event_type, CaseDispatched):
        getters |= ASSIGNMENT
    if "assignee" in event_type.__struct_fields__:
        getters |= TASK
    return getters


def _own(name: str, text: Callable[[Any], str]) -> Getter:
    def get(event: Any, _: Any) -> str:
        value = getattr(event, name)
        return "" if value is None else text(value)

    return get


def _as_text(kind: msgspec.inspect.Type) -> Callable[[Any], str] | None:
    if isinstance(kind, msgspec.inspect.UnionType):
        inner = [t for t in kind.types if not isinstance(t, msgspec.inspect.NoneType)]
        return _as_text(inner[0]) if len(inner) == 1 else None
    if isinstance(kind, msgspec.inspect.Metadata):
        return _as_text(kind.type)
    if isinstance(kind, msgspec.inspect.BoolType):
        return YES_NO.__getitem__
    if isinstance(kind, msgspec.inspect.DateTimeType):
        return local
    if isinstance(kind, (msgspec.inspect.StrType, msgspec.inspect.IntType, msgspec.inspect.FloatType)):
        return str
    return None
