"""The receiver's part of a hand-over: offers that came, the answers to them, and taking a released case over. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec
from yiwang.contracts import (
    Actor,
    CaseHandoverAccepted,
    CaseHandoverOffered,
    CaseHandoverWithdrawn,
    Custody,
    CustodyAnswered,
    CustodyReleased,
    Moment,
    areas,
)

from . import clocks
from .auto import Work
from .case import DISPOSAL, Case
from .custody import SYSTEM_ACTOR, tell
from .refusals import Refused
from .rules import Rules
from .snapshot import case_of, records_of
from .tiers import Tiers

STATES: Final = {
    "offered": "待接收",
    "claimed": "已同意接收",
    "taken": "已接收",
    "refused": "已拒收",
    "withdrawn": "对方已撤回",
}
"""Of an offer, as its receiver sees it."""


class Incoming(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An offer at its receiver."""

    offer_id: str
    case_id: str
    sender: str
    state: str
    offer: CaseHandoverOffered | None = None
    """None where only its end is known"""
    changed_at: Moment
    opinion: str = ""


def unsound(event: CaseHandoverOffered, tiers: Tiers) -> str:
    """Why the offer can't be one: only the custodian may offer, in its own name. Empty where all is well."""
    custody, sender = event.case.custody, event.from_jurisdiction
    if event.jurisdiction not in ("", sender) or (custody.jurisdiction, custody.epoch) != (sender, event.epoch):
        return (
            f"{event.jurisdiction} offers case {event.case.case_id} in the name of {sender}, but its custodian is "
            f"{custody.jurisdiction} (epoch {custody.epoch}): look at who sent it"
        )
    if sender in tiers.mine or event.to_jurisdiction not in tiers.mine:
        return f"the offer {event.offer_id} goes from {sender} to {event.to_jurisdiction}: not to this node"
    return ""


def received(known: Incoming | None, event: CaseHandoverOffered, now: dt.datetime) -> Incoming:
    """An offer has come; one that is known already (or whose end came first) stays as it is."""
    if known is not None:
        return known if known.offer else msgspec.structs.replace(known, offer=event)
    return Incoming(
        offer_id=event.offer_id, case_id=event.case.case_id, sender=event.from_jurisdiction, state="offered", offer=event,
        changed_at=now,
    )  # fmt: skip


def taken_back(known: Incoming | None, event: CaseHandoverWithdrawn, now: dt.datetime) -> Incoming:
    """The sender took its offer back."""
    if known is None:
        return Incoming(
            offer_id=event.offer_id, case_id=event.case.case_id, sender=event.from_jurisdiction, state="withdrawn",
            changed_at=now,
        )  # fmt: skip
    if known.state == "taken":
        return known
    return msgspec.structs.replace(known, state="withdrawn", changed_at=now)


def answer(
    known: Incoming, decision: str, by: Actor, now: dt.datetime, opinion: str = "", reason_code: str = ""
) -> tuple[Incoming, CustodyAnswered]:
    """Accept or refuse an offer. Raises Refused when it is no longer open, or for a refusal without a reason."""
    if known.state != "offered" or known.offer is None:
        raise Refused("offer_not_open", state=STATES[known.state])
    if decision == "refuse" and not opinion.strip():
        raise Refused("opinion_missing", action="拒收")
    state = "claimed" if decision == "accept" else "refused"
    after = msgspec.structs.replace(known, state=state, changed_at=now, opinion=opinion)
    return after, saying(after, by, reason_code)


def saying(known: Incoming, by: Actor = SYSTEM_ACTOR, reason_code: str = "") -> CustodyAnswered:
    """The answer as it is told; told again where the release doesn't come."""
    event = known.offer
    assert event is not None  # only an offer that came can be answered
    return CustodyAnswered(
        case_id=known.case_id, case_no=event.case.case_no, offer_id=known.offer_id, from_jurisdiction=known.sender,
        to_jurisdiction=event.to_jurisdiction, epoch=event.epoch, based_on=event.case.case_version,
        decision="refuse" if known.state == "refused" else "accept", reason_code=reason_code, opinion=known.opinion,
        addressee=known.sender, actor=by, purpose=event.purpose,
    )  # fmt: skip


def takes_by_rule(event: CaseHandoverOffered, rules: Rules, tiers: Tiers) -> bool:
    """Whether an offer is accepted without a person."""
    if event.reason not in rules.governance.take:
        return False
    if event.reason != "assignment":
        return True
    place = event.case.place
    return place is not None and areas.contains(tiers.me, place.area.county or place.area.city)


def take(
    known: Incoming | None, released: CustodyReleased, mine: Case | None, rules: Rules, tiers: Tiers, now: dt.datetime
) -> Work | None:
    """The sender let go: the case is ours, one version and one epoch on. None when it is ours already, or is unknown.

    *mine* is what this node kept of the case when it had it before.
    """
    if mine is not None and mine.custody.epoch >= released.epoch:
        return None
    body = released.snapshot or (known.offer.snapshot if known is not None and known.offer else None)
    if body is None:
        return None
    sender, event = released.from_jurisdiction, known.offer if known else None
    case = case_of(body)
    case.custody = Custody(jurisdiction=released.to_jurisdiction, epoch=released.epoch)
    case.taken_by = "" if case.taken_by == released.to_jurisdiction else case.taken_by or sender
    case.watcher = "" if tiers.above(sender, released.to_jurisdiction) else sender
    case.located = case.located or (
        case.place is not None
        and bool(case.place.area.county)
        and areas.contains(released.to_jurisdiction, case.area)
    )
    work = Work(case, rules, now)
    work.fresh = mine is None
    work.records = [line for line in records_of(body) if mine is None or line.seq > mine.seq]  # the rest is kept here
    _start_clocks(work, event.clock_start_rule if event else "accept", event.occurred_at if event else now)
    tell(
        work, CaseHandoverAccepted, "take_over", SYSTEM_ACTOR, receiver=released.to_jurisdiction,
        offer_id=released.offer_id, from_jurisdiction=sender, to_jurisdiction=released.to_jurisdiction,
        epoch=released.epoch, addressee=sender,
    )  # fmt: skip
    if event is not None and event.reason in ("recall", "assignment") and (where := rules.elsewhere(work.case)):
        work.case.kept = f"{where[0]}/{where[1]}"  # somebody wants it here: rules don't send it on
    return work


def _start_clocks(work: Work, rule: str, offered_at: dt.datetime) -> None:
    """Stage clocks start anew at the receiver, or run on; the disposal limit was fixed at filing and always runs on."""
    if rule == "continue":
        return
    at = work.now if rule == "accept" else min(offered_at, work.now)
    case = work.case
    for one in [c for c in case.clocks if c.stopped_at is None and c.clock.stage != DISPOSAL]:
        clocks.stop(case, one.clock.stage, at, work.rules)
        work.rules.start_stage(case, one.clock.stage, at, one.clock.owner_unit)
