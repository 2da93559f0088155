"""What concerns several tiers as people see it: who has a case, offers, supervision, and lists of the whole subtree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec
from yiwang.contracts import Category, Supervision

from . import directives
from .case import Case, Offer
from .directives import Directive
from .receiving import STATES, Incoming
from .rules import Rules
from .tier_store import Seen
from .views import CaseDetail, CaseItem, item, listed

CAUSES = {
    "accept": "受理立案",
    "dispatch": "派遣",
    "handle": "处置",
    "check": "核查结案",
    "assignment": "移送所属区域",
    "recall": "上级收回",
}


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """An offer of this case that nobody has taken yet."""

    offer_id: str
    to: str
    to_name: str
    cause: str
    cause_name: str
    offered_at: dt.datetime
    due_at: dt.datetime
    late: bool
    """Nobody answered in time"""


class CustodyView(msgspec.Struct, frozen=True, kw_only=True):
    """Who may write the case. `read_only`: another node has it, and what is shown is a copy *as of* a moment."""

    custodian: str
    custodian_name: str
    epoch: int
    read_only: bool
    as_of: dt.datetime | None
    taken_by: str
    taken_by_name: str
    offer: OfferView | None
    supervisions: tuple[Supervision, ...]


class FullDetail(CaseDetail, frozen=True, kw_only=True):
    """Everything about one case, and who has it."""

    custody: CustodyView


class IncomingView(msgspec.Struct, frozen=True, kw_only=True):
    """A case that another node offers to this one."""

    offer_id: str
    case_id: str
    case_no: str
    sender: str
    sender_name: str
    state: str
    state_name: str
    cause: str
    cause_name: str
    category: Category | None
    area: str
    opinion: str
    offered_at: dt.datetime


class DirectiveView(msgspec.Struct, frozen=True, kw_only=True):
    """A directive, as the node that gave it or was given it knows its fate."""

    directive_id: str
    case_id: str
    case_no: str
    side: str
    """issued or taken"""
    action: str
    action_name: str
    kind: str
    kind_name: str
    issuer: str
    issuer_name: str
    custodian: str
    custodian_name: str
    opinion: str
    state: str
    state_name: str
    reason: str
    expires_at: dt.datetime
    reply_required: bool
    reply_due: dt.datetime | None
    answered_at: dt.datetime | None


def directive_view(one: Directive, rules: Rules) -> DirectiveView:
    """A directive in a list."""
    name, said = rules.tiers.name if rules.tiers else str, one.said
    return DirectiveView(
        directive_id=said.directive_id,
        case_id=said.case_id,
        case_no=said.case_no,
        side=one.side,
        action=said.action,
        action_name=directives.ACTIONS.get(said.action, said.action),
        kind=said.kind,
        kind_name=directives.KINDS.get(said.kind, said.kind),
        issuer=one.issuer,
        issuer_name=name(one.issuer),
        custodian=said.addressee,
        custodian_name=name(said.addressee),
        opinion=said.opinion,
        state=one.state,
        state_name=directives.STATES[one.state],
        reason=one.reason,
        expires_at=said.expires_at,
        reply_required=said.reply_required,
        reply_due=said.reply_due,
        answered_at=one.answered_at,
    )


def custody_view(case: Case, rules: Rules, as_of: dt.datetime | None = None) -> CustodyView:
    """Who has *case*; *as_of* for a copy."""
    name = rules.tiers.name if rules.tiers else str
    who, taken = case.custody.jurisdiction, case.taken_by or case.custody.jurisdiction
    return CustodyView(
        custodian=who,
        custodian_name=name(who),
        epoch=case.custody.epoch,
        read_only=as_of is not None,
        as_of=as_of,
        taken_by=taken,
        taken_by_name=name(taken),
        offer=_offer_view(case.offer, name) if case.offer else None,
        supervisions=case.supervisions,
    )


def _offer_view(made: Offer, name: Callable[[str], str]) -> OfferView:
    return OfferView(
        offer_id=made.offer_id, to=made.to, to_name=name(made.to), cause=made.cause,
        cause_name=CAUSES.get(made.cause, made.cause), offered_at=made.at, due_at=made.due_at, late=made.alarmed,
    )  # fmt: skip


def incoming_view(offer: Incoming, rules: Rules) -> IncomingView:
    """An offer in the list of those that wait."""
    event = offer.offer
    assert event is not None  # only offers that came are listed
    head = event.case
    at = head.place.area if head.place else None
    return IncomingView(
        offer_id=offer.offer_id,
        case_id=offer.case_id,
        case_no=head.case_no,
        sender=offer.sender,
        sender_name=rules.tiers.name(offer.sender) if rules.tiers else offer.sender,
        state=offer.state,
        state_name=STATES[offer.state],
        cause=event.reason,
        cause_name=CAUSES.get(event.reason, event.reason),
        category=head.category,
        area=(at.community12 or at.street9 or at.county or at.city) if at else "",
        opinion=event.opinion,
        offered_at=event.occurred_at,
    )


def seen_item(seen: Seen, rules: Rules, now: dt.datetime) -> CaseItem:
    """A case in a list of the subtree: a copy says who has it and as of when."""
    found = item(msgspec.structs.replace(listed(seen.case), queue=seen.queue, due_at=seen.due_at), now)
    if not seen.custodian:
        return found
    name = rules.tiers.name(seen.custodian) if rules.tiers else seen.custodian
    return msgspec.structs.replace(found, custodian=seen.custodian, custodian_name=name, as_of=seen.as_of)
