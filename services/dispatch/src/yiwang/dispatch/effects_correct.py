"""Class or place put right (更正), in every open state, and what that does to limit, clock and unit. Pure.

Before filing a correction changes nothing but itself. After it, a new class asks for a new filing condition; the city's
policy says whether the new limit counts from the old start, and whether another unit's matter goes back to the dispatcher.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from yiwang.contracts import CaseCorrected, FieldChange, Place

from . import clocks
from .acts import Act, Body, CorrectBody
from .case import ACCEPT, DISPATCH, DISPOSAL, Case
from .codes import Condition
from .draft import Draft
from .places import place_of_code
from .refusals import Refused
from .rules import Rules
from .states_words import SYSTEM
from .tiers import first_command

BEFORE_FILING: Final = frozenset({"reported", "verifying", "accepted"})


def corrected(case: Case, body: Body, rules: Rules) -> Case:
    """*case* with the class and the place that *body* names, and nothing else changed."""
    after = msgspec.structs.replace(case)
    if not isinstance(body, CorrectBody):
        return after
    if body.category is not None:
        after.category, after.condition_id = rules.category(body.category), ""
    place: Place | None = getattr(body, "place", None)
    if body.area:
        place = place_of_code(body.area, case.place, body.address_masked)
    if place is not None:
        after.place, after.located = place, True
    return after


def new_condition(case: Case, act: Act, rules: Rules) -> Condition | None:
    """The condition under which the corrected case is filed; None where the old one stays. Raises Refused."""
    body = act.body
    if not isinstance(body, CorrectBody) or case.state in BEFORE_FILING:
        return None
    if body.category is None and body.condition_id in ("", case.condition_id):
        return None
    return rules.condition(corrected(case, body, rules), body.condition_id, act.at)


def for_another_unit(case: Case, act: Act, rules: Rules) -> bool:
    """Whether the matrix sends the corrected case to another unit, and the city's policy asks the dispatcher then."""
    lead = case.lead
    if lead is None or rules.policies.correction.unit != "ask":
        return False
    after = corrected(case, act.body, rules)
    try:
        condition = new_condition(case, act, rules)
    except Refused:
        return False  # the guard says why
    if condition is not None:
        after.condition_id = condition.condition_id
    here, there = rules.assigned(case, act.at), rules.assigned(after, act.at)
    moved = there is not None and there.lead.unit_id != lead.unit_id
    return moved and (here is None or there is None or here.lead.unit_id != there.lead.unit_id)


def correct(d: Draft, body: CorrectBody) -> None:
    """The grid service's later answer comes in as a `LocatedBody`."""
    case, changed, found = d.case, [], d.found if isinstance(d.found, Condition) else None
    after = corrected(case, body, d.rules)
    filed = case.state not in BEFORE_FILING
    if after.category != case.category or body.category is not None:
        changed.append(_change("category", case.category.key if case.category else "", after.category.key if after.category else ""))
        case.category = after.category
        case.condition_id = case.condition_id if filed else ""
    if after.place is not case.place:
        changed.append(_change("place", case.area if case.located else "", _deepest(after.place)))
        _moved(d, after, changed)
    fixed = _refiled(d, found, changed) if found is not None else {}
    if filed and d.row.to == "filed" and d.before.state != "filed":
        _back_to_dispatcher(d)
    code = "relocate" if after.place is not d.before.place else "reclassify"
    d.emit(CaseCorrected, changed=tuple(changed), reason_code=code, opinion=body.opinion, **fixed)


def _change(field: str, old: str, new: str) -> FieldChange:
    return FieldChange(field=field, old=old, new=new)


def _moved(d: Draft, after: Case, changed: list[FieldChange]) -> None:
    case, county = d.case, d.case.county
    case.place, case.located = after.place, True
    case.times = case.times | {"located": d.at}
    if d.act.role == SYSTEM and case.clock(ACCEPT) is None:
        d.rules.start_stage(case, ACCEPT, case.created_at)
    if case.state == "filed" and case.county != county and d.rules.two_commands:
        case.command = first_command(case, d.rules.tiers)
        changed.append(_change("command", d.before.command, case.command))


def _refiled(d: Draft, found: Condition, changed: list[FieldChange]) -> dict[str, Any]:
    """The case stands under another condition; its running limit follows where the policy says so."""
    case = d.case
    changed.append(_change("condition", d.before.condition_id, found.condition_id))
    case.condition_id = found.condition_id
    case.closing_conditions = tuple([c.closing_id for c in found.closings])
    fixed: dict[str, Any] = {"closing_condition_ids": case.closing_conditions}
    other = (found.limit, found.unit_kind) != (case.limit, case.unit_kind)
    if other and d.rules.policies.correction.limit == "new" and not case.confirmed:
        changed.append(_change("limit", f"{case.limit} {case.unit_kind}", f"{found.limit} {found.unit_kind}"))
        case.unit_kind, case.limit = found.unit_kind, found.limit
        fixed |= {"unit_kind": found.unit_kind, "limit": found.limit}
        running = case.clock(DISPOSAL)
        if running is not None:
            d.clock = clocks.relimit(case, running, found.limit, found.unit_kind, d.at, d.rules)
            late = d.clock.overdue
            if case.flags.overdue != late:
                case.flags = msgspec.structs.replace(case.flags, overdue=late)
    return fixed


def _back_to_dispatcher(d: Draft) -> None:
    """It was another unit's matter all along: the work's clock ends, the dispatcher's begins."""
    case = d.case
    d.clock = clocks.stop(case, DISPOSAL, d.at, d.rules)
    d.rules.start_stage(case, DISPATCH, d.at)
    case.assignments = case.subtasks = ()
    case.handler_ref, d.receiver = "", "dispatcher"


def _deepest(place: Place | None) -> str:
    if place is None:
        return ""
    at = place.area
    return at.community12 or at.street9 or at.county or at.city
