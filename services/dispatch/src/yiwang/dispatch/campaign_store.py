"""Rows of campaigns (专项): plans, what counts in them, kept sums, and what nodes below told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from yiwang.contracts import CampaignCount
from yiwang.kit import Sql

from .campaign import Campaign, Item
from .store import below

sql: Final = Sql("yiwang.dispatch", "campaigns.sql")
_decode: Final = msgspec.json.Decoder(Campaign).decode
_counts: Final = msgspec.json.Decoder(tuple[CampaignCount, ...]).decode
_encode: Final = msgspec.json.encode


class Below(msgspec.Struct, frozen=True, kw_only=True):
    """What one node below told last."""

    jurisdiction: str
    as_of: dt.datetime
    counts: tuple[CampaignCount, ...]


class CaseInCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A case that counts in a campaign. `how`: rule, hand, report, or ledger (counted by its entry)."""

    case_id: str
    case_no: str
    how: str
    area: str
    unit_id: str
    state: str
    found: int
    rectified: int
    overdue: int


@lru_cache(maxsize=512)
def _campaign(doc: str) -> Campaign:
    """Open campaigns are read with each batch of cases; their documents seldom change."""
    return _decode(doc)


async def add(tx: Any, one: Campaign, *, mine: bool) -> None:
    await sql.run(tx, "add_campaign", one.campaign_id, one.state, mine, one.begins_on, _encode(one).decode())


async def save(tx: Any, one: Campaign) -> None:
    await sql.run(tx, "save_campaign", one.campaign_id, one.state, one.begins_on, _encode(one).decode())


async def lock(tx: Any, campaign_id: str) -> Campaign | None:
    doc = await sql.value(tx, "lock_campaign", campaign_id)
    return None if doc is None else _campaign(doc)


async def find(db: Any, campaign_id: str) -> Campaign | None:
    doc = await sql.value(db, "campaign_doc", campaign_id)
    return None if doc is None else _campaign(doc)


async def is_mine(db: Any, campaign_id: str) -> bool:
    return bool(await sql.value(db, "campaign_mine", campaign_id))


async def running(db: Any) -> list[Campaign]:
    """Those in which this node counts now."""
    return [_campaign(row["doc"]) for row in await db.fetch(sql["open_campaigns"])]


async def listed(db: Any, state: str) -> list[Campaign]:
    return [_campaign(row["doc"]) for row in await db.fetch(sql["list_campaigns"], state)]


async def items_of(tx: Any, ids: Sequence[str]) -> dict[tuple[str, str], Item]:
    """(campaign, item) → how it stands there."""
    return {(one.campaign_id, one.item_id): one for one in await sql.rows(tx, "items_of", Item, list(ids))}


async def weigh(tx: Any, items: Sequence[Item]) -> None:
    """Keep what *items* are now, and move the sums by the differences; each item's owner is locked by the caller."""
    if items:
        await sql.run(tx, "weigh", _encode(items).decode())


async def sums(db: Any, campaign_id: str) -> list[CampaignCount]:
    return await sql.rows(db, "sums", CampaignCount, campaign_id)


async def recount(db: Any, campaign_id: str) -> list[CampaignCount]:
    """The sums from the items themselves."""
    return await sql.rows(db, "recount", CampaignCount, campaign_id)


async def put(tx: Any, items: Sequence[Item]) -> None:
    """Keep what *items* are without moving the sums: `recount_into` follows."""
    if items:
        await sql.run(tx, "put_items", _encode(items).decode())


async def recount_into(tx: Any, campaigns: Collection[str]) -> None:
    """Let the sums of some campaigns be what their items say, also of those that ended."""
    if campaigns:
        await sql.run(tx, "forget_sums", sorted(campaigns))
        await sql.run(tx, "recount_into", sorted(campaigns))


async def had_said(tx: Any, campaign_id: str, revision: int) -> None:
    """Let the next progress be newer than *revision*."""
    await sql.run(tx, "had_said", campaign_id, revision)


async def cases_of(
    db: Any, campaign_id: str, after: str, areas: Sequence[str], units: Sequence[str], limit: int
) -> list[CaseInCampaign]:
    seen = [below(area) for area in areas]
    return await sql.rows(db, "cases_of", CaseInCampaign, campaign_id, after, seen, list(units), limit)


async def next_said(tx: Any, campaign_id: str) -> int | None:
    """The number of the next progress; None where this node doesn't count in it."""
    found: int | None = await sql.value(tx, "next_said", campaign_id)
    return found


async def tell(
    tx: Any, campaign_id: str, jurisdiction: str, revision: int, as_of: dt.datetime, counts: Sequence[CampaignCount]
) -> None:
    await sql.run(tx, "tell_below", campaign_id, jurisdiction, revision, as_of, _encode(counts).decode())


async def told_below(db: Any, campaign_id: str) -> list[Below]:
    rows = await db.fetch(sql["below"], campaign_id)
    return [Below(jurisdiction=r["jurisdiction"], as_of=r["as_of"], counts=_counts(r["counts"])) for r in rows]
