"""Data return (数据返还): what an upper tier knows about a node's own cases, and its figures, go back to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from yiwang.contracts import CaseFate, DataReturned, Ranking, RefusedRecord, SyncDelivered, SyncRefused
from yiwang.kit import App, Context, Sql, derived_id

from . import errors
from .service import service

sql: Final = Sql("yiwang.national_sync", "returns.sql")
FATES: Final = {"case_base": "case_delivered", "case_result": "result_delivered"}
"""Kind of record → what it means for a case that an upper platform took it"""


class ReturnRow(msgspec.Struct, frozen=True, kw_only=True):
    return_id: str
    side: str
    peer: str
    title: str
    at: dt.datetime
    body: str


class FateRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a case above."""

    platform: str
    fate: str
    at: dt.datetime
    reason: str
    record_id: str


class ToldRow(msgspec.Struct, frozen=True, kw_only=True):
    case_id: str
    kind: str
    at: dt.datetime


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one batch gives back."""

    cases: tuple[CaseFate, ...] = ()
    figures: tuple[Any, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    refusals: tuple[RefusedRecord, ...] = ()


def body_of(event: DataReturned) -> str:
    body = Body(cases=event.cases, figures=event.figures, rankings=event.rankings, refusals=event.refusals)
    return msgspec.json.encode(body).decode()


def owner_of(app: App, district: str) -> str:
    """The node below that *district* belongs to; empty when it is ours, outside, or another maker's."""
    mesh = app.mesh
    if mesh is None:
        return ""
    code = mesh.node_for(district)
    return code if mesh.below(code) and not mesh.page.by_code[code].docked else ""


def require_node_below(app: App, code: str) -> None:
    """Raises the Problem national_sync.not_below for a place that has no node of this deployment below us."""
    mesh = app.mesh
    if mesh is None:
        raise errors.NOT_BELOW(area=code[:20], why="本平台没有接入上下级网络")
    if code not in mesh.page.by_code or not mesh.below(code):
        raise errors.NOT_BELOW(area=code[:20], why="不是本级以下的平台")
    if mesh.page.by_code[code].docked:
        raise errors.NOT_BELOW(area=code[:20], why="该地使用其他厂商的平台，请由数据交换取回")


async def give_back(ctx: Context, event: DataReturned) -> None:
    """Give a batch back to its addressee and keep what was given."""
    await sql.run(
        ctx.tx, "add_return", event.return_id, "given", event.addressee, event.title, ctx.now(), body_of(event)
    )
    ctx.emit(event)


@service.on(SyncDelivered)
async def delivered(event: SyncDelivered, ctx: Context) -> None:
    """An upper platform took records about a node below: tell it so."""
    to = owner_of(ctx.app, event.district)
    if not to:
        return
    rows = await sql.rows(
        ctx.tx, "told", ToldRow, event.upper_platform, event.district, event.seq_from, event.seq_to
    )  # fmt: skip
    cases = [CaseFate(case_id=r.case_id, platform=event.upper_platform, fate=FATES[r.kind], at=r.at) for r in rows]
    if cases:
        title = f"{event.upper_platform} 已接收"
        await give_back(ctx, DataReturned(addressee=to, return_id=event.id, title=title, cases=tuple(cases)))


@service.on(SyncRefused)
async def refused(event: SyncRefused, ctx: Context) -> None:
    """An upper platform refused records about a node below: only it can mend the case."""
    to = owner_of(ctx.app, event.district)
    if to:
        found = [
            RefusedRecord(record_id=r, platform=event.upper_platform, reason=event.reason, at=event.occurred_at)
            for r in event.record_ids
        ]
        title = f"{event.upper_platform} 退回"
        await give_back(ctx, DataReturned(addressee=to, return_id=event.id, title=title, refusals=tuple(found)))


@service.on(DataReturned)
async def returned(event: DataReturned, ctx: Context) -> None:
    """Our own data comes back from above: keep it where people and the cases find it."""
    if event.addressee != ctx.node.jurisdiction:
        return
    await sql.run(
        ctx.tx, "add_return", event.return_id, "received", event.jurisdiction, event.title, event.occurred_at,
        body_of(event),
    )  # fmt: skip
    fates = [(c.case_id, c.platform, c.fate, c.at, c.reason, "") for c in event.cases]
    fates += [
        (r.record_id.partition("/")[0], r.platform, "refused", r.at, r.reason, r.record_id) for r in event.refusals
    ]
    if fates:
        await sql.run(ctx.tx, "add_fates", *map(list, zip(*fates, strict=True)), [event.return_id] * len(fates))


def ranked(
    indicator: str, period: str, values: Mapping[str, float], best: Literal["high", "low"]
) -> dict[str, Ranking]:
    """Each node's own place; equal values share a place. It doesn't tell whose the other values are.

    >>> ranked("r", "2026-11", {"a": 90.0, "b": 95.0, "c": 90.0}, "high")["c"].rank
    2
    """
    order = sorted(values.values(), reverse=best == "high")
    mean = round(sum(order) / len(order), 4)
    return {
        code: Ranking(
            indicator=indicator, period=period, rank=order.index(value) + 1, of=len(order), value=value, best=order[0],
            average=mean,
        )
        for code, value in values.items()
    }  # fmt: skip


def batch_id(ctx: Context, to: str) -> str:
    return derived_id(ctx.parent, f"return/{to}")
