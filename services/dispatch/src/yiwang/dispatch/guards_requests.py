"""The guards of requests for more time or a rest, and of appeals (domain notes 1.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from .acts import Act, JoinedBody
from .case import DISPOSAL, Case
from .draft import Draft
from .effects_correct import for_another_unit, new_condition
from .refusals import Refused
from .requests import EXTENSION, HANG, KIND_OF, open_request, turn
from .rules import Rules
from .states_words import ACTIONS, ROLE_NAMES, SYSTEM

Guard = Callable[[Draft], None]


def extension_in_time(d: Draft) -> None:
    """More time is asked for, and granted, only before the limit has passed."""
    clock = d.case.clock(DISPOSAL)
    if clock is None or not clock.running or clock.overdue or d.at > clock.judged_by:
        raise Refused("extension_too_late")


def extensions_left(d: Draft) -> None:
    most = d.rules.policies.extension.most
    if d.case.postpone_count >= most:
        raise Refused("extensions_used_up", most=most)


def nothing_asked(d: Draft) -> None:
    """No request of the same type is open."""
    if open_request(d.case, KIND_OF[d.act.action]) is not None:
        raise Refused("request_already_open", action=ACTIONS[d.act.action])


def request_open(d: Draft) -> None:
    if open_request(d.case, KIND_OF[d.act.action]) is None:
        raise Refused("request_missing")


def your_turn(d: Draft) -> None:
    """Each level decides in its order."""
    due = turn(d.case, d.act.action)
    if due and due != d.act.role:
        raise Refused("not_your_turn", role=ROLE_NAMES[due])


def approver_not_asker(d: Draft) -> None:
    """Nobody decides what they asked for themselves."""
    one = d.case.appeal if d.act.action == "decide_appeal" else open_request(d.case, KIND_OF[d.act.action])
    if one is not None and one.person_ref and one.person_ref == d.act.by.person_ref:
        raise Refused("approver_is_asker")


def may_hang_directly(d: Draft) -> None:
    if not d.rules.policies.hang.direct:
        raise Refused("hang_by_request")


def date_still_ahead(d: Draft) -> None:
    """The date that was asked for hasn't passed while the request waited."""
    made = open_request(d.case, HANG)
    if made is not None and made.resume_on is not None and made.resume_on <= d.at:
        raise Refused("resume_passed")


def stock_due(d: Draft) -> None:
    if d.case.stock_on is None or d.at < d.case.stock_on:
        raise Refused("stock_not_due")


def was_overdue(d: Draft) -> None:
    """Only what is marked overdue can be appealed."""
    if d.case.timeliness != "overdue":
        raise Refused("appeal_not_overdue")


def appeal_in_time(d: Draft) -> None:
    closed, days = d.case.times.get("closed"), d.rules.policies.appeal.days
    if days and closed is not None and d.at > closed + dt.timedelta(days=days):
        raise Refused("appeal_too_late", days=days)


def never_appealed(d: Draft) -> None:
    if d.case.appeal is not None:
        raise Refused("already_appealed")


def other_known(d: Draft) -> None:
    """The other case was found; people only name it."""
    if not isinstance(d.act.body, JoinedBody):
        raise Refused("other_missing", no=getattr(d.act.body, "into", "") or getattr(d.act.body, "other", ""))
    if d.act.body.other_state == "voided" and d.act.action == "link":
        raise Refused("main_finished")


def not_linked(d: Draft) -> None:
    other = getattr(d.act.body, "other_id", "")
    if any(one.case_id == other for one in d.case.links):
        raise Refused("already_linked")


def refiled_if_filed(d: Draft) -> None:
    """A filed case with a new class needs a condition of that class."""
    if d.row.action == "correct" and d.act.role != SYSTEM:
        d.found = new_condition(d.case, d.act, d.rules)


def was_handled(d: Draft) -> None:
    """A unit had the case here; what another system finished, and what was mended on the spot, isn't done again."""
    if d.case.lead is None or d.case.imported is not None:
        raise Refused("never_handled")


def appeal_open(d: Draft) -> None:
    if d.case.appeal is None or d.case.appeal.decision:
        raise Refused("appeal_missing")


def _more_levels(case: Case, act: Act, _: Rules) -> bool:
    made = open_request(case, KIND_OF.get(act.action, EXTENSION))
    return made is not None and made.level + 1 < len(made.path)


GUARDS: Final[dict[str, Guard]] = {
    guard.__name__: guard
    for guard in (
        extension_in_time, extensions_left, nothing_asked, request_open, your_turn, approver_not_asker,
        may_hang_directly, date_still_ahead, stock_due, was_overdue, appeal_in_time, never_appealed, appeal_open,
        was_handled, refiled_if_filed, other_known, not_linked,
    )
}  # fmt: skip

CONDITIONS: Final[dict[str, Callable[[Case, Act, Rules], bool]]] = {
    "more_levels": _more_levels,
    "for_another_unit": for_another_unit,
}

REFUSES: Final[dict[str, tuple[str, ...]]] = {
    "extension_in_time": ("extension_too_late",),
    "extensions_left": ("extensions_used_up",),
    "nothing_asked": ("request_already_open",),
    "request_open": ("request_missing",),
    "your_turn": ("not_your_turn",),
    "approver_not_asker": ("approver_is_asker",),
    "may_hang_directly": ("hang_by_request",),
    "date_still_ahead": ("resume_passed",),
    "stock_due": ("stock_not_due",),
    "was_overdue": ("appeal_not_overdue",),
    "appeal_in_time": ("appeal_too_late",),
    "never_appealed": ("already_appealed",),
    "other_known": ("other_missing", "other_itself", "main_finished", "other_reporters", "has_merged", "moved_away"),
    "not_linked": ("already_linked",),
    "refiled_if_filed": ("condition_unknown", "condition_choice"),
    "was_handled": ("never_handled",),
    "appeal_open": ("appeal_missing",),
}

OF_THE_CASE: Final = frozenset({
    "extension_in_time", "extensions_left", "nothing_asked", "request_open", "your_turn", "may_hang_directly",
    "was_overdue", "never_appealed", "was_handled", "appeal_open",
})  # fmt: skip
