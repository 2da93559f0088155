"""Cases filed before their campaign: how far they are looked through, as it is kept and shown.

Opening a campaign, or changing its span or scope, writes one row here; a loop beside the requests looks through the cases
page by page (`taking_in_walk`), so that a city of ten million cases opens a campaign in the time of one row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from yiwang.contracts import CampaignScope
from yiwang.kit import Sql

from .calendar import SHANGHAI
from .campaign import Campaign
from .codes import Codes

sql: Final = Sql("yiwang.dispatch", "taking_in.sql")
LEAVING, JOINING, DONE = "leaving", "joining", "done"
PHASES: Final = {LEAVING: "正在核对已纳入的案件", JOINING: "正在纳入此前立案的案件", DONE: "此前立案的案件已全部核对"}
SKEW: Final = dt.timedelta(days=1)
"""A case may be as much younger than its filing by the clock of whoever reported it"""


class TakingIn(msgspec.Struct, frozen=True, kw_only=True):
    """How far the cases that were filed before are looked through (此前案件的纳入)."""

    phase: str
    """leaving (those that count already), joining (all others, the youngest first) or done"""
    phase_name: str
    looked: int
    """Cases looked at"""
    joined: int
    """Of them, those that count in it now and didn't before"""
    gone: int
    """Those that count no more"""
    back_to: dt.datetime
    """Every case that was reported from this moment on has been looked at"""
    percent: int
    """Of the time from the oldest case to the campaign, so much has been looked through"""
    began_at: dt.datetime
    done_at: dt.datetime | None


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """The row as it is read for `TakingIn`."""

    phase: str
    newest: dt.datetime
    at: dt.datetime
    looked: int
    joined: int
    gone: int
    began_at: dt.datetime
    done_at: dt.datetime | None
    oldest: dt.datetime | None


def differs(old: Campaign, new: Campaign) -> bool:
    """Whether other cases belong to it than before."""
    return (old.begins_on, old.ends_on, old.scope) != (new.begins_on, new.ends_on, new.scope)


async def begin(tx: Any, one: Campaign, now: dt.datetime, *, anew: bool) -> None:
    """Let the cases be looked through; *anew*: some count in it by rule already and may have to leave."""
    if not anew and not one.scope.categories:
        return
    last = dt.datetime.combine(one.ends_on, dt.time.max, SHANGHAI)
    newest = min(last, now) + SKEW
    await sql.run(tx, "begin_walk", one.campaign_id, LEAVING if anew else JOINING, newest, now)


async def end(tx: Any, campaign_id: str, now: dt.datetime) -> None:
    """The campaign ended: what isn't taken in yet stays out."""
    await sql.run(tx, "end_walk", campaign_id, now)


async def shown(db: Any, campaign_id: str) -> TakingIn | None:
    """How far it is; None for a campaign into which no case comes by rule, or that another node counts."""
    walk = await sql.row(db, "walk_shown", Walk, campaign_id)
    if walk is None:
        return None
    return TakingIn(
        phase=walk.phase, phase_name=PHASES[walk.phase], looked=walk.looked, joined=walk.joined, gone=walk.gone,
        back_to=walk.at, percent=percent(walk), began_at=walk.began_at, done_at=walk.done_at,
    )  # fmt: skip


def percent(walk: Walk) -> int:
    """How much of the way from the newest to the oldest case is behind; 100 only when it is through."""
    if walk.phase == DONE:
        return 100
    if walk.phase == LEAVING or walk.oldest is None or walk.oldest >= walk.newest:
        return 0
    return min(99, int(100 * ((walk.newest - walk.at) / (walk.newest - walk.oldest))))


def classes(scope: CampaignScope, every: Iterable[Codes]) -> list[str]:
    """LIKE patterns that hold every class of *scope*, also as other code sets write it; they may hold some more."""
    here = [one.replace("*", "%") for one in scope.categories]
    there = {
        "/".join(key[1:])
        for codes in every
        for (key, to_set), found in codes.crosswalk.items()
        if to_set == scope.code_set and any(_holds(one, "/".join(found[1:])) for one in scope.categories)
    }
    return [*here, *sorted(there)]


def _holds(pattern: str, key: str) -> bool:
    return key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern
