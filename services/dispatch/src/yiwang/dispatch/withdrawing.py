"""Who asked may think better of it (撤回申请): a request, an appeal or the wish to close by force ends undecided.

Nothing else changes: the clock ran on meanwhile, a withdrawn request counts as little as a refused one (domain notes
1.5: only approvals count), and a withdrawn appeal leaves the case as if nobody had appealed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from yiwang.contracts import CaseAppealDecided, CaseExtensionDecided, CaseSuspensionDecided

from .acts import Body
from .case import DISPOSAL
from .draft import Draft
from .refusals import Refused
from .requests import EXTENSION, HANG, open_request, without
from .states_words import DEPT

WITHDRAWN: Final = "withdrawn"
OF_REQUEST: Final = {"postpone_withdraw": EXTENSION, "hang_withdraw": HANG}


def _asked(d: Draft) -> tuple[str, str]:
    """Who asked, and for which unit. Raises Refused where nothing is asked for."""
    if d.act.action == "force_withdraw":
        if d.case.force is None:
            raise Refused("request_missing")
        return d.case.force.person_ref, ""
    if d.act.action == "appeal_withdraw":
        appeal = d.case.appeal
        if appeal is None or appeal.decision:
            raise Refused("appeal_missing")
        return appeal.person_ref, appeal.unit_id
    made = open_request(d.case, OF_REQUEST[d.act.action])
    if made is None:
        raise Refused("request_missing")
    return made.person_ref, made.unit_id if made.path[0] != DEPT else ""


def withdrawable(d: Draft) -> None:
    """Something is asked for and not decided."""
    _asked(d)


def asked_by_you(d: Draft) -> None:
    """By the person who asked, or by their colleagues where the unit itself asked."""
    person, unit = _asked(d)
    by = d.act.by
    if person != by.person_ref and not (d.act.role == DEPT and unit and unit == by.unit_id):
        raise Refused("not_the_asker")


def postpone_withdraw(d: Draft, body: Body) -> None:
    made, running = open_request(d.case, EXTENSION), d.case.clock(DISPOSAL)
    assert made is not None  # the guard withdrawable holds
    assert running is not None  # a unit that has the case has its clock
    d.case.requests, d.clock, d.receiver = without(d.case, EXTENSION), running, made.path[made.level]
    d.emit(
        CaseExtensionDecided, request_id=made.request_id, level=made.level, n=made.n, decision=WITHDRAWN,
        old_due_at=running.judged_by, opinion=body.opinion,
    )  # fmt: skip


def hang_withdraw(d: Draft, body: Body) -> None:
    made = open_request(d.case, HANG)
    assert made is not None  # the guard withdrawable holds
    d.case.requests, d.clock, d.receiver = without(d.case, HANG), d.case.clock(DISPOSAL), made.path[made.level]
    d.emit(
        CaseSuspensionDecided, request_id=made.request_id, level=made.level, decision=WITHDRAWN, opinion=body.opinion
    )


def appeal_withdraw(d: Draft, body: Body) -> None:
    made = d.case.appeal
    assert made is not None  # the guard withdrawable holds
    d.case.appeal, d.receiver = None, made.path[made.level]
    d.case.flags = msgspec.structs.replace(d.case.flags, appeal=False)
    d.emit(
        CaseAppealDecided, cause="overdue", decision=WITHDRAWN, exempt=False, level=made.level, opinion=body.opinion
    )


def force_withdraw(d: Draft, _: Body) -> None:
    """The request was no event either; both stand in the history."""
    d.case.force = None


WITHDRAWALS: Final[dict[str, Callable[[Draft, Any], None]]] = {
    "postpone_withdraw": postpone_withdraw,
    "hang_withdraw": hang_withdraw,
    "appeal_withdraw": appeal_withdraw,
    "force_withdraw": force_withdraw,
}
"""Action → its effect."""

GUARDS: Final[dict[str, Callable[[Draft], None]]] = {"withdrawable": withdrawable, "asked_by_you": asked_by_you}
REFUSES: Final[dict[str, tuple[str, ...]]] = {
    "withdrawable": ("request_missing", "appeal_missing"),
    "asked_by_you": ("request_missing", "appeal_missing", "not_the_asker"),
}
OF_THE_CASE: Final = frozenset({"withdrawable"})
OF_THE_PERSON: Final = frozenset({"asked_by_you"})
"""Guards that only look at the case and at who acts."""
