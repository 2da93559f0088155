"""Rows ↔ Structs: one function for each thing that several places do."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
from yiwang.kit import Sql

from .audience import Audience
from .book import Steps, steps_of
from .domain import Draft
from .retry import Quiet

sql: Final = Sql("yiwang.notification")


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that looks for somebody to reach."""

    notice_id: uuid.UUID
    audience: str
    kind: str
    role: str
    area: str
    plan: str
    step: int
    urgency: str
    hopeful: int = 0

    @property
    def steps(self) -> Steps:
        return steps_of(self.plan)

    def heard_by(self) -> list[str]:
        """What endpoints may listen to in order to hear it."""
        return Audience.parse(self.audience).heard_by()


async def add_notices(tx: Any, drafts: Sequence[Draft], now: dt.datetime) -> set[uuid.UUID]:
    """Store *drafts* in one statement; gives the ids that are new."""
    text = msgspec.json.encode(drafts).decode()  # one document is cheaper to send than an array for each column
    rows = await tx.fetch(sql["add_notices"], text, now)
    return {row[0] for row in rows}


async def push(
    tx: Any, step: int, notices: Sequence[Draft | Waiting], now: dt.datetime, quiet: Quiet
) -> set[uuid.UUID]:
    """Make a push of each notice to every endpoint that listens, by the channels of *step*; gives those with one."""
    pushed = [(n, [c for c in n.steps[step] if c != "inbox"]) for n in notices]
    pushed = [(n, channels) for n, channels in pushed if channels]
    if not pushed:
        return set()
    heard = {row[0] for row in await tx.fetch(sql["heard_keys"])}
    listened = [(n, channels, keys) for n, channels in pushed if (keys := [k for k in n.heard_by() if k in heard])]
    if not listened:
        return set()
    rows = await tx.fetch(
        sql["add_deliveries"],
        [n.notice_id for n, _, _ in listened],
        [" ".join(channels) for _, channels, _ in listened],
        [" ".join(keys) for _, _, keys in listened],
        [step] * len(listened),
        [quiet.earliest(now, urgent=n.urgency == "urgent") for n, _, _ in listened],
    )
    return {row[0] for row in rows}


async def reachable(tx: Any, case_ids: Collection[str]) -> set[str]:
    """Those of the cases whose reporter left a way to be reached."""
    return {row[0] for row in await tx.fetch(sql["reachable_cases"], list(case_ids))} if case_ids else set()
