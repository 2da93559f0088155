"""What an event tells, as the words that templates, conditions and audiences use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseDispatched, CaseEvent, CaseHead, CaseVerifyRequested, Event

from .retry import CHINA

Facts = dict[str, str]

HEAD: Final = frozenset((
    "case_id", "case_no", "nature", "channel", "category", "major", "minor", "category_kind", "urgency", "address",
    "county", "street9", "community12", "area", "state", "state_before", "lead_unit", "lead_unit_name", "jurisdiction",
    "actor_role", "actor_unit", "supervised", "overdue",
))  # fmt: skip
"""Facts of every event of a case."""

ASSIGNMENT: Final = frozenset((
    "assignment_id", "unit_id", "unit_name", "unit_level", "unit_role", "due_at", "limit", "provisional",
))  # fmt: skip
"""Facts of each assignment of ``case.dispatched``: one notice per assignment."""

TASK: Final = frozenset(("person_ref", "duty_grid_id", "due_at"))
"""Facts of a verify or check task."""

YES_NO: Final = ("no", "yes")


def local(moment: dt.datetime) -> str:
    """As people read it, in Chinese time.

    >>> local(dt.datetime(2026, 11, 23, 4, 5, tzinfo=dt.UTC))
    '11月23日 12:05'
    """
    at = moment.astimezone(CHINA)
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def names_of(event_type: type[Event]) -> frozenset[str]:
    """Every fact that events of *event_type* have; a template may use no other."""
    names = {name for name, _, _ in _own(event_type)}
    if issubclass(event_type, CaseEvent):
        names |= HEAD
    if issubclass(event_type, CaseDispatched):
        names |= ASSIGNMENT
    if "assignee" in event_type.__struct_fields__:
        names |= TASK
    return frozenset(names)


def facts_of(event: CaseEvent) -> list[Facts]:
    """The facts of *event*; ``case.dispatched`` gives one set for each assignment, every other event one."""
    base = _head(event.case, event)
    for name, get, text in _own(type(event)):
        value = get(event)
        base[name] = "" if value is None else text(value)
    if isinstance(event, CaseDispatched):
        return [base | _assignment(one) for one in event.assignments]
    if isinstance(event, CaseVerifyRequested) or hasattr(event, "assignee"):
        task: Any = event
        base |= {
            "person_ref": task.assignee.person_ref,
            "duty_grid_id": task.assignee.duty_grid_id,
            "due_at": local(task.clock.due_at),
        }
    return [base]


def _head(head: CaseHead, event: CaseEvent) -> Facts:
    category, lead = head.category, head.lead_assignment
    facts = {
        "case_id": head.case_id,
        "case_no": head.case_no or "(未编号)",
        "nature": head.nature,
        "channel": head.channel.name or head.channel.code,
        "category": "",
        "major": "",
        "minor": "",
        "category_kind": "",
        "urgency": head.urgency,
        "state": head.state_after,
        "state_before": head.state_before,
        "lead_unit": lead.unit_id if lead else "",
        "lead_unit_name": (lead.name or lead.unit_id) if lead else "",
        "jurisdiction": event.jurisdiction,
        "actor_role": event.actor.role,
        "actor_unit": event.actor.unit_id,
        "supervised": YES_NO[head.flags.supervised],
        "overdue": YES_NO[head.flags.overdue],
    }
    if category:
        facts |= {"major": category.major, "minor": category.minor, "category_kind": category.kind}
        facts["category"] = category.minor_name or category.major_name or f"{category.major}{category.minor}"
    return facts | _place(head, event.jurisdiction)


def _place(head: CaseHead, jurisdiction: str) -> Facts:
    place = head.place
    if place is None:
        return {"address": "(位置未定)", "county": "", "street9": "", "community12": "", "area": jurisdiction}
    area = place.area
    codes = (area.county, area.street9, area.community12)
    address = place.address_masked or "".join(area.names.get(code, "") for code in codes)
    return {
        "address": address or area.community12 or area.street9 or area.county or area.city,
        "county": area.county,
        "street9": area.street9,
        "community12": area.community12,
        "area": area.community12 or area.street9 or area.county or jurisdiction,
    }


def _assignment(one: Any) -> Facts:
    return {
        "assignment_id": one.assignment_id,
        "unit_id": one.unit_id,
        "unit_name": one.unit_name or one.unit_id,
        "unit_level": str(one.unit_level),
        "unit_role": one.role,
        "due_at": local(one.clock.due_at),
        "limit": str(one.clock.limit),
        "provisional": YES_NO[one.clock.provisional],
    }


@cache
def _own(event_type: type[Event]) -> tuple[tuple[str, Callable[[Any], Any], Callable[[Any], str]], ...]:
    """(name, getter, as text) of the event's own plain fields: texts, numbers, marks and moments."""
    envelope = set(CaseEvent.__struct_fields__)
    found = []
    for field in msgspec.inspect.type_info(event_type).fields:  # type: ignore[attr-defined]
        text = _as_text(field.type)
        if text and field.name not in envelope:
            found.append((field.name, attrgetter(field.name), text))
    return tuple(found)


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
