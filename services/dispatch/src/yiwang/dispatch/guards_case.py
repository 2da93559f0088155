"""The guards of the main line: what must hold before a step, and which of two rows applies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from yiwang.contracts import areas

from .acts import Act, CloseBody, CorrectBody, DownBody
from .case import Case
from .draft import Draft
from .refusals import Refused
from .rules import Rules
from .states import ACTIONS, IMPORT, SYSTEM

Guard = Callable[[Draft], None]


def located(d: Draft) -> None:
    """A place is known; imported history may lack it."""
    if not d.case.located and d.act.role != IMPORT:
        raise Refused("not_located", action=ACTIONS[d.act.action])


def categorised(d: Draft) -> None:
    """A class is known or chosen now, and the code set in force has it (an imported one keeps its own code set)."""
    choice = getattr(d.act.body, "category", None)
    if choice is not None:
        if d.rules.category(choice) is None:
            raise Refused("category_unknown", category=f"{choice.kind}/{choice.major}/{choice.minor}")
    elif d.case.category is None:
        raise Refused("not_categorised")


def verified_if_must(d: Draft) -> None:
    """Public, petition and media items must be verified first (domain notes 1.3); an AI's alarm needs a person,
    and the acceptor is one."""
    if d.act.role != IMPORT and d.case.verify_policy == "must" and d.case.verified != "exist":
        raise Refused("not_verified")


def not_self_disposed(d: Draft) -> None:
    if d.case.flags.self_disposed and d.act.role != IMPORT:
        raise Refused("is_self_disposed")


def self_disposed(d: Draft) -> None:
    if not d.case.flags.self_disposed:
        raise Refused("not_self_disposed")


def trivial(d: Draft) -> None:
    """Only what stands on the city's list may end as mended on the spot (domain notes 1.4, row 2)."""
    category = d.case.category
    key = category and (category.code_set, category.kind, category.major, category.minor)
    if key not in d.rules.self_disposal:
        name = (category.minor_name or category.key) if category else "未分类"
        raise Refused("not_trivial", category=name)


def reason_given(d: Draft) -> None:
    if not getattr(d.act.body, "reason_code", "").strip():
        raise Refused("reason_missing")


def something_changed(d: Draft) -> None:
    """A class or a place inside this jurisdiction; the grid service's own answer needs no look."""
    body = d.act.body
    if d.act.role == SYSTEM or not isinstance(body, CorrectBody):
        return
    if body.category is None and not body.area and not body.condition_id:
        raise Refused("nothing_changed")
    if body.category is not None:
        categorised(d)
    if body.area:
        try:
            inside = areas.level_of(body.area) in ("county", "street", "community", "extension") and areas.contains(
                d.case.custody.jurisdiction, body.area
            )
        except ValueError:
            inside = False
        if not inside:
            raise Refused("area_malformed", area=body.area)


def condition_known(d: Draft) -> None:
    d.found = d.rules.condition(d.case, getattr(d.act.body, "condition_id", ""), d.at)


def at_city(d: Draft) -> None:
    if d.case.command != "city":
        raise Refused("not_at_city")


def at_district(d: Draft) -> None:
    if d.case.command != "district" or not d.rules.two_commands:
        raise Refused("not_at_district")


def at_last_command(d: Draft) -> None:
    if d.case.command == "city" and d.rules.two_commands and d.act.role != IMPORT:
        raise Refused("not_at_last_command")


def county_known(d: Draft) -> None:
    body = d.act.body
    county = (body.county if isinstance(body, DownBody) else "") or d.case.county
    if not county or not areas.contains(d.case.custody.jurisdiction, county):
        raise Refused("county_unknown")


def unit_known(d: Draft) -> None:
    d.found = d.rules.choice_of_unit(d.case, d.act.body, d.at)


def task_open(d: Draft) -> None:
    if d.case.task is None:
        raise Refused("task_missing")


def photo(d: Draft) -> None:
    if not getattr(d.act.body, "media", ()):
        raise Refused("photo_missing", action=ACTIONS[d.act.action])


def checker_not_handler(d: Draft) -> None:
    """Nobody checks the work of their own unit."""
    unit = d.act.by.unit_id
    if unit and any(unit == a.unit_id for a in d.case.assignments):
        raise Refused("checker_is_handler")


def handler_named(d: Draft) -> None:
    if not getattr(d.act.body, "handler_ref", "").strip():
        raise Refused("handler_missing")


def mode_given(d: Draft) -> None:
    if not getattr(d.act.body, "resolution_mode", ""):
        raise Refused("mode_missing")


def confirmed(d: Draft) -> None:
    if not d.case.confirmed:
        raise Refused("not_confirmed")


def not_confirmed(d: Draft) -> None:
    if d.case.confirmed:
        raise Refused("already_confirmed")


