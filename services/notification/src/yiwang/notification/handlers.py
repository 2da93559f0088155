"""Events in, notices out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from yiwang.contracts import CaseEvent, CaseMerged, Event, NoticeDelivered, NoticeRequested, NoticeUnsent, ReportContact
from yiwang.kit import Again, Context, Reject

from . import steps, store
from .book import Book
from .domain import Draft, NotTellable, drafts_of, requested
from .service import HEARD, service
from .store import sql


async def tell(events: Sequence[CaseEvent], ctx: Context) -> Sequence[list[Event] | None]:
    """Make the notices that rules ask for: one statement for all of a batch, each notice once."""
    book = ctx.app.get(Book)
    made = [_drafts(event, book) for event in events]
    drafts = await _reachable([draft for some in made for draft in some], ctx)
    if not drafts:
        return [None] * len(events)
    said = await _begin(drafts, ctx)
    return [[said.pop(draft.notice_id) for draft in some if draft.notice_id in said] or None for some in made]


def _drafts(event: CaseEvent, book: Book) -> list[Draft]:
    try:
        return drafts_of(event, book)
    except ValueError as error:
        raise Reject(f"a rule makes no audience of this event: {error}") from error


async def tell_merged(events: Sequence[CaseMerged], ctx: Context) -> Sequence[list[Event] | None]:
    """Remember whose reports go on in which case, and tell as for every event.

    The main case says so itself (`absorbed`), so it is known before anything that happens to that case later.
    """
    absorbed = [event for event in events if event.relation == "absorbed"]
    pairs = {other: event.case.case_id for event in absorbed for other in event.other_case_ids}
    if pairs:
        await sql.run(ctx.tx, "keep_joined", list(pairs), list(pairs.values()))
    return await tell(events, ctx)


for event_type in HEARD.values():
    if event_type is not CaseMerged:
        service.on_batch(event_type, again=Again.KNOWN)(tell)
service.on_batch(CaseMerged, again=Again.KNOWN)(tell_merged)


@service.on(NoticeRequested, again=Again.KNOWN)
async def tell_requested(event: NoticeRequested, ctx: Context) -> list[Event]:
    """Make the notice that another service asks for."""
    try:
        draft = requested(event, ctx.app.get(Book))
    except NotTellable as error:
        raise Reject(str(error)) from error
    return list((await _begin([draft], ctx)).values()) if draft else []


@service.on_batch(ReportContact, again=Again.KNOWN)
async def keep_contact(events: Sequence[ReportContact], ctx: Context) -> Sequence[None]:
    """Keep how to reach reporters, sealed as intake sealed it."""
    left = [event for event in events if event.phone or event.openid]
    columns = [[getattr(event, name) for event in left] for name in ("report_id", "case_id", "name", "phone", "openid")]
    if left:
        await sql.run(ctx.tx, "keep_contacts", *columns, [event.occurred_at for event in left])
    return [None] * len(events)


async def _reachable(drafts: list[Draft], ctx: Context) -> list[Draft]:
    """Without the notices to reporters who left no way to be reached: nothing is due to them."""
    cases = {draft.case_id for draft in drafts if draft.kind == "reporter"}
    known = await store.reachable(ctx.tx, cases)
    return [draft for draft in drafts if draft.kind != "reporter" or draft.case_id in known]


async def _begin(drafts: Sequence[Draft], ctx: Context) -> dict[uuid.UUID, Event]:
    """Store and begin *drafts*; gives what is to be said of those that ended at once."""
    once = list({draft.notice_id: draft for draft in drafts}.values())
    now, announce = ctx.now(), ctx.settings.announce_inbox
    fresh, unsent = await steps.begin(ctx.tx, once, now, ctx.app.get(Book).quiet)
    said: dict[uuid.UUID, Event] = {}
    for draft in once:
        if draft.notice_id in unsent:
            said[draft.notice_id] = _unsent(draft)
        elif announce and draft.inbox and draft.notice_id in fresh:
            said[draft.notice_id] = NoticeDelivered(
                business_id=draft.business_id,
                version=draft.version,
                template=draft.template,
                template_version=draft.template_version,
                audience=draft.audience,
                channel="inbox",
                attempt=1,
                delivered_at=now,
            )
    return said


def _unsent(draft: Draft) -> NoticeUnsent:
    return NoticeUnsent(
        business_id=draft.business_id,
        version=draft.version,
        template=draft.template,
        template_version=draft.template_version,
        audience=draft.audience,
        channels=tuple(dict.fromkeys(channel for step in draft.steps for channel in step)),
    )
