"""What came of a referral to enforcement (转执法的结果): noted in the case, wherever the case is by then.

The agency answers the jurisdiction that referred. Where the case was handed over meanwhile, that node tells its custodian.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec
from yiwang.contracts import Actor, EnforcementClosed, ReferralClosed
from yiwang.kit import Context, Event

from . import store
from .case import Case
from .draft import Record

CLOSED: Final = "enforcement_closed"
OUTCOMES: Final = {
    "not_filed": "不予立案",
    "persuaded": "教育劝导",
    "corrected": "责令改正并已改正",
    "transferred": "移送其他机关",
    "filed": "立案查处",
    "closed": "已办结",
}
"""Words of the outcomes that enforcement ships with, for who tells the code alone; a place's own words come with the event."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a referral ended."""

    case_id: str
    referral_id: str
    file_id: str
    agency_id: str
    outcome: str
    words: str
    at: dt.datetime
    by: Actor


async def closed(event: EnforcementClosed, ctx: Context) -> Event | None:
    """The agency has ended the file."""
    if not event.case_id or not event.referral_id:
        return None
    ended = Outcome(
        case_id=event.case_id, referral_id=event.referral_id, file_id=event.file_id, agency_id=event.agency_id,
        outcome=event.outcome or "closed", words=event.outcome_name, at=event.occurred_at, by=event.actor,
    )  # fmt: skip
    return await note(ctx, ended)


async def told(event: ReferralClosed, ctx: Context) -> Event | None:
    """The node that referred a case of ours tells what came of it."""
    if event.addressee not in ctx.app.acts_for:
        return None
    ended = Outcome(
        case_id=event.case_id, referral_id=event.referral_id, file_id=event.file_id, agency_id=event.agency_id,
        outcome=event.outcome, words=event.outcome_name, at=event.closed_at, by=event.actor,
    )  # fmt: skip
    return await note(ctx, ended)


async def note(ctx: Context, ended: Outcome) -> ReferralClosed | None:
    """Write it into the case, which goes on as it was; or tell the node that has the case now."""
    case = await store.lock(ctx.tx, ended.case_id)
    if case is None or case.referral is None or case.referral.referral_id != ended.referral_id:
        return None
    if case.away:
        return ReferralClosed(
            case_id=case.case_id, case_no=case.case_no, referral_id=ended.referral_id, file_id=ended.file_id,
            agency_id=ended.agency_id, outcome=ended.outcome, outcome_name=ended.words, closed_at=ended.at,
            addressee=case.away, actor=ended.by, purpose=case.purpose,
        )  # fmt: skip
    if (case.referral.file_id, case.referral.outcome) == (ended.file_id, ended.outcome):
        return None  # heard before, another way
    case.referral = msgspec.structs.replace(case.referral, outcome=ended.outcome, file_id=ended.file_id)
    case.seq += 1
    await store.save(ctx.tx, [case], [line(case, ended)], ctx.now())
    return None


def line(case: Case, ended: Outcome) -> Record:
    """The line of the flow; its words are the agency's."""
    return Record(
        case_id=case.case_id,
        seq=case.seq,
        version=case.version,
        action=CLOSED,
        result=ended.outcome,
        state_before=case.state,
        state_after=case.state,
        role=ended.by.role,
        unit_id=ended.agency_id,
        opinion=ended.words,
        started_at=ended.at,
        ended_at=ended.at,
        note=ended.file_id,
    )


def words(record: Record) -> str:
    """How people read the outcome of a referral; empty for any other line."""
    return (record.opinion or OUTCOMES.get(record.result, record.result)) if record.action == CLOSED else ""
