"""After a backup was restored: campaigns, ledgers and stations as the stream tells them since.

Plans and entries are told again by their events; a case's item in a campaign is counted from the recovered case and how
it came to stand there; sums are counted anew from the items. Nothing is said twice. What wasn't taken in yet is
(`taking_in`); campaigns of other nodes come again by this service's own position, as if there had been no restore.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from yiwang.contracts import (
    CampaignAnnounced,
    CampaignCaseJoined,
    CampaignCaseLeft,
    CampaignEnded,
    CampaignEvent,
    CampaignPlan,
    CampaignProgress,
    Event,
    LedgerEvent,
    LedgerLinked,
    StationRecorded,
    filters,
    tag_of,
)
from yiwang.kit import App, Context, Tx

from . import campaign_store, campaigning, ledger_store, stations, store, taking_in
from .campaign import Campaign, Item, case_item, entry_item
from .campaign_replay import plan, standing
from .case import Case
from .ledger import Entry
from .ledger_acts import TIMER
from .ledger_replay import trail
from .rules import Rules

T = TypeVar("T")
Reader = Callable[[App, str, str, dt.datetime | None], AsyncIterator[Event]]
"""Reads the events of a stream by a subject, since a moment"""
Shapes = Sequence[tuple[dt.datetime, T]]
"""What something was from each moment on"""
FAMILIES: Final = ("ledger.>", "campaign.>", "station.>")
"""In this order: where a link and what it means for a campaign have one moment, the link comes first"""


class Said(msgspec.Struct):
    """What the streams hold of this node's campaigns, ledgers and stations since a moment."""

    plans: list[CampaignEvent] = msgspec.field(default_factory=list)
    moves: list[Event] = msgspec.field(default_factory=list)
    """Cases in and out of campaigns"""
    told: dict[str, int] = msgspec.field(default_factory=dict)
    """Campaign → the revision of the last progress that was told upward"""
    entries: dict[str, list[LedgerEvent]] = msgspec.field(default_factory=dict)
    records: list[StationRecorded] = msgspec.field(default_factory=list)

    def hear(self, event: Event) -> None:
        if isinstance(event, CampaignPlan | CampaignEnded):
            self.plans.append(event)
        elif isinstance(event, CampaignCaseJoined | CampaignCaseLeft):
            self.moves.append(event)
        elif isinstance(event, CampaignProgress):
            self.told[event.campaign_id] = max(event.revision, self.told.get(event.campaign_id, 0))
        elif isinstance(event, LedgerEvent):
            self.entries.setdefault(event.entry_id, []).append(event)
            if isinstance(event, LedgerLinked):
                self.moves.append(event)
        elif isinstance(event, StationRecorded):
            self.records.append(event)


async def said(app: App, since: dt.datetime | None, read: Reader) -> Said:
    """Everything that the streams hold."""
    found = Said()
    for family in FAMILIES:
        [subject] = filters("up", [family], jurisdiction=app.node.jurisdiction)
        async for event in read(app, "UP", subject, since):
            found.hear(event)
    if app.mesh is not None and app.mesh.parent is not None:
        async for event in read(app, "DOWN", f"yw.down.*.*.*.{tag_of(CampaignAnnounced)}", None):
            found.hear(event)
    found.moves.sort(key=lambda event: event.occurred_at)
    return found


async def restore(app: App, db: Tx, found: Said, cases: Mapping[str, Shapes[Case]]) -> None:
    """Bring plans, entries, items, sums and records to what had been said; *cases* are those that were recovered."""
    ctx = Context(app, db)
    ended = await _plans(ctx, found)
    counting = {one.campaign_id: one for one in [*await campaign_store.running(db), *(one for one, _ in ended.values())]}
    over = {campaign_id: at for campaign_id, (_, at) in ended.items()}
    entries = await _entries(ctx, found)
    items = await _case_items(ctx, found, cases, counting, over)
    for shapes in entries:
        one = _at(shapes, over.get(shapes[-1][1].campaign_id))
        if one is not None and one.campaign_id in counting:
            items.append(entry_item(one))
    await campaign_store.put(db, items)
    touched = {item.campaign_id for item in items}
    await campaign_store.recount_into(db, touched)
    await campaigning.soon(ctx, sorted(touched))
    for record in found.records:
        await stations.keep(db, stations.record_of(record))


async def _plans(ctx: Context, found: Said) -> dict[str, tuple[Campaign, dt.datetime]]:
    """Keep the plans; those that ended since the backup, with the moment."""
    ended: dict[str, tuple[Campaign, dt.datetime]] = {}
    for campaign_id in sorted({event.campaign_id for event in found.plans}):
        known = one = await campaign_store.find(ctx.tx, campaign_id)
        for event in (event for event in found.plans if event.campaign_id == campaign_id):
            before, one = one, plan(one, event, ctx.node.jurisdiction)
            if one is not None and one.state == "ended" and before is not None and before.state == "open":
                ended[campaign_id] = one, event.occurred_at
        if one is None or one == known:
            continue
        if known is None:
            await campaign_store.add(ctx.tx, one, mine=True)
        await campaign_store.save(ctx.tx, one)
        if one.state == "ended":
            await taking_in.end(ctx.tx, campaign_id, ctx.now())
        elif known is None or taking_in.differs(known, one):
            await taking_in.begin(ctx.tx, one, ctx.now(), anew=True)
    for campaign_id, revision in found.told.items():
        await campaign_store.had_said(ctx.tx, campaign_id, revision)
    return ended


async def _entries(ctx: Context, found: Said) -> list[Shapes[Entry]]:
    """Keep the entries, and when their days pass; the shapes of each since the backup."""
    changed = list[Shapes[Entry]]()
    for entry_id, events in sorted(found.entries.items()):
        known = await ledger_store.lock(ctx.tx, entry_id)
        shapes = trail(known, events)
        if not shapes:
            continue
        now = shapes[-1][1]
        await (ledger_store.save(ctx.tx, [now]) if known is not None else ledger_store.add(ctx.tx, [now]))
        if now.state == "rectifying" and now.due_at is not None and not now.late:
            await ctx.set_timer(TIMER, entry_id, now.due_at + dt.timedelta(seconds=1))
        else:
            await ctx.cancel_timer(TIMER, entry_id)
        changed.append(shapes)
    return changed


async def _case_items(
    ctx: Context, found: Said, cases: Mapping[str, Shapes[Case]], counting: Mapping[str, Campaign],
    over: Mapping[str, dt.datetime],
) -> list[Item]:  # fmt: skip
    """The items of cases that changed, or came in or out, since the backup."""
    rules = ctx.app.get(Rules)
    ids = {*cases, *(str(getattr(event, "case_id", "")) for event in found.moves)}
    now = await store.lock_all(ctx.tx, ids)
    known = {key: item for key, item in (await campaign_store.items_of(ctx.tx, sorted(ids))).items() if item.kind == "case"}
    items = []
    for (campaign_id, case_id), item in standing(known, found.moves).items():
        one, case = counting.get(campaign_id), now.get(case_id)
        if campaign_id in over and case_id in cases:
            case = _at(cases[case_id], over[campaign_id])
        new = case_item(one, case, item, rules.of(case).codes.translate) if one is not None and case is not None else None
        if new is not None and new != known.get((campaign_id, case_id)):
            items.append(new)
    return items


def _at(shapes: Shapes[T], moment: dt.datetime | None) -> T | None:
    """What it was at *moment*, or is; None: it wasn't there yet."""
    return next((shape for at, shape in reversed(shapes) if moment is None or at <= moment), None)
