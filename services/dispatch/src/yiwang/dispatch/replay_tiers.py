"""What hand-over and supervision change on a case that is told by its events. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    CaseEvent,
    CaseHandoverAccepted,
    CaseHandoverOffered,
    CaseHandoverRefused,
    CaseHandoverWithdrawn,
    CaseSupervised,
    CaseSupervisionReplied,
    Supervision,
)

from .case import Case, Offer


def _offered(case: Case, e: CaseHandoverOffered) -> dict[str, Any]:
    made = Offer(
        offer_id=e.offer_id, to=e.to_jurisdiction, epoch=e.epoch, version=e.case.case_version, seq=case.seq + 1,
        cause=e.reason, at=e.occurred_at, due_at=e.occurred_at,
    )  # fmt: skip
    return {"offer": made, "kept": ""}


def _not_handed_over(case: Case, _: Any) -> dict[str, Any]:
    return {"offer": None, "kept": f"{case.offer.to}/{case.offer.cause}" if case.offer else ""}


def _supervised(case: Case, e: CaseSupervised) -> dict[str, Any]:
    one = Supervision(
        directive_id=e.directive_id, issuer=e.issuer or e.jurisdiction, kind=e.kind, level=e.level, opinion=e.opinion,
        reply_required=e.reply_required, reply_due=e.reply_due, supervised_at=e.occurred_at,
    )  # fmt: skip
    return {"supervisions": (*case.supervisions, one)}


def _replied(case: Case, e: CaseSupervisionReplied) -> dict[str, Any]:
    at = e.occurred_at
    return {
        "supervisions": tuple(
            msgspec.structs.replace(one, replied_at=at) if one.directive_id == e.directive_id else one
            for one in case.supervisions
        )
    }


TIERS: Final[dict[type[CaseEvent], Callable[[Case, Any], dict[str, Any]]]] = {
    CaseHandoverOffered: _offered,
    CaseHandoverWithdrawn: _not_handed_over,
    CaseHandoverRefused: _not_handed_over,
    CaseHandoverAccepted: lambda _, __: {"offer": None, "kept": ""},
    CaseSupervised: _supervised,
    CaseSupervisionReplied: _replied,
}
"""Event → what it changes beyond what its head says."""

TIER_ACTIONS: Final[dict[type[CaseEvent], str]] = {
    CaseHandoverOffered: "hand_over",
    CaseHandoverWithdrawn: "withdraw_offer",
    CaseHandoverRefused: "handover_refused",
    CaseHandoverAccepted: "take_over",
    CaseSupervised: "supervise",
    CaseSupervisionReplied: "reply_supervision",
}
"""The action that an event most likely came from."""
