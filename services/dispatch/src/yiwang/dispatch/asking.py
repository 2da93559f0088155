"""Return visits (回访) stay with the tier that holds the reporter's contact: it is asked when a case ends. Pure."""

from __future__ import annotations

from typing import Final

import msgspec
from yiwang.contracts import Actor, CaseClosed, CaseVisited, Moment, VisitRequested

from .acts import Act, ReopenBody
from .auto import Work
from .case import Case
from .custody import tell
from .refusals import Refused
from .states import SYSTEM

SCORES: Final = {
    0: "未联系上",
    1: "非常满意",
    2: "满意",
    3: "基本满意",
    4: "不满意",
    5: "非常不满意",
}
"""Code of the satisfaction table (domain notes 5.1) → its name."""
SATISFIED: Final = frozenset({1, 2, 3})
VISITORS: Final = ("acceptor", "shift_leader")
"""Roles that ask reporters."""
REPORTERS: Final = frozenset({"citizen", "hotline"})
"""Kinds of reporters who are asked; inspectors, systems and leaders aren't."""


class Visit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reporter to be asked at the node that holds their contact, or was given it.

    `state`: open, done; waiting (for a contact that was asked for), passed (to the other tier), dropped (erased).
    """

    case_id: str
    case_no: str
    report_ids: tuple[str, ...]
    asked_by: str
    area: str
    asked_at: Moment
    state: str = "open"
    score: int | None = None
    opinion: str = ""
    visited_at: Moment | None = None
    ask_id: str = ""
    """Where another tier handed the contact over: number under which intake shows it"""


def due(work: Work) -> bool:
    """Whether a reporter is to be asked because of what was just done."""
    case = work.case
    if case.state != "closed" or case.imported is not None or case.purpose != "live":
        return False
    wants = case.wants_reply or case.reporter_kind in REPORTERS
    return wants and any(isinstance(event, CaseClosed) for event in work.events)


def request(case: Case) -> VisitRequested:
    """What is said to the tier that took the report."""
    return VisitRequested(
        case_id=case.case_id, case_no=case.case_no, report_ids=case.report_ids, case_version=case.version,
        addressee=case.taken_by, purpose=case.purpose,
    )  # fmt: skip


def visit_of(case: Case, at: Moment) -> Visit:
    """The visit where this very node holds the contact."""
    return Visit(
        case_id=case.case_id, case_no=case.case_no, report_ids=case.report_ids, asked_by=case.custody.jurisdiction,
        area=case.area, asked_at=at,
    )  # fmt: skip


def note(work: Work, score: int, by: Actor, opinion: str) -> None:
    """The reporter was asked: the case tells it as its next version, and goes back into the flow if they are not satisfied.

    Guzhen 12319 (domain notes 1.4, row 27); what each answer is worth and which of them reopen is data.
    """
    policy = work.rules.policies.visits
    tell(
        work, CaseVisited, "visit", by, opinion=opinion, result=SCORES.get(score, str(score)), score=score,
        points=policy.points[score] if 0 <= score < len(policy.points) else 0, satisfied=score in policy.satisfied,
    )  # fmt: skip
    if score in policy.dissatisfied and work.rules.policies.reopening.by_visit:
        body = ReopenBody(cause="visit", opinion=opinion or f"回访：{SCORES.get(score, str(score))}")
        try:
            work.do(Act(action="reopen", role=SYSTEM, at=work.now, body=body, by=by))
        except Refused:
            return  # it is at work again already, or no unit had it: the answer stands in its history
