"""The events that follow from a report: what may travel, and what stays here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import msgspec
from yiwang.contracts import (
    Actor,
    CaseHead,
    CaseReported,
    ClaimedPlace,
    Custody,
    ExternalId,
    Flags,
    ImportedOutcome,
    MediaRef,
    Origin,
    Point,
    ReportAnswered,
    ReportContact,
    tag_of,
)

from .domain import Ticket, event_id_of, token_hash, uuid7
from .masking import MASKING_VERSION, mask_address, mask_text, summary

REPORTED: Final = tag_of(CaseReported)
ANSWERED: Final = tag_of(ReportAnswered)
CONTACT: Final = tag_of(ReportContact)
_NO_FLAGS: Final = Flags()
_SELF_DISPOSED: Final = Flags(self_disposed=True)


class Masked(msgspec.Struct, frozen=True):
    """The texts of a report that may travel, and whether anything had to be held back."""

    description: str
    address: str
    personal: bool


def masked(ticket: Ticket) -> Masked:
    """Mask the report's texts by its channel's policy."""
    said, channel = ticket.submission, ticket.channel
    description = summary(said.description, channel.summary_limit)
    address = mask_address(said.place.address) if said.place.address else ""
    held_back = description != said.description or address != said.place.address
    return Masked(description, address, held_back or channel.own_words or _reachable(ticket))


def _reachable(ticket: Ticket) -> bool:
    contact = ticket.submission.contact
    return contact is not None and bool(contact.name or contact.phone or contact.openid)


def private_of(ticket: Ticket) -> dict[str, str]:
    """What stays in this tier, to be sealed: the fields of `report.contact` that hold something."""
    said = ticket.submission
    found = {"text": said.description, "address": said.place.address}
    if said.contact is not None:
        found |= {"name": said.contact.name, "phone": said.contact.phone, "openid": said.contact.openid}
    return {name: text for name, text in found.items() if text}


def contact(ticket: Ticket, sealed: Mapping[str, str], actor: Actor) -> ReportContact:
    """The reporter and the exact text, each field sealed under the report's own key."""
    said = ticket.submission.contact
    event = ReportContact(
        id=event_id_of(CONTACT, ticket.report_id),
        occurred_at=ticket.submission.occurred_at,
        correlation_id=ticket.report_id,
        report_id=ticket.report_id,
        case_id=ticket.case_id,
        token_hash=token_hash(ticket.token) if ticket.token else "",
        consent=said.consent if said else "",
        digest=ticket.digest,
        purpose=_purpose(ticket),
    )
    return msgspec.structs.replace(event, actor=actor, **sealed)


def reported(
    ticket: Ticket, text: Masked, *, jurisdiction: str, point: Point | None, media: tuple[MediaRef, ...], actor: Actor
) -> CaseReported | ReportAnswered:
    """`case.reported` (version 1 of the case), or `report.answered` for a nature that isn't a case's."""
    said = ticket.submission
    if not ticket.nature.is_case:
        return ReportAnswered(
            id=event_id_of(ANSWERED, ticket.report_id),
            occurred_at=said.occurred_at,
            device_at=said.device_at,
            origin=_origin(ticket),
            purpose=_purpose(ticket),
            actor=actor,
            correlation_id=ticket.report_id,
            report_id=ticket.report_id,
            nature=ticket.nature.code,
            channel=ticket.code,
            answer_code=ticket.nature.answer_code,
            digest=ticket.digest,
        )
    return CaseReported(
        id=event_id_of(REPORTED, ticket.report_id),
        occurred_at=said.occurred_at,
        device_at=said.device_at,
        origin=_origin(ticket),
        purpose=_purpose(ticket),
        actor=actor,
        correlation_id=ticket.report_id,
        case=_head(ticket, jurisdiction),
        report_id=ticket.report_id,
        nature=ticket.nature.code,
        description_masked=text.description,
        masking_version=MASKING_VERSION,
        media=media,
        reporter_kind=ticket.channel.reporter_kind,
        part_id=said.part_id,
        alarm_id=said.alarm_id,
        self_disposed=said.self_disposed,
        verify_policy=ticket.channel.verify_policy,
        claimed_place=_place(ticket, text.address, point),
        claimed_category=said.category,
        wants_reply=said.wants_reply,
        imported=_imported(said.imported),
        complained_unit=mask_text(said.complained_unit) if said.complained_unit else "",
        digest=ticket.digest,
    )


def _head(ticket: Ticket, jurisdiction: str) -> CaseHead:
    said = ticket.submission
    others = tuple(ExternalId(system=other.system, id=other.id) for other in said.external_ids)
    if said.source is not None:
        others = (ExternalId(system=said.source.system, id=said.source.record_id), *others)
    return CaseHead(
        case_id=ticket.case_id,
        case_version=1,
        state_after="reported",
        custody=Custody(jurisdiction=jurisdiction),
        report_ids=(ticket.report_id,),
        external_ids=others,
        nature=ticket.nature.code,
        channel=ticket.code,
        urgency=said.urgency,
        flags=_SELF_DISPOSED if said.self_disposed else _NO_FLAGS,
    )


def _place(ticket: Ticket, address: str, point: Point | None) -> ClaimedPlace:
    said = ticket.submission.place
    return ClaimedPlace(
        point=point,
        original_point=Point(**msgspec.structs.asdict(said.point)) if said.point else None,
        address_masked=address,
        county=said.county,
        street9=said.street9,
        community12=said.community12,
        cell15=said.cell15,
    )


def _origin(ticket: Ticket) -> Origin | None:
    said = ticket.submission
    if said.source is None:
        return None
    mode = "imported" if said.imported is not None else "native"
    return Origin(system_id=said.source.system, record_id=said.source.record_id, mode=mode)


def _purpose(ticket: Ticket) -> str:
    if ticket.submission.imported is not None:
        return "historical"
    return "test" if ticket.submission.test else "live"


def _imported(outcome: ImportedOutcome | None) -> ImportedOutcome | None:
    return outcome and msgspec.structs.replace(outcome, reply=mask_text(outcome.reply))


def new_report_id(now: dt.datetime, random: bytes) -> str:
    """The id of a report whose reporter has no number of their own: ordered by time, not repeatable."""
    return uuid7(int(now.timestamp() * 1000), random)