def no_task_left(d: Draft) -> None:
    if d.case.task is not None:
        raise Refused("task_still_open")


def closing_condition_met(d: Draft) -> None:
    """Every closing condition of the chosen filing condition is named as met."""
    if not isinstance(d.act.body, CloseBody):
        return
    missing = [c for c in d.case.closing_conditions if c not in d.act.body.closing_condition_ids]
    if missing:
        raise Refused("closing_condition_missing", missing="、".join(missing))


def force_requested(d: Draft) -> None:
    if d.case.force is None:
        raise Refused("force_not_requested")


def approver_not_requester(d: Draft) -> None:
    if d.case.force is not None and d.case.force.person_ref == d.act.by.person_ref:
        raise Refused("approver_is_requester")


def resume_within_limit(d: Draft) -> None:
    """A date of one's choice, within a year (domain notes 1.5; the profile may shorten it)."""
    on: dt.datetime | None = getattr(d.act.body, "resume_on", None)
    days = d.rules.suspend_days
    if on is None or not d.at < on <= d.at + dt.timedelta(days=days):
        raise Refused("resume_out_of_range", days=days)


def first_suspension(d: Draft) -> None:
    if d.case.hang_count:
        raise Refused("already_suspended_once")


def not_referred(d: Draft) -> None:
    if d.case.referral is not None and not d.case.referral.outcome:
        raise Refused("already_referred")


def agency_named(d: Draft) -> None:
    if not getattr(d.act.body, "agency_id", "").strip():
        raise Refused("agency_missing")


GUARDS: Final[dict[str, Guard]] = {
    guard.__name__: guard
    for guard in (
        located,
        categorised,
        verified_if_must,
        not_self_disposed,
        self_disposed,
        trivial,
        reason_given,
        something_changed,
        condition_known,
        at_city,
        at_district,
        at_last_command,
        county_known,
        unit_known,
        task_open,
        photo,
        checker_not_handler,
        handler_named,
        mode_given,
        confirmed,
        not_confirmed,
        no_task_left,
        closing_condition_met,
        force_requested,
        approver_not_requester,
        resume_within_limit,
        first_suspension,
        not_referred,
        agency_named,
    )
}
"""Name in the table → what refuses."""

CONDITIONS: Final[dict[str, Callable[[Case, Act, Rules], bool]]] = {
    "categorised": lambda case, act, _: case.category is not None or getattr(act.body, "category", None) is not None,
    "void_by_rule": lambda _, __, rules: rules.void_not_exist,
    "may_check_again": lambda case, _, rules: case.unable + 1 < rules.check_unable_limit,
    "came_from_dispatched": lambda case, _, __: case.came_from == "dispatched",
}
"""Name in the table → which row of several applies."""

REFUSES: Final[dict[str, tuple[str, ...]]] = {
    "located": ("not_located",),
    "categorised": ("category_unknown", "not_categorised"),
    "verified_if_must": ("not_verified",),
    "not_self_disposed": ("is_self_disposed",),
    "self_disposed": ("not_self_disposed",),
    "trivial": ("not_trivial",),
    "reason_given": ("reason_missing",),
    "something_changed": ("nothing_changed", "category_unknown", "area_malformed"),
    "condition_known": ("condition_unknown", "condition_choice"),
    "at_city": ("not_at_city",),
    "at_district": ("not_at_district",),
    "at_last_command": ("not_at_last_command",),
    "county_known": ("county_unknown",),
    "unit_known": ("unit_unknown", "unit_choice", "override_reason_missing"),
    "task_open": ("task_missing",),
    "photo": ("photo_missing",),
    "checker_not_handler": ("checker_is_handler",),
    "handler_named": ("handler_missing",),
    "mode_given": ("mode_missing",),
    "confirmed": ("not_confirmed",),
    "not_confirmed": ("already_confirmed",),
    "no_task_left": ("task_still_open",),
    "closing_condition_met": ("closing_condition_missing",),
    "force_requested": ("force_not_requested",),
    "approver_not_requester": ("approver_is_requester",),
    "resume_within_limit": ("resume_out_of_range",),
    "first_suspension": ("already_suspended_once",),
    "not_referred": ("already_referred",),
    "agency_named": ("agency_missing",),
}
"""Guard → the refusals it may give, for the API's documentation."""

OF_THE_CASE: Final = frozenset({
    "located", "verified_if_must", "not_self_disposed", "self_disposed", "trivial", "at_city", "at_district",
    "at_last_command", "task_open", "confirmed", "not_confirmed", "no_task_left", "force_requested", "first_suspension", "not_referred",
})  # fmt: skip
"""Guards that only look at the case: where one says no, nothing that a person writes helps."""
