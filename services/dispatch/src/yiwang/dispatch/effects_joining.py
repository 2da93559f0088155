"""What merging and relating do to each of the two cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from yiwang.contracts import CaseLink, CaseLinked, CaseMerged

from .acts import JoinedBody, ReasonBody
from .draft import Draft


def merge_with(void: Callable[[Draft, ReasonBody], None]) -> Callable[[Draft, JoinedBody], None]:
    """The effect of merging, which ends in a *void*."""

    def merge(d: Draft, body: JoinedBody) -> None:
        """The duplicate ends; its head says in which case its reports go on."""
        d.case.merged_into = d.receiver = body.other_id
        d.emit(
            CaseMerged, last=False, other_case_ids=(body.other_id,), relation="into", distance_m=body.distance_m,
            opinion=body.opinion,
        )  # fmt: skip
        void(d, ReasonBody(reason_code="duplicate", opinion=body.opinion))

    return merge


def absorb(d: Draft, body: JoinedBody) -> None:
    """The main case carries the duplicate's reports, and answers their reporters, too."""
    case = d.case
    case.report_ids = tuple(dict.fromkeys((*case.report_ids, *body.report_ids)))
    case.links = (*case.links, CaseLink(case_id=body.other_id, relation="merged", distance_m=body.distance_m))
    case.wants_reply = case.wants_reply or body.wants_reply
    d.receiver = body.other_id
    d.emit(
        CaseMerged, other_case_ids=(body.other_id,), relation="absorbed", distance_m=body.distance_m,
        opinion=body.opinion, wants_reply=case.wants_reply,
    )  # fmt: skip


def link(d: Draft, body: JoinedBody) -> None:
    d.case.links = (*d.case.links, CaseLink(case_id=body.other_id, relation=body.relation, distance_m=body.distance_m))
    d.receiver = body.other_id
    d.emit(
        CaseLinked, other_case_ids=(body.other_id,), relation=body.relation, distance_m=body.distance_m,
        opinion=body.opinion,
    )  # fmt: skip


JOINING: Final[dict[str, Callable[[Draft, Any], None]]] = {"absorb": absorb, "link": link}
"""Action → its effect."""
