"""Who may write a case, and how that passes from one node to another (移交). Pure.

Three messages, so that the link may be cut at any moment and there is never a second custodian: the custodian
*offers* (with everything the receiver needs), the receiver *answers*, the custodian *releases*. Until it releases, the
case is the sender's, who may go on with it or take the offer back; from the release on only the receiver writes. Every
message may come late or twice; a receiver that waits for its release asks again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from yiwang.contracts import (
    Actor,
    CaseEvent,
    CaseHandoverOffered,
    CaseHandoverRefused,
    CaseHandoverWithdrawn,
    CaseOverdue,
    CustodyAnswered,
    CustodyReleased,
)

from .auto import Work
from .case import Case, Offer, head_of
from .draft import Record
from .refusals import Refused
from .rules import Rules
from .snapshot import body_of
from .states import FINAL, SYSTEM

SYSTEM_ACTOR: Final = Actor(role=SYSTEM, kind=SYSTEM, via="dispatch")
HANDOVER: Final = "handover"


def named(rules: Rules, code: str) -> str:
    """A node as a sentence names it."""
    name = rules.tiers.name(code) if rules.tiers else code
    return name if name == code else f"{name}（{code}）"


def tell(
    work: Work, make: type[CaseEvent], action: str, by: Actor, *, opinion: str = "", receiver: str = "", result: str = "",
    change: dict[str, Any] | None = None, **fields: Any,
) -> Record:  # fmt: skip
    """Say *make* about the case: its next version, with a line in its flow; the state stays as it is."""
    old = work.case
    after = {"version": old.version + 1, "seq": old.seq + 1, "since": work.now} | (change or {})
    case = msgspec.structs.replace(old, **after)
    record = Record(
        case_id=case.case_id,
        seq=case.seq,
        version=case.version,
        action=action,
        result=result,
        state_before=old.state,
        state_after=case.state,
        role=by.role,
        unit_id=by.unit_id,
        person_ref=by.person_ref,
        opinion=opinion,
        receiver=receiver,
        started_at=old.since,
        ended_at=work.now,
        used_s=max(0, int((work.now - old.since).total_seconds())),
    )
    work.case, work.touched = case, True
    work.records.append(record)
    if opinion and "opinion" in make.__struct_fields__:
        fields["opinion"] = opinion
    more: dict[str, Any] = {"snapshot": body_of(case, fields.pop("flow") + work.records)} if "flow" in fields else {}
    work.events.append(
        make(
            case=head_of(case, old.state), occurred_at=work.now, purpose=case.purpose, actor=by, **more, **fields
        )
    )  # fmt: skip
    return record


def offer(work: Work, to: str, cause: str, by: Actor, flow: Sequence[Record], opinion: str = "") -> None:
    """Offer the case to the node *to*; *flow* are its lines that are kept already. Raises Refused."""
    case, how = work.case, work.rules.governance
    if case.away:
        raise Refused("moved_away", node=named(work.rules, case.away))
    if case.state in FINAL:
        raise Refused("handover_finished")
    if case.offer is not None:
        raise Refused("offer_open", node=named(work.rules, case.offer.to))
    due = work.now + dt.timedelta(minutes=how.offer_minutes)
    made = Offer(
        offer_id=f"{case.case_id}/o{case.version + 1}", to=to, epoch=case.custody.epoch, version=case.version + 1,
        seq=case.seq + 1, cause=cause, at=work.now, due_at=due,
    )  # fmt: skip
    tell(
        work, CaseHandoverOffered, "hand_over", by, opinion=opinion, receiver=to, change={"offer": made, "kept": ""},
        offer_id=made.offer_id, from_jurisdiction=case.custody.jurisdiction, to_jurisdiction=to, epoch=made.epoch,
        reason=cause, clock_start_rule=how.clock_start, addressee=to, flow=list(flow),
    )  # fmt: skip


def withdraw(work: Work, by: Actor, reason: str = "withdrawn", opinion: str = "") -> None:
    """Take the open offer back, because somebody says so or goes on with the case. Raises Refused."""
    made = open_offer(work)
    tell(
        work, CaseHandoverWithdrawn, "withdraw_offer", by, opinion=opinion, receiver=made.to, change=_ended(made),
        offer_id=made.offer_id, from_jurisdiction=work.case.custody.jurisdiction, to_jurisdiction=made.to,
        epoch=made.epoch, reason=reason, addressee=made.to,
    )  # fmt: skip


def open_offer(work: Work) -> Offer:
    """The offer that nobody has taken yet. Raises Refused."""
    case = work.case
    if case.away:
        raise Refused("moved_away", node=named(work.rules, case.away))
    if case.offer is None:
        raise Refused("offer_missing")
    return case.offer


def _ended(made: Offer) -> dict[str, Any]:
    return {"offer": None, "kept": f"{made.to}/{made.cause}"}


def answered(work: Work, answer: CustodyAnswered, flow: Sequence[Record]) -> CustodyReleased | None:
    """The receiver's answer has come: let the case go, or note the refusal. An answer to no open offer is nothing."""
    case, made = work.case, work.case.offer
    if made is None or (made.offer_id, made.to) != (answer.offer_id, answer.jurisdiction or answer.to_jurisdiction):
        return None
    if case.away:  # it waits for its release: told again, with everything
        return _release(case, made, flow, whole=True) if answer.decision == "accept" else None
    if answer.decision != "accept":
        tell(
            work, CaseHandoverRefused, "handover_refused", answer.actor, opinion=answer.opinion, receiver=made.to,
            change=_ended(made), offer_id=made.offer_id, from_jurisdiction=case.custody.jurisdiction,
            to_jurisdiction=made.to, epoch=made.epoch, reason=answer.reason_code or answer.opinion,
        )  # fmt: skip
        return None
    released = _release(case, made, flow)
    work.case = msgspec.structs.replace(case, away=made.to)
    work.touched = True
    return released


def _release(case: Case, made: Offer, flow: Sequence[Record], *, whole: bool = False) -> CustodyReleased:
    changed = (case.version, case.seq) != (made.version, made.seq)
    return CustodyReleased(
        case_id=case.case_id, case_no=case.case_no, offer_id=made.offer_id,
        from_jurisdiction=case.custody.jurisdiction, to_jurisdiction=made.to, epoch=made.epoch + 1,
        case_version=case.version, snapshot=body_of(case, flow) if whole or changed else None, addressee=made.to,
        purpose=case.purpose,
    )  # fmt: skip


def ring(work: Work) -> dt.datetime | None:
    """Say once that nobody answered in time; when to look again, None where nothing is open."""
    case = work.case
    if case.away or case.offer is None or case.offer.alarmed:
        return None
    made = case.offer
    if work.now < made.due_at:
        return made.due_at
    tell(
        work, CaseOverdue, "handover_overdue", SYSTEM_ACTOR, receiver=made.to,
        change={"offer": msgspec.structs.replace(made, alarmed=True), "since": case.since},
        clock_id=made.offer_id, stage=HANDOVER, due_at=made.due_at, unit_id=made.to,
    )  # fmt: skip
    return None
