"""Campaigns told again by their events, after a backup was restored: plans, and how cases came to stand in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace
from yiwang.contracts import (
    CampaignAmended,
    CampaignAnnounced,
    CampaignCaseJoined,
    CampaignCaseLeft,
    CampaignEnded,
    CampaignEvent,
    CampaignOpened,
    CampaignPlan,
    Event,
    LedgerLinked,
)

from .campaign import HAND, LEDGER, REMOVED, RULE, Campaign, Item

PLAN: Final = ("campaign_id", "issuer", "title", "kind", "basis", "begins_on", "ends_on", "scope", "targets", "revision")
Key = tuple[str, str]
"""Campaign and case"""


def plan(old: Campaign | None, event: CampaignEvent, here: str) -> Campaign | None:
    """The campaign after *event*; *old* where it says nothing new. An announcement of our own tells that it was spread."""
    if isinstance(event, CampaignEnded):
        return replace(old, state="ended", revision=old.revision + 1) if old and old.state == "open" else old
    if not isinstance(event, CampaignPlan):
        return old
    ours = isinstance(event, CampaignAnnounced) and event.issuer == here
    spread = bool(old and old.spread) or ours or (isinstance(event, CampaignOpened) and event.spread)
    if old is not None and (event.revision <= old.revision or ours):
        return replace(old, spread=spread) if spread != old.spread else old
    if old is None and (ours or isinstance(event, CampaignAmended)):
        return None
    fields: dict[str, Any] = {name: getattr(event, name) for name in PLAN}
    return Campaign(
        **fields, state=event.state if isinstance(event, CampaignAnnounced) else "open",
        opened_at=old.opened_at if old else event.occurred_at, purpose=event.purpose, spread=spread,
    )  # fmt: skip


def standing(known: Mapping[Key, Item], events: Iterable[Event]) -> dict[Key, Item]:
    """How cases stand in campaigns after *events*, in their order; the numbers are counted by whoever knows the cases."""
    found = dict(known)
    for event in events:
        if isinstance(event, CampaignCaseJoined):
            key, how = (event.campaign_id, event.case_id), event.how
        elif isinstance(event, CampaignCaseLeft):
            key = event.campaign_id, event.case_id
            how = {"hand": REMOVED, "ledger": LEDGER}.get(event.why) or (found[key].how if key in found else RULE)
        elif isinstance(event, LedgerLinked) and event.campaign_id:
            key, how = (event.campaign_id, event.case_id), LEDGER
        else:
            continue
        found[key] = replace(found[key], how=how) if key in found else nothing(*key, how=how)
    return found


def nothing(campaign_id: str, case_id: str, *, how: str = HAND) -> Item:
    """A case that adds nothing yet."""
    return Item(campaign_id=campaign_id, item_id=case_id, kind="case", how=how, area="", unit_id="", year=0)
